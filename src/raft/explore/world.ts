/**
 * A whole cluster as a row of words: each member's number, the history's, the counts of what is bounded, and the messages
 * under way in ascending order. From a row come all rows that one step leads to. The digest of a row is a sum, so a step
 * only takes out what it changes and adds what comes.
 */
import type { RaftMessage } from '../messages.ts'
import type { MemberId } from '../types.ts'
import { type Bounds, type Counted, layoutOf } from './bounds.ts'
import { type Budget, choices } from './choices.ts'
import { ledTwice, logsDiffer } from './claims.ts'
import { type Common, commonOf } from './common.ts'
import { isDead } from './dead.ts'
import { avalanche, type Words } from './hash.ts'
import { Histories } from './history.ts'
import { CRASH, countedAs, DELIVER, LOST, MOMENT, OUTAGE, SYNC } from './inputs.ts'
import type { Member } from './member.ts'
import type { Quorums } from './overlap.ts'
import { type Facts, type Turn, Turns } from './turns.ts'
import type { MessageNumber, Wire } from './wire.ts'

/** What is done: a message's number or a member and its input, with how, in the lowest two bits. */
export type Step = number

const HOW_DELIVER = 0
const HOW_DUPLICATE = 1
const HOW_DROP = 2
const HOW_MEMBER = 3
/** A moment passes for everybody. */
const EVERYBODY = 0

/** A whole cluster that was reached, to be looked at. */
export interface Reached {
  readonly members: readonly Member[]
  readonly underWay: readonly { readonly from: MemberId; readonly to: MemberId; readonly message: RaftMessage }[]
  /** Who decides by the newest membership that is committed, and by the one before it. */
  readonly electorates: readonly Quorums[]
}

/** What a reader of a path needs to play it again. */
export interface WorldRules {
  readonly wire: Wire
  readonly turns: Turns
  /** The members after each step of a path, from the beginning. */
  replay(path: readonly Step[]): readonly (readonly number[])[]
}

export class World implements WorldRules, Budget {
  readonly wire: Wire
  readonly turns: Turns
  /** Words a row. */
  readonly width: number
  /** Of the row that was reached last: its digest, and the claim that it breaks. */
  low = 0
  high = 0
  violation: string | undefined
  beyond = 0

  readonly #bounds: Bounds
  readonly #histories: Histories
  readonly #count: number
  readonly #renamings: number
  readonly #tells: boolean
  readonly #changes: boolean
  /** Where each count begins in the word of counts, and its bits. */
  readonly #shift: Readonly<Record<Counted, number>>
  readonly #mask: Readonly<Record<Counted, number>>
  readonly #inputs: number[] = []
  // The row that is being made.
  readonly #members: number[] = []
  #history = 0
  #counts = 0
  #bag: MessageNumber[] = []
  // The row that it is made from.
  readonly #from: number[] = []
  #fromHistory = 0
  #fromCounts = 0
  readonly #fromBag: MessageNumber[] = []

  constructor(bounds: Bounds) {
    this.#bounds = bounds
    this.#count = bounds.members
    const common: Common = commonOf(bounds)
    this.#renamings = common.renamings.length
    this.wire = common.wire
    this.#histories = new Histories(common)
    this.turns = new Turns(common)
    this.#tells = bounds.preVote || bounds.refusal
    this.#changes = bounds.changes > 0 || bounds.joint > 0
    const { shift, mask } = layoutOf(bounds)
    this.#shift = shift
    this.#mask = mask
    this.width = this.#count + 3 + bounds.inFlight
  }

  get machineRuns(): number {
    return this.turns.runs
  }

  /** The beginning: everybody up, nothing under way. */
  start(rows: Words): void {
    for (let id = 1; id <= this.#count; id++) this.#members[id - 1] = this.turns.atStart(id)
    this.#history = 0
    this.#counts = 0
    this.#bag = []
    this.#digest()
    this.keep(rows)
  }

  /** The row that was reached last, as values. */
  reached(): Reached {
    const { messages, to } = this.wire
    return {
      members: this.#members.map((number) => this.turns.members[number] as Member),
      underWay: this.#bag.map((number) => {
        const message = messages[number] as RaftMessage
        return { from: message.from, to: to[number] as MemberId, message }
      }),
      electorates: this.#histories.electorates(this.#history),
    }
  }

  /** Adds the row that was reached last to `rows`. */
  keep(rows: Words): void {
    const at = rows.grow(this.width)
    const { data } = rows
    for (let i = 0; i < this.#count; i++) data[at + i] = this.#members[i] as number
    data[at + this.#count] = this.#history
    data[at + this.#count + 1] = this.#counts
    data[at + this.#count + 2] = this.#bag.length
    for (let i = 0; i < this.#bag.length; i++) data[at + this.#count + 3 + i] = this.#bag[i] as number
  }

  /** Takes every step from the row at `at`; `reached` says after each whether to go on. */
  expand(rows: Words, at: number, reached: (step: Step) => boolean): boolean {
    this.#load(rows.data, at)
    for (let i = 0; i < this.#fromBag.length; i++) {
      const message = this.#fromBag[i] as MessageNumber
      // The same message twice: one of the two stands for both.
      if (i > 0 && message === this.#fromBag[i - 1]) continue
      if (this.#deliver(message, false) && !reached(message * 4 + HOW_DELIVER)) return false
      if (this.left('duplicates') && this.#deliver(message, true) && !reached(message * 4 + HOW_DUPLICATE)) return false
      if (this.left('drops') && this.#drop(message) && !reached(message * 4 + HOW_DROP)) return false
    }
    for (let id = 1; id <= this.#count; id++) if (!this.#expandMember(id, reached)) return false
    if (this.#bounds.drift || !this.left('moments')) return true
    if (this.#moment(MOMENT) && !reached(stepOf(EVERYBODY, MOMENT))) return false
    return this.#fromBag.length === 0 || !this.#moment(OUTAGE) || reached(stepOf(EVERYBODY, OUTAGE))
  }

  replay(path: readonly Step[]): readonly (readonly number[])[] {
    const rows = { data: new Int32Array(this.width), length: 0, grow: () => 0 } as unknown as Words
    this.start(rows)
    const seen = [this.#members.slice()]
    for (const step of path) {
      this.#load(rows.data, 0)
      const how = step & 3
      const what = step >> 2
      if (how === HOW_MEMBER && (what & 7) === EVERYBODY) this.#moment(what >> 3)
      else if (how === HOW_MEMBER) this.#input(what & 7, what >> 3)
      else if (how === HOW_DROP) this.#drop(what)
      else this.#deliver(what, how === HOW_DUPLICATE)
      this.keep(rows)
      seen.push(this.#members.slice())
    }
    return seen
  }

  #load(data: Int32Array, at: number): void {
    for (let i = 0; i < this.#count; i++) this.#from[i] = data[at + i] as number
    this.#fromHistory = data[at + this.#count] as number
    this.#fromCounts = data[at + this.#count + 1] as number
    const size = data[at + this.#count + 2] as number
    this.#fromBag.length = size
    for (let i = 0; i < size; i++) this.#fromBag[i] = data[at + this.#count + 3 + i] as number
  }

  spent(what: Counted): number {
    return (this.#fromCounts >>> this.#shift[what]) & this.#mask[what]
  }

  left(what: Counted): boolean {
    const most = this.#bounds[what]
    return most > 0 && this.spent(what) < most
  }

  #factsOf(id: MemberId): Facts {
    return this.turns.facts[this.#from[id - 1] as number] as Facts
  }

  #expandMember(id: MemberId, reached: (step: Step) => boolean): boolean {
    const inputs = this.#inputs
    const reads = this.#histories.readsAsked(this.#fromHistory)
    choices(this.#factsOf(id), this.#bounds, this, reads, inputs)
    for (let i = 0; i < inputs.length; i++) {
      const input = inputs[i] as number
      if (this.#input(id, input) && !reached(stepOf(id, input))) return false
    }
    return true
  }

  /** False when the step leads out of the bounds, or nowhere. */
  #input(id: MemberId, input: number): boolean {
    this.#begin()
    const counted = countedAs(input)
    if (counted !== undefined) this.#spend(counted)
    if (counted === 'reads') this.#history = this.#histories.asked(this.#history)
    this.#turn(id, input)
    return this.#finish()
  }

  /** Time passes for everybody who is up; in an outage what is under way is lost. */
  #moment(kind: number): boolean {
    this.#begin()
    if (kind === OUTAGE) this.#bag = []
    this.#spend('moments')
    for (let id = 1; id <= this.#count; id++) if (this.#factsOf(id).alive) this.#turn(id, MOMENT)
    return this.#finish()
  }

  #deliver(message: MessageNumber, keeps: boolean): boolean {
    const to = this.wire.to[message] as MemberId
    if (!this.#factsOf(to).alive) return false
    this.#begin()
    if (keeps) this.#spend('duplicates')
    else this.#bag.splice(this.#bag.indexOf(message), 1)
    this.#turn(to, DELIVER + message)
    return this.#finish()
  }

  #drop(message: MessageNumber): boolean {
    this.#begin()
    this.#spend('drops')
    this.#bag.splice(this.#bag.indexOf(message), 1)
    const { type, from } = this.wire.messages[message] as RaftMessage
    // The transport says so, as etcd's does.
    if (type === 'raft-snapshot' && this.#factsOf(from).alive)
      this.#turn(from, LOST + (this.wire.to[message] as MemberId))
    return this.#finish()
  }

  #begin(): void {
    for (let i = 0; i < this.#count; i++) this.#members[i] = this.#from[i] as number
    this.#history = this.#fromHistory
    this.#counts = this.#fromCounts
    this.#bag = this.#fromBag.slice()
    this.violation = undefined
  }

  #spend(what: Counted): void {
    this.#counts += 1 << this.#shift[what]
  }

  #turn(id: MemberId, input: number): void {
    const turn = this.turns.take(this.#members[id - 1] as number, input)
    this.#apply(id, turn)
    // No crash can come any more: whether the disk is slow or the network is makes no difference now.
    if (this.#bounds.plain || ((this.#counts >>> this.#shift.crashes) & this.#mask.crashes) < this.#bounds.crashes)
      return
    for (let other = 1; other <= this.#count; other++) {
      if (other !== id && input !== CRASH) continue
      while ((this.turns.facts[this.#members[other - 1] as number] as Facts).writes > 0) {
        this.#apply(other, this.turns.take(this.#members[other - 1] as number, SYNC))
      }
    }
  }

  #apply(id: MemberId, turn: Turn): void {
    this.#members[id - 1] = turn.next
    if (turn.sent.length > 0) for (const message of turn.sent) this.#bag.push(message)
    this.violation ??= turn.violation
    const facts = this.turns.facts[turn.next] as Facts
    if (turn.committed.length > 0) {
      const history = this.#histories.committed(this.#history, turn, facts.term)
      if (typeof history === 'string') this.violation ??= history
      else this.#history = history
    }
    if (turn.answeredReads.length > 0) this.violation ??= this.#histories.readsAreCurrent(this.#history, turn)
  }

  #finish(): boolean {
    const { facts } = this.turns
    for (let i = 0; i < this.#count; i++) {
      if (this.#members[i] === this.#from[i]) continue
      const changed = facts[this.#members[i] as number] as Facts
      if (changed.log.length - 1 > this.#bounds.logLength) {
        this.beyond++
        return false
      }
      this.#forgetDead(changed)
    }
    let underWay = this.#bag.length
    for (let i = 0; i < this.#count; i++) underWay += (facts[this.#members[i] as number] as Facts).waiting
    if (underWay > this.#bounds.inFlight) {
      this.beyond++
      return false
    }
    this.#bag.sort(ascending)
    this.#check()
    this.#digest()
    return true
  }

  /** Takes out messages that can never again mean anything to this member, whatever happens to it. */
  #forgetDead(member: Facts): void {
    if (this.#bounds.plain) return
    let kept = 0
    for (const message of this.#bag) {
      if (
        this.wire.to[message] === member.id &&
        isDead(this.wire.messages[message] as RaftMessage, member, this.#tells)
      )
        continue
      this.#bag[kept++] = message
    }
    this.#bag.length = kept
  }

  #check(): void {
    if (this.violation !== undefined) return
    const { facts } = this.turns
    for (let i = 0; i < this.#count; i++) {
      const member = facts[this.#members[i] as number] as Facts
      const isChanged = this.#members[i] !== this.#from[i]
      if (member.role === 'leader' && (isChanged || this.#history !== this.#fromHistory)) {
        this.violation ??= this.#histories.leaderIsComplete(this.#history, member)
        if (this.#changes && this.#isNewest(member)) {
          this.violation ??= this.#histories.leaderOverlaps(this.#history, member)
        }
      }
      if (!isChanged) continue
      for (let j = 0; j < this.#count; j++) {
        if (j === i) continue
        const other = facts[this.#members[j] as number] as Facts
        this.violation ??= ledTwice(member, other) ?? logsDiffer(member, other)
      }
    }
  }

  /** Does nobody know a later term? Older leaders count by what they know, and nobody listens. */
  #isNewest({ term }: Facts): boolean {
    for (let i = 0; i < this.#count; i++) {
      if ((this.turns.facts[this.#members[i] as number] as Facts).term > term) return false
    }
    return true
  }

  /** The smallest digest of all renamings stands for all of them. */
  #digest(): void {
    const members = this.turns.digests.data
    const messages = this.wire.digests.data
    const histories = this.#histories.digests.data
    const spent = Math.imul(this.#counts + 1, 0x9e3779b1)
    const row = this.#renamings * 2
    const bag = this.#bag
    for (let renaming = 0; renaming < row; renaming += 2) {
      const history = this.#history * row + renaming
      let low = (spent + (histories[history] as number)) | 0
      let high = (spent ^ (histories[history + 1] as number)) | 0
      for (let i = 0; i < this.#count; i++) {
        const at = (this.#members[i] as number) * row + renaming
        low = (low + (members[at] as number)) | 0
        high = (high + (members[at + 1] as number)) | 0
      }
      for (let i = 0; i < bag.length; i++) {
        const at = (bag[i] as number) * row + renaming
        low = (low + (messages[at] as number)) | 0
        high = (high + (messages[at + 1] as number)) | 0
      }
      if (renaming === 0 || low < this.low || (low === this.low && high < this.high)) {
        this.low = low
        this.high = high
      }
    }
    this.low = avalanche(this.low)
    this.high = avalanche(this.high)
  }
}

function ascending(a: number, b: number): number {
  return a - b
}

function stepOf(id: MemberId, input: number): Step {
  return (((input << 3) | id) << 2) | HOW_MEMBER
}
