/** What the property files share: typed subscription to facts, names, words for messages. */
import type { Cluster } from '../src/cluster/index.ts'
import type { Fact, Micros, ProcessId } from '../src/kernel/index.ts'

/** The member of a union of facts that may have this type. */
export type OfType<F extends Fact, T extends string> = F extends { readonly type: infer U }
  ? T extends U
    ? F
    : never
  : never

/** The lease by which one controller manager leads. */
export const CONTROLLER_LEASE = 'kube-system/kube-controller-manager'

/**
 * Calls `listener` for every fact of a type. `F` is the union that the fact belongs to. What the members of Events' own etcd
 * tell is left out: their terms, indexes and revisions are not those of the cluster's state.
 */
export function onFact<F extends Fact, T extends F['type']>(
  cluster: Cluster,
  type: T,
  listener: (fact: OfType<F, T>, at: Micros, process: ProcessId) => void,
): void {
  cluster.kernel.subscribe(type, (fact, process, at) => {
    if (!cluster.keepsEvents(process)) listener(fact as OfType<F, T>, at, process)
  })
}

/** Virtual seconds for messages: 12.345 s. */
export function seconds(micros: Micros): string {
  const millis = Math.round(micros / 1_000)
  return `${Math.floor(millis / 1_000)}.${String(millis % 1_000).padStart(3, '0')} s`
}

/** Calls `check` when so much virtual time has passed. Unlike an event of the cluster this leaves no trace: a property only watches. */
export function afterwards(cluster: Cluster, delay: Micros, check: () => void): void {
  cluster.kernel.alarm(cluster.kernel.now + delay, { onAlarm: check })
}
