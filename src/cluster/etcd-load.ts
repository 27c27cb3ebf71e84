/**
 * Clients of etcd that are no part of Kubernetes, as data: what they ask, how often, on how many keys. After etcd's own
 * robustness tests (tests/robustness/traffic, v3.5): puts, deletions, transactions, leases, compaction and watches by a few
 * clients at once, on keys of their own. Carried out by `etcd-client.ts`.
 */
import type { Micros } from '../kernel/time.ts'

export const ETCD_OPERATIONS = [
  /** A linearizable read of one key. */
  'get',
  /** The same of all keys of these clients. */
  'range',
  /** A serializable read: the member answers from what it has. */
  'serializable-get',
  /** A read at a revision of the near past. */
  'get-at-revision',
  'put',
  'delete',
  /** If a key's mod revision is the one last seen: a put, else a read. Sometimes a second key is written with it. */
  'txn',
  /** If a key has the value last seen: a put, else a read. */
  'swap',
  'lease-grant',
  /** A put with a lease attached. */
  'leased-put',
  'lease-keep-alive',
  'lease-revoke',
  /** Of everything before a revision of the near past, or of the present one. */
  'compact',
  /** Opens a watch: one that is closed for it goes on from where it was, or a new one begins in the near past. */
  'watch',
  /** The client stands still for a while and takes nothing in, not even what its watches are sent. */
  'stall',
] as const

export type EtcdOperation = (typeof ETCD_OPERATIONS)[number]

/** One client of etcd, a process on a host of its own. It waits for each answer before it asks on. */
export interface EtcdClientSpec {
  readonly id: string
  /** How many keys it knows. All clients share them: `load/0`, `load/1`, ... */
  readonly keys: number
  /** Time between the beginnings of two operations; longer when an answer is slow. */
  readonly everyMicros: Micros
  readonly startMicros: Micros
  /** Without an answer for so long it gives up, and the outcome of a write is unknown. */
  readonly timeoutMicros: Micros
  /** Size of a value. */
  readonly valueBytes: number
  /** Watches on all keys that it holds from the start. */
  readonly watches: number
  /** How often each operation is drawn, in comparison with the others. Those left out never are. */
  readonly operations: Readonly<Partial<Record<EtcdOperation, number>>>
}

/** Where the keys of these clients are. API servers have none there. */
export const ETCD_LOAD_PREFIX = 'load/'
