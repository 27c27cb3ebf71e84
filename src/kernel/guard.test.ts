// The guard: every way to the real world throws inside and works again outside, also after a throw and when nested.
import { expect, test } from 'vitest'
import { DeterminismError, guarded } from './guard.ts'

const WAYS: readonly (readonly [string, () => unknown])[] = [
  ['Date.now()', () => Date.now()],
  ['new Date()', () => new Date()],
  ['Date()', () => Date()],
  ['Math.random', () => Math.random()],
  ['setTimeout', () => clearTimeout(setTimeout(() => {}, 0))],
  ['setInterval', () => clearInterval(setInterval(() => {}, 1_000))],
  ['setImmediate', () => clearImmediate(setImmediate(() => {}))],
  ['queueMicrotask', () => queueMicrotask(() => {})],
  ['performance.now', () => performance.now()],
  ['process.hrtime()', () => process.hrtime()],
  ['process.hrtime.bigint()', () => process.hrtime.bigint()],
  ['crypto.getRandomValues', () => crypto.getRandomValues(new Uint8Array(1))],
  ['crypto.randomUUID', () => crypto.randomUUID()],
]

test.each(WAYS)('%s throws inside, with what to use instead, and works outside', (name, use) => {
  expect(() => use()).not.toThrow()
  let seen: unknown
  guarded(() => {
    try {
      use()
    } catch (error) {
      seen = error
    }
  })
  expect(seen).toBeInstanceOf(DeterminismError)
  expect((seen as Error).message).toContain(name)
  expect((seen as Error).message).toMatch(/use (out|kernel|streams)\./)
  expect(() => use()).not.toThrow()
})

test('dates from given figures are fine', () => {
  const text = guarded(() => new Date(0).toISOString() + Date.UTC(2025, 0, 1) + Date.parse('2025-01-01T00:00:00Z'))
  expect(text).toBe('1970-01-01T00:00:00.000Z17356896000001735689600000')
  expect(guarded(() => new Date(5) instanceof Date)).toBe(true)
})

test('it gives back what the body gives, and lifts itself after a throw', () => {
  expect(guarded(() => 42)).toBe(42)
  expect(() =>
    guarded(() => {
      throw new RangeError('oh')
    }),
  ).toThrow(RangeError)
  expect(Date.now()).toBeGreaterThan(0)
})

test('nested, it is lifted by the outermost only', () => {
  guarded(() => {
    guarded(() => {})
    expect(() => Math.random()).toThrow(DeterminismError)
  })
  expect(Math.random()).toBeLessThan(1)
})

test('it leaves no trace on the objects it guards', () => {
  const before = [globalThis, Math, performance, process, crypto].map(
    (object) => Object.getOwnPropertyNames(object).length,
  )
  guarded(() => {})
  const after = [globalThis, Math, performance, process, crypto].map(
    (object) => Object.getOwnPropertyNames(object).length,
  )
  expect(after).toEqual(before)
})
