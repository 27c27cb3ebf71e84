// A run that leaves its path: another seed takes over in the middle. And the trial's own deeds as causes in the trace.
import { expect, test } from 'vitest'
import { at, spawn } from './fixture.ts'
import { Kernel } from './kernel.ts'
import { Streams } from './random.ts'

/** Two processes that send each other datagrams at drawn moments. */
function pair(takeOverAt: number | undefined, mean = false): { readonly kernel: Kernel; readonly times: number[] } {
  const kernel = new Kernel({ seed: 5, trace: 'all' })
  if (mean) kernel.network.useMeanLatency()
  for (const [name, other] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    spawn(kernel, name, {
      start: (out) => out.after(10, kernel.machineOf(out.self), 0),
      timer: (_kind, _a, out) => {
        out.send(kernel.processNamed(other), { type: 'hello' })
        out.after(kernel.streams.get(`sleep/${name}`).intAt(1_000, 9_000, out.now), kernel.machineOf(out.self), 0)
      },
    })
  }
  if (takeOverAt !== undefined) {
    kernel.run({ until: takeOverAt })
    kernel.streams.takeOver('another')
    kernel.network.useDrawnLatency()
  }
  kernel.run({ until: 1_000_000 })
  return { kernel, times: [...kernel.trace.rows()].map(({ time }) => time) }
}

test('until another seed takes over the run is the same, and then another one', () => {
  const plain = pair(undefined).times
  const branched = pair(400_000).times
  // What was under way at that moment, drawn before it, still arrives as before.
  const before = (times: readonly number[]) => times.filter((time) => time <= 400_000)
  expect(before(branched)).toEqual(before(plain))
  expect(before(plain).length).toBeGreaterThan(50)
  expect(branched).not.toEqual(plain)
  expect(pair(400_000).times).toEqual(branched)
})

test('a stream draws after the change as one that never knew the first seed', () => {
  const changed = new Streams('first')
  const early = changed.get('early')
  const first = early.at(7)
  changed.takeOver('second')
  const fresh = new Streams('second')
  expect(early.at(7)).toBe(fresh.get('early').at(7))
  expect(changed.get('late').at(7)).toBe(fresh.get('late').at(7))
  expect(early.at(7)).not.toBe(first)
})

test('links without jitter have their chance back after the change', () => {
  const { kernel } = pair(400_000, true)
  const latencies = (from: number, to: number) => {
    const rows = [...kernel.trace.rows()].filter(
      (row) => row.time > from && row.time <= to && kernel.eventOf(row).event === 'datagram hello',
    )
    return new Set(rows.map((row) => row.time - (kernel.trace.row(row.cause)?.time ?? 0)))
  }
  expect(latencies(0, 400_000).size).toBe(1)
  expect(latencies(410_000, 1_000_000).size).toBeGreaterThan(20)
})

test('a deed is the cause of what it sets going, at once and through what it listens to', () => {
  const kernel = new Kernel({ seed: 1, trace: 'all' })
  const told: number[] = []
  spawn(kernel, 'a', { timer: (_kind, _a, out) => out.note({ type: 'ticked' }) })
  spawn(kernel, 'b', {})
  kernel.run({ until: 10 })
  kernel.deed('inject f', () => {
    kernel.subscribe('ticked', () => kernel.crash(kernel.processNamed('b')))
    kernel.enter(kernel.processNamed('a'), (machine, out) => out.after(5, machine, 3))
  })
  at(kernel, 13, () => told.push(kernel.steps))
  kernel.run({ until: 100 })
  const tick = [...kernel.trace.rows()].find((row) => kernel.eventOf(row).event === 'timer 3')
  expect(tick?.cause).toBe(-1)
  expect(kernel.trace.deeds).toEqual([
    {
      number: -1,
      afterStep: 2,
      time: 10,
      name: 'inject f',
      touched: [
        { process: kernel.processNamed('a'), afterStep: 2 },
        { process: kernel.processNamed('b'), afterStep: tick!.step },
      ],
    },
  ])
  // Outside of deeds and events nothing is to blame.
  const alarm = [...kernel.trace.rows()].find((row) => row.target === 0)
  expect([told.length, alarm?.cause]).toEqual([1, 0])
})

test('a rule that loses messages leaves its bites in a whole trace, and none in a ring', () => {
  for (const trace of ['all', 'ring'] as const) {
    const kernel = new Kernel({ seed: 1, trace })
    spawn(kernel, 'a', { start: (out) => out.send(kernel.processNamed('b'), { type: 'hello' }) })
    spawn(kernel, 'b', {})
    kernel.network.addRule({ id: 'f1/out', verdict: { kind: 'drop' } })
    kernel.run({ until: 1_000 })
    const [from, to] = [kernel.processNamed('a'), kernel.processNamed('b')]
    expect(kernel.trace.bites).toEqual(trace === 'all' ? [{ step: 1, rules: ['f1/out'], from, to, dropped: true }] : [])
  }
})
