/**
 * The event queue: an exact hierarchical timing wheel of 3 x 1024 slots of one microsecond, after Varghese and Lauck
 * ("Hashed and hierarchical timing wheels", 1987, scheme 7, without rounding). An event is a row of 64 bytes, one cache
 * line, seen through two typed arrays; slots are doubly linked lists of rows, bitmaps find the next slot. What lies beyond
 * 2^30 microseconds waits in one more list.
 * Order: by time, then by scheduling. No sequence number is kept for that: a slot is always emptied into the level below
 * before anything can be put there directly, so lists are in order of scheduling.
 * The caller reads a popped row's fields, then gives the row back with `release` (or keeps it with `park`).
 */
import { invariant } from './invariant.ts'
import type { Timer } from './machine.ts'
import type { Micros } from './time.ts'

/** Index of an event's row. 0 is no row. */
export type Row = number

// Whole-number fields of a row, in `cells` from `row << 4`. The first four belong to the queue.
const NEXT = 0
const PREVIOUS = 1
const LIST = 2
const GENERATION = 3
/** The process that the event is for. */
export const TARGET = 4
/** The process's epoch when the event was scheduled. */
export const EPOCH = 5
/** What the event is. */
export const CODE = 6
/** The step that scheduled the event. */
export const CAUSE = 7
// Real fields, in `reals` from `row << 3`: the second half of the same 64 bytes.
export const TIME = 4
/** A number that travels with the event. */
export const A = 5

const ROWS_AT_FIRST = 128
const MOST_ROWS = 1 << 22
const ERA = 2 ** 30
const LATER = 3072
const LISTS = 3073
const NOWHERE = -1
const PARKED = -2

export class EventQueue {
  cells = new Int32Array(ROWS_AT_FIRST << 4)
  reals = new Float64Array(this.cells.buffer)
  /** What travels with the event, by row. */
  readonly refs: unknown[] = [undefined]

  #capacity = ROWS_AT_FIRST
  /** First row of the list of free rows. */
  #free: Row = 0
  /** Rows from here on were never used. */
  #fresh: Row = 1
  #size = 0

  /** First and last row of each list. */
  readonly #ends = new Int32Array(LISTS << 1)
  /** 32 words a level, one bit a slot. */
  readonly #bits = new Int32Array(96)
  /** One bit a word of `#bits`, one number a level. */
  #summary0 = 0
  #summary1 = 0
  #summary2 = 0
  /** The wheel's position within its era of 2^30 microseconds: no event in it is earlier. */
  #position = 0
  #eraStart: Micros = 0

  /** Number of events waiting, parked ones not counted. */
  get size(): number {
    return this.#size
  }

  /** A row to fill in. */
  take(): Row {
    const row = this.#free
    if (row !== 0) {
      this.#free = this.cells[(row << 4) + NEXT] as number
      return row
    }
    if (this.#fresh === this.#capacity) this.#grow()
    const fresh = this.#fresh++
    this.cells[(fresh << 4) + GENERATION] = 1
    return fresh
  }

  /** Puts a filled row in; `time` must not be before the last popped time. The answer cancels it. */
  insert(row: Row, time: Micros): Timer {
    this.reals[(row << 3) + TIME] = time
    this.#size++
    const offset = time - this.#eraStart
    if (offset < ERA) this.#place(row, offset)
    else this.#append(row, LATER)
    return (this.cells[(row << 4) + GENERATION] as number) * MOST_ROWS + row
  }

  /** Takes out the earliest event if it is not after `until`; 0 when there is none. */
  pop(until: Micros): Row {
    for (;;) {
      const summary0 = this.#summary0
      if (summary0 !== 0) {
        const word = 31 - Math.clz32(summary0 & -summary0)
        const bits = this.#bits[word] as number
        const list = (word << 5) | (31 - Math.clz32(bits & -bits))
        const row = this.#ends[list << 1] as number
        if ((this.reals[(row << 3) + TIME] as number) > until) return 0
        const next = this.cells[(row << 4) + NEXT] as number
        this.#ends[list << 1] = next
        if (next !== 0) this.cells[(next << 4) + PREVIOUS] = 0
        else {
          this.#ends[(list << 1) + 1] = 0
          const left = bits & (bits - 1)
          this.#bits[word] = left
          if (left === 0) this.#summary0 = summary0 & (summary0 - 1)
        }
        this.#position = (this.#position & ~1023) | list
        this.#size--
        return row
      }
      const level = this.#summary1 !== 0 ? 1 : this.#summary2 !== 0 ? 2 : 3
      if (level === 3) {
        if (!this.#enterNextEra(until)) return 0
        continue
      }
      const list = this.#firstList(level)
      const row = this.#ends[list << 1] as number
      if (this.cells[(row << 4) + NEXT] === 0) {
        // The only event of the earliest slot is the earliest event.
        const time = this.reals[(row << 3) + TIME] as number
        if (time > until) return 0
        this.#unlink(row, list)
        this.#position = time - this.#eraStart
        this.#size--
        return row
      }
      const start = level === 1 ? (this.#position & ~0xfffff) | ((list - 1024) << 10) : (list - 2048) << 20
      if (this.#eraStart + start > until) return 0
      this.#position = start
      this.#cascade(list)
    }
  }

  /** Gives a popped row back. Its timer is dead from now on. */
  release(row: Row): void {
    this.cells[(row << 4) + GENERATION] = (this.cells[(row << 4) + GENERATION] as number) + 1
    this.cells[(row << 4) + LIST] = NOWHERE
    this.refs[row] = undefined
    this.cells[(row << 4) + NEXT] = this.#free
    this.#free = row
  }

  /** Keeps a popped row aside: it can still be cancelled. The answer is for `unpark`. */
  park(row: Row): Timer {
    this.cells[(row << 4) + LIST] = PARKED
    return (this.cells[(row << 4) + GENERATION] as number) * MOST_ROWS + row
  }

  /** The row of a parked event, to be handled now after all; 0 if it was cancelled. */
  claim(timer: Timer): Row {
    return this.#rowOf(timer)
  }

  /** Puts a parked event back in, due at `time`, behind what is due then already. Nothing happens if it was cancelled. */
  unpark(timer: Timer, time: Micros): void {
    const row = this.#rowOf(timer)
    if (row === 0) return
    invariant(this.cells[(row << 4) + LIST] === PARKED, 'kernel: only a parked event is put back', { row })
    this.insert(row, time)
  }

  /** Forgets an event, waiting or parked. False if it is past, cancelled or 0. */
  cancel(timer: Timer): boolean {
    const row = this.#rowOf(timer)
    if (row === 0) return false
    const list = this.cells[(row << 4) + LIST] as number
    if (list === NOWHERE) return false
    if (list !== PARKED) {
      this.#unlink(row, list)
      this.#size--
    }
    this.release(row)
    return true
  }

  #rowOf(timer: Timer): Row {
    const row = timer & (MOST_ROWS - 1)
    return row < this.#fresh && (this.cells[(row << 4) + GENERATION] as number) * MOST_ROWS + row === timer ? row : 0
  }

  #place(row: Row, offset: number): void {
    const difference = offset ^ this.#position
    if (difference < 1024) this.#append(row, offset & 1023)
    else if (difference < 0x100000) this.#append(row, 1024 | ((offset >> 10) & 1023))
    else this.#append(row, 2048 + (offset >> 20))
  }

  #append(row: Row, list: number): void {
    this.cells[(row << 4) + LIST] = list
    this.cells[(row << 4) + NEXT] = 0
    const tail = this.#ends[(list << 1) + 1] as number
    this.#ends[(list << 1) + 1] = row
    this.cells[(row << 4) + PREVIOUS] = tail
    if (tail !== 0) {
      this.cells[(tail << 4) + NEXT] = row
      return
    }
    this.#ends[list << 1] = row
    if (list === LATER) return
    const word = list >> 5
    this.#bits[word] = (this.#bits[word] as number) | (1 << (list & 31))
    const mark = 1 << (word & 31)
    if (list < 1024) this.#summary0 |= mark
    else if (list < 2048) this.#summary1 |= mark
    else this.#summary2 |= mark
  }

  #unlink(row: Row, list: number): void {
    const next = this.cells[(row << 4) + NEXT] as number
    const previous = this.cells[(row << 4) + PREVIOUS] as number
    if (next !== 0) this.cells[(next << 4) + PREVIOUS] = previous
    else this.#ends[(list << 1) + 1] = previous
    if (previous !== 0) this.cells[(previous << 4) + NEXT] = next
    else this.#ends[list << 1] = next
    if (next === 0 && previous === 0 && list !== LATER) this.#clear(list)
  }

  /** Marks a list as empty. */
  #clear(list: number): void {
    const word = list >> 5
    const left = (this.#bits[word] as number) & ~(1 << (list & 31))
    this.#bits[word] = left
    if (left !== 0) return
    const mask = ~(1 << (word & 31))
    if (list < 1024) this.#summary0 &= mask
    else if (list < 2048) this.#summary1 &= mask
    else this.#summary2 &= mask
  }

  /** The earliest list with events of level 1 or 2, which must have one. */
  #firstList(level: number): number {
    const summary = level === 1 ? this.#summary1 : this.#summary2
    const word = (level << 5) | (31 - Math.clz32(summary & -summary))
    const bits = this.#bits[word] as number
    return (word << 5) | (31 - Math.clz32(bits & -bits))
  }

  /** Hands the events of a list down, in order, relative to the new position. */
  #cascade(list: number): void {
    let row = this.#ends[list << 1] as number
    this.#ends[list << 1] = 0
    this.#ends[(list << 1) + 1] = 0
    this.#clear(list)
    while (row !== 0) {
      const next = this.cells[(row << 4) + NEXT] as number
      this.#place(row, (this.reals[(row << 3) + TIME] as number) - this.#eraStart)
      row = next
    }
  }

  /** The wheel is empty: moves it to the era of the earliest event beyond it, unless that begins after `until`. */
  #enterNextEra(until: Micros): boolean {
    let earliest = Number.POSITIVE_INFINITY
    for (let row = this.#ends[LATER << 1] as number; row !== 0; row = this.cells[(row << 4) + NEXT] as number)
      if ((this.reals[(row << 3) + TIME] as number) < earliest) earliest = this.reals[(row << 3) + TIME] as number
    const start = Math.floor(earliest / ERA) * ERA
    if (earliest === Number.POSITIVE_INFINITY || start > until) return false
    this.#eraStart = start
    this.#position = 0
    let row = this.#ends[LATER << 1] as number
    while (row !== 0) {
      const next = this.cells[(row << 4) + NEXT] as number
      const offset = (this.reals[(row << 3) + TIME] as number) - start
      if (offset < ERA) {
        this.#unlink(row, LATER)
        this.#place(row, offset)
      }
      row = next
    }
    return true
  }

  #grow(): void {
    invariant(this.#capacity < MOST_ROWS, 'kernel: at most four million events wait at once')
    this.#capacity = Math.min(this.#capacity * 4, MOST_ROWS)
    const cells = new Int32Array(this.#capacity << 4)
    cells.set(this.cells)
    this.cells = cells
    this.reals = new Float64Array(cells.buffer)
  }
}
