/** Alarms wake who watches once a moment is over, and leave no trace. */
import { expect, test } from 'vitest'
import { Kernel } from './kernel.ts'
import { SECOND } from './time.ts'

/** Notes a fact each second, and two at the fifth. */
class Ticker {
  readonly #kernel: Kernel

  constructor(kernel: Kernel) {
    this.#kernel = kernel
    for (const delay of [1, 2, 3, 4, 5, 5, 6]) kernel.schedule(delay * SECOND, this, 1)
  }

  onTimer(): void {
    this.#kernel.note({ type: 'tick' })
  }
}

function scene(log: string[]): Kernel {
  const kernel = new Kernel({ seed: 1 })
  new Ticker(kernel)
  kernel.subscribe('tick', () => log.push(`tick ${kernel.now / SECOND}`))
  return kernel
}

test('an alarm rings after all events of its moment and before those of the next', () => {
  const log: string[] = []
  const kernel = scene(log)
  kernel.alarm(5 * SECOND, { onAlarm: (at) => log.push(`alarm ${at / SECOND} at ${kernel.now / SECOND}`) })
  kernel.alarm(2_500_000, { onAlarm: () => log.push('between') })
  kernel.run({ until: 10 * SECOND })
  expect(log).toEqual(['tick 1', 'tick 2', 'between', 'tick 3', 'tick 4', 'tick 5', 'tick 5', 'alarm 5 at 5', 'tick 6'])
})

test('an alarm at the end of a run waits: more may still come at that moment', () => {
  const log: string[] = []
  const kernel = scene(log)
  kernel.alarm(2 * SECOND, { onAlarm: () => log.push('alarm') })
  kernel.run({ until: 2 * SECOND })
  kernel.schedule(0, new Ticker(kernel), 1)
  kernel.run({ until: 2 * SECOND })
  expect(log).toEqual(['tick 1', 'tick 2', 'tick 2'])
  kernel.run({ until: 2_000_001 })
  expect(log.at(-1)).toBe('alarm')
})

test('a run with alarms is the same run', () => {
  const quiet = scene([])
  const watched = scene([])
  let rung = 0
  const again = {
    onAlarm(at: number) {
      rung++
      if (at < 6 * SECOND) watched.alarm(at + 300_000, again)
    },
  }
  watched.alarm(0, again)
  expect(watched.run({ until: 8 * SECOND })).toBe(quiet.run({ until: 8 * SECOND }))
  expect(rung).toBe(21)
  expect([watched.fingerprint(), watched.steps, watched.now]).toEqual([quiet.fingerprint(), quiet.steps, quiet.now])
})

test('an alarm may stop the run, and the clock stands at its moment', () => {
  const kernel = scene([])
  kernel.alarm(3_200_000, { onAlarm: () => kernel.stop() })
  expect(kernel.run({ until: 10 * SECOND })).toBe('stopped')
  expect(kernel.now).toBe(3_200_000)
})

test('what an alarm throws is not put down to a machine', () => {
  const kernel = scene([])
  const mistake = new Error('a mistake')
  kernel.alarm(SECOND, {
    onAlarm() {
      throw mistake
    },
  })
  expect(() => kernel.run({ until: 2 * SECOND })).toThrow(mistake)
})
