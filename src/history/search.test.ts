// The checker against the definition of linearizability, on small histories of every model drawn at random, and on long
// ones of a true store. Both verdicts must be frequent, or nothing was shown.
import { describe, expect, test } from 'vitest'
import { Rand } from '../kernel/random.ts'
import { HistoryRecorder, malformed, type Operation } from './history.ts'
import { checkLinearizability } from './linearizability.ts'
import type { Model } from './model.ts'
import { seenByReads, settled } from './models/evidence.ts'
import { KEY_REVISIONS, KEY_VALUES, revisionedStore } from './models/keyvalue.ts'
import { LOCK, type LockInput, type LockOutput } from './models/lock.ts'
import { QUEUE, type QueueInput, type QueueOutput } from './models/queue.ts'
import { REGISTER, type RegisterInput, type RegisterOutput } from './models/register.ts'
import type { StoreInput, StoreOutput } from './models/store.ts'
import { plainSearch } from './plain.ts'
import { search } from './search.ts'
import { linearizableByDefinition, trueHistory } from './testing.ts'

type Draw = (low: number, high: number, address: number) => number

/** A few operations of three processes with moments that often touch; a third of the histories have unknown outcomes. */
function drawn<Input, Output>(
  seed: number,
  input: (draw: Draw) => Input,
  output: (input: Input, draw: Draw) => Output,
): Operation<Input, Output>[] {
  const rand = new Rand(seed, 7)
  const count = rand.intAt(2, 7, 1)
  const free = [0, 0, 0]
  return Array.from({ length: count }, (_, i) => {
    const draw: Draw = (low, high, address) => rand.intAt(low, high, i, address, 9)
    const process = draw(0, 2, 1)
    const call = free[process]! + draw(0, 4, 2)
    const end = call + draw(0, 5, 3)
    free[process] = end + 1
    const asked = input(draw)
    const unknown = seed % 3 === 0 && draw(0, 3, 4) === 0
    const base = { process: `p${process}`, input: asked, call }
    if (unknown) return { ...base, return: undefined, output: undefined }
    return { ...base, return: draw(0, 30, 5) === 0 ? Number.POSITIVE_INFINITY : end, output: output(asked, draw) }
  })
}

const register = (seed: number) =>
  drawn<RegisterInput, RegisterOutput>(
    seed,
    (draw) => {
      const value = draw(1, 3, 11)
      const kind = draw(0, 4, 10)
      if (kind < 2) return { type: 'read' }
      return kind < 4 ? { type: 'write', value } : { type: 'compare-and-set', expected: draw(1, 3, 12), value }
    },
    ({ type }, draw) => {
      if (type === 'read') return { type, value: draw(0, 3, 13) || null }
      return type === 'write' ? { type } : { type, succeeded: draw(0, 1, 14) === 1 }
    },
  )

const queue = (seed: number) =>
  drawn<QueueInput, QueueOutput>(
    seed,
    (draw) => (draw(0, 1, 10) === 0 ? { type: 'enqueue', element: draw(1, 2, 11) } : { type: 'dequeue' }),
    ({ type }, draw) => (type === 'enqueue' ? { type } : { type, element: draw(0, 2, 12) || null }),
  )

const lock = (seed: number) =>
  drawn<LockInput, LockOutput>(
    seed,
    (draw) => ({
      type: draw(0, 1, 10) ? 'acquire' : 'release',
      lock: `l${draw(0, 1, 11)}`,
      owner: `o${draw(0, 1, 12)}`,
    }),
    ({ type }, draw) => ({ granted: draw(0, 5, 13) > (type === 'acquire' ? 1 : 3) }),
  )

/** Histories of a true store of one or two keys; in five of six some reads show another value, revision or nothing. */
function store(seed: number): Operation<StoreInput, StoreOutput>[] {
  const history = trueHistory({
    seed,
    operations: 3 + (seed % 5),
    clients: 3,
    keys: 1 + (seed % 2),
    values: 3,
    unknownPpm: seed % 4 === 0 ? 0 : 250_000,
    puts: 350_000,
    deletes: 100_000,
    transactions: 150_000,
  })
  const rand = new Rand(seed, 8)
  if (seed % 6 === 0) return history
  return history.map((one, i) => {
    if (one.output === undefined || !rand.chanceAt(600_000, i, 1)) return one
    const { found, revision } = one.output
    if (found.length === 0)
      return rand.chanceAt(400_000, i, 2) ? { ...one, output: { ...one.output, revision: revision + 1 } } : one
    const other = { ...found[0]!, value: rand.intAt(1, 3, i, 3), modRevision: rand.intAt(2, revision, i, 4) }
    const shown = rand.pickAt([[other], [{ ...found[0]!, value: other.value }], []], i, 5)
    return { ...one, output: { ...one.output, found: shown } }
  })
}

function agrees<State, Input, Output>(
  model: Model<State, Input, Output>,
  draw: (seed: number) => Operation<Input, Output>[],
  seeds: number,
  /** Hold the parts to the definition, not the whole: where cutting is not complete. */
  apart = false,
): { yes: number; no: number } {
  let yes = 0
  let no = 0
  for (let seed = 1; seed <= seeds; seed++) {
    const history = draw(seed)
    expect(malformed(history)).toEqual([])
    const parts = apart ? model.partition!(history).map((part) => part.operations) : [history]
    const expected = parts.every((part) => linearizableByDefinition(part, model))
    const verdict = checkLinearizability(history, model).verdict
    const facts = { seed, history: history.map((one) => ({ ...one, text: model.describe(one.input, one.output) })) }
    expect({ verdict, ...facts }).toEqual({ verdict: expected ? 'linearizable' : 'not-linearizable', ...facts })
    expect(parts.every((part) => plainSearch(part, model, 1e6).verdict === 'linearizable')).toBe(expected)
    if (expected) yes++
    else no++
  }
  return { yes, no }
}

describe('it says what the definition says', () => {
  test('of a register', () => {
    const { yes, no } = agrees(REGISTER, register, 5_000)
    expect(yes).toBeGreaterThan(600)
    expect(no).toBeGreaterThan(600)
  })
  test('of a queue', () => {
    const { yes, no } = agrees(QUEUE, queue, 2_000)
    expect(yes).toBeGreaterThan(400)
    expect(no).toBeGreaterThan(400)
  })
  test('of locks', () => {
    const { yes, no } = agrees(LOCK, lock, 2_500)
    expect(yes).toBeGreaterThan(400)
    expect(no).toBeGreaterThan(400)
  })
  test.each([
    ['values', KEY_VALUES],
    ['revisions of keys', KEY_REVISIONS],
    ['all revisions', revisionedStore()],
  ])('of a store, by %s', (_, model) => {
    const { yes, no } = agrees(model, store, 3_000, model === KEY_REVISIONS)
    expect(yes).toBeGreaterThan(400)
    expect(no).toBeGreaterThan(400)
  })
})

test('the weaker models of a store never refuse what the stronger accept, and the stronger do refuse more', () => {
  let stricter = 0
  let strictest = 0
  for (let seed = 1; seed <= 2_000; seed++) {
    const history = store(seed)
    const [all, keys, values] = [revisionedStore(), KEY_REVISIONS, KEY_VALUES].map(
      (model) => checkLinearizability(history, model).verdict === 'linearizable',
    )
    expect(!all || keys).toBe(true)
    expect(!keys || values).toBe(true)
    if (keys && !all) strictest++
    if (values && !keys) stricter++
  }
  expect(stricter).toBeGreaterThan(50)
  expect(strictest).toBeGreaterThan(20)
})

describe('histories of a true store are accepted, with an order that replays', () => {
  test.each([
    [3_000, 50, 0],
    [3_000, 50, 50_000],
    [1_500, 4, 50_000],
    [400, 1, 100_000],
  ])('%i operations on %i keys, %i ppm unknown', (operations, keys, unknownPpm) => {
    for (let seed = 1; seed <= 4; seed++) {
      const history = trueHistory({ seed, operations, clients: 10, keys, unknownPpm })
      for (const model of [KEY_VALUES, KEY_REVISIONS]) {
        const result = checkLinearizability(history, model)
        if (result.verdict !== 'linearizable') throw new Error(`${seed}: ${result.verdict}`)
        replays(result.orders, model, history)
      }
      if (unknownPpm > 0) continue
      expect(checkLinearizability(history, revisionedStore()).verdict).toBe('linearizable')
    }
  })
})

/** Every operation with an answer is there once, nobody is overtaken by one called after its return, the model agrees. */
function replays<State>(
  orders: ReadonlyMap<string, readonly Operation<StoreInput, StoreOutput>[]>,
  model: Model<State, StoreInput, StoreOutput>,
  history: readonly Operation<StoreInput, StoreOutput>[],
): void {
  const placed = [...orders.values()].flat()
  expect(new Set(placed).size).toBe(placed.length)
  expect(placed.filter((one) => one.return !== undefined).length).toBe(
    history.filter((one) => one.return !== undefined).length,
  )
  for (const order of orders.values()) {
    let state = model.init()
    let latestCall = Number.NEGATIVE_INFINITY
    for (const one of order) {
      if (one.return !== undefined) expect(one.return).toBeGreaterThanOrEqual(latestCall)
      latestCall = Math.max(latestCall, one.call)
      const step = model.step(state, one.input, one.output)
      if (!step.ok) throw new Error(`refused: ${model.describe(one.input, one.output)}`)
      state = step.state
    }
  }
}

test('a long history with one answer of the past in it is refused, and the wall is that operation or a later one', () => {
  let refused = 0
  for (let seed = 1; seed <= 12; seed++) {
    const history = trueHistory({ seed, operations: 1_000, clients: 8, keys: 10, unknownPpm: 30_000 })
    const reads = history.flatMap((one, index) => (one.input.type === 'get' && one.output?.found.length ? [index] : []))
    const late = reads[Math.floor(reads.length * 0.8)]!
    const key = (history[late]!.input as { key: string }).key
    const stale = reads.find((index) => (history[index]!.input as { key: string }).key === key)!
    const spoilt = history.map((one, index) =>
      index === late ? { ...one, output: { ...one.output!, found: history[stale]!.output!.found } } : one,
    )
    for (const model of [KEY_VALUES, KEY_REVISIONS]) {
      const result = checkLinearizability(spoilt, model)
      if (result.verdict === 'not-linearizable') {
        refused++
        expect(result.part.name).toBe(key)
        expect(result.wall.return!).toBeGreaterThanOrEqual(spoilt[late]!.call)
      }
    }
  }
  expect(refused).toBeGreaterThan(18)
})

test('what a budget does not suffice for is unknown, not refused', () => {
  const history = trueHistory({ seed: 1, operations: 200, clients: 5, keys: 3 })
  const result = checkLinearizability(history, KEY_VALUES, { budget: 100 })
  expect(result.verdict).toBe('unknown')
  expect(result.verdict === 'unknown' && result.parts.length).toBeGreaterThan(0)
  expect(search(history, KEY_VALUES, 0).verdict).toBe('unknown')
})

test('evidence settles unknown outcomes: a complete log leaves none of the puts open', () => {
  let fewer = 0
  for (let seed = 1; seed <= 5; seed++) {
    const history = trueHistory({ seed, operations: 300, clients: 6, keys: 8, unknownPpm: 100_000, deletes: 0 })
    const open = (all: readonly Operation<StoreInput, StoreOutput>[]) =>
      all.filter((one) => one.return === undefined && one.input.type === 'put').length
    const some = settled(history, seenByReads(history), false)
    fewer += open(history) - open(some)
    expect(checkLinearizability(some, KEY_REVISIONS).verdict).toBe('linearizable')
    expect(open(settled(history, seenByReads(history), true))).toBe(0)
  }
  expect(fewer).toBeGreaterThan(5)
})

test('a recorder numbers calls and returns as they are told, so that none touch', () => {
  const recorder = new HistoryRecorder<RegisterInput, RegisterOutput>()
  const first = recorder.call('a', { type: 'write', value: 1 }, 70)
  recorder.returned(first, { type: 'write' }, 80)
  const second = recorder.call('a', { type: 'read' }, 80)
  recorder.call('b', { type: 'write', value: 2 }, 80)
  recorder.returned(second, { type: 'read', value: null }, 90)
  expect(recorder.open).toBe(1)
  expect(recorder.timeOf(2)).toBe(80)
  const history = recorder.history()
  expect(history.map((one) => [one.call, one.return])).toEqual([
    [0, 1],
    [2, 4],
    [3, undefined],
  ])
  // The read began at the moment at which the write ended; the numbers know which was first.
  expect(checkLinearizability(history, REGISTER).verdict).toBe('not-linearizable')
  const timed = history.map((one) => ({
    ...one,
    call: recorder.timeOf(one.call)!,
    return: one.return && recorder.timeOf(one.return),
  }))
  expect(checkLinearizability(timed, REGISTER).verdict).toBe('linearizable')
  expect(() => recorder.returned(first, { type: 'write' }, 95)).toThrow('an operation returns once')
})

test('a history that nobody can have seen is not checked', () => {
  const wrong = {
    process: 'a',
    input: { type: 'read' } as const,
    call: 5,
    return: 3,
    output: { type: 'read', value: 1 } as const,
  }
  expect(() => checkLinearizability([wrong], REGISTER)).toThrow('returned at 3, called at 5')
  const hasty = [0, 1].map((call) => ({ ...wrong, call, return: 4 }))
  expect(() => checkLinearizability(hasty, REGISTER)).toThrow('calls at 1 while it waits until 4')
})
