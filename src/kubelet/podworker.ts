/**
 * One pod on one node, from admission to the end: syncing (keep it running), terminating (stop everything within the grace), terminated.
 * Never backwards. Models kubernetes pkg/kubelet/pod_workers.go with SyncPod, SyncTerminatingPod and SyncTerminatedPod of kubelet.go, v1.33.
 * One sync at a time; what happens meanwhile asks for another. Simplified: no resync without a reason, volumes and cgroups left out.
 */
import { invariant, MILLISECOND, type Micros, type Out, SECOND, type Timer, type TimerTarget } from '../kernel/index.ts'
import { type Container, isSidecar, keyOf, type Pod, type PodPhase, parseTime, sameValue } from '../objects/index.ts'
import { ContainerStop, type StopOwner } from './containerstop.ts'
import type { ContainerRecord, CriReply } from './cri.ts'
import { isTerminal } from './decisions.ts'
import type { KubeletFact, StopReason } from './facts.ts'
import { containerGraceSeconds, effectiveGraceSeconds } from './grace.ts'
import type { CompleteKubeletOptions } from './options.ts'
import { computePodActions, type ProbeView } from './podactions.ts'
import { PodRecords } from './podrecords.ts'
import { containerIdOf, podStatusOf } from './podstatus.ts'
import { type SyncEnd, type SyncOp, type SyncScript, syncPod } from './podsync.ts'
import type { ProbedPod, ProbeWorker } from './probes.ts'
import type { ProbeKind, ProbeResult } from './probethreshold.ts'
import type { CriReceiver } from './runtimeclient.ts'
import type { WorkerWorld } from './world.ts'

export type WorkerPhase = 'syncing' | 'terminating' | 'terminated'
export type TerminationCause = Extract<KubeletFact, { readonly type: 'termination-started' }>['cause']

const RETRY = 1
const DEADLINE = 2

export class PodWorker implements TimerTarget, CriReceiver, StopOwner, ProbedPod, ProbeView {
  readonly uid: string
  readonly key: string
  readonly node: string
  readonly records: PodRecords
  readonly waiting = new Map<string, { readonly reason: string; readonly message: string }>()
  readonly pullAttempts = new Map<string, number>()
  pod: Pod
  phase: WorkerPhase = 'syncing'
  /** The API no longer has the pod. */
  isGone = false
  readonly #world: WorkerWorld
  readonly #options: CompleteKubeletOptions
  readonly #stops = new Map<string, ContainerStop>()
  #probes: readonly ProbeWorker[] | undefined
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
  #sandboxCall = 0
  #now: Micros = 0

  constructor(pod: Pod, world: WorkerWorld, records?: PodRecords) {
    this.pod = pod
    this.uid = pod.metadata.uid ?? ''
    this.key = keyOf(pod)
    this.#world = world
    this.#options = world.options
    this.node = world.options.node
    this.records = records ?? new PodRecords(this.uid, this.key)
  }

  /** The grace period in force while terminating, in seconds; 0 before. */
  get graceSeconds(): number {
    return this.#graceSeconds
  }

  now(): Micros {
    return this.#now
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
    this.pod = pod
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
    this.#stops.get(record.id)?.ended(out)
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
    for (const probe of this.#probes ?? []) {
      if (!this.#options.decisions.probesWhileTerminating(probe.kind)) probe.stop(out)
    }
    if (this.#script !== undefined && !(this.#call !== 0 && this.#callIsLasting)) this.#dropScript()
    this.#publish(out)
    this.#stopEverything(out)
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
    for (const probe of this.#probes ?? []) probe.stop(out)
    this.#probes = []
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
    } else if (reply.id === this.#sandboxCall) {
      this.#sandboxCall = 0
      if (reply.error === 'disconnected') return
      this.#stopSandboxes(out)
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
      this.#stops.get(worker.record.id)?.killSooner(worker.probe.terminationGracePeriodSeconds ?? 0, out)
    }
    this.#publish(out)
  }

  livenessOf(containerId: string): ProbeResult | undefined {
    return this.#probeOf(containerId, 'liveness')?.result
  }

  startupOf(containerId: string): ProbeResult | undefined {
    return this.#probeOf(containerId, 'startup')?.result
  }

  probeResult(containerId: string, kind: 'startup' | 'readiness'): ProbeResult | undefined {
    return this.#probeOf(containerId, kind)?.result
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
    const actions = computePodActions(this.pod, this.records, this, this.#options.decisions)
    this.#script = syncPod(this.#context(), actions)
    this.#resume(undefined, out)
  }

  #context() {
    const { backOffs, images } = this.#world
    const { pod, records, waiting, pullAttempts } = this
    return {
      pod,
      records,
      waiting,
      pullAttempts,
      backOffs,
      images,
      now: () => this.#now,
      onImagePulled: (image: string) => void images.add(image),
    }
  }

  #resume(reply: CriReply | undefined, out: Out): void {
    this.#now = out.now
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
        this.#stopAll('sandbox', this.pod.spec.terminationGracePeriodSeconds ?? 30, out)
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
    this.#stopAll('termination', this.#graceSeconds, out)
    this.#afterStop(out)
  }

  #stopAll(reason: StopReason, graceSeconds: number, out: Out): void {
    for (const record of this.records.containers) {
      if (record.state === 'running' && !this.#stops.has(record.id)) this.#makeStop(record, reason, graceSeconds)
      else if (this.phase === 'terminating') this.#stops.get(record.id)?.shorten(graceSeconds, out)
    }
    for (const stop of [...this.#stops.values()]) if (stop.state === 'new') stop.begin(out)
  }

  #stopContainer(record: ContainerRecord, reason: StopReason, graceSeconds: number, out: Out): void {
    const current = this.records.byId(record.id)
    if (current === undefined || current.state === 'exited') {
      this.#afterStop(out)
      return
    }
    if (!this.#stops.has(record.id)) this.#makeStop(record, reason, graceSeconds).begin(out)
  }

  #makeStop(record: ContainerRecord, reason: StopReason, graceSeconds: number): ContainerStop {
    const stop = new ContainerStop(record, reason, graceSeconds, this, this.#world.runtime, this.#options.decisions)
    this.#stops.set(record.id, stop)
    return stop
  }

  /** Sidecars wait until all main containers and all sidecars after them have ended. */
  isTurnOf(stop: ContainerStop): boolean {
    const init = this.pod.spec.initContainers
    if (init === undefined || !stop.record.init || !isSidecar(stop.record.spec)) return true
    const own = init.findIndex((container) => container.name === stop.record.name)
    for (const other of this.#stops.values()) {
      if (other === stop || other.state === 'done') continue
      if (!other.record.init) return false
      if (init.findIndex((container) => container.name === other.record.name) > own) return false
    }
    return true
  }

  onStopDone(stop: ContainerStop, out: Out): void {
    this.#stops.delete(stop.record.id)
    for (const other of [...this.#stops.values()]) other.look(out)
    this.#afterStop(out)
  }

  /** Goes on with whatever waited for a stop. */
  #afterStop(out: Out): void {
    if (this.#waitsForStop !== undefined && this.#waitsForStop !== '*') {
      if (this.#stops.has(this.#waitsForStop)) return
      this.#waitsForStop = undefined
      if (this.phase === 'syncing') {
        this.#resume({ type: 'cri-reply', id: 0 }, out)
        return
      }
    }
    if (this.#stops.size > 0) return
    if (this.phase === 'terminating' || this.#waitsForStop === '*') this.#stopSandboxes(out)
  }

  #stopSandboxes(out: Out): void {
    if (this.#sandboxCall !== 0 || !this.#world.runtime.isConnected) return
    if (this.records.hasRunningContainers) {
      if (this.phase === 'terminating') {
        this.#stopEverything(out)
        return
      }
      return
    }
    const ready = this.records.sandboxes.find((sandbox) => sandbox.state === 'ready')
    if (ready !== undefined) {
      this.#sandboxCall = this.#world.runtime.call({ type: 'cri-stop-sandbox', sandboxId: ready.id }, this, out)
      return
    }
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
    for (const stop of [...this.#stops.values()]) stop.shorten(seconds, out)
  }

  // --- Status and probes

  /** Computes the status, brings it to the API if it changed, and lets probes follow the containers. Returns the computed phase. */
  #publish(out: Out): PodPhase {
    const { statuses, options } = this.#world
    this.#followProbes(out)
    const previous = statuses.statusOf(this.pod)
    const stopped = this.phase === 'terminated'
    const { status, computedPhase } = podStatusOf(
      {
        pod: this.pod,
        records: this.records,
        previous,
        waiting: this.waiting,
        probeResult: (id, kind) => this.probeResult(id, kind),
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

  #followProbes(out: Out): void {
    if (this.phase === 'terminated') return
    if (this.#probes === undefined) {
      if (this.phase !== 'syncing') this.#probes = []
      else {
        const containers = probed(this.pod)
        this.#probes = containers.length === 0 ? [] : this.#world.makeProbes(containers, this.key, this, out)
      }
    }
    for (const probe of this.#probes) {
      const record = this.records.latest(probe.container.name)
      if (record === undefined || record.state !== 'running') {
        probe.stop(out)
        continue
      }
      if (this.phase === 'terminating') continue
      if (probe.record?.id !== record.id) probe.bind(record, this.#knownResult(record, probe), out)
      probe.go((this.startupOf(record.id) ?? 'success') === 'success', out)
    }
  }

  /** What the API says of this very container: it outlives a restart of the kubelet. */
  #knownResult(record: ContainerRecord, probe: ProbeWorker): ProbeResult | undefined {
    if (probe.record !== undefined || probe.kind === 'liveness') return undefined
    const statuses = record.init ? this.pod.status?.initContainerStatuses : this.pod.status?.containerStatuses
    const known = statuses?.find((status) => status.containerID === containerIdOf(record))
    if (known === undefined) return undefined
    return (probe.kind === 'readiness' ? known.ready : known.started === true) ? 'success' : undefined
  }

  #probeOf(containerId: string, kind: ProbeKind): ProbeWorker | undefined {
    for (const probe of this.#probes ?? []) if (probe.kind === kind && probe.record?.id === containerId) return probe
    return undefined
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

/** The containers whose probes are run: main ones and sidecars. */
function probed(pod: Pod): readonly Container[] {
  const sidecars = pod.spec.initContainers?.filter(isSidecar) ?? []
  return [...sidecars, ...pod.spec.containers].filter(
    (container) =>
      container.livenessProbe !== undefined ||
      container.readinessProbe !== undefined ||
      container.startupProbe !== undefined,
  )
}
