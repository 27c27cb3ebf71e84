/** Clients of etcd that scenarios are drawn with: a few, each with kinds of operation of its own (swarm style, as faults are). */
import fc, { type Arbitrary } from 'fast-check'
import { ETCD_OPERATIONS, type EtcdClientSpec, type EtcdOperation } from '../cluster/etcd-load.ts'
import { MILLISECOND, type Micros, SECOND } from '../kernel/time.ts'
import { even, swarm } from './arbitraries.ts'

export interface EtcdClientOptions {
  /** Kinds to choose from. Default: all. */
  readonly kinds?: readonly EtcdOperation[]
  /** Kinds that every client has. Default: get and put. */
  readonly always?: readonly EtcdOperation[]
  readonly least?: number
  readonly most?: number
  /** Choices for the time between two operations. Default: 60, 120 and 300 ms. */
  readonly everyMicros?: readonly Micros[]
  /** Choices for the size of a value. Default: 100 bytes. */
  readonly valueBytes?: readonly number[]
  /** When clients begin. Default: 4 s after the cluster was switched on, when there is a leader. */
  readonly startMicros?: Micros
}

const WEIGHTS = [1, 3, 10] as const
const DEFAULT_EVERY: readonly Micros[] = [60 * MILLISECOND, 120 * MILLISECOND, 300 * MILLISECOND]

/** So many clients, ids c1, c2, … */
export function etcdClientsArbitrary(options: EtcdClientOptions): Arbitrary<readonly EtcdClientSpec[]> {
  const { startMicros = 4 * SECOND, everyMicros = DEFAULT_EVERY, valueBytes = [100] } = options
  const always = options.always ?? ['get', 'put']
  const kinds = (options.kinds ?? ETCD_OPERATIONS).filter((kind) => !always.includes(kind))
  const operations = (kinds.length === 0 ? fc.constant([]) : swarm(kinds.length)).chain((allowed) => {
    const all = [...always, ...allowed.map((index) => kinds[index]!)]
    return fc
      .tuple(...all.map(() => fc.constantFrom(...WEIGHTS)))
      .map((weights): EtcdClientSpec['operations'] =>
        Object.fromEntries(all.map((kind, index) => [kind, weights[index]!])),
      )
  })
  const one = fc.record({
    keys: fc.constantFrom(1, 2, 4, 8),
    everyMicros: fc.constantFrom(...everyMicros),
    timeoutMicros: fc.constantFrom(SECOND, 3 * SECOND, 10 * SECOND),
    valueBytes: fc.constantFrom(...valueBytes),
    watches: even(0, 2),
    operations,
  })
  return fc
    .array(one, { minLength: options.least ?? 2, maxLength: options.most ?? 4, size: 'max' })
    .map((clients) => clients.map((client, index) => ({ id: `c${index + 1}`, startMicros, ...client })))
}
