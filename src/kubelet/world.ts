/** What pod workers share: the kubelet as they see it; `Worker` is what the kubelet keeps of them. */
import type { Micros, Out } from '../kernel/index.ts'
import type { Container } from '../objects/index.ts'
import type { BackOffs } from './backoff.ts'
import type { CompleteKubeletOptions } from './options.ts'
import type { ProbedPod, ProbeWorker } from './probes.ts'
import type { RuntimeClient } from './runtimeclient.ts'
import type { StatusManager } from './statusmanager.ts'

export interface WorkerWorld<Worker = unknown> {
  readonly options: CompleteKubeletOptions
  readonly runtime: RuntimeClient
  readonly statuses: StatusManager
  /** Of containers that crash. */
  readonly backOffs: BackOffs
  /** Of images that could not be pulled: a container may be called as its image is. */
  readonly imageBackOffs: BackOffs
  /** Images known to be on the node. */
  readonly images: Set<string>
  makeProbes(containers: readonly Container[], podKey: string, pod: ProbedPod, out: Out): readonly ProbeWorker[]
  /** The moment of the last relist of the runtime, at or before now. */
  lastRelist(out: Out): Micros
  /** Wakes the worker at the next relist. */
  wakeAtRelist(worker: Worker, out: Out): void
  /** A keyed draw from 0 to `most`. */
  jitter(podKey: string, most: number, out: Out): number
  onTerminated(worker: Worker, out: Out): void
}
