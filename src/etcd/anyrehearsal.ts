/** Random sequences of operations for a rehearsal (rehearsal.ts): few keys, few values, every option of every request. */
import fc from 'fast-check'
import type { WatchRequest } from './clientwatch.ts'
import type { Step } from './rehearsal.ts'
import type {
  Compare,
  DeleteRequest,
  EtcdRequest,
  Operation,
  PutRequest,
  RangeOrder,
  RangeRequest,
  TxnRequest,
} from './requests.ts'
import { FROM_KEY } from './types.ts'

const key = fc.constantFrom('a', 'ab', 'b', 'c', 'd', 'é')
const value = fc.constantFrom('', 'u', 'v', 'w', 'uu')
const lease = fc.integer({ min: 1, max: 4 })
/** From before the beginning to beyond what most sequences reach. */
const revision = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 3, max: 10 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 25 }) },
)

/** Set once in `of` times. */
function sometimes<T>(arbitrary: fc.Arbitrary<T>, of = 4): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: of - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })
}

const rangeEnd = sometimes(fc.constantFrom('b', 'c', 'e', 'z', FROM_KEY, FROM_KEY, 'a'), 2)

/** Leaves out what is not set, as the examples that are kept should be short. */
function compact<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).filter(([, one]) => one !== undefined && one !== false)) as T
}

const order: fc.Arbitrary<RangeOrder> = fc
  .record({
    sort: sometimes(fc.constantFrom('ascending' as const, 'descending' as const), 2),
    target: sometimes(fc.constantFrom('key', 'version', 'create-revision', 'mod-revision', 'value'), 2),
    minModRevision: sometimes(revision, 6),
    maxModRevision: sometimes(revision, 6),
    minCreateRevision: sometimes(revision, 6),
    maxCreateRevision: sometimes(revision, 6),
  })
  .map(compact) as fc.Arbitrary<RangeOrder>

const range: fc.Arbitrary<RangeRequest> = fc
  .record({
    type: fc.constant('range' as const),
    key: fc.oneof(
      { weight: 12, arbitrary: key },
      { weight: 12, arbitrary: fc.constant('\0') },
      { weight: 1, arbitrary: fc.constant('') },
    ),
    rangeEnd,
    revision: sometimes(revision, 3),
    limit: sometimes(fc.integer({ min: 1, max: 3 }), 3),
    keysOnly: sometimes(fc.constant(true), 6),
    serializable: sometimes(fc.constant(true)),
    order: sometimes(order, 2),
  })
  .map(compact)

const anyRange = fc.oneof(
  { weight: 6, arbitrary: range },
  { weight: 1, arbitrary: range.map((one): RangeRequest => ({ ...one, countOnly: true })) },
)

const put: fc.Arbitrary<PutRequest> = fc
  .record({
    type: fc.constant('put' as const),
    key: fc.oneof({ weight: 50, arbitrary: key }, { weight: 1, arbitrary: fc.constant('') }),
    value,
    lease: sometimes(lease, 6),
    previousValue: sometimes(fc.constant(true), 2),
    keeps: sometimes(fc.constantFrom('value' as const, 'lease' as const, 'value-and-lease' as const), 10),
  })
  .map((one) => compact(one.keeps === 'value' || one.keeps === 'value-and-lease' ? { ...one, value: '' } : one))

const deletion: fc.Arbitrary<DeleteRequest> = fc
  .record({
    type: fc.constant('delete' as const),
    key: fc.oneof({ weight: 20, arbitrary: key }, { weight: 1, arbitrary: fc.constantFrom('', '\0') }),
    rangeEnd,
    previousValue: sometimes(fc.constant(true), 2),
  })
  .map(compact)

const result = fc.constantFrom('equal' as const, 'not-equal' as const, 'greater' as const, 'less' as const)
const compare: fc.Arbitrary<Compare> = fc.oneof(
  fc
    .record({
      key,
      rangeEnd,
      result,
      target: fc.constantFrom('mod-revision' as const, 'create-revision' as const),
      operand: fc.oneof(fc.constant(0), revision, revision),
    })
    .map(compact),
  fc
    .record({
      key,
      rangeEnd,
      result,
      target: fc.constantFrom('version' as const, 'lease' as const),
      operand: fc.nat(3),
    })
    .map(compact),
  fc.record({ key, rangeEnd, result, target: fc.constant('value' as const), operand: value }).map(compact),
)

const { txn } = fc.letrec<{ txn: TxnRequest; operation: Operation }>((tie) => ({
  txn: fc.record({
    type: fc.constant('txn' as const),
    compare: fc.array(compare, { maxLength: 2 }),
    success: fc.array(tie('operation'), { maxLength: 3 }),
    failure: fc.array(tie('operation'), { maxLength: 2 }),
  }),
  operation: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    { weight: 3, arbitrary: put },
    { weight: 2, arbitrary: deletion },
    { weight: 3, arbitrary: anyRange },
    { weight: 2, arbitrary: tie('txn') },
  ),
}))

const grant: fc.Arbitrary<EtcdRequest> = fc.record({
  type: fc.constant('lease-grant' as const),
  lease,
  ttlSeconds: fc.constantFrom(0, 60, 60, 60, 1_000, 1_000, 9_000_000_001),
})
const leases: fc.Arbitrary<EtcdRequest> = fc.oneof(
  grant,
  fc.record({ type: fc.constant('lease-revoke' as const), lease }),
  fc.record({ type: fc.constant('lease-keep-alive' as const), lease }),
  fc.record({ type: fc.constant('lease-time-to-live' as const), lease, keys: fc.constant(true) }),
  fc.constant({ type: 'lease-list' as const }),
)

const alarm: fc.Arbitrary<EtcdRequest> = fc
  .record({
    type: fc.constant('alarm' as const),
    action: fc.constantFrom('get' as const, 'activate' as const, 'deactivate' as const, 'deactivate' as const),
    member: fc.integer({ min: 1, max: 2 }),
    alarm: fc.constantFrom('no-space' as const, 'no-space' as const, 'corrupt' as const),
  })
  .map((one): EtcdRequest => (one.action === 'get' ? { ...one, alarm: 'any' } : one))

const compaction: fc.Arbitrary<EtcdRequest> = fc
  .record({
    type: fc.constant('compact' as const),
    revision,
    physical: sometimes(fc.constant(true), 2),
  })
  .map(compact)

const watch: fc.Arbitrary<WatchRequest> = fc
  .record({
    key,
    rangeEnd: fc.oneof({ weight: 2, arbitrary: fc.constant(FROM_KEY) }, { weight: 3, arbitrary: rangeEnd }),
    startRevision: sometimes(revision, 2),
    previousValue: sometimes(fc.constant(true), 2),
    unwanted: sometimes(fc.constantFrom('puts' as const, 'deletes' as const, 'all' as const), 5),
    fragments: sometimes(fc.constant(true)),
  })
  .map(compact)

const ask = (request: fc.Arbitrary<EtcdRequest>): fc.Arbitrary<Step> =>
  request.map((one) => ({ do: 'ask' as const, request: one }))

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 40, arbitrary: ask(put) },
  { weight: 16, arbitrary: ask(anyRange) },
  { weight: 10, arbitrary: ask(deletion) },
  { weight: 16, arbitrary: ask(txn) },
  { weight: 10, arbitrary: ask(leases) },
  { weight: 4, arbitrary: ask(compaction) },
  { weight: 1, arbitrary: ask(alarm) },
  {
    weight: 6,
    arbitrary: fc.array(watch, { minLength: 1, maxLength: 3 }).map((requests): Step => ({ do: 'watch', requests })),
  },
  { weight: 1, arbitrary: fc.nat(2).map((stream): Step => ({ do: 'stop', stream })) },
)

/** Sequences begin with some keys and leases, so that there is something to read and to hang on. */
const beginning = fc.array(fc.oneof({ weight: 1, arbitrary: ask(grant) }, { weight: 4, arbitrary: ask(put) }), {
  maxLength: 9,
})

export const anySteps: fc.Arbitrary<Step[]> = fc
  .tuple(beginning, fc.array(step, { minLength: 3, maxLength: 24 }))
  .map(([first, rest]) => [...first, ...rest])

/** Only the lease's own time is waited for, so this is slow on the real one and comes seldom. */
export const anyExpiry: fc.Arbitrary<Step[]> = fc
  .tuple(fc.array(step, { maxLength: 6 }), fc.array(key, { minLength: 1, maxLength: 3 }))
  .map(([steps, keys]): Step[] => [
    ...steps.filter(({ do: what }) => what === 'watch'),
    { do: 'ask', request: { type: 'lease-grant', lease: 9, ttlSeconds: 2 } },
    ...keys.map((name): Step => ({ do: 'ask', request: { type: 'put', key: name, value: 'v', lease: 9 } })),
    ...steps.filter(({ do: what }) => what === 'ask'),
    { do: 'expire', lease: 9 },
    { do: 'ask', request: { type: 'range', key: '\0', rangeEnd: FROM_KEY } },
  ])
