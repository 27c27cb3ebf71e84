/** Simpler clients of etcd for the same story: fewer kinds of operation, fewer watches, fewer keys, small values. */
import type { EtcdClientSpec, EtcdOperation } from '../cluster/etcd-load.ts'
import type { Scenario } from './scenario.ts'
import type { Candidate } from './shrink-candidate.ts'

const SMALL_VALUE_BYTES = 100
const KEYS_PER_CLIENT = 10_000

/** What `simplerEtcdClients` lowers. */
export function sizeOfEtcdClients(scenario: Scenario): number {
  let size = 0
  for (const { operations, watches, keys, valueBytes } of scenario.etcdClients ?? [])
    size += Object.keys(operations).length + watches + keys + (valueBytes > SMALL_VALUE_BYTES ? 1 : 0)
  return size
}

/** For each client: one kind of operation less, then fewer watches, fewer keys, small values. */
export function* simplerEtcdClients(scenario: Scenario): Generator<Candidate> {
  const clients = scenario.etcdClients ?? []
  for (const [index, client] of clients.entries()) {
    for (const [place, simpler] of simplerThan(client).entries())
      yield {
        key: index * KEYS_PER_CLIENT + place,
        scenario: { ...scenario, etcdClients: clients.with(index, simpler) },
      }
  }
}

function simplerThan(client: EtcdClientSpec): EtcdClientSpec[] {
  const { operations, watches, keys, valueBytes } = client
  const kinds = Object.keys(operations) as EtcdOperation[]
  return [
    ...kinds.map((kind) => ({ ...client, operations: without(operations, kind) })),
    ...fewer(watches, 0).map((count) => ({ ...client, watches: count })),
    ...fewer(keys, 1).map((count) => ({ ...client, keys: count })),
    ...(valueBytes > SMALL_VALUE_BYTES ? [{ ...client, valueBytes: SMALL_VALUE_BYTES }] : []),
  ]
}

function without(operations: EtcdClientSpec['operations'], kind: EtcdOperation): EtcdClientSpec['operations'] {
  return Object.fromEntries(Object.entries(operations).filter(([other]) => other !== kind))
}

function fewer(count: number, least: number): number[] {
  const choices = [least, Math.floor(count / 2), count - 1]
  return choices.filter((choice, index) => choice >= least && choice < count && choices.indexOf(choice) === index)
}
