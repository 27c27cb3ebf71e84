// The store against a naive second opinion that keeps every state of every key in a plain list, and tables of what etcd
// says at the edges (recorded from etcd 3.4.23).
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StateMachine } from './apply.ts'
import { ETCD_DECISIONS } from './decisions.ts'
import * as errors from './errors.ts'
import { KeyIndex, KeyRecord } from './keyindex.ts'
import type { Compare, Operation, WriteRequest } from './requests.ts'
import type { TxnResponse } from './responses.ts'
import { FROM_KEY, inRange, type KeyValue, prefixEnd, type StoreEvent } from './types.ts'

/** Every event ever, in order; answers by looking through all of them. */
class Naive {
  readonly events: StoreEvent[] = []
  revision = 1
  compacted = 0

  at(key: string, revision: number): StoreEvent | undefined {
    return this.events.filter((event) => event.key === key && event.modRevision <= revision).at(-1)
  }

  values(key: string, rangeEnd: string | undefined, revision: number): KeyValue[] {
    const keys = [...new Set(this.events.map((event) => event.key))]
      .filter((name) => inRange(name, key, rangeEnd))
      .sort()
    return keys.flatMap((name) => {
      const event = this.at(name, revision)
      return event === undefined || event.type === 'delete' ? [] : [event]
    })
  }

  write(writes: readonly { readonly key: string; readonly value: unknown }[]): StoreEvent[] {
    const modRevision = this.revision + 1
    const written: StoreEvent[] = []
    for (const { key, value } of writes) {
      const before = this.at(key, modRevision)
      const alive = before !== undefined && before.type === 'put'
      if (value === undefined && !alive) continue
      const event: StoreEvent = {
        type: value === undefined ? 'delete' : 'put',
        key,
        value,
        bytes: 0,
        lease: 0,
        modRevision,
        createRevision: value === undefined ? 0 : alive ? before.createRevision : modRevision,
        version: value === undefined ? 0 : alive ? before.version + 1 : 1,
      }
      this.events.push(event)
      written.push(event)
    }
    if (written.length > 0) this.revision = modRevision
    return written
  }
}

function shape({ key, value, createRevision, modRevision, version }: KeyValue) {
  return { key, value, createRevision, modRevision, version }
}

const key = fc.constantFrom('a', 'b', 'b/1', 'b/2', 'c', 'cc', 'd')
const rangeEnd = fc.oneof(fc.constant(undefined), fc.constantFrom('b', 'c', prefixEnd('b/'), FROM_KEY, 'zz'))
const write = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('put' as const), key, value: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('delete' as const), key, rangeEnd }) },
)
const command = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('txn' as const), writes: fc.array(write, { maxLength: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const), share: fc.nat(10) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restore' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('range' as const), key, rangeEnd, share: fc.nat(10), limit: fc.nat(3) }),
  },
)

test('ranges at every revision, events and images equal those of the naive store', () => {
  fc.assert(
    fc.property(fc.array(command, { minLength: 10, maxLength: 60 }), (commands) => {
      let machine = new StateMachine(ETCD_DECISIONS)
      const naive = new Naive()
      for (const step of commands) {
        const { store } = machine
        switch (step.do) {
          case 'txn': {
            const seen = new Set<string>()
            const writes = step.writes.filter((one) => {
              // One key is written once in a transaction; deletions of ranges come alone.
              if (one.type === 'delete' && one.rangeEnd !== undefined) return step.writes.length === 1
              const isNew = !seen.has(one.key)
              seen.add(one.key)
              return isNew
            })
            const expected = naive.write(
              writes.flatMap((one): { key: string; value: unknown }[] => {
                if (one.type === 'put') return [{ key: one.key, value: one.value }]
                return naive
                  .values(one.key, one.rangeEnd, naive.revision)
                  .map((value) => ({ key: value.key, value: undefined }))
              }),
            )
            machine.apply({ type: 'txn', compare: [], success: writes, failure: [] }, true)
            expect(machine.events.map((event) => ({ ...shape(event), type: event.type }))).toEqual(
              expected.map((event) => ({ ...shape(event), type: event.type })),
            )
            expect(store.revision).toBe(naive.revision)
            break
          }
          case 'compact': {
            const revision = Math.ceil((naive.revision * step.share) / 10)
            const result = machine.apply({ type: 'compact', revision }, true)
            if (revision <= naive.compacted) expect(result).toBe(errors.COMPACTED)
            else naive.compacted = revision
            break
          }
          case 'restore': {
            const { hash, revision } = store
            const copy = new StateMachine(ETCD_DECISIONS)
            copy.restore(machine.image())
            expect([copy.store.hash, copy.store.revision]).toEqual([hash, revision])
            machine = copy
            break
          }
          case 'range': {
            const revision = Math.max(
              1,
              naive.compacted + Math.floor(((naive.revision - naive.compacted) * step.share) / 10),
            )
            const expected = naive.values(step.key, step.rangeEnd, revision).map(shape)
            const request = { type: 'range', key: step.key, revision, limit: step.limit } as const
            const answer = store.range(step.rangeEnd === undefined ? request : { ...request, rangeEnd: step.rangeEnd })
            const limited = step.limit > 0 ? expected.slice(0, step.limit) : expected
            expect(answer.values.map(shape)).toEqual(limited)
            expect([answer.count, answer.more]).toEqual([expected.length, limited.length < expected.length])
            break
          }
        }
      }
      // What a watcher from the compacted revision would be shown.
      const { events } = machine.store.eventsFrom(naive.compacted + 1, 'a', FROM_KEY, 10_000)
      const expected = naive.events.filter((event) => event.modRevision > naive.compacted)
      expect(events.map(shape)).toEqual(expected.map(shape))
    }),
    { seed: 3, numRuns: 400 },
  )
})

test('the key index keeps thousands of keys in order, whatever the order of adding and removing', () => {
  const index = new KeyIndex()
  const naive = new Set<string>()
  const event = { modRevision: 1 } as StoreEvent
  for (let i = 0; i < 6_000; i++) {
    const name = `k${(i * 7_919) % 5_003}`
    if (naive.has(name)) {
      if (i % 3 === 0) {
        index.remove(name)
        naive.delete(name)
      }
    } else {
      index.add(new KeyRecord(name, event))
      naive.add(name)
    }
  }
  const sorted = [...naive].sort()
  expect([...index.records()].map((record) => record.key)).toEqual(sorted)
  const scanned: string[] = []
  index.scan('k2', 'k3', (record) => scanned.push(record.key) > 0)
  expect(scanned).toEqual(sorted.filter((name) => name >= 'k2' && name < 'k3'))
  expect(index.size).toBe(naive.size)
})

describe('transactions', () => {
  const machine = new StateMachine(ETCD_DECISIONS)
  machine.apply({ type: 'put', key: 'a', value: 'x' }, false)
  machine.apply({ type: 'put', key: 'a', value: 'y' }, false)
  machine.apply({ type: 'lease-grant', lease: 5, ttlSeconds: 60 }, false)
  machine.apply({ type: 'put', key: 'b', value: 1, lease: 5 }, false)

  test.each<[compare: Compare, holds: boolean]>([
    [{ key: 'a', target: 'mod-revision', result: 'equal', operand: 3 }, true],
    [{ key: 'a', target: 'mod-revision', result: 'equal', operand: 2 }, false],
    [{ key: 'none', target: 'mod-revision', result: 'equal', operand: 0 }, true],
    [{ key: 'none', target: 'create-revision', result: 'greater', operand: 0 }, false],
    [{ key: 'a', target: 'create-revision', result: 'less', operand: 3 }, true],
    [{ key: 'a', target: 'version', result: 'equal', operand: 2 }, true],
    [{ key: 'a', target: 'version', result: 'not-equal', operand: 2 }, false],
    [{ key: 'a', target: 'value', result: 'equal', operand: 'y' }, true],
    [{ key: 'a', target: 'value', result: 'greater', operand: 'x' }, true],
    [{ key: 'none', target: 'value', result: 'equal', operand: 'y' }, false],
    [{ key: 'b', target: 'lease', result: 'equal', operand: 5 }, true],
    [{ key: 'a', rangeEnd: 'z', target: 'version', result: 'greater', operand: 0 }, true],
    [{ key: 'a', rangeEnd: 'z', target: 'version', result: 'greater', operand: 1 }, false],
    [{ key: 'x', rangeEnd: 'z', target: 'version', result: 'equal', operand: 0 }, true],
  ])('%j holds: %s', (compare, holds) => {
    const result = machine.apply({ type: 'txn', compare: [compare], success: [], failure: [] }, true)
    expect(result).toMatchObject({ ok: true, value: { succeeded: holds, revision: 4 } })
  })

  test('a range behind a put sees the put; all writes share one revision', () => {
    const copy = new StateMachine(ETCD_DECISIONS)
    const success: Operation[] = [
      { type: 'put', key: 'a', value: 1 },
      { type: 'range', key: 'a' },
      { type: 'put', key: 'b', value: 2 },
      { type: 'txn', compare: [], success: [{ type: 'put', key: 'c', value: 3 }], failure: [] },
    ]
    const result = copy.apply({ type: 'txn', compare: [], success, failure: [] }, true)
    const { responses } = (result as { value: TxnResponse }).value
    expect(responses[1]).toMatchObject({ values: [{ key: 'a', value: 1, modRevision: 2 }] })
    expect(copy.events.map((event) => [event.key, event.modRevision])).toEqual([
      ['a', 2],
      ['b', 2],
      ['c', 2],
    ])
  })

  test.each<[name: string, request: WriteRequest, refusal: unknown]>([
    ['a put with an unknown lease', { type: 'put', key: 'a', value: 1, lease: 9 }, errors.LEASE_NOT_FOUND],
    ['a lease that is there', { type: 'lease-grant', lease: 5, ttlSeconds: 9 }, errors.LEASE_EXISTS],
    [
      'a lease of a thousand years',
      { type: 'lease-grant', lease: 5, ttlSeconds: 31_536_000_000 },
      errors.LEASE_TTL_TOO_LARGE,
    ],
    ['revoking an unknown lease', { type: 'lease-revoke', lease: 9 }, errors.LEASE_NOT_FOUND],
    ['compaction of the future', { type: 'compact', revision: 99 }, errors.FUTURE_REVISION],
    [
      'a range of the future in a transaction',
      {
        type: 'txn',
        compare: [],
        success: [
          { type: 'put', key: 'a', value: 1 },
          { type: 'range', key: 'a', revision: 99 },
        ],
        failure: [],
      },
      errors.FUTURE_REVISION,
    ],
  ])('%s is refused and nothing is written', (_name, request, refusal) => {
    const { revision } = machine.store
    expect(machine.apply(request, true)).toBe(refusal)
    expect([machine.store.revision, machine.events.length]).toEqual([revision, 0])
  })

  test('deleting what is not there raises no revision, putting the same value does', () => {
    const { revision } = machine.store
    expect(machine.apply({ type: 'delete', key: 'none' }, true)).toMatchObject({ value: { deleted: 0, revision } })
    expect(machine.apply({ type: 'put', key: 'a', value: 'y' }, true)).toMatchObject({
      value: { revision: revision + 1 },
    })
  })
})

describe('compaction', () => {
  const written = (decisions = ETCD_DECISIONS) => {
    const machine = new StateMachine(decisions)
    machine.apply({ type: 'put', key: 'a', value: 1 }, false)
    machine.apply({ type: 'put', key: 'b', value: 1 }, false)
    machine.apply({ type: 'delete', key: 'a' }, false)
    return machine
  }

  test.each<[revision: number, fromThere: [string, number][]]>([
    [
      2,
      [
        ['a', 2],
        ['b', 3],
        ['a', 4],
      ],
    ],
    [
      3,
      [
        ['b', 3],
        ['a', 4],
      ],
    ],
    [4, [['a', 4]]],
  ])('at %i keeps what a watch from there needs', (revision, fromThere) => {
    const machine = written()
    machine.apply({ type: 'compact', revision }, false)
    const { events } = machine.store.eventsFrom(revision, 'a', 'z', 10)
    expect(events.map((event) => [event.key, event.modRevision])).toEqual(fromThere)
    expect(machine.store.refusal(revision - 1)).toBe('compacted')
    expect(machine.store.refusal(revision)).toBeUndefined()
  })

  test('a later compaction takes the tombstone; with the defect it is gone at once', () => {
    const machine = written()
    machine.apply({ type: 'compact', revision: 4 }, false)
    machine.apply({ type: 'put', key: 'c', value: 1 }, false)
    machine.apply({ type: 'compact', revision: 5 }, false)
    expect(machine.store.eventCount).toBe(2)
    const defective = written({ ...ETCD_DECISIONS, keepsTombstone: () => false })
    defective.apply({ type: 'compact', revision: 4 }, false)
    expect(defective.store.eventsFrom(4, 'a', 'z', 10).events).toEqual([])
  })

  test('the state before the first kept revision is not known', () => {
    const machine = written()
    machine.apply({ type: 'compact', revision: 4 }, false)
    const [tombstone] = machine.store.eventsFrom(4, 'a', 'b', 10).events
    expect(machine.store.before(tombstone!)).toBeUndefined()
  })
})

test('a revoked lease takes its keys, in one revision, and only those that still hang on it', () => {
  const machine = new StateMachine(ETCD_DECISIONS)
  machine.apply({ type: 'lease-grant', lease: 1, ttlSeconds: 60 }, false)
  for (const name of ['c', 'a', 'b']) machine.apply({ type: 'put', key: name, value: 1, lease: 1 }, false)
  machine.apply({ type: 'put', key: 'b', value: 2 }, false)
  const copy = new StateMachine(ETCD_DECISIONS)
  copy.restore(machine.image())
  for (const one of [machine, copy]) {
    one.apply({ type: 'lease-revoke', lease: 1 }, false)
    expect(one.events.map((event) => [event.type, event.key, event.modRevision])).toEqual([
      ['delete', 'a', 6],
      ['delete', 'c', 6],
    ])
    expect(one.store.get('b')).toMatchObject({ value: 2 })
  }
})
