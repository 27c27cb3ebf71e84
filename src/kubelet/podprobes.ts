/**
 * The probe workers of one pod: made with its first sync, bound to each new instance of their container. Models kubernetes
 * pkg/kubelet/prober/prober_manager.go, v1.33. Unlike there, readiness goes on to be probed when a kubelet starts with a pod that is
 * already terminating.
 */
import type { Out } from '../kernel/index.ts'
import { type Container, isSidecar, type Pod } from '../objects/index.ts'
import type { ContainerRecord } from './cri.ts'
import type { ProbeView } from './podactions.ts'
import type { PodRecords } from './podrecords.ts'
import { containerIdOf } from './podstatus.ts'
import type { ProbedPod, ProbeWorker } from './probes.ts'
import type { ProbeKind, ProbeResult } from './probethreshold.ts'
import type { WorkerWorld } from './world.ts'

const NO_WORKERS: readonly ProbeWorker[] = Object.freeze([])

export class PodProbes implements ProbeView {
  #workers: readonly ProbeWorker[] | undefined

  /** Lets probes follow the containers that run. `terminating`: only kinds that outlive the start of termination. */
  follow(pod: Pod, records: PodRecords, terminating: boolean, world: WorkerWorld, owner: ProbedPod, out: Out): void {
    if (this.#workers === undefined) {
      const containers = probed(pod)
      this.#workers = containers.length === 0 ? NO_WORKERS : world.makeProbes(containers, records.podKey, owner, out)
    }
    for (const worker of this.#workers) {
      const record = records.latest(worker.container.name)
      if (record === undefined || record.state !== 'running') {
        worker.stop(out)
        continue
      }
      worker.events = world.statuses.events
      if (worker.record?.id !== record.id) worker.bind(record, knownResult(pod, record, worker), out)
      if (terminating && !world.options.decisions.probesWhileTerminating(worker.kind)) worker.stop(out)
      else worker.go((this.startupOf(record.id) ?? 'success') === 'success', out)
    }
  }

  stop(out: Out): void {
    for (const worker of this.#workers ?? NO_WORKERS) worker.stop(out)
    this.#workers = NO_WORKERS
  }

  livenessOf(containerId: string): ProbeResult | undefined {
    return this.#of(containerId, 'liveness')
  }

  startupOf(containerId: string): ProbeResult | undefined {
    return this.#of(containerId, 'startup')
  }

  readinessOf(containerId: string): ProbeResult | undefined {
    return this.#of(containerId, 'readiness')
  }

  #of(containerId: string, kind: ProbeKind): ProbeResult | undefined {
    for (const worker of this.#workers ?? NO_WORKERS) {
      if (worker.kind === kind && worker.record?.id === containerId) return worker.result
    }
    return undefined
  }
}

/** What the API says of this very container: it outlives a restart of the kubelet. */
function knownResult(pod: Pod, record: ContainerRecord, worker: ProbeWorker): ProbeResult | undefined {
  if (worker.record !== undefined || worker.kind === 'liveness') return undefined
  const statuses = record.init ? pod.status?.initContainerStatuses : pod.status?.containerStatuses
  const known = statuses?.find((status) => status.containerID === containerIdOf(record))
  if (known === undefined) return undefined
  return (worker.kind === 'readiness' ? known.ready : known.started === true) ? 'success' : undefined
}

/** The containers whose probes are run: main ones and sidecars. */
function probed(pod: Pod): readonly Container[] {
  const sidecars = pod.spec.initContainers?.filter(isSidecar) ?? []
  return [...sidecars, ...pod.spec.containers].filter(
    ({ livenessProbe, readinessProbe, startupProbe }) =>
      livenessProbe !== undefined || readinessProbe !== undefined || startupProbe !== undefined,
  )
}
