// Connections: order, dialling, refusal, resets, partitions, pauses, hanging up. Times are those of the constants.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { at, spawn } from './fixture.ts'
import { Kernel } from './kernel.ts'
import type { Message, Out, ProcessId } from './machine.ts'
import type { Verdict } from './rules.ts'
import { MILLISECOND, SECOND } from './time.ts'

interface Numbered extends Message {
  readonly number: number
}

interface Event {
  readonly who: string
  readonly what: string
  readonly at: number
}

function world(seed = 5) {
  const kernel = new Kernel({ seed })
  const events: Event[] = []
  const record = (who: string) => ({
    message: (_from: ProcessId, message: Message) =>
      events.push({ who, what: `got ${(message as Numbered).number}`, at: kernel.now }),
    disconnect: (peer: ProcessId) => events.push({ who, what: `lost ${kernel.nameOf(peer)}`, at: kernel.now }),
  })
  const a = spawn(kernel, 'a', record('a'))
  const b = spawn(kernel, 'b', record('b'))
  const say = (moment: number, from: ProcessId, to: ProcessId, number: number) =>
    at(kernel, moment, () => kernel.enter(from, (_self, out) => out.stream(to, { type: 'n', number } as Numbered)))
  const cut = (from: number, to: number, verdict: Verdict = { kind: 'drop' }, one?: ProcessId) =>
    at(kernel, from, () => {
      const handle = kernel.network.addRule({
        id: 'cut',
        verdict,
        ...(one === undefined ? {} : { from: new Set([one]) }),
      })
      at(kernel, to, () => handle.remove())
    })
  const what = (who: string) => events.filter((event) => event.who === who).map((event) => event.what)
  const when = (who: string, text: string) => events.find((event) => event.who === who && event.what === text)?.at ?? -1
  return { kernel, a, b, say, cut, what, when, events }
}

test('the first message dials: a handshake and a latency; later ones need a latency', () => {
  const { kernel, a, b, say, when } = world()
  kernel.network.useMeanLatency()
  say(1_000, a, b, 1)
  say(10_000, a, b, 2)
  say(10_000, b, a, 3)
  kernel.run({ until: SECOND })
  const latency = when('b', 'got 2') - 10_000
  expect(when('b', 'got 1')).toBe(1_000 + 3 * latency)
  expect(when('a', 'got 3')).toBe(10_000 + latency)
  expect(kernel.connections.size).toBe(1)
})

test('whatever the rules do to single messages, a stream is in order, without gaps and without copies', () => {
  const verdict = fc.oneof(
    fc.record({ kind: fc.constant('loss' as const), ppm: fc.integer({ min: 0, max: 600_000 }) }),
    fc.record({ kind: fc.constant('delay' as const), extraMicros: fc.nat(5_000), jitterMicros: fc.nat(300_000) }),
    fc.record({ kind: fc.constant('duplicate' as const), ppm: fc.nat(900_000) }),
    fc.record({ kind: fc.constant('reorder' as const), ppm: fc.nat(900_000), windowMicros: fc.nat(500_000) }),
    fc.record({ kind: fc.constant('bandwidth' as const), bytesPerSecond: fc.integer({ min: 5_000, max: 1_000_000 }) }),
  )
  let retransmitted = 0
  fc.assert(
    fc.property(
      fc.nat(),
      fc.array(verdict, { maxLength: 3, size: 'max' }),
      fc.array(fc.nat(100_000), { minLength: 5, maxLength: 60, size: 'max' }),
      (seed, verdicts, gaps) => {
        const { kernel, a, b, say, what, events } = world(seed)
        const handles = verdicts.map((verdict, i) =>
          kernel.network.addRule({ id: `rule-${i}`, verdict: verdict as Verdict }),
        )
        let moment = 0
        gaps.forEach((gap, number) => {
          moment += gap
          say(moment, a, b, number)
          say(moment, b, a, number)
        })
        kernel.run()
        retransmitted += handles.reduce((sum, handle) => sum + handle.counters.dropped, 0)
        // A stream may break under heavy loss; up to then, and again from there, numbers go up by one.
        for (const who of ['a', 'b']) {
          const heard = what(who).filter((text) => text.startsWith('got'))
          if (!events.some((event) => event.what.startsWith('lost')))
            expect(heard).toEqual(gaps.map((_, i) => `got ${i}`))
          const numbers = heard.map((text) => Number(text.slice(4)))
          expect(numbers).toEqual([...new Set(numbers)].sort((x, y) => x - y))
        }
      },
    ),
    { seed: 5, numRuns: 150 },
  )
  expect(retransmitted).toBeGreaterThan(1_000)
})

test('a lost message is sent again after 200 ms, 400 ms, 800 ms; those behind it wait and come in order', () => {
  const { kernel, a, b, say, cut, what, when } = world()
  say(0, a, b, 0)
  cut(10_000, 1_000_000)
  say(20_000, a, b, 1)
  say(30_000, a, b, 2)
  kernel.run({ until: 10 * SECOND })
  expect(what('b')).toEqual(['got 0', 'got 1', 'got 2'])
  // Attempts at 20, 220, 620 and 1420 ms; the rule is gone at 1000 ms.
  expect(when('b', 'got 1')).toBeGreaterThan(1_420_000)
  expect(when('b', 'got 1')).toBeLessThan(1_421_000)
  expect(when('b', 'got 2') - when('b', 'got 1')).toBeLessThan(MILLISECOND)
})

test('an idle connection across a partition breaks after 45 s, on both ends, with few events', () => {
  const { kernel, a, b, say, cut, when } = world()
  say(0, a, b, 0)
  cut(SECOND, 60 * SECOND, { kind: 'drop' }, a)
  kernel.run({ until: 40 * SECOND })
  const steps = kernel.steps
  expect(steps).toBeLessThan(10)
  kernel.run({ until: 100 * SECOND })
  expect(when('a', 'lost b')).toBe(46 * SECOND)
  expect(when('b', 'lost a')).toBe(46 * SECOND)
  expect(kernel.connections.size).toBe(0)
})

test('a partition that heals in time breaks nothing; the rule counts the connections that it did break', () => {
  const { kernel, a, b, say, cut, what } = world()
  say(0, a, b, 0)
  cut(SECOND, 45 * SECOND)
  kernel.run({ until: 200 * SECOND })
  expect(what('a')).toEqual([])

  const other = world()
  other.say(0, other.a, other.b, 0)
  other.kernel.run({ until: SECOND })
  const handle = other.kernel.network.addRule({ id: 'cut', verdict: { kind: 'drop' } })
  other.kernel.run({ until: 100 * SECOND })
  expect(handle.counters.connectionsBroken).toBe(1)
})

test('a dial across a partition is repeated and times out after 30 s; a later message dials anew', () => {
  const { kernel, a, b, say, cut, when, what } = world()
  cut(0, 40 * SECOND)
  say(1, a, b, 1)
  say(50 * SECOND, a, b, 2)
  kernel.run({ until: 100 * SECOND })
  expect(when('a', 'lost b')).toBe(30 * SECOND + 1)
  expect(what('b')).toEqual(['got 2'])
  expect(what('a')).toEqual(['lost b'])
})

test('a dial to a dead process is refused within a round trip; to a dead host it takes 30 s', () => {
  const { kernel, a, b, say, when } = world()
  at(kernel, 10, () => kernel.crash(b))
  say(SECOND, a, b, 1)
  kernel.run({ until: 2 * SECOND })
  expect(when('a', 'lost b') - SECOND).toBeLessThan(2 * MILLISECOND)

  const other = world()
  at(other.kernel, 10, () => other.kernel.crashHost('host-of-b'))
  other.say(SECOND, other.a, other.b, 1)
  other.kernel.run({ until: 100 * SECOND })
  expect(other.when('a', 'lost b')).toBe(31 * SECOND)
})

test('a dying process resets its connections, behind what it sent; a dying host does not', () => {
  const { kernel, a, b, say, what, when } = world()
  say(0, a, b, 0)
  say(SECOND, b, a, 1)
  at(kernel, SECOND + 1, () => kernel.crash(b))
  kernel.run({ until: 2 * SECOND })
  expect(what('a')).toEqual(['got 1', 'lost b'])
  expect(when('a', 'lost b') - SECOND).toBeLessThan(MILLISECOND)

  const other = world()
  other.say(0, other.a, other.b, 0)
  at(other.kernel, SECOND, () => other.kernel.crashHost('host-of-b'))
  at(other.kernel, 5 * SECOND, () => other.kernel.restartHost('host-of-b'))
  other.kernel.run({ until: 100 * SECOND })
  const heard = other.when('a', 'lost b')
  expect(heard).toBeGreaterThan(5 * SECOND)
  expect(heard).toBeLessThan(5 * SECOND + MILLISECOND)

  const gone = world()
  gone.say(0, gone.a, gone.b, 0)
  at(gone.kernel, SECOND, () => gone.kernel.crashHost('host-of-b'))
  gone.kernel.run({ until: 100 * SECOND })
  expect(gone.when('a', 'lost b')).toBe(46 * SECOND)
})

test('a reset that cannot pass is made up for when the rule goes', () => {
  const { kernel, a, b, say, cut, when } = world()
  say(0, a, b, 0)
  cut(SECOND, 20 * SECOND)
  at(kernel, 2 * SECOND, () => kernel.crash(b))
  kernel.run({ until: 100 * SECOND })
  expect(when('a', 'lost b')).toBeGreaterThan(20 * SECOND)
  expect(when('a', 'lost b')).toBeLessThan(20 * SECOND + MILLISECOND)
})

test('a paused process keeps its connections for 45 s and gets what was sent meanwhile, in order', () => {
  const { kernel, a, b, say, what, when } = world()
  say(0, a, b, 0)
  at(kernel, SECOND, () => kernel.pause(b))
  for (const number of [1, 2, 3]) say((1 + number) * SECOND, a, b, number)
  at(kernel, 40 * SECOND, () => kernel.resume(b))
  kernel.run({ until: 100 * SECOND })
  expect(what('b')).toEqual(['got 0', 'got 1', 'got 2', 'got 3'])
  expect(when('b', 'got 1')).toBe(40 * SECOND)
  expect(what('a')).toEqual([])

  const other = world()
  other.say(0, other.a, other.b, 0)
  at(other.kernel, SECOND, () => other.kernel.pause(other.b))
  at(other.kernel, 60 * SECOND, () => other.kernel.resume(other.b))
  other.kernel.run({ until: 100 * SECOND })
  expect(other.when('a', 'lost b')).toBe(46 * SECOND)
  expect(other.when('b', 'lost a')).toBe(60 * SECOND)
})

test('hanging up tells the other end only, and loses what was under way', () => {
  const { kernel, a, b, say, what } = world()
  say(0, a, b, 0)
  say(SECOND, b, a, 1)
  say(SECOND, a, b, 2)
  at(kernel, SECOND, () => kernel.enter(a, (_self, out) => out.hangUp(b)))
  say(2 * SECOND, a, b, 3)
  kernel.run({ until: 100 * SECOND })
  expect(what('a')).toEqual([])
  expect(what('b')).toEqual(['got 0', 'lost a', 'got 3'])
})

test('what a process says before it has been told that its peer hung up never reaches the new connection of that peer', () => {
  const { kernel, a, b, say, what } = world()
  say(0, a, b, 0)
  const reminder = {
    onTimer: (_kind: number, _a: number, out: Out) => out.stream(a, { type: 'n', number: 9 } as Numbered),
  }
  at(kernel, MILLISECOND, () => kernel.enter(b, (_self, out) => void out.after(2 * SECOND, reminder, 1)))
  at(kernel, SECOND, () => kernel.pause(b))
  for (const [moment, number] of [
    [4, 1],
    [6, 2],
  ] as const) {
    at(kernel, moment * SECOND, () => kernel.enter(a, (_self, out) => out.hangUp(b)))
    say((moment + 1) * SECOND, a, b, number)
  }
  at(kernel, 10 * SECOND, () => kernel.resume(b))
  say(11 * SECOND, b, a, 10)
  kernel.run({ until: 100 * SECOND })
  expect(what('b')).toEqual(['got 0', 'lost a', 'lost a', 'got 2'])
  expect(what('a')).toEqual(['got 10'])
  expect(kernel.connections.size).toBe(1)
})

test('two that dial each other at once share one connection', () => {
  const { kernel, a, b, say, what } = world()
  say(1_000, a, b, 1)
  say(1_000, b, a, 2)
  kernel.run({ until: SECOND })
  expect(kernel.connections.size).toBe(1)
  expect([...what('a'), ...what('b')]).toEqual(['got 2', 'got 1'])
})

test('whatever happens when, nothing reaches the dead or the paused, and every end hears of its loss once', () => {
  const step = fc.record({
    moment: fc.integer({ min: 0, max: 8_000 }),
    act: fc.constantFrom(
      'say',
      'answer',
      'crash a',
      'crash b',
      'restart a',
      'restart b',
      'pause b',
      'resume b',
      'hang up',
      'cut',
      'heal',
      'power',
      'boot',
    ),
  })
  let losses = 0
  fc.assert(
    fc.property(fc.nat(), fc.array(step, { maxLength: 60, size: 'max' }), (seed, steps) => {
      const kernel = new Kernel({ seed })
      const open = new Set<string>()
      const entrances = (name: string) => ({
        message: (from: ProcessId) => {
          expect(kernel.isRunning(kernel.processNamed(name)) && !kernel.isPaused(kernel.processNamed(name))).toBe(true)
          open.add(`${name}-${from}`)
        },
        disconnect: (peer: ProcessId) => {
          losses++
          expect(kernel.isRunning(kernel.processNamed(name)) && !kernel.isPaused(kernel.processNamed(name))).toBe(true)
          // Never twice for one connection: it must have been used, by sending or by receiving, since the last time.
          expect(open.delete(`${name}-${peer}`)).toBe(true)
        },
      })
      const a = spawn(kernel, 'a', entrances('a'))
      const b = spawn(kernel, 'b', entrances('b'))
      const stream = (from: ProcessId, to: ProcessId) =>
        kernel.enter(from, (_self, out) => {
          open.add(`${kernel.nameOf(from)}-${to}`)
          // An answer may come over a connection whose acceptance the peer has not noticed: count it as open, too.
          open.add(`${kernel.nameOf(to)}-${from}`)
          out.stream(to, { type: 'x' })
        })
      const rules: { remove(): void }[] = []
      const acts: Record<string, () => void> = {
        say: () => stream(a, b),
        answer: () => stream(b, a),
        'crash a': () => kernel.crash(a),
        'crash b': () => kernel.crash(b),
        'restart a': () => kernel.restart(a),
        'restart b': () => kernel.restart(b),
        'pause b': () => kernel.pause(b),
        'resume b': () => kernel.resume(b),
        'hang up': () => kernel.enter(a, (_self, out) => out.hangUp(b)),
        cut: () => rules.push(kernel.network.addRule({ id: 'cut', from: new Set([b]), verdict: { kind: 'drop' } })),
        heal: () => rules.pop()?.remove(),
        power: () => kernel.crashHost('host-of-b'),
        boot: () => kernel.restartHost('host-of-b'),
      }
      for (const { moment, act } of steps) at(kernel, moment, () => acts[act]?.())
      kernel.run()
      // All is settled: no clock runs for a connection, and what is left has both ends alive and in reach.
      expect(kernel.pending).toBe(0)
    }),
    { seed: 11, numRuns: 3_000 },
  )
  expect(losses).toBeGreaterThan(500)
})
