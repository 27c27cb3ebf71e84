// Known histories, of the literature and of databases that went wrong: the verdict of each, and what the witness of those
// that are refused keeps of them. Then witnesses of drawn histories: contradictory as they are, and minimal.
import { describe, expect, test } from 'vitest'
import { drawSvg, drawText } from './drawing.ts'
import { type History, type Operation, setFree } from './history.ts'
import { checkLinearizability } from './linearizability.ts'
import type { Model } from './model.ts'
import { KEY_REVISIONS, KEY_VALUES, revisionedStore } from './models/keyvalue.ts'
import { QUEUE, type QueueInput, type QueueOutput } from './models/queue.ts'
import { REGISTER, type RegisterInput, type RegisterOutput } from './models/register.ts'
import { type StoreInput, type StoreOutput, storeOutput } from './models/store.ts'
import { search } from './search.ts'
import { linearizableByDefinition, trueHistory } from './testing.ts'
import { witnessOf } from './witness.ts'

type Registers = Operation<RegisterInput, RegisterOutput>

const NEVER = undefined
const write = (process: string, call: number, end: number | undefined, value: number): Registers => ({
  process,
  call,
  return: end,
  input: { type: 'write', value },
  output: end === undefined ? undefined : { type: 'write' },
})
const read = (process: string, call: number, end: number, value: number | null): Registers => ({
  process,
  call,
  return: end,
  input: { type: 'read' },
  output: { type: 'read', value },
})
const set = (
  process: string,
  call: number,
  end: number | undefined,
  expected: number,
  value: number,
  ok = true,
): Registers => ({
  process,
  call,
  return: end,
  input: { type: 'compare-and-set', expected, value },
  output: end === undefined ? undefined : { type: 'compare-and-set', succeeded: ok },
})

describe('registers', () => {
  test.each<[name: string, history: Registers[], core: number[] | undefined]>([
    ['nothing', [], undefined],
    ['a read sees the write before it', [write('a', 0, 1, 1), read('b', 2, 3, 1)], undefined],
    ['a stale read', [write('a', 0, 1, 1), write('a', 2, 3, 2), read('b', 4, 5, 1)], [0, 1, 2]],
    [
      'the same, while the second write is under way',
      [write('a', 0, 1, 1), write('a', 2, 6, 2), read('b', 4, 5, 1)],
      undefined,
    ],
    ['a read from the future', [read('b', 0, 1, 1), write('a', 2, 3, 1)], [0, 1]],
    ['a value from nowhere', [write('a', 0, 1, 1), read('b', 2, 3, 7)], [1]],
    ['the initial value after a write', [write('a', 0, 1, 1), read('b', 2, 3, null)], [0, 1]],
    [
      'new, then old, while the write is under way',
      [write('a', 0, 9, 1), read('b', 1, 2, 1), read('c', 3, 4, null)],
      [1, 2],
    ],
    [
      'two readers see two writes in different orders',
      [
        write('a', 0, 9, 1),
        write('b', 0, 9, 2),
        read('c', 1, 2, 1),
        read('d', 1, 2, 2),
        read('c', 3, 4, 2),
        read('d', 3, 4, 1),
        read('c', 5, 6, 1),
      ],
      [0, 1, 2, 3, 4, 5, 6],
    ],
    [
      'a crashed write is seen much later',
      [write('a', 0, NEVER, 1), read('b', 1, 2, null), read('b', 8, 9, 1)],
      undefined,
    ],
    [
      'a crashed write is seen and then unseen',
      [write('a', 0, NEVER, 1), read('b', 1, 2, 1), read('b', 3, 4, null)],
      [1, 2],
    ],
    [
      'a crashed write is seen twice with another between',
      [write('a', 0, NEVER, 1), read('b', 1, 2, 1), write('c', 3, 4, 2), read('b', 5, 6, 2), read('b', 7, 8, 1)],
      [0, 1, 2, 4],
    ],
    [
      'a lost update: two swaps from one value',
      [write('a', 0, 1, 1), set('b', 2, 5, 1, 2), set('c', 2, 5, 1, 3)],
      [0, 1, 2],
    ],
    [
      'one of two swaps is refused',
      [write('a', 0, 1, 1), set('b', 2, 5, 1, 2), set('c', 2, 5, 1, 3, false)],
      undefined,
    ],
    ['a swap is refused though nothing changed', [write('a', 0, 1, 1), set('b', 2, 3, 1, 2, false)], [0, 1]],
    [
      'a crashed swap explains the next',
      [write('a', 0, 1, 1), set('b', 2, NEVER, 1, 2), set('c', 4, 5, 2, 3)],
      undefined,
    ],
  ])('%s', (_, history, core) => {
    expect(linearizableByDefinition(history, REGISTER)).toBe(core === undefined)
    const result = checkLinearizability(history, REGISTER)
    expect(result.verdict).toBe(core === undefined ? 'linearizable' : 'not-linearizable')
    if (result.verdict !== 'not-linearizable') return
    const witness = witnessOf(result, REGISTER)
    isCore(history, witness.operations, REGISTER)
    expect(witness).toMatchObject({ minimal: true, proven: true })
    expect(witness.operations.length).toBeLessThanOrEqual(core!.length)
  })
})

/** Contradictory whatever the others did, and not any more once one of them is set free. By the definition. */
function isCore<State, Input, Output>(
  all: History<Input, Output>,
  core: History<Input, Output>,
  model: Model<State, Input, Output>,
): void {
  const order = (kept: History<Input, Output>) =>
    linearizableByDefinition(
      all.map((one) => (kept.includes(one) ? one : setFree(one))),
      model,
    )
  expect(order(core)).toBe(false)
  expect(linearizableByDefinition(core, model)).toBe(false)
  for (const one of core) expect(order(core.filter((other) => other !== one))).toBe(true)
}

type Stores = Operation<StoreInput, StoreOutput>

const asked = (
  process: string,
  call: number,
  end: number | undefined,
  input: StoreInput,
  output?: StoreOutput,
): Stores => ({
  process,
  call,
  return: end,
  input,
  output,
})
const a1 = { key: 'a', value: 1, createRevision: 2, modRevision: 2, version: 1 }
const PUT1 = asked('p', 0, 1, { type: 'put', key: 'a', value: 1 }, storeOutput(2))

describe('a store', () => {
  const swap = (process: string, value: number, revision: number) =>
    asked(
      process,
      2,
      5,
      {
        type: 'txn',
        compare: [{ key: 'a', modRevision: 2 }],
        success: [{ type: 'put', key: 'a', value }],
        failure: [],
      },
      storeOutput(revision),
    )
  const get = (process: string, call: number, key: string, revision: number, found: StoreOutput['found']) =>
    asked(process, call, call + 1, { type: 'get', key }, storeOutput(revision, { found }))
  test.each<[name: string, history: Stores[], refusedBy: ('values' | 'keys' | 'all')[]]>([
    ['put and get', [PUT1, get('q', 2, 'a', 2, [a1])], []],
    ['a lost update', [PUT1, swap('p', 2, 3), swap('q', 3, 4)], ['keys', 'all']],
    [
      'a dirty read: seen, then lost in a crash',
      [
        PUT1,
        asked('p', 2, NEVER, { type: 'put', key: 'a', value: 2 }),
        get('q', 3, 'a', 3, [{ ...a1, value: 2, modRevision: 3, version: 2 }]),
        get('q', 5, 'a', 2, [a1]),
      ],
      ['values', 'keys', 'all'],
    ],
    [
      'a read of a deleted key',
      [PUT1, asked('p', 2, 3, { type: 'delete', key: 'a' }, storeOutput(3, { deleted: 1 })), get('q', 4, 'a', 3, [a1])],
      ['values', 'keys', 'all'],
    ],
    [
      'the right value at a wrong revision',
      [PUT1, get('q', 2, 'a', 3, [{ ...a1, modRevision: 3, createRevision: 3 }])],
      ['keys', 'all'],
    ],
    [
      'two keys written at one revision',
      [PUT1, asked('q', 0, 1, { type: 'put', key: 'b', value: 1 }, storeOutput(2))],
      ['all'],
    ],
    [
      'a revision that nobody made',
      [PUT1, asked('q', 2, 3, { type: 'put', key: 'b', value: 1 }, storeOutput(4))],
      ['all'],
    ],
    [
      'a revision that a crashed put may have made',
      [
        PUT1,
        asked('r', 0, NEVER, { type: 'put', key: 'c', value: 1 }),
        asked('q', 2, 3, { type: 'put', key: 'b', value: 1 }, storeOutput(4)),
      ],
      [],
    ],
    [
      'a range that sees the later of two puts only',
      [
        PUT1,
        asked('p', 2, 3, { type: 'put', key: 'b', value: 1 }, storeOutput(3)),
        asked(
          'q',
          4,
          5,
          { type: 'range', key: 'a', rangeEnd: 'z' },
          storeOutput(3, {
            found: [{ key: 'b', value: 1, createRevision: 3, modRevision: 3, version: 1 }],
          }),
        ),
      ],
      ['values', 'keys', 'all'],
    ],
  ])('%s', (_, history, refusedBy) => {
    const verdicts = { values: KEY_VALUES, keys: KEY_REVISIONS, all: revisionedStore() }
    const refused = Object.entries(verdicts).flatMap(([name, model]) =>
      checkLinearizability(history, model).verdict === 'linearizable' ? [] : [name],
    )
    expect(refused).toEqual(refusedBy)
  })
})

test('a queue: an element taken twice, and two taken in the wrong order', () => {
  const enqueue = (call: number, element: number): Operation<QueueInput, QueueOutput> => ({
    process: 'p',
    call,
    return: call + 1,
    input: { type: 'enqueue', element },
    output: { type: 'enqueue' },
  })
  const dequeue = (process: string, call: number, element: number | null): Operation<QueueInput, QueueOutput> => ({
    process,
    call,
    return: call + 1,
    input: { type: 'dequeue' },
    output: { type: 'dequeue', element },
  })
  const verdict = (history: Operation<QueueInput, QueueOutput>[]) => checkLinearizability(history, QUEUE).verdict
  expect(verdict([enqueue(0, 1), enqueue(2, 2), dequeue('q', 4, 1), dequeue('r', 4, 2)])).toBe('linearizable')
  expect(verdict([enqueue(0, 1), enqueue(2, 2), dequeue('q', 4, 2), dequeue('r', 6, 1)])).toBe('not-linearizable')
  expect(verdict([enqueue(0, 1), dequeue('q', 4, 1), dequeue('r', 4, 1)])).toBe('not-linearizable')
})

test('witnesses of spoilt histories: small, contradictory by themselves, minimal, and the same every time', () => {
  let refused = 0
  for (let seed = 1; seed <= 8; seed++) {
    const history = trueHistory({ seed, operations: 400, clients: 6, keys: 8, unknownPpm: 30_000 })
    const reads = history.filter((one) => one.input.type === 'get' && one.output?.found.length)
    const late = reads[Math.floor(reads.length * 0.8)]!
    const first = reads.find((one) => (one.input as { key: string }).key === (late.input as { key: string }).key)!
    const spoilt = history.map((one) =>
      one === late ? { ...one, output: { ...one.output!, found: first.output!.found } } : one,
    )
    const result = checkLinearizability(spoilt, KEY_VALUES)
    if (result.verdict !== 'not-linearizable') continue
    refused++
    const witness = witnessOf(result, KEY_VALUES)
    expect(witness.minimal).toBe(true)
    expect(witness.operations.length).toBeLessThan(9)
    expect(search(witness.operations, KEY_VALUES, 1e5).verdict).toBe('illegal')
    expect(witness.unplaced.length).toBeGreaterThan(0)
    expect(witnessOf(result, KEY_VALUES)).toEqual(witness)
  }
  expect(refused).toBeGreaterThan(4)
})

test('a witness drawn as text and as SVG', () => {
  const history = [
    write('a', 0, 1, 1),
    write('b', 0, NEVER, 3),
    write('a', 2, 6, 2),
    read('c', 4, 8, 2),
    read('b', 9, 10, 1),
  ]
  const result = checkLinearizability(history, REGISTER)
  if (result.verdict !== 'not-linearizable') throw new Error(result.verdict)
  const witness = witnessOf(result, REGISTER)
  expect(drawText(witness, REGISTER)).toBe(`a  [ 1 write 1 ] [ 2 write 2 ]
b                              [ x read -> 1 ]

3 operations on a register contradict each other, whatever the others did.
An order up to there: a: write 1; a: write 2. It leaves 2.
Then b: read -> 1 must have taken effect before it returned, and it fits neither there nor in any other order.`)
  const svg = drawSvg(witness, REGISTER)
  expect(svg).toBe(drawSvg(witness, REGISTER))
  expect(svg.match(/<rect [^>]*rx="3"/g)).toHaveLength(3)
  expect(svg).toContain('x read -&gt; 1')
  const words = [...svg.matchAll(/<text [^>]*>([^<]*)</g)].map(([, text]) => text ?? '')
  expect(Math.max(...words.map((text) => text.length))).toBeLessThanOrEqual(100)
  expect(words.join(' ')).toContain('and it fits neither there nor in any other order. Time goes to the right')
  expect(svg.match(/<(svg|text|title)\b/g)?.length).toBe(svg.match(/<\/(svg|text|title)>/g)?.length)
})
