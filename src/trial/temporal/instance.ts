/**
 * One subject of a claim at work in a trial: its present state, what is left to be shown of it, and its observations. An
 * atom's value is kept until something that it reads changes.
 */
import type { Cluster } from '../../cluster/index.ts'
import type { AlarmTarget, Fact, Micros } from '../../kernel/index.ts'
import type { KubeObject, Resource } from '../../objects/index.ts'
import type { Atom, AtomSource, Duration, Observation } from './atom.ts'
import type { Compiled } from './compile.ts'
import type { Moment } from './explain.ts'
import { type Blame, thrown, timeOf, truthOf } from './predicate.ts'
import { begin, end, pass, step } from './progress.ts'
import { FALSE, nextDeadline, type Residual, TRUE } from './residual.ts'
import type { View } from './view.ts'

/** So many atoms of a formula have their values kept, a bit each; any more are asked each time. */
const KEPT = 31

/** The claim that it is a subject of, as it sees it. */
export interface Claimant {
  readonly compiled: Compiled
  readonly cluster: Cluster
  readonly now: Micros
  readonly isQuiet: boolean
  /** Indices of triggers that have not been met. */
  readonly unmet: readonly number[]
  viewOf(reads: readonly Resource[]): View<Resource>
  shared(atom: Atom, slot: number, source: Extract<AtomSource, { on: 'state' }>): boolean
  happens(atom: Atom, source: Extract<AtomSource, { on: 'fact' }>, instance: Instance): unknown
  blame(instance: Instance): Blame
  meet(instance: Instance): void
  fail(instance: Instance, left: Residual | undefined, moment: Moment): void
  hold(instance: Instance): void
}

export class Instance implements Observation, AlarmTarget {
  /** The uid of an object, the name in facts, or empty for the whole cluster. */
  readonly id: string
  /** The object's key; the name in facts. */
  readonly key: string
  readonly opening: Fact | undefined
  /** The object as stored now, or last. */
  object: KubeObject | undefined
  /** The version before that. */
  before: KubeObject | undefined
  /** At which time it came to its present version. */
  changedAt: Micros
  residual: Residual | undefined
  isFirst = true
  isGone = false
  /** This observation was made by a change of the object from `before`. */
  isChange = false
  readonly #watch: Claimant
  /** By slot: is the value of the atom known, and what is it. */
  #known = 0
  #values = 0
  /** The earliest alarm that is set and has not rung. */
  #alarmAt: Micros = Number.POSITIVE_INFINITY

  constructor(watch: Claimant, id: string, key: string, object: KubeObject | undefined, opening: Fact | undefined) {
    this.#watch = watch
    this.id = id
    this.key = key
    this.object = object
    this.opening = opening
    this.changedAt = watch.now
  }

  // --- What holds at this observation

  get at(): Micros {
    return this.#watch.now
  }

  holds(atom: Atom, slot: number): boolean {
    if (atom.source.on !== 'object' || slot >= KEPT) return this.#ask(atom, slot)
    const bit = 1 << slot
    if ((this.#known & bit) !== 0) return (this.#values & bit) !== 0
    const value = this.#ask(atom, slot)
    this.#known |= bit
    this.#values = value ? this.#values | bit : this.#values & ~bit
    return value
  }

  micros(duration: Duration): Micros {
    let answer: unknown
    try {
      answer = duration.test(this.object as KubeObject)
    } catch (error) {
      throw thrown(duration, this.#watch.blame(this), error)
    }
    return timeOf(duration, this.#watch.blame(this), answer)
  }

  #ask(atom: Atom, slot: number): boolean {
    let answer: unknown
    try {
      answer = this.#answer(atom, slot)
    } catch (error) {
      throw thrown(atom, this.#watch.blame(this), error)
    }
    return answer === true || (answer !== false && truthOf(atom, this.#watch.blame(this), answer))
  }

  #answer(atom: Atom, slot: number): unknown {
    const watch = this.#watch
    const { source } = atom
    switch (source.on) {
      case 'object':
        // Most read nothing but their object, and take nothing else.
        return source.test.length < 2 && source.reads.length === 0
          ? (source.test as (object: KubeObject) => unknown)(this.object as KubeObject)
          : source.test(this.object as KubeObject, watch.viewOf(source.reads))
      case 'state':
        return watch.shared(atom, slot, source)
      case 'action':
        return this.isChange && this.before !== undefined && source.test(this.before, this.object as KubeObject)
      case 'fact':
        return watch.happens(atom, source, this)
      case 'opening':
        return source.test(this.opening as Fact)
      case 'asked':
        return source.test(watch.cluster)
      case 'created':
        return this.isFirst
      case 'gone':
        return this.isGone
      case 'quiet':
        return watch.isQuiet
      case 'disturbed':
        return watch.cluster.calm.disturbedSince(watch.now)
    }
  }

  /** The object is now another version: what was known of it is not any more. */
  change(object: KubeObject): void {
    this.before = this.object
    this.object = object
    this.changedAt = this.#watch.now
    this.#known = 0
  }

  forget(slots: readonly number[]): void {
    for (const slot of slots) if (slot < KEPT) this.#known &= ~(1 << slot)
  }

  // --- What is left

  observe(): void {
    const left = this.residual
    if (this.#watch.unmet.length > 0) this.#watch.meet(this)
    const next = left === undefined ? begin(this.#watch.compiled.root, this) : step(left, this)
    if (left !== next) this.#settle(left, next, { on: 'observation', observation: this })
    this.isFirst = false
    this.isChange = false
  }

  onAlarm(at: Micros): void {
    if (at !== this.#alarmAt || this.#isDone) return
    this.#alarmAt = Number.POSITIVE_INFINITY
    const left = this.residual as Residual
    this.#settle(left, pass(left, at), { on: 'deadline', at })
    this.#setAlarm()
  }

  onEnd(at: Micros): void {
    const left = this.residual
    if (left !== undefined && !this.#isDone) this.#settle(left, end(left, at), { on: 'end', at })
  }

  /** It may yet be decided by `limit`, and to end now would decide it otherwise than in its favour. */
  isWaiting(limit: Micros): boolean {
    if (this.residual === undefined || this.#isDone || end(this.residual, this.at) === TRUE) return false
    const late = end(this.residual, limit)
    return late === TRUE || late === FALSE
  }

  get #isDone(): boolean {
    return this.residual === TRUE || this.residual === FALSE
  }

  #settle(left: Residual | undefined, next: Residual, moment: Moment): void {
    if (left === next) return
    this.residual = next
    if (next === FALSE) this.#watch.fail(this, left, moment)
    else if (next === TRUE) this.#watch.hold(this)
    else this.#setAlarm()
  }

  #setAlarm(): void {
    const deadline = this.residual === undefined ? Number.POSITIVE_INFINITY : nextDeadline(this.residual)
    if (deadline >= this.#alarmAt) return
    this.#alarmAt = deadline
    this.#watch.cluster.kernel.alarm(deadline, this)
  }
}
