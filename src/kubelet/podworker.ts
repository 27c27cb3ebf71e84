/**
 * One pod on one node, from admission to the end: syncing (keep it running), terminating (stop everything within the grace), terminated.
 * Never backwards. Models kubernetes pkg/kubelet/pod_workers.go with SyncPod, SyncTerminatingPod and SyncTerminatedPod of kubelet.go, v1.33.
 * One sync at a time; what happens meanwhile asks for another. Simplified: no resync without a reason, volumes and cgroups left out.
 */
import { invariant, MILLISECOND, type Micros, type Out, SECOND, type Timer, type TimerTarget } from '../kernel/index.ts'
import { keyOf, type Pod, type PodPhase, parseTime, sameValue } from '../objects/index.ts'
import type { ContainerRecord, CriReply } from './cri.ts'
import { isTerminal } from './decisions.ts'
import type { KubeletFact, StopReason } from './facts.ts'
import { containerGraceSeconds, effectiveGraceSeconds } from './grace.ts'
import type { CompleteKubeletOptions } from './options.ts'
import { computePodActions } from './podactions.ts'
import { PodProbes } from './podprobes.ts'
import { PodRecords } from './podrecords.ts'
import { podStatusOf } from './podstatus.ts'
import { PodStops, type StopsOwner } from './podstops.ts'
import { type SyncEnd, type SyncOp, type SyncScript, syncPod } from './podsync.ts'
import type { ProbedPod, ProbeWorker } from './probes.ts'
import type { CriReceiver } from './runtimeclient.ts'
import { WorkerSyncContext } from './synccontext.ts'
import type { WorkerWorld } from './world.ts'

export type WorkerPhase = 'syncing' | 'terminating' | 'terminated'
export type TerminationCause = Extract<KubeletFact, { readonly type: 'termination-started' }>['cause']

const RETRY = 1
const DEADLINE = 2

export class PodWorker implements TimerTarget, CriReceiver, StopsOwner, ProbedPod {
  readonly uid: string
  readonly key: string
  readonly node: string
  readonly records: PodRecords
  phase: WorkerPhase = 'syncing'
  /** The API no longer has the pod. */
  isGone = false
  readonly #world: WorkerWorld<PodWorker>
  readonly #options: CompleteKubeletOptions
  readonly #stops: PodStops
  readonly #context: WorkerSyncContext
  readonly #probes = new PodProbes()
  #script: SyncScript<SyncEnd> | undefined
  #call = 0
  #callIsLasting = false
  /** What the script waits for when it is not a call: one container's stop, or all. */
  #waitsForStop: string | undefined
  #again = false
  /** When the last sync ended: the next one waits for a relist after it. */
  #syncedAt: Micros = Number.NEGATIVE_INFINITY
  #graceSeconds = 0
  #forced: { readonly phase: PodPhase; readonly reason: string; readonly message: string } | undefined
  #retryTimer: Timer = 0
  #deadlineTimer: Timer = 0

  constructor(pod: Pod, world: WorkerWorld<PodWorker>, records?: PodRecords) {
    this.uid = pod.metadata.uid ?? ''
    this.key = keyOf(pod)
    this.#world = world
    this.#options = world.options
    this.node = world.options.node
    this.#stops = new PodStops(this, world.runtime, world.options.decisions, world.statuses.events)
    this.records = records ?? new PodRecords(this.uid, this.key)
    this.#context = new WorkerSyncContext(pod, this.records, world)
  }

  /** The newest version of the object. */
  get pod(): Pod {
    return this.#context.pod
  }

  // --- What the kubelet tells

  /** The pod is not to run here: it fails without a container. */
  reject(reason: string, message: string, out: Out): void {
    invariant(this.phase === 'syncing' && this.records.isEmpty, 'kubelet: only a pod that never started is rejected', {
      pod: this.key,
    })
    this.#forced = { phase: 'Failed', reason, message }
    this.phase = 'terminated'
    this.#publish(out)
  }

  /** The pod had ended before this kubelet saw it. */
  finished(out: Out): void {
    if (this.records.isRunning) {
      this.terminate('finished', out)
      return
    }
    this.phase = 'terminated'
    this.#publish(out)
  }

  /** A newer version of the object. */
  update(pod: Pod, out: Out): void {
    const before = this.pod
    this.#context.pod = pod
    if (pod.metadata.deletionTimestamp !== undefined) {
      if (this.phase === 'syncing') this.terminate('deleted', out)
      else if (this.phase === 'terminating') this.#shorten(out)
      return
    }
    if (this.phase !== 'syncing') return
    const gates = pod.spec.readinessGates !== undefined && !sameValue(before.status?.conditions, pod.status?.conditions)
    if (gates || !sameValue(before.spec, pod.spec)) this.wake(out)
  }

  /** Sync, now or as soon as the one under way has ended. */
  wake(out: Out): void {
    if (!this.#world.runtime.isConnected) return
    if (this.phase === 'terminated') return
    if (this.phase === 'terminating') {
      this.#publish(out)
      return
    }
    if (this.#script !== undefined) this.#again = true
    else if (this.#world.lastRelist(out) < this.#syncedAt) this.#world.wakeAtRelist(this, out)
    else this.#beginSync(out)
  }

  /** The runtime has been relisted, and there was news of this pod. */
  relisted(out: Out): void {
    if (this.phase === 'syncing' && this.#script === undefined && this.#world.runtime.isConnected) this.#beginSync(out)
    else this.wake(out)
  }

  /** The runtime has told of a container's end: whoever waits for it need not wait for the relist. */
  containerExited(record: ContainerRecord, out: Out): void {
    this.#stops.exited(record.id, out)
  }

  /** Stops everything for good. */
  terminate(cause: TerminationCause, out: Out): void {
    invariant(this.phase === 'syncing', 'kubelet: a pod terminates once', { pod: this.key, phase: this.phase })
    this.phase = 'terminating'
    this.#graceSeconds = effectiveGraceSeconds(this.pod, 0)
    const names = this.#names()
    this.#note({ type: 'termination-started', ...names, graceSeconds: this.#graceSeconds, cause }, out)
    out.cancel(this.#retryTimer)
    out.cancel(this.#deadlineTimer)
    this.#retryTimer = this.#deadlineTimer = 0
    if (this.#script !== undefined && !(this.#call !== 0 && this.#callIsLasting)) this.#dropScript()
    this.#publish(out)
    this.#stopEverything(out)
  }

  /** The runtime is gone, and with it whatever was asked of it. */
  runtimeLost(out: Out): void {
    this.#stops.abandon(out)
    this.#dropScript()
  }

  /** The connection to the runtime is back and `records` have been refreshed. */
  resume(out: Out): void {
    if (this.phase === 'terminating') this.#stopEverything(out)
    else this.wake(out)
  }

  /** No timers, no calls: the worker is about to be dropped. */
  close(out: Out): void {
    out.cancel(this.#retryTimer)
    out.cancel(this.#deadlineTimer)
    this.#probes.stop(out)
  }

  // --- Entrances

  onTimer(kind: number, _a: number, out: Out): void {
    if (kind === DEADLINE) {
      this.#deadlineTimer = 0
      if (this.phase !== 'syncing') return
      const message = 'Pod was active on the node longer than the specified deadline'
      this.#forced = { phase: 'Failed', reason: 'DeadlineExceeded', message }
      this.terminate('deadline', out)
      return
    }
    this.#retryTimer = 0
    this.wake(out)
  }

  onCriReply(reply: CriReply, out: Out): void {
    if (reply.id === this.#call) {
      this.#call = 0
      if (this.phase === 'syncing') {
        this.#resume(reply, out)
        return
      }
      // The sync was dropped; only the effect of its last call mattered.
      if (reply.container !== undefined) this.records.putContainer(reply.container)
      if (reply.sandbox !== undefined) this.records.putSandbox(reply.sandbox)
      this.#dropScript()
      this.#stopEverything(out)
    }
  }

  onProbeResult(worker: ProbeWorker, out: Out): void {
    if (this.phase === 'syncing') {
      // Readiness and startup go to the API at once; what follows from them waits for the sync.
      if (worker.kind !== 'liveness') this.#publish(out)
      if (worker.kind !== 'readiness') this.wake(out)
      return
    }
    if (worker.kind !== 'readiness' && worker.result === 'failure' && worker.record !== undefined) {
      // Reached only where liveness outlives the start of termination, which upstream's decision rules out.
      this.#stops.killSooner(worker.record.id, worker.probe.terminationGracePeriodSeconds ?? 0, out)
    }
    this.#publish(out)
  }

  // --- Syncing

  #beginSync(out: Out): void {
    this.#again = false
    out.cancel(this.#retryTimer)
    this.#retryTimer = 0
    const computed = this.#publish(out)
    if (isTerminal(computed)) {
      this.terminate('finished', out)
      return
    }
    const actions = computePodActions(this.pod, this.records, this.#probes, this.#options.decisions)
    this.#script = syncPod(this.#context, actions)
    this.#resume(undefined, out)
  }

  #resume(reply: CriReply | undefined, out: Out): void {
    this.#context.out = out
    const script = this.#script
    invariant(script !== undefined, 'kubelet: an answer comes to a sync that waits', { pod: this.key })
    const step = script.next(reply as CriReply)
    if (step.done === true) {
      this.#endSync(step.value, out)
      return
    }
    this.#perform(step.value, out)
  }

  #perform(op: SyncOp, out: Out): void {
    switch (op.op) {
      case 'call':
        if (!this.#world.runtime.isConnected) {
          this.#dropScript()
          return
        }
        this.#callIsLasting = op.lasting
        this.#call = this.#world.runtime.call(op.request, this, out)
        return
      case 'stop': {
        this.#waitsForStop = op.container.id
        const grace = containerGraceSeconds(this.pod, op.container.spec, op.reason)
        this.#stopContainer(op.container, op.reason, grace, out)
        return
      }
      case 'stop-all':
        this.#waitsForStop = '*'
        this.#stops.all('sandbox', this.pod.spec.terminationGracePeriodSeconds ?? 30, out)
        this.#afterStop(out)
        return
    }
  }

  #endSync(end: SyncEnd, out: Out): void {
    this.#script = undefined
    this.#syncedAt = out.now
    if (end.failed) {
      this.#publish(out)
      const { syncRetryMicros } = this.#options
      const latest = out.now + syncRetryMicros + this.#world.jitter(this.key, Math.floor(syncRetryMicros / 2), out)
      const at = end.retryAt ?? latest
      this.#retryTimer = out.after(Math.max(MILLISECOND, at - out.now), this, RETRY)
    }
    if (this.#again) this.#world.wakeAtRelist(this, out)
  }

  #dropScript(): void {
    if (this.#call !== 0) this.#world.runtime.forget(this.#call)
    this.#call = 0
    this.#waitsForStop = undefined
    this.#script?.return({ failed: true, retryAt: undefined })
    this.#script = undefined
  }

  // --- Stopping

  #stopEverything(out: Out): void {
    if (!this.#world.runtime.isConnected) return
    // A container may still come out of a call under way: its answer brings us back here.
    if (this.#call !== 0) return
    this.#stops.all('termination', this.#graceSeconds, out)
    this.#afterStop(out)
  }

  #stopContainer(record: ContainerRecord, reason: StopReason, graceSeconds: number, out: Out): void {
    const current = this.records.byId(record.id)
    if (current === undefined || current.state === 'exited') this.#afterStop(out)
    else this.#stops.one(record, reason, graceSeconds, out)
  }

  onContainerStopped(_containerId: string, out: Out): void {
    this.#afterStop(out)
  }

  onSandboxStopped(out: Out): void {
    this.#stopSandboxes(out)
  }

  /** Goes on with whatever waited for a stop. */
  #afterStop(out: Out): void {
    if (this.#waitsForStop !== undefined && this.#waitsForStop !== '*') {
      if (this.#stops.isStopping(this.#waitsForStop)) return
      this.#waitsForStop = undefined
      if (this.phase === 'syncing') {
        this.#resume({ type: 'cri-reply', id: 0 }, out)
        return
      }
    }
    if (this.#stops.isBusy) return
    if (this.phase === 'terminating' || this.#waitsForStop === '*') this.#stopSandboxes(out)
  }

  #stopSandboxes(out: Out): void {
    if (this.#stops.isBusy || !this.#world.runtime.isConnected) return
    if (this.records.hasRunningContainers) {
      if (this.phase === 'terminating') this.#stopEverything(out)
      return
    }
    if (this.#stops.sandbox(out)) return
    if (this.phase === 'terminating') {
      this.#finish(out)
      return
    }
    if (this.#waitsForStop !== '*') return
    this.#waitsForStop = undefined
    this.#resume({ type: 'cri-reply', id: 0 }, out)
  }

  #finish(out: Out): void {
    invariant(!this.records.isRunning, 'kubelet: a terminated pod has nothing running', { pod: this.key })
    invariant(this.#script === undefined, 'kubelet: a terminated pod is not syncing', { pod: this.key })
    this.phase = 'terminated'
    this.close(out)
    this.#note({ type: 'termination-finished', ...this.#names() }, out)
    this.#publish(out)
    this.#world.onTerminated(this, out)
  }

  #shorten(out: Out): void {
    const seconds = effectiveGraceSeconds(this.pod, this.#graceSeconds)
    if (seconds >= this.#graceSeconds) return
    this.#graceSeconds = seconds
    this.#note({ type: 'termination-shortened', ...this.#names(), graceSeconds: seconds }, out)
    this.#stops.shorten(seconds, out)
  }

  // --- Status and probes

  /** Computes the status, brings it to the API if it changed, and lets probes follow the containers. Returns the computed phase. */
  #publish(out: Out): PodPhase {
    const { statuses, options } = this.#world
    if (this.phase !== 'terminated') {
      this.#probes.follow(this.pod, this.records, this.phase === 'terminating', this.#world, this, out)
    }
    const previous = statuses.statusOf(this.pod)
    const stopped = this.phase === 'terminated'
    const { status, computedPhase } = podStatusOf(
      {
        pod: this.pod,
        records: this.records,
        previous,
        waiting: this.#context.waiting,
        probes: this.#probes,
        forced: this.#forced,
        ended: stopped,
        containersMayRun: !stopped,
        nodeAddress: options.nodeAddress,
        wall: out.wall,
      },
      options.decisions,
    )
    if (!this.isGone) statuses.set(this.pod, status, stopped, out)
    this.#armDeadline(status.startTime, out)
    return computedPhase
  }

  #armDeadline(startTime: string | undefined, out: Out): void {
    const seconds = this.pod.spec.activeDeadlineSeconds
    if (seconds === undefined || this.phase !== 'syncing' || this.#deadlineTimer !== 0 || startTime === undefined)
      return
    const left = parseTime(startTime) + seconds * SECOND - out.wall
    this.#deadlineTimer = out.after(Math.max(0, left), this, DEADLINE)
  }

  #names() {
    return { node: this.node, podKey: this.key, podUid: this.uid }
  }

  #note(fact: KubeletFact, out: Out): void {
    out.note(fact)
  }
}
