/**
 * Moments at which somebody who only watches wants to be woken: the deadlines of properties. An alarm is no event. It rings
 * once its moment is over, before time moves on, and it leaves no trace: a run with alarms and one without are the same run.
 */
import { invariant } from './invariant.ts'
import type { Micros } from './time.ts'

export interface AlarmTarget {
  /** Nothing more happens at `at`. Called once for each alarm that was set, with the kernel's clock at that moment. */
  onAlarm(at: Micros): void
}

interface Alarm {
  readonly at: Micros
  readonly target: AlarmTarget
}

export class Alarms {
  /** The moment of the next alarm; infinity when there is none. */
  earliest: Micros = Number.POSITIVE_INFINITY
  /** By moment, and in the order of setting at one moment. Few are ever set at once: whoever watches many things keeps the earliest. */
  readonly #alarms: Alarm[] = []

  set(at: Micros, target: AlarmTarget): void {
    invariant(!Number.isNaN(at), 'kernel: an alarm has a moment')
    let low = 0
    let high = this.#alarms.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#alarms[middle] as Alarm).at <= at) low = middle + 1
      else high = middle
    }
    this.#alarms.splice(low, 0, { at, target })
    this.earliest = (this.#alarms[0] as Alarm).at
  }

  /** Rings what is due at `now` or before; alarms that are set meanwhile wait for their own turn. */
  ring(now: Micros): void {
    let due = 0
    while (due < this.#alarms.length && (this.#alarms[due] as Alarm).at <= now) due++
    const ringing = this.#alarms.splice(0, due)
    this.earliest = this.#alarms[0]?.at ?? Number.POSITIVE_INFINITY
    for (const { at, target } of ringing) target.onAlarm(at)
  }
}
