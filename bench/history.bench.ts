/**
 * Checks of histories: operations checked a second by length, with and without unknown outcomes, and the same beside a plain
 * search without parts and without memory. The plain search often does not end; then its figure is what it got through
 * within its budget of steps, and the row says so.
 */
import {
  checkLinearizability,
  type History,
  KEY_REVISIONS,
  KEY_VALUES,
  revisionedStore,
  type StoreInput,
  type StoreModel,
  type StoreOutput,
} from '../src/history/index.ts'
import { plainSearch } from '../src/history/plain.ts'
import { trueHistory } from '../src/history/testing.ts'
import { main } from './main.ts'
import { median, type Row } from './row.ts'

export const name = 'history'

const CLIENTS = 10
const KEYS = 50
const UNKNOWN_PPM = 50_000
/** Steps that the plain search may try; some seconds. */
const PLAIN_STEPS = 2_000_000

type Stores = History<StoreInput, StoreOutput>

/** Of one core's user time, which says the same on a machine that is busy with other things. */
function seconds(work: () => void): number {
  const from = process.cpuUsage()
  work()
  return process.cpuUsage(from).user / 1e6
}

function drawn(operations: number, unknownPpm: number, keys = KEYS): Stores {
  return trueHistory({ seed: 7, operations, clients: CLIENTS, keys, unknownPpm })
}

/** Seconds for a check that must accept. */
function checked(history: Stores, model: StoreModel): number {
  return median(
    Array.from({ length: history.length > 20_000 ? 1 : 3 }, () =>
      seconds(() => {
        const { verdict } = checkLinearizability(history, model)
        if (verdict !== 'linearizable') throw new Error(`a true history is ${verdict}`)
      }),
    ),
  )
}

/** Milliseconds until a history is refused in which a late read shows what the first read of its key did. */
function refused(operations: number): number {
  const history = drawn(operations, UNKNOWN_PPM)
  const reads = history.filter(({ input, output }) => input.type === 'get' && output?.found.length === 1)
  const late = reads[Math.floor(reads.length * 0.8)]!
  const early = reads.find(({ output }) => output?.found[0]?.key === late.output?.found[0]?.key)!
  const spoilt = history.map((one) =>
    one === late ? { ...one, output: { ...one.output!, found: early.output!.found } } : one,
  )
  return (
    1_000 *
    seconds(() => {
      const { verdict } = checkLinearizability(spoilt, KEY_VALUES)
      if (verdict !== 'not-linearizable') throw new Error(`a stale read is ${verdict}`)
    })
  )
}

/** Two rows: milliseconds of the checker, and of the plain search on the same history until it ends or gives up. */
function plain(operations: number, keys: number, unknownPpm: number): Row[] {
  const history = drawn(operations, unknownPpm, keys)
  const what = `${operations} operations, ${keys} keys, ${unknownPpm / 10_000} % unknown`
  const ours = checked(history, KEY_VALUES) * 1_000
  let verdict = ''
  const took = seconds(() => {
    verdict = plainSearch(history, KEY_VALUES, PLAIN_STEPS).verdict
  })
  const ended = verdict === 'unknown' ? `gave up after ${PLAIN_STEPS / 1e6} million steps` : 'ended'
  return [
    { figure: `history: ${what}`, value: ours, unit: 'ms', atMost: true },
    { figure: `history: ${what}, plain search (${ended})`, value: took * 1_000, unit: 'ms', atMost: true },
  ]
}

export function run(): Row[] {
  for (const model of [KEY_VALUES, KEY_REVISIONS]) checked(drawn(5_000, UNKNOWN_PPM), model)
  const rows: Row[] = []
  for (const operations of [1_000, 10_000, 100_000]) {
    const certain = drawn(operations, 0)
    const crashing = drawn(operations, UNKNOWN_PPM)
    const row = (what: string, history: Stores, model: StoreModel) =>
      rows.push({
        figure: `history: ${operations} operations, ${what}`,
        value: operations / checked(history, model),
        unit: '1/s',
      })
    row('values', certain, KEY_VALUES)
    row('values, 5 % unknown', crashing, KEY_VALUES)
    row('revisions of keys, 5 % unknown', crashing, KEY_REVISIONS)
    row('all revisions, one part', certain, revisionedStore())
  }
  const crashing = drawn(100_000, UNKNOWN_PPM)
  rows.push({
    figure: 'history: 100,000 operations, 10 clients, 50 keys, 5 % unknown',
    value: checked(crashing, KEY_VALUES),
    unit: 's',
    atMost: true,
    target: 10,
  })
  rows.push({
    figure: 'history: 2,000 operations, 50 keys, 5 % unknown, a stale read',
    value: refused(2_000),
    unit: 'ms',
    atMost: true,
  })
  return [...rows, ...plain(60, 1, 0), ...plain(60, 4, 0), ...plain(60, 4, UNKNOWN_PPM), ...plain(1_000, 50, 0)]
}

await main(import.meta.url, name, run)
