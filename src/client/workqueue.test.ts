/** The work queue: a key waits once, is with one worker, and comes back after its delay. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecordingOut } from '../kernel/testing.ts'
import { MILLISECOND, SECOND } from '../kernel/time.ts'
import { KeyedHeap } from './heap.ts'
import { DefaultRateLimiter } from './ratelimiter.ts'
import { WorkQueue } from './workqueue.ts'

test('a key waits once, is with one worker, and comes back when it changed meanwhile', () => {
  const out = new RecordingOut()
  const queue = new WorkQueue()
  queue.add('a', out)
  queue.add('a', out)
  expect(queue.length).toBe(1)
  expect(queue.get()).toBe('a')
  queue.add('a', out)
  expect(queue.get()).toBeUndefined()
  queue.done('a', out)
  expect(queue.get()).toBe('a')
  queue.done('a', out)
  expect(queue.get()).toBeUndefined()
})

test('done without get breaks an invariant', () => {
  expect(() => new WorkQueue().done('a', new RecordingOut())).toThrow('only a key that was taken can be done')
})

test('of several delays of a key the earliest counts, with one timer for all', () => {
  const out = new RecordingOut()
  const queue = new WorkQueue()
  queue.addAfter('a', 3 * SECOND, out)
  queue.addAfter('b', 2 * SECOND, out)
  queue.addAfter('a', SECOND, out)
  queue.addAfter('a', 5 * SECOND, out)
  expect(out.timers).toHaveLength(1)
  out.advance(SECOND)
  expect(queue.get()).toBe('a')
  out.advance(SECOND)
  expect(queue.get()).toBe('b')
  out.advance(10 * SECOND)
  expect(queue.length).toBe(0)
  expect(out.timers).toHaveLength(0)
})

test('failures of one key wait 5 ms, 10 ms, ... up to 1,000 s, and are forgotten on success', () => {
  const limiter = new DefaultRateLimiter()
  const waits = Array.from({ length: 20 }, (_, index) => limiter.when('a', index * 1_000 * SECOND))
  expect(waits.slice(0, 4)).toEqual([5, 10, 20, 40].map((milliseconds) => milliseconds * MILLISECOND))
  expect(waits.at(-1)).toBe(1_000 * SECOND)
  limiter.forget('a')
  expect(limiter.when('a', 1e12)).toBe(5 * MILLISECOND)
})

test('many failing keys together are held to ten a second after a hundred', () => {
  const limiter = new DefaultRateLimiter()
  const waits = Array.from({ length: 120 }, (_, index) => limiter.when(`key-${index}`, 0))
  expect(waits[99]).toBe(5 * MILLISECOND)
  expect(waits[119]).toBe(2 * SECOND)
})

test('no key is lost and none is with two workers, whatever the order of events', () => {
  const event = fc.oneof(
    fc.record({ what: fc.constant('add' as const), key: fc.constantFrom('a', 'b', 'c') }),
    fc.record({
      what: fc.constant('later' as const),
      key: fc.constantFrom('a', 'b', 'c'),
      milliseconds: fc.integer({ min: 0, max: 50 }),
    }),
    fc.record({ what: fc.constant('take' as const) }),
    fc.record({ what: fc.constant('finish' as const), which: fc.nat(5) }),
    fc.record({ what: fc.constant('wait' as const), milliseconds: fc.integer({ min: 1, max: 40 }) }),
  )
  fc.assert(
    fc.property(fc.array(event, { maxLength: 80 }), (events) => {
      const out = new RecordingOut()
      const queue = new WorkQueue()
      const held: string[] = []
      /** Keys with a change that no later take has seen. */
      const owed = new Set<string>()
      const take = () => {
        const key = queue.get()
        if (key === undefined) return
        expect(held).not.toContain(key)
        held.push(key)
        owed.delete(key)
      }
      for (const next of events) {
        if (next.what === 'add') {
          queue.add(next.key, out)
          owed.add(next.key)
        } else if (next.what === 'later') {
          queue.addAfter(next.key, next.milliseconds * MILLISECOND, out)
        } else if (next.what === 'take') take()
        else if (next.what === 'finish') {
          const [key] = held.splice(next.which % Math.max(1, held.length), 1)
          if (key !== undefined) queue.done(key, out)
        } else out.advance(next.milliseconds * MILLISECOND)
      }
      for (const key of held.splice(0)) queue.done(key, out)
      const before = queue.delayed
      out.advance(SECOND)
      expect(queue.delayed).toBe(0)
      expect(queue.length).toBeGreaterThanOrEqual(before > 0 ? 1 : 0)
      while (queue.length > 0) {
        take()
        for (const key of held.splice(0)) queue.done(key, out)
      }
      expect([...owed]).toEqual([])
    }),
    { seed: 12, numRuns: 500 },
  )
})

test('a keyed heap gives its items in order after any sets and deletes', () => {
  const change = fc.record({ key: fc.nat(20), value: fc.option(fc.nat(50)) })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 100 }), (changes) => {
      const heap = new KeyedHeap<readonly [number, number]>((a, b) => a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]))
      const naive = new Map<number, number>()
      for (const { key, value } of changes) {
        if (value === null) {
          expect(heap.delete(String(key))).toBe(naive.delete(key))
        } else {
          heap.set(String(key), [value, key])
          naive.set(key, value)
        }
      }
      const popped: (readonly [number, number])[] = []
      for (let item = heap.pop(); item !== undefined; item = heap.pop()) popped.push(item)
      const expected = [...naive].map(([key, value]) => [value, key]).sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!)
      expect(popped).toEqual(expected)
    }),
    { seed: 13, numRuns: 300 },
  )
})
