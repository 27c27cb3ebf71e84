/**
 * kube-scheduler as a process: informers feed the cache and the queue, one pod at a time gets a node, bindings go out beside
 * the next cycle. Models kubernetes pkg/scheduler (scheduler.go, schedule_one.go, eventhandlers.go) and cmd/kube-scheduler,
 * v1.33. A replica that loses its lease starts over, as the real one exits. Not modelled: preemption, profiles, extenders,
 * permit and reserve plugins, topology spread, volumes.
 */
import { ApiClient, EventRecorder, type Informer, InformerFactory, LeaderElector } from '../client/index.ts'
import type { Machine, Message, Out, ProcessId } from '../kernel/machine.ts'
import { addressOf, type Rand } from '../kernel/random.ts'
import { type ApiRequest, type Node, type Pod, timestamp, withCondition } from '../objects/index.ts'
import { Algorithm, type Choice } from './algorithm.ts'
import { Binder, type BinderListener } from './binder.ts'
import { SchedulerCache } from './cache.ts'
import type {
  BindFailedFact,
  CycleStartedFact,
  PodAssumedFact,
  PodScheduledFact,
  PodUnschedulableFact,
} from './facts.ts'
import { ClusterHandlers } from './handlers.ts'
import { type CompleteSchedulerOptions, completeSchedulerOptions, type SchedulerOptions } from './options.ts'
import { podInfoOf } from './podinfo.ts'
import { type QueuedPod, type QueueListener, SchedulingQueue } from './queue.ts'
import { Snapshot } from './snapshot.ts'

interface Cycle {
  readonly number: number
  readonly pod: QueuedPod
  readonly choice: Choice
}

const CYCLE = 1
const EXPIRE = 2
const IGNORED = { onReply: () => {} }

export class Scheduler implements Machine, QueueListener, BinderListener {
  readonly client: ApiClient
  readonly elector: LeaderElector | undefined
  readonly #options: CompleteSchedulerOptions
  readonly #factory: InformerFactory
  readonly #pods: Informer<Pod>
  readonly #nodes: Informer<Node>
  readonly #queue: SchedulingQueue
  readonly #binder: Binder
  readonly #handlers: ClusterHandlers
  /** Only where events are on. */
  readonly #recorder: EventRecorder | undefined
  readonly #costRand: Rand
  readonly #address: number
  #cache: SchedulerCache
  #snapshot = new Snapshot()
  #algorithm: Algorithm
  #running = false
  #cycle: Cycle | undefined
  #cycles = 0
  /** Assumed pods that will expire, by the number of their timer. Empty unless a decision lets them. */
  readonly #expiring = new Map<number, string>()
  #expiries = 0

  constructor(options: SchedulerOptions) {
    const complete = completeSchedulerOptions(options)
    const { servers, streams, name, qps, burst, observe, clientDecisions, decisions } = complete
    this.#options = complete
    this.client = new ApiClient({ servers, user: 'system:kube-scheduler', name, streams, qps, burst })
    const source = { component: complete.schedulerName, qps, burst }
    this.#recorder = complete.events ? new EventRecorder(this.client, source) : undefined
    this.#factory = new InformerFactory(this.client, { name, observe, decisions: clientDecisions })
    this.#cache = new SchedulerCache(decisions)
    this.#queue = new SchedulingQueue(complete, this)
    this.#binder = new Binder(this.client, decisions, this)
    this.#costRand = streams.get('scheduler/cycle')
    this.#address = addressOf(name)
    this.#algorithm = this.#newAlgorithm()
    this.#handlers = new ClusterHandlers(complete, this.#cache, this.#queue, this.#binder)
    this.#nodes = this.#factory.informer('nodes')
    this.#nodes.addHandler(this.#handlers.nodes)
    this.#pods = this.#factory.informer('pods')
    this.#pods.addHandler(this.#handlers.pods)
    if (!complete.leaderElect) return
    const election = { lease: 'kube-scheduler', identity: name, streams, decisions: clientDecisions }
    this.elector = new LeaderElector(this.client, election, {
      onStartedLeading: (out) => this.#start(out),
      onStoppedLeading: (out) => this.#startOver(out),
    })
  }

  /** What this replica believes of the cluster: for oracles. */
  get cache(): SchedulerCache {
    return this.#cache
  }

  /** The nodes as the cycle that was begun last sees them. */
  get snapshot(): Snapshot {
    return this.#snapshot
  }

  get queue(): SchedulingQueue {
    return this.#queue
  }

  /** The informers: for oracles and the slow-consumer fault. */
  get factory(): InformerFactory {
    return this.#factory
  }

  /** Bindings on their way. */
  get bindingCount(): number {
    return this.#binder.count
  }

  onStart(out: Out): void {
    this.client.start(out)
    this.#factory.whenSynced((later) => {
      if (this.elector === undefined) this.#start(later)
      else this.elector.start(later)
    })
    this.#factory.start(out)
  }

  onMessage(from: ProcessId, message: Message, out: Out): void {
    this.client.onMessage(from, message, out)
  }

  onDisconnect(peer: ProcessId, out: Out): void {
    this.client.onDisconnect(peer, out)
  }

  onTimer(kind: number, a: number, out: Out): void {
    if (kind === EXPIRE) this.#expire(a, out)
    else if (this.#cycle?.number === a) this.#endCycle(this.#cycle, out)
  }

  onPodReady(out: Out): void {
    this.#beginCycle(out)
  }

  onBound(pod: QueuedPod, nodeName: string, out: Out): void {
    const { key, id } = pod.info
    const fact: PodScheduledFact = {
      type: 'pod-scheduled',
      pod: key,
      uid: id,
      node: nodeName,
      scheduler: this.#options.name,
    }
    out.note(fact)
    this.#recorder?.record(pod.info.pod, 'Normal', 'Scheduled', `Successfully assigned ${key} to ${nodeName}`, out)
    this.#mayExpire(id, true, out)
  }

  onBindFailed(pod: QueuedPod, nodeName: string, code: number, out: Out): void {
    const { key, id } = pod.info
    const fact: BindFailedFact = {
      type: 'bind-failed',
      pod: key,
      uid: id,
      node: nodeName,
      code,
      scheduler: this.#options.name,
    }
    out.note(fact)
    this.#cache.forget(id)
    this.#queue.onEvent({ kind: 'pod-gone', pod: pod.info }, out)
    this.#giveBack(pod, new Set(), out)
  }

  #start(out: Out): void {
    this.#running = true
    this.#beginCycle(out)
  }

  /** As a new process would be: only what the informers know is left. */
  #startOver(out: Out): void {
    this.#running = false
    this.#cycle = undefined
    this.#queue.clear(out)
    this.#binder.clear()
    this.#expiring.clear()
    this.#cache = new SchedulerCache(this.#options.decisions)
    this.#snapshot = new Snapshot()
    this.#algorithm = this.#newAlgorithm()
    this.#handlers.refill(this.#cache, this.#nodes.list(), this.#pods.list(), out)
  }

  #newAlgorithm(): Algorithm {
    const { streams, percentageOfNodesToScore } = this.#options
    return new Algorithm(streams.get('scheduler/tie'), percentageOfNodesToScore)
  }

  #beginCycle(out: Out): void {
    if (!this.#running || this.#cycle !== undefined) return
    for (let pod = this.#queue.pop(); pod !== undefined; pod = this.#queue.pop()) {
      const { id } = pod.info
      if (pod.info.pod.metadata.deletionTimestamp !== undefined || this.#cache.hasPod(id)) {
        this.#queue.done(id)
        continue
      }
      this.#snapshot.update(this.#cache)
      const { name } = this.#options
      const fact: CycleStartedFact = { type: 'scheduling-cycle-started', pod: pod.info.key, scheduler: name }
      out.note(fact)
      const choice = this.#algorithm.choose(pod.info, pod.attempts, this.#snapshot)
      const number = ++this.#cycles
      this.#cycle = { number, pod, choice }
      const { cycleMicrosMin, cycleMicrosMax } = this.#options
      const cost = this.#costRand.intAt(cycleMicrosMin, cycleMicrosMax, out.now, this.#address)
      out.after(cost, this, CYCLE, number)
      return
    }
  }

  #endCycle({ pod, choice }: Cycle, out: Out): void {
    this.#cycle = undefined
    const { id, key } = pod.info
    if (choice.node === undefined) {
      this.#refuse(pod, choice.message, out)
      this.#giveBack(pod, choice.rejectedBy, out)
    } else {
      this.#queue.done(id)
      if (!this.#cache.hasPod(id)) {
        this.#cache.assume(pod.info, choice.node)
        const { name } = this.#options
        const fact: PodAssumedFact = { type: 'pod-assumed', pod: key, uid: id, node: choice.node, scheduler: name }
        out.note(fact)
        this.#mayExpire(id, false, out)
        this.#binder.bind(pod, choice.node, out)
      }
    }
    this.#beginCycle(out)
  }

  /** Back to the queue, with what is known of the pod by now; unless it is gone or has a node. */
  #giveBack(pod: QueuedPod, rejectedBy: Parameters<SchedulingQueue['giveBack']>[1], out: Out): void {
    const { id, key } = pod.info
    const current = this.#pods.get(key)
    if (current === undefined || this.#cache.hasPod(id)) {
      this.#queue.done(id)
      return
    }
    const info = current === pod.info.pod ? pod.info : podInfoOf(current)
    if (info.id !== id || (current.spec.nodeName ?? '') !== '') this.#queue.done(id)
    else this.#queue.giveBack({ ...pod, info }, rejectedBy, out)
  }

  /** Writes the condition PodScheduled=False where it says something new. A failed write is not repeated. */
  #refuse(pod: QueuedPod, message: string, out: Out): void {
    const { key, id } = pod.info
    const fact: PodUnschedulableFact = {
      type: 'pod-unschedulable',
      pod: key,
      uid: id,
      message,
      scheduler: this.#options.name,
    }
    out.note(fact)
    const current = this.#pods.get(key)
    if (current === undefined || current.metadata.uid !== pod.info.pod.metadata.uid) return
    this.#recorder?.record(current, 'Warning', 'FailedScheduling', message, out)
    const before = current.status?.conditions
    const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message } as const
    const conditions = withCondition(before, condition, timestamp(out.wall))
    if (conditions === before) return
    const { namespace, name } = current.metadata
    const patch = { status: { conditions } }
    const request: ApiRequest = { verb: 'patch', resource: 'pods', namespace, name, subresource: 'status', patch }
    this.client.call(request, IGNORED, 0, out)
  }

  #mayExpire(id: string, bindingFinished: boolean, out: Out): void {
    const timeToLive = this.#options.decisions.assumedPodTtlMicros(bindingFinished)
    if (timeToLive === 'never' || !this.#cache.isAssumed(id)) return
    this.#expiring.set(++this.#expiries, id)
    out.after(timeToLive, this, EXPIRE, this.#expiries)
  }

  #expire(number: number, out: Out): void {
    const id = this.#expiring.get(number)
    this.#expiring.delete(number)
    if (id === undefined || !this.#cache.isAssumed(id)) return
    this.#cache.forget(id)
    this.#queue.onEvent({ kind: 'pod-gone', pod: undefined }, out)
  }
}
