/**
 * A trace as a log for ShiViz: each event with the vector clock of its process. The first line is the expression that the
 * log is read with, the second (empty) would part several executions. The kernel is no process of its own here: what it
 * held back counts as sent by whose event set it going.
 */
import type { Recording } from '../../trial/index.ts'
import { phraseOf } from '../phrases.ts'
import { moment } from '../time.ts'
import { Events, originsOf, processNames } from './arrows.ts'

export const SHIVIZ_EXPRESSION = '(?<host>\\S*) (?<clock>{.*})\\n(?<event>.*)'

export function* shiviz({ kernel }: Recording): Generator<string> {
  const { trace } = kernel
  const names = processNames(kernel)
  const keys = names.map((name) => `${JSON.stringify(name)}:`)
  const origins = originsOf(kernel)
  const sends = new Uint8Array(trace.steps + 1)
  for (const { step, target } of trace.rows()) {
    const origin = origins[step] as number
    if (target !== 0 && origin > 0) sends[origin] = 1
  }
  /** The clocks of events that others come from, as they were then. */
  const kept = new Map<number, Int32Array>()
  const clocks: (Clock | undefined)[] = []
  const events = new Events(kernel)
  let fact = 0
  yield `${SHIVIZ_EXPRESSION}\n\n`
  for (const row of trace.rows()) {
    const { step, target, time } = row
    let told = ''
    for (; fact < trace.facts.length && trace.facts[fact]!.step <= step; fact++) {
      const phrase = trace.facts[fact]!.step === step ? phraseOf(trace.facts[fact]!.fact) : undefined
      if (phrase !== undefined) told += `; ${phrase.text}`
    }
    if (target === 0) continue
    let clock = clocks[target]
    if (clock === undefined) {
      clock = new Clock(target, names.length)
      clocks[target] = clock
    }
    clock.tick(kept.get(origins[step] as number))
    if (sends[step] === 1) kept.set(step, clock.times.slice())
    yield `${names[target]} {${clock.text(keys)}}\n${moment(time)} ${events.of(row).event}${told}\n`
  }
}

/** The clock of one process, and what it looks like but for its own time, which is all that changes most of the time. */
class Clock {
  readonly times: Int32Array
  readonly #self: number
  #others: string | undefined = ''

  constructor(self: number, processes: number) {
    this.#self = self
    this.times = new Int32Array(processes)
  }

  /** One event of the process, after what `from` had seen. */
  tick(from: Int32Array | undefined): void {
    const { times } = this
    if (from !== undefined)
      for (let process = 1; process < times.length; process++)
        if ((from[process] as number) > (times[process] as number)) {
          times[process] = from[process] as number
          this.#others = undefined
        }
    times[this.#self] = (times[this.#self] as number) + 1
  }

  text(keys: readonly string[]): string {
    if (this.#others === undefined) {
      let others = ''
      for (let process = 1; process < this.times.length; process++)
        if (this.times[process] !== 0 && process !== this.#self) others += `,${keys[process]}${this.times[process]}`
      this.#others = others
    }
    return `${keys[this.#self]}${this.times[this.#self]}${this.#others}`
  }
}
