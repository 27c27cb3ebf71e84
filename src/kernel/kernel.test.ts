// Lives and deaths: starts, timers, crashes, pauses, clocks, budgets, errors.
import { expect, test } from 'vitest'
import { at, spawn } from './fixture.ts'
import { InvariantError } from './invariant.ts'
import { Kernel } from './kernel.ts'
import { EventError } from './loop.ts'
import type { Fact, Machine, Out, TimerTarget } from './machine.ts'
import { EPOCH_UNIX_MICROS, SECOND } from './time.ts'

test('a process starts with an event at the moment it is spawned; its timers carry two numbers', () => {
  const kernel = new Kernel({ seed: 1 })
  const seen: string[] = []
  spawn(kernel, 'a', {
    start: (out, context) => {
      seen.push(`start ${context.boot} ${out.now}`)
      out.after(5, machine(kernel, 'a'), 3, 4)
    },
    timer: (kind, a, out) => seen.push(`timer ${kind} ${a} ${out.now}`),
  })
  expect(seen).toEqual([])
  expect(kernel.run({ until: 100 })).toBe('idle')
  expect(seen).toEqual(['start 0 0', 'timer 3 4 5'])
  expect(kernel.now).toBe(100)
})

test('what was scheduled before a crash never reaches the next incarnation', () => {
  const kernel = new Kernel({ seed: 1 })
  const seen: string[] = []
  const a = spawn(kernel, 'a', {
    start: (out, context) => out.after(100, machine(kernel, 'a'), context.boot),
    timer: (kind, _a, out) => seen.push(`boot ${kind} at ${out.now}`),
  })
  at(kernel, 50, () => kernel.crash(a))
  at(kernel, 60, () => kernel.restart(a))
  kernel.run()
  expect(seen).toEqual(['boot 1 at 160'])
})

test('a message sent to a dead process goes nowhere, even if it is sent after the crash', () => {
  const kernel = new Kernel({ seed: 1 })
  let received = 0
  const b = spawn(kernel, 'b', { message: () => received++ })
  spawn(kernel, 'a', {
    start: (out) => out.after(20, machine(kernel, 'a'), 0),
    timer: (_k, _a, out) => out.send(b, { type: 'x' }),
  })
  at(kernel, 10, () => kernel.crash(b))
  kernel.run({ until: SECOND })
  expect(received).toBe(0)
})

test('a process that is crashed in the middle of its own event asks for nothing more', () => {
  const kernel = new Kernel({ seed: 1 })
  const notes: string[] = []
  const b = spawn(kernel, 'b', { message: (_from, message) => notes.push(message.type) })
  kernel.subscribe('now', (_fact, process) => kernel.crash(process))
  spawn(kernel, 'a', {
    start: (out) => {
      out.send(b, { type: 'before' })
      out.note({ type: 'now' })
      out.send(b, { type: 'after' })
      out.disk.append('f', 1, 1)
      expect(out.after(1, machine(kernel, 'a'), 0)).toBe(0)
    },
  })
  kernel.run({ until: SECOND })
  expect(notes).toEqual(['before'])
  expect(kernel.deviceOf(kernel.processNamed('a')).files()).toEqual([])
})

test('a host that loses power takes its processes with it and starts those that ran, in order', () => {
  const kernel = new Kernel({ seed: 1 })
  const starts: string[] = []
  const start = (name: string) => ({ start: (out: Out) => starts.push(`${name} ${out.now}`) })
  spawn(kernel, 'a', start('a'), 'h')
  const b = spawn(kernel, 'b', start('b'), 'h')
  spawn(kernel, 'c', start('c'), 'h')
  at(kernel, 10, () => kernel.crash(b))
  at(kernel, 20, () => kernel.crashHost('h'))
  at(kernel, 30, () => kernel.restartHost('h'))
  at(kernel, 40, () => kernel.restart(b))
  kernel.run()
  expect(starts).toEqual(['a 0', 'b 0', 'c 0', 'a 30', 'c 30', 'b 40'])
})

test('a process restarted while its host is down waits for the host', () => {
  const kernel = new Kernel({ seed: 1 })
  const starts: number[] = []
  const a = spawn(kernel, 'a', { start: (out) => starts.push(out.now) }, 'h')
  at(kernel, 5, () => kernel.crash(a))
  at(kernel, 10, () => kernel.crashHost('h'))
  at(kernel, 20, () => kernel.restart(a))
  at(kernel, 30, () => kernel.restartHost('h'))
  kernel.run()
  expect(starts).toEqual([0, 30])
})

test('a paused process gets what it missed in order when it goes on; cancelled timers stay cancelled', () => {
  const kernel = new Kernel({ seed: 1 })
  const seen: string[] = []
  let second = 0
  const a = spawn(kernel, 'a', {
    start: (out) => {
      out.after(10, machine(kernel, 'a'), 1)
      second = out.after(20, machine(kernel, 'a'), 2)
      out.after(30, machine(kernel, 'a'), 3)
      out.after(90, machine(kernel, 'a'), 4)
    },
    timer: (kind, _a, out) => {
      seen.push(`${kind}@${out.now}`)
      if (kind === 1) out.cancel(second)
    },
  })
  at(kernel, 5, () => kernel.pause(a))
  at(kernel, 50, () => kernel.resume(a))
  kernel.run()
  expect(seen).toEqual(['1@50', '3@50', '4@90'])
})

test('a crash forgets what a pause held', () => {
  const kernel = new Kernel({ seed: 1 })
  const seen: number[] = []
  const a = spawn(kernel, 'a', {
    start: (out) => out.after(10, machine(kernel, 'a'), 1),
    timer: (_k, _a, out) => seen.push(out.now),
  })
  at(kernel, 5, () => kernel.pause(a))
  at(kernel, 50, () => kernel.crash(a))
  at(kernel, 60, () => kernel.restart(a))
  kernel.run()
  expect(seen).toEqual([70])
})

test('a clock may be off and may drift; durations by the kernel stay true', () => {
  const kernel = new Kernel({ seed: 1 })
  const seen: number[][] = []
  spawn(kernel, 'a', { timer: (_k, _a, out) => seen.push([out.now, out.wall - EPOCH_UNIX_MICROS]) }, 'h')
  const arm = () => kernel.enter(kernel.processNamed('a'), (self, out) => out.after(SECOND, self, 0))
  at(kernel, 0, () => kernel.setClock('h', { skewMicros: -500 }))
  at(kernel, 1, arm)
  at(kernel, 2 * SECOND, () => kernel.setClock('h', { skewMicros: 0, driftPpm: 250_000 }))
  at(kernel, 2 * SECOND, arm)
  kernel.run()
  expect(seen).toEqual([
    [SECOND + 1, SECOND + 1 - 500],
    [2_800_000, 3 * SECOND],
  ])
})

test('the budget of steps ends a livelock and names it', () => {
  const kernel = new Kernel({ seed: 1, maxSteps: 5_000 })
  spawn(kernel, 'spinner', {
    start: (out) => out.after(0, machine(kernel, 'spinner'), 7),
    timer: (_k, _a, out) => out.after(0, machine(kernel, 'spinner'), 7),
  })
  spawn(kernel, 'bystander', {})
  expect(kernel.run({ until: SECOND })).toBe('exhausted')
  expect(kernel.busiest(1)).toEqual([{ process: 'spinner', event: 'timer 7', count: 4_998 }])
})

test('a run ends where it is told to and goes on from there', () => {
  const kernel = new Kernel({ seed: 1 })
  let count = 0
  const target: TimerTarget = {
    onTimer: () => {
      if (++count === 2) kernel.stop()
    },
  }
  for (const moment of [10, 20, 30, 40]) kernel.schedule(moment, target, 0)
  expect(kernel.run({ until: 15 })).toBe('until')
  expect(kernel.run({ until: 100 })).toBe('stopped')
  expect(kernel.now).toBe(20)
  expect(kernel.run({ until: 100, stop: () => count === 3 })).toBe('stopped')
  expect(kernel.run({ until: 100 })).toBe('idle')
})

test('what a machine throws names process, event and time; invariants and listeners pass through', () => {
  const failing = (thrown: () => void) => {
    const kernel = new Kernel({ seed: 1 })
    kernel.subscribe('fatal', () => {
      throw new RangeError('from a listener')
    })
    spawn(kernel, 'a', {
      start: (out) => out.after(9, machine(kernel, 'a'), 2),
      timer: () => thrown(),
    })
    return kernel
  }
  expect(() =>
    failing(() => {
      throw new TypeError('oh')
    }).run(),
  ).toThrow('a threw while handling timer 2 at 9 us: TypeError: oh')
  expect(() =>
    failing(() => {
      throw new InvariantError('claim', 1)
    }).run(),
  ).toThrow(InvariantError)
  const kernel = failing(() => kernel.enter(kernel.processNamed('a'), (_self, out) => out.note({ type: 'fatal' })))
  expect(() => kernel.run()).toThrow(RangeError)
  expect(new EventError('a', 'b', 1, 'c').message).toContain('c')
})

test('an Out is good for its own events only, and delays are whole and not below 0', () => {
  const kernel = new Kernel({ seed: 1 })
  let kept: Out | undefined
  spawn(kernel, 'a', {
    start: (out) => {
      kept = out
    },
  })
  kernel.run()
  expect(() => kept?.after(1, {} as Machine, 0)).toThrow('an Out is used only during an event of its own process')
  expect(() => kernel.schedule(-1, {} as Machine, 0)).toThrow('whole number')
  expect(() => kernel.schedule(0.5, {} as Machine, 0)).toThrow('whole number')
})

test('facts reach who subscribed to their type, with process and time, until they unsubscribe', () => {
  const kernel = new Kernel({ seed: 1 })
  const seen: [Fact, number, number][] = []
  const end = kernel.subscribe('x', (fact, process, time) => seen.push([fact, process, time]))
  const a = spawn(kernel, 'a', { start: (out) => out.note({ type: 'x' }) })
  at(kernel, 5, () => end())
  at(kernel, 6, () => kernel.note({ type: 'x' }))
  kernel.run()
  expect(seen).toEqual([[{ type: 'x' }, a, 0]])
})

function machine(kernel: Kernel, name: string): Machine {
  return kernel.machineOf(kernel.processNamed(name))
}

test('one listener may overhear every fact, after those who subscribed; a second one is a mistake', () => {
  const kernel = new Kernel({ seed: 1 })
  const heard: string[] = []
  kernel.overhear((fact, process, time) => heard.push(`${fact.type} ${process} at ${time}`))
  kernel.subscribe('late', () => heard.push('subscriber'))
  at(kernel, 7, () => kernel.note({ type: 'late' }))
  kernel.note({ type: 'early' })
  kernel.run()
  expect(heard).toEqual(['early 0 at 0', 'subscriber', 'late 0 at 7'])
  expect(() => kernel.overhear(() => {})).toThrow('one listener overhears everything')
})
