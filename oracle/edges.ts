/** Sequences at the limits of etcd, which random ones seldom reach: sizes, numbers of operations, expiry, large batches. */
import type { Step } from '../src/etcd/rehearsal.ts'
import type { Operation, PutRequest, TxnRequest } from '../src/etcd/requests.ts'
import { FROM_KEY } from '../src/etcd/types.ts'

function puts(count: number, value = 'v'): PutRequest[] {
  return Array.from({ length: count }, (_, i) => ({ type: 'put', key: `k${i}`, value }))
}

function txn(success: readonly Operation[], failure: readonly Operation[] = []): TxnRequest {
  return { type: 'txn', compare: [], success, failure }
}

function ask(...requests: (Step & { readonly do: 'ask' })['request'][]): Step[] {
  return requests.map((request) => ({ do: 'ask', request }))
}

const everything = { type: 'range', key: '\0', rangeEnd: FROM_KEY } as const

export const EDGES: readonly (readonly Step[])[] = [
  // As many operations as there may be, one more, and what nested transactions may have of them.
  ask(
    txn(puts(128)),
    txn(puts(129)),
    txn([...puts(100), txn([{ type: 'delete', key: 'z' }])]),
    txn([...puts(100), txn(puts(27).map((put) => ({ ...put, key: `n${put.key}` })))]),
    txn([...puts(100), txn(puts(28).map((put) => ({ ...put, key: `n${put.key}` })))]),
    { ...everything, countOnly: true },
  ),
  // A value that is nearly too large, and one that is too large; the same for a transaction as a whole.
  ask(
    { type: 'put', key: 'a', value: '~1500000' },
    { type: 'put', key: 'a', value: '~1600000' },
    txn([
      { type: 'put', key: 'b', value: '~700000' },
      { type: 'put', key: 'c', value: '~700000' },
    ]),
    txn([
      { type: 'put', key: 'b', value: '~800000' },
      { type: 'put', key: 'c', value: '~800000' },
    ]),
    everything,
  ),
  // Batches that are larger than a message, with and without pieces, from now on and from the past.
  [
    { do: 'watch', requests: [{ key: 'a', rangeEnd: FROM_KEY, fragments: true, previousValue: true }, { key: 'k0' }] },
    ...ask(txn(puts(4, '~300000')), txn(puts(4, '~250000')), { type: 'delete', key: 'k', rangeEnd: 'l' }),
    { do: 'watch', requests: [{ key: 'a', rangeEnd: FROM_KEY, startRevision: 4, fragments: true }] },
  ],
  // A lease that expires takes its keys in one revision, in their order; the others stay.
  [
    { do: 'watch', requests: [{ key: 'a', rangeEnd: FROM_KEY, previousValue: true }] },
    ...ask(
      { type: 'lease-grant', lease: 5, ttlSeconds: 1 },
      { type: 'lease-grant', lease: 6, ttlSeconds: 60 },
      { type: 'put', key: 'c', value: '1', lease: 5 },
      { type: 'put', key: 'a', value: '2', lease: 5 },
      { type: 'put', key: 'b', value: '3', lease: 6 },
      { type: 'put', key: 'd', value: '4', lease: 5 },
      { type: 'put', key: 'd', value: '5' },
    ),
    { do: 'expire', lease: 5 },
    ...ask(
      { type: 'lease-keep-alive', lease: 5 },
      { type: 'lease-time-to-live', lease: 6, keys: true },
      { type: 'lease-list' },
      everything,
    ),
  ],
  // Sorting: a limit with a target but without an order cuts first, with an order it cuts last.
  ask(
    ...['5', '3', '1', '4', '2'].map((value, i): PutRequest => ({ type: 'put', key: `k${i}`, value })),
    { ...everything, limit: 2, order: { target: 'value' } },
    { ...everything, limit: 2, order: { target: 'value', sort: 'ascending' } },
    { ...everything, limit: 2, order: { sort: 'descending' } },
    { ...everything, limit: 1, order: { minModRevision: 5, maxModRevision: 7 } },
    { ...everything, order: { target: 'mod-revision', sort: 'descending', minCreateRevision: 6 } },
  ),
  // Half an alarm: the corrupt cluster is still read.
  ask(
    { type: 'put', key: 'a', value: '1' },
    { type: 'alarm', action: 'activate', member: 2, alarm: 'corrupt' },
    { type: 'put', key: 'a', value: '2' },
    everything,
    txn([{ type: 'range', key: 'a' }]),
    { type: 'lease-grant', lease: 1, ttlSeconds: 60 },
    { type: 'compact', revision: 4 },
    { type: 'alarm', action: 'deactivate', member: 1, alarm: 'corrupt' },
    { type: 'put', key: 'a', value: '2' },
    { type: 'alarm', action: 'deactivate', member: 2, alarm: 'corrupt' },
    { type: 'put', key: 'a', value: '2' },
  ),
]
