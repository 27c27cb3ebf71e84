// Order by priorities: who comes first at one moment, what stays in order, where change points are, which messages are late.
import { expect, test } from 'vitest'
import { at, spawn } from './fixture.ts'
import { Kernel } from './kernel.ts'
import type { Out } from './machine.ts'
import type { PrioritySchedule } from './priorities.ts'

const NAMES = ['a', 'b', 'c', 'd']

/** Who starts in which order: all are due at 0. */
function startsUnder(schedule?: PrioritySchedule): string[] {
  const kernel = new Kernel({ seed: 1, ...(schedule === undefined ? {} : { schedule }) })
  const seen: string[] = []
  for (const name of NAMES) spawn(kernel, name, { start: () => seen.push(name) })
  kernel.run()
  return seen
}

function by(seed: string, parts: Partial<PrioritySchedule> = {}): PrioritySchedule {
  return { seed, changes: [], delayMicros: 0, ...parts }
}

test('without priorities what is due at one moment comes in the order of scheduling', () => {
  expect(startsUnder()).toEqual(NAMES)
})

test('every order of four processes comes up under some seed, and one seed gives one order', () => {
  const orders = new Set<string>()
  for (let seed = 0; seed < 400; seed++) orders.add(startsUnder(by(String(seed))).join(''))
  expect(orders.size).toBe(24)
  expect(startsUnder(by('7'))).toEqual(startsUnder(by('7')))
})

test('the order of two processes does not depend on who else is there', () => {
  const pairOf = (names: readonly string[], seed: string) => {
    const kernel = new Kernel({ seed: 1, schedule: by(seed) })
    const seen: string[] = []
    for (const name of names) spawn(kernel, name, { start: () => seen.push(name) })
    kernel.run()
    return seen.filter((name) => name === 'a' || name === 'd').join('')
  }
  for (let seed = 0; seed < 50; seed++) expect(pairOf(['a', 'd'], `${seed}`)).toBe(pairOf(NAMES, `${seed}`))
})

test('at a change point the process whose turn it is falls behind all others', () => {
  const plain = startsUnder(by('3'))
  const [first, second, ...others] = plain
  expect(startsUnder(by('3', { changes: [{ atMicros: 0, events: 0 }] }))).toEqual([second, ...others, first])
  expect(startsUnder(by('3', { changes: [{ atMicros: 0, events: 1 }] }))).toEqual([first, ...others, second])
  // A change point beyond the end changes nothing.
  expect(startsUnder(by('3', { changes: [{ atMicros: 0, events: 4 }] }))).toEqual(plain)
  expect(startsUnder(by('3', { changes: [{ atMicros: 1, events: 0 }] }))).toEqual(plain)
})

test('events of one process keep their order', () => {
  for (let seed = 0; seed < 20; seed++) {
    const kernel = new Kernel({ seed: 1, schedule: by(`${seed}`) })
    const seen: number[] = []
    for (const name of NAMES)
      spawn(kernel, name, {
        start: (out, context) => {
          const timer = { onTimer: (kind: number) => context.self === 1 && seen.push(kind) }
          for (const kind of [1, 2, 3]) out.after(10, timer, kind)
          out.after(5, { onTimer: (_kind, _a, later) => void later.after(5, timer, 4) }, 0)
        },
      })
    kernel.run()
    expect(seen).toEqual([1, 2, 3, 4])
  }
})

test('an event that another one of the same moment cancels does not come', () => {
  const handled = new Set<string>()
  for (let seed = 0; seed < 20; seed++) {
    const kernel = new Kernel({ seed: 1, schedule: by(`${seed}`) })
    const seen: string[] = []
    spawn(kernel, 'a', {
      start: (out) => {
        const second = { onTimer: () => seen.push('second') }
        const first = {
          onTimer: (_kind: number, _a: number, later: Out) => {
            seen.push('first')
            later.cancel(rest)
          },
        }
        out.after(10, first, 0)
        const rest = out.after(10, second, 0)
      },
    })
    spawn(kernel, 'b', { start: (out) => out.after(10, { onTimer: () => seen.push('other') }, 0) })
    kernel.run()
    expect(seen.filter((name) => name !== 'other')).toEqual(['first'])
    handled.add(seen.join())
  }
  expect([...handled].sort()).toEqual(['first,other', 'other,first'])
})

test('a crash at the moment takes away what was due for the dead process', () => {
  for (let seed = 0; seed < 20; seed++) {
    const kernel = new Kernel({ seed: 1, schedule: by(`${seed}`) })
    let served = 0
    const a = spawn(kernel, 'a', { start: (out) => out.after(10, { onTimer: () => served++ }, 0) })
    let crashedFirst = false
    at(kernel, 10, () => {
      crashedFirst = served === 0
      kernel.crash(a)
    })
    kernel.run()
    expect(served).toBe(crashedFirst ? 0 : 1)
  }
})

test('messages to low processes are late by at most the delay, and those of one link stay in order', () => {
  const arrivals = (delayMicros: number) => {
    const kernel = new Kernel({ seed: 1, schedule: by('5', { delayMicros }) })
    const seen = new Map<string, number[]>()
    const receivers = ['b', 'c', 'd'].map((name) =>
      spawn(kernel, name, {
        message: (_from, message, out) => {
          const list = seen.get(name) ?? []
          seen.set(name, [...list, out.now])
          expect(message.type).toBe(`m${list.length}`)
        },
      }),
    )
    spawn(kernel, 'a', {
      start: (out) => {
        for (const to of receivers) for (const number of [0, 1, 2]) out.send(to, { type: `m${number}` })
      },
    })
    kernel.run()
    return seen
  }
  const plain = arrivals(0)
  const late = arrivals(50_000)
  const delays = ['b', 'c', 'd'].map((name) => late.get(name)![0]! - plain.get(name)![0]!)
  expect(new Set(delays).size).toBe(3)
  for (const delay of delays) {
    expect(delay).toBeGreaterThan(0)
    // Only a process that fell at a change point is later than half.
    expect(delay).toBeLessThanOrEqual(25_000)
  }
})
