/** What the fault files share: wrapping an injection so that the cluster knows when its infrastructure is being disturbed. */
import type { ApiRequestHandled } from '../../src/apiserver/index.ts'
import type { Cluster } from '../../src/cluster/index.ts'
import type { KernelFact, NetworkRule, ProcessId } from '../../src/kernel/index.ts'
import type { ActiveFault, Evidence, FaultStep } from '../../src/trial/registry.ts'

/** Marks these processes as disturbed until the fault heals: properties with time bounds wait for calm. */
export function disturbing(cluster: Cluster, targets: Iterable<ProcessId>, fault: ActiveFault): ActiveFault {
  const calm = cluster.calm.disturb(targets)
  return {
    heal() {
      fault.heal()
      calm()
    },
    evidence: () => fault.evidence(),
  }
}

/**
 * Heals what was done inside a process. One that is stopped just now cannot be reached: it is healed as soon as it goes on.
 * A dead one needs no healing: it starts afresh.
 */
export function onceAwake(cluster: Cluster, process: ProcessId, heal: () => void): void {
  if (!cluster.kernel.isPaused(process)) {
    heal()
    return
  }
  const forget = cluster.kernel.subscribe('process-resumed', (fact) => {
    if ((fact as Extract<KernelFact, { readonly boot: number }>).process !== process) return
    forget()
    heal()
  })
}

/**
 * Calls `strike` right after an API server has taken the nth such write from now on, and after each one that follows until it
 * answers that it found somebody to strike. Call the answer to wait no longer.
 */
export function onNthWrite(
  cluster: Cluster,
  resource: string,
  nth: number,
  counts: (request: ApiRequestHandled) => boolean,
  strike: () => boolean,
): () => void {
  let writesLeft = nth
  let isOver = false
  const stop = cluster.kernel.subscribe('api-request', (fact) => {
    const request = fact as ApiRequestHandled
    if (isOver || request.resource !== resource || request.code >= 300 || !counts(request) || --writesLeft > 0) return
    cluster.later(0, () => {
      if (!isOver) isOver = strike()
    })
  })
  return () => {
    isOver = true
    stop()
  }
}

/** A fault that is a set of network rules around `targets`: heals by removing them; its evidence is what they did. */
export function ruleFault(cluster: Cluster, targets: Iterable<ProcessId>, rules: readonly NetworkRule[]): ActiveFault {
  const handles = rules.map((rule) => cluster.kernel.network.addRule(rule))
  return disturbing(cluster, targets, {
    heal() {
      for (const handle of handles) handle.remove()
    },
    evidence(): readonly Evidence[] {
      let dropped = 0
      let delayed = 0
      let duplicated = 0
      let reordered = 0
      for (const { counters } of handles) {
        dropped += counters.dropped
        delayed += counters.delayed
        duplicated += counters.duplicated
        reordered += counters.reordered
      }
      return [
        { what: 'messages dropped', count: dropped },
        { what: 'messages delayed', count: delayed },
        { what: 'messages duplicated', count: duplicated },
        { what: 'messages reordered', count: reordered },
      ]
    },
  })
}

/** Seconds with at most one decimal, for stories. */
export function seconds(micros: number): string {
  const tenths = Math.round(micros / 100_000)
  return tenths % 10 === 0 ? `${tenths / 10} s` : `${Math.floor(tenths / 10)}.${tenths % 10} s`
}

/** "for 4 s", the clause that every description ends with. */
export function lasting(step: FaultStep): string {
  return `for ${seconds(step.durationMicros)}`
}
