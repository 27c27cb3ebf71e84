/**
 * All stops of one pod's containers that are under way, their order, and the sandboxes after them. Models kubernetes
 * pkg/kubelet/kuberuntime killContainersWithSyncResult, killPodWithSyncResult and terminationOrdering, v1.33: main containers at once,
 * then sidecars from the last to the first, then the sandbox.
 */
import type { Out } from '../kernel/index.ts'
import { isSidecar, type Pod } from '../objects/index.ts'
import { ContainerStop, type StopOwner } from './containerstop.ts'
import type { ContainerRecord, CriReply } from './cri.ts'
import type { KubeletDecisions } from './decisions.ts'
import type { StopReason } from './facts.ts'
import type { PodEvents } from './podevents.ts'
import type { PodRecords } from './podrecords.ts'
import type { CriReceiver, RuntimeClient } from './runtimeclient.ts'

/** Whose containers they are. */
export interface StopsOwner {
  readonly node: string
  readonly pod: Pod
  readonly records: PodRecords
  /** A container's stop has ended; others may be under way. */
  onContainerStopped(containerId: string, out: Out): void
  /** A sandbox has been stopped. */
  onSandboxStopped(out: Out): void
}

/** Stands for an empty map in the many pods that stop nothing; never written. */
const NO_STOPS = new Map<string, ContainerStop>()

export class PodStops implements StopOwner, CriReceiver {
  readonly #owner: StopsOwner
  readonly #runtime: RuntimeClient
  readonly #decisions: KubeletDecisions
  readonly #events: PodEvents | undefined
  #stops = NO_STOPS
  #sandboxCall = 0

  constructor(owner: StopsOwner, runtime: RuntimeClient, decisions: KubeletDecisions, events: PodEvents | undefined) {
    this.#owner = owner
    this.#events = events
    this.#runtime = runtime
    this.#decisions = decisions
  }

  get node(): string {
    return this.#owner.node
  }

  /** True while a container or a sandbox is being stopped. */
  get isBusy(): boolean {
    return this.#stops.size > 0 || this.#sandboxCall !== 0
  }

  isStopping(containerId: string): boolean {
    return this.#stops.has(containerId)
  }

  /** Stops every running container; those that are being stopped already get no more than this grace. */
  all(reason: StopReason, graceSeconds: number, out: Out): void {
    for (const record of this.#owner.records.containers) {
      if (record.state !== 'running') continue
      const stop = this.#stops.get(record.id)
      if (stop === undefined) this.#make(record, reason, graceSeconds)
      else if (reason === 'termination') stop.shorten(graceSeconds, out)
    }
    // Only now, when all are known, can each see whose turn it is.
    for (const stop of [...this.#stops.values()]) if (stop.state === 'new') stop.begin(out)
  }

  /** Stops one container, unless it is being stopped. */
  one(record: ContainerRecord, reason: StopReason, graceSeconds: number, out: Out): void {
    if (!this.#stops.has(record.id)) this.#make(record, reason, graceSeconds).begin(out)
  }

  shorten(graceSeconds: number, out: Out): void {
    for (const stop of [...this.#stops.values()]) stop.shorten(graceSeconds, out)
  }

  /** See `ContainerStop.killSooner`. */
  killSooner(containerId: string, graceSeconds: number, out: Out): void {
    this.#stops.get(containerId)?.killSooner(graceSeconds, out)
  }

  /** The runtime has told of a container's end. */
  exited(containerId: string, out: Out): void {
    this.#stops.get(containerId)?.ended(out)
  }

  /** Stops the first ready sandbox. False when there is none. */
  sandbox(out: Out): boolean {
    const ready = this.#owner.records.sandboxes.find((sandbox) => sandbox.state === 'ready')
    if (ready === undefined) return false
    this.#sandboxCall = this.#runtime.call({ type: 'cri-stop-sandbox', sandboxId: ready.id }, this, out)
    return true
  }

  /** The runtime is gone, and with it whatever was asked of it. */
  abandon(out: Out): void {
    for (const stop of this.#stops.values()) stop.abandon(out)
    this.#stops = NO_STOPS
    this.#sandboxCall = 0
  }

  onCriReply(reply: CriReply, out: Out): void {
    if (reply.id !== this.#sandboxCall) return
    this.#sandboxCall = 0
    this.#owner.onSandboxStopped(out)
  }

  /** Sidecars wait until all main containers and all sidecars after them have ended. */
  isTurnOf(stop: ContainerStop): boolean {
    const init = this.#owner.pod.spec.initContainers
    if (init === undefined || !stop.record.init || !isSidecar(stop.record.spec)) return true
    const own = init.findIndex((container) => container.name === stop.record.name)
    for (const other of this.#stops.values()) {
      if (other === stop || other.state === 'done') continue
      if (!other.record.init) return false
      if (init.findIndex((container) => container.name === other.record.name) > own) return false
    }
    return true
  }

  onStopBegun({ record, reason }: ContainerStop, out: Out): void {
    this.#events?.killing(this.#owner.pod, record, reason, out)
  }

  onHookFailed({ record }: ContainerStop, out: Out): void {
    this.#events?.preStopFailed(this.#owner.pod, record, out)
  }

  onStopDone(stop: ContainerStop, out: Out): void {
    this.#stops.delete(stop.record.id)
    if (this.#stops.size === 0) this.#stops = NO_STOPS
    for (const other of [...this.#stops.values()]) other.look(out)
    this.#owner.onContainerStopped(stop.record.id, out)
  }

  #make(record: ContainerRecord, reason: StopReason, graceSeconds: number): ContainerStop {
    const stop = new ContainerStop(record, reason, graceSeconds, this, this.#runtime, this.#decisions)
    if (this.#stops === NO_STOPS) this.#stops = new Map()
    this.#stops.set(record.id, stop)
    return stop
  }
}
