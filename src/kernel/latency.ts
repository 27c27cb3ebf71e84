/**
 * How long a packet takes, as tables of an inverse distribution function: 1,024 equally likely latencies, integers only.
 * Most of a table's weight lies in the lower half of its range, with a light tail to the end of it.
 */
import { invariant } from './invariant.ts'
import type { Rand } from './random.ts'
import type { Micros } from './time.ts'

const ENTRIES = 1024

export class Latency {
  readonly #table = new Int32Array(ENTRIES)
  #steady: Latency | undefined

  /** Latencies from `lowMicros` to `highMicros`: 90 % in the lower half of the range, 1 % in the highest fifth. */
  constructor(lowMicros: Micros, highMicros: Micros) {
    invariant(lowMicros >= 0 && highMicros >= lowMicros, 'kernel: a latency range goes up', { lowMicros, highMicros })
    const range = highMicros - lowMicros
    // Corners of the inverse distribution function: parts in 1,024, and percent of the range reached there.
    const corners: readonly (readonly [number, number])[] = [
      [0, 0],
      [922, 50],
      [1014, 80],
      [1024, 100],
    ]
    let corner = 0
    for (let i = 0; i < ENTRIES; i++) {
      while ((corners[corner + 1] as readonly [number, number])[0] <= i) corner++
      const [x0, y0] = corners[corner] as readonly [number, number]
      const [x1, y1] = corners[corner + 1] as readonly [number, number]
      const percentTimesWidth = y0 * (x1 - x0) + (y1 - y0) * (i - x0)
      this.#table[i] = lowMicros + Math.floor((range * percentTimesWidth) / (100 * (x1 - x0)))
    }
  }

  /** The same without chance: always the mean. */
  withoutJitter(): Latency {
    if (this.#steady === undefined) {
      let sum = 0
      for (const latency of this.#table) sum += latency
      const mean = Math.floor(sum / ENTRIES)
      this.#steady = new Latency(mean, mean)
    }
    return this.#steady
  }

  /** The latency for this address of the stream. */
  at(stream: Rand, time: Micros, index: number): Micros {
    return this.#table[stream.at(time, index) >>> 22] as number
  }
}

/** Between two hosts of one site: 200 to 800 microseconds. */
export const BETWEEN_HOSTS = new Latency(200, 800)
/** Over the loopback of one host: 20 to 50 microseconds. */
export const ON_ONE_HOST = new Latency(20, 50)
