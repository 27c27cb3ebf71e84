// The record of a run: fingerprints, checkpoints, the ring, causes, and the first event in which two runs differ.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { at, spawn } from './fixture.ts'
import { Kernel } from './kernel.ts'
import type { Out } from './machine.ts'
import { equalCheckpoints, firstDifference, Trace } from './trace.ts'

/** Processes that chat with each other by datagrams and streams, with chance, disks, crashes and a bad network. */
function chatter(options: {
  readonly seed: number
  readonly until?: number
  readonly keep?: 'ring' | 'all'
  readonly kick?: number
}) {
  const kernel = new Kernel({ seed: options.seed, trace: options.keep ?? 'ring' })
  const names = ['a', 'b', 'c', 'd']
  for (const name of names) {
    spawn(kernel, name, {
      start: (out) => out.after(100, kernel.machineOf(out.self), 0),
      timer: (kind, _a, out) => {
        if (kind === 1) return out.note({ type: 'synced' })
        const peer = kernel.processNamed(
          kernel.streams.get(`peer/${name}`).pickAt(
            names.filter((other) => other !== name),
            out.now,
          ),
        )
        if (out.now % 2 === 0) out.send(peer, { type: 'datagram' })
        else out.stream(peer, { type: 'stream' })
        out.disk.append('f', out.now, 8)
        if (out.now % 5 === 0) out.disk.sync('f', kernel.machineOf(out.self), 1)
        out.after(kernel.streams.get(`sleep/${name}`).intAt(1_000, 9_000, out.now), kernel.machineOf(out.self), 0)
      },
      message: (_from, message, out: Out) => out.note({ type: `got-${message.type}` }),
    })
  }
  kernel.network.addRule({ id: 'bad', verdict: { kind: 'loss', ppm: 100_000 } })
  at(kernel, 1_000_000, () => kernel.crash(kernel.processNamed('b')))
  at(kernel, 2_000_000, () => kernel.restart(kernel.processNamed('b')))
  at(kernel, 3_000_000, () => kernel.pause(kernel.processNamed('c')))
  at(kernel, 4_000_000, () => kernel.resume(kernel.processNamed('c')))
  if (options.kick !== undefined) at(kernel, options.kick, () => {})
  kernel.run({ until: options.until ?? 5_000_000 })
  return kernel
}

test('the same seed gives the same fingerprint, another seed another one', () => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const once = chatter({ seed, until: 1_500_000 })
      const twice = chatter({ seed, until: 1_500_000, keep: 'all' })
      expect(once.fingerprint()).toBe(twice.fingerprint())
      expect(once.fingerprint()).toMatch(/^[0-9a-f]{16}$/)
      seen.add(once.fingerprint())
    }),
    { seed: 2, numRuns: 40 },
  )
  expect(seen.size).toBeGreaterThan(30)
})

test('subscribing changes nothing', () => {
  const silent = new Kernel({ seed: 1 })
  const watched = new Kernel({ seed: 1 })
  watched.subscribe('never', () => {})
  watched.subscribe('x', () => {})
  for (const kernel of [silent, watched]) {
    spawn(kernel, 'a', { start: (out) => out.note({ type: 'x' }) })
    kernel.run()
  }
  expect(watched.fingerprint()).toBe(silent.fingerprint())
})

test('every word of an event, and every fact, moves the fingerprint', () => {
  const prints = new Set<string>()
  const add = (time: number, code: number, target: number, a: number) => {
    const trace = new Trace()
    trace.event(time, code, target, a, 0)
    prints.add(trace.fingerprint())
  }
  for (const time of [0, 1, 2 ** 31, 2 ** 32, 2 ** 32 + 1])
    for (const code of [0, 1, 8])
      for (const target of [0, 1]) for (const a of [0, 1, 65_536]) add(time, code, target, a)
  expect(prints.size).toBe(5 * 3 * 2 * 3)
  const trace = new Trace()
  const before = trace.fingerprint()
  trace.fact(0, 0, 5, 1, { type: 'x' })
  expect(trace.fingerprint()).not.toBe(before)
})

test('the ring keeps the last 65,536 events, the full record all of them and the facts', () => {
  const ring = new Trace()
  const all = new Trace('all')
  const events = 70_000
  for (let step = 1; step <= events; step++)
    for (const trace of [ring, all]) trace.event(step * 1_000_000, 8, 3, step, step - 1)
  expect(ring.steps).toBe(events)
  expect(ring.firstStep).toBeGreaterThan(events - 65_536 - 1)
  expect(ring.firstStep).toBeLessThanOrEqual(events - 64_512 + 1)
  expect(ring.row(ring.firstStep - 1)).toBeUndefined()
  expect(ring.row(events)).toEqual({
    step: events,
    time: events * 1_000_000,
    code: 8,
    target: 3,
    a: events,
    cause: events - 1,
  })
  expect(all.row(1)).toEqual({ step: 1, time: 1_000_000, code: 8, target: 3, a: 1, cause: 0 })
  expect(ring.fingerprint()).toBe(all.fingerprint())
  expect([...all.rows(5, 7)].map((row) => row.step)).toEqual([5, 6, 7])
  expect(all.causesOf(9, 3).map((row) => row.step)).toEqual([9, 8, 7])
})

test('two runs that part are compared down to the first differing event', () => {
  const left = chatter({ seed: 4 })
  const right = chatter({ seed: 4, kick: 3_333_333 })
  const difference = firstDifference(left.trace, right.trace)
  expect(difference?.right?.time).toBe(3_333_333)
  expect(difference?.step).toBe((difference?.afterStep ?? 0) + 1)
  expect(right.describe(difference?.right as never)).toContain('3333333 us kernel timer 0')
  expect(firstDifference(left.trace, chatter({ seed: 4 }).trace)).toBeUndefined()
})

test('checkpoints travel as plain data and narrow a difference when the events are gone', () => {
  const left = new Trace()
  const right = new Trace()
  for (let step = 1; step <= 200_000; step++) {
    left.event(step, 0, 1, 0, 0)
    right.event(step, 0, step === 100_000 ? 2 : 1, 0, 0)
  }
  const travelled = JSON.parse(JSON.stringify(right.checkpoints())) as ReturnType<Trace['checkpoints']>
  expect(equalCheckpoints(left.checkpoints(), travelled)).toBe(99_328)
  expect(firstDifference(left, right)).toEqual({ afterStep: 99_328 })
})

test('causes lead back to the start', () => {
  const kernel = new Kernel({ seed: 1 })
  const b = spawn(kernel, 'b', { message: (_from, _message, out) => out.after(5, kernel.machineOf(out.self), 9) })
  spawn(kernel, 'a', { start: (out) => out.send(b, { type: 'hello' }) })
  kernel.run()
  const chain = kernel.trace.causesOf(kernel.steps).map((row) => kernel.describe(row).split(' ').slice(3, 6).join(' '))
  expect(chain).toEqual(['b timer 9', 'b datagram hello', 'a start 0'])
})
