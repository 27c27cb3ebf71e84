// The wheel against a sorted list: random programs of insert, cancel, park and run-until give the same order.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { A, EventQueue, TIME } from './queue.ts'

interface Entry {
  readonly time: number
  readonly sequence: number
  readonly id: number
}

/** The stupid opinion: a list searched for its least (time, sequence). */
class Reference {
  readonly entries: Entry[] = []
  #sequence = 0

  insert(time: number, id: number): void {
    this.entries.push({ time, sequence: this.#sequence++, id })
  }

  cancel(id: number): boolean {
    const index = this.entries.findIndex((entry) => entry.id === id)
    if (index >= 0) this.entries.splice(index, 1)
    return index >= 0
  }

  pop(until: number): Entry | undefined {
    let best: Entry | undefined
    for (const entry of this.entries)
      if (best === undefined || entry.time < best.time || (entry.time === best.time && entry.sequence < best.sequence))
        best = entry
    if (best === undefined || best.time > until) return undefined
    this.entries.splice(this.entries.indexOf(best), 1)
    return best
  }
}

const delay = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 3 }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 3_000 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 5_000_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 2 ** 31 }) },
  { weight: 1, arbitrary: fc.constantFrom(1023, 1024, 1025, 2 ** 20 - 1, 2 ** 20, 2 ** 30 - 1, 2 ** 30, 2 ** 30 + 1) },
)
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant('insert' as const), delay }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('run' as const), delay, most: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('cancel' as const), pick: fc.nat(200) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('park' as const), delay }) },
)

test('any program gives the order of a list sorted by time, then by scheduling', () => {
  let popped = 0
  let cancelled = 0
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (program) => {
      const queue = new EventQueue()
      const reference = new Reference()
      const timers: number[] = []
      let now = 0
      const insert = (time: number) => {
        const row = queue.take()
        queue.reals[(row << 3) + A] = timers.length
        reference.insert(time, timers.length)
        timers.push(queue.insert(row, time))
      }
      const run = (until: number, most: number) => {
        for (let i = 0; i < most; i++) {
          const row = queue.pop(until)
          const expected = reference.pop(until)
          expect(row === 0 ? undefined : queue.reals[(row << 3) + A]).toBe(expected?.id)
          if (row === 0) {
            now = until
            return
          }
          popped++
          expect(queue.reals[(row << 3) + TIME]).toBe(expected?.time)
          now = queue.reals[(row << 3) + TIME] as number
          queue.release(row)
        }
      }
      for (const action of program) {
        if (action.op === 'insert') insert(now + action.delay)
        else if (action.op === 'run') run(now + action.delay, action.most)
        else if (action.op === 'cancel') {
          const id = action.pick % (timers.length + 1)
          const did = reference.cancel(id)
          expect(queue.cancel(timers[id] ?? 0)).toBe(did)
          if (did) cancelled++
        } else {
          const row = queue.pop(now + action.delay)
          const expected = reference.pop(now + action.delay)
          if (row === 0) now += action.delay
          else {
            now = queue.reals[(row << 3) + TIME] as number
            const timer = queue.park(row)
            queue.unpark(timer, now)
            reference.insert(now, expected?.id as number)
          }
        }
        expect(queue.size).toBe(reference.entries.length)
      }
      run(Number.POSITIVE_INFINITY, 1_000)
    }),
    { seed: 1987, numRuns: 3_000 },
  )
  expect(popped).toBeGreaterThan(50_000)
  expect(cancelled).toBeGreaterThan(5_000)
})

test('many events at once: the columns grow and nothing is lost', () => {
  const queue = new EventQueue()
  for (let i = 0; i < 10_000; i++) {
    const row = queue.take()
    queue.reals[(row << 3) + A] = i
    queue.refs[row] = `event ${i}`
    queue.insert(row, (i * 7_919) % 10_007)
  }
  let last = -1
  for (let row = queue.pop(1e9); row !== 0; row = queue.pop(1e9)) {
    expect(queue.reals[(row << 3) + TIME]).toBeGreaterThan(last)
    last = queue.reals[(row << 3) + TIME] as number
    expect(queue.refs[row]).toBe(`event ${queue.reals[(row << 3) + A]}`)
    queue.release(row)
  }
  expect(queue.size).toBe(0)
})

test('a parked event can be cancelled; a released one cannot', () => {
  const queue = new EventQueue()
  const first = queue.insert(queue.take(), 5)
  const row = queue.pop(10)
  const parked = queue.park(row)
  expect(parked).toBe(first)
  expect(queue.cancel(first)).toBe(true)
  queue.unpark(parked, 10)
  expect(queue.pop(100)).toBe(0)
  const second = queue.insert(queue.take(), 20)
  queue.release(queue.pop(100))
  expect(queue.cancel(second)).toBe(false)
  expect(queue.cancel(0)).toBe(false)
})
