/**
 * A whole cluster as a row of words: each member's number, the history's, the counts of what is bounded, and the messages
 * under way in ascending order. From a row come all rows that one step leads to. The digest of a row is a sum, so a step
 * only takes out what it changes and adds what comes.
 */
import { RAFT_DECISIONS } from '../decisions.ts'
import type { RaftMessage } from '../messages.ts'
import { completeRaftOptions } from '../options.ts'
import type { MemberId } from '../types.ts'
import { type Bounds, COUNTED, type Counted } from './bounds.ts'
import { ledTwice, logsDiffer } from './claims.ts'
import { avalanche, type Words } from './hash.ts'
import { Histories } from './history.ts'
import { renamings } from './symmetry.ts'
import {
  CHANGE,
  CRASH,
  DELIVER,
  type Facts,
  HEARTBEAT,
  PROPOSE,
  READ,
  RESTART,
  SNAPSHOT,
  SYNC,
  TICK,
  type Turn,
  Turns,
} from './turns.ts'
import { type MessageNumber, Wire } from './wire.ts'

/** What is done: a message's number or a member and its input, with how, in the lowest two bits. */
export type Step = number

const HOW_DELIVER = 0
const HOW_DUPLICATE = 1
const HOW_DROP = 2
const HOW_MEMBER = 3

const COUNT_BITS = 4
const SHIFT = Object.fromEntries(COUNTED.map((name, at) => [name, at * COUNT_BITS])) as Record<Counted, number>

/** What a reader of a path needs to play it again. */
export interface WorldRules {
  readonly wire: Wire
  readonly turns: Turns
  /** The members after each step of a path, from the beginning. */
  replay(path: readonly Step[]): readonly (readonly number[])[]
}

export class World implements WorldRules {
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
    const all = bounds.plain ? renamings(bounds.members).slice(0, 1) : renamings(bounds.members)
    this.#renamings = all.length
    this.wire = new Wire(all)
    this.#histories = new Histories(all)
    const ids = Array.from({ length: bounds.members }, (_, i) => i + 1)
    const options = ids.map((id) =>
      completeRaftOptions({
        id,
        members: ids,
        drawElectionTimeout: () => 1,
        hurriesFirstElection: false,
        // One entry a message, so that logs can be seen half sent.
        maxAppendBytes: 1,
        decisions: {
          ...RAFT_DECISIONS,
          startsWithPreVote: () => bounds.preVote,
          leaseRefusesVotes: () => bounds.preVote,
          ...bounds.decisions,
        },
      }),
    )
    this.turns = new Turns(options, all, this.wire, bounds.preVote)
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
    const { drops, duplicates } = this.#bounds
    for (let i = 0; i < this.#fromBag.length; i++) {
      const message = this.#fromBag[i] as MessageNumber
      // The same message twice: one of the two stands for both.
      if (i > 0 && message === this.#fromBag[i - 1]) continue
      if (this.#deliver(message, false) && !reached(message * 4 + HOW_DELIVER)) return false
      if (this.#left('duplicates', duplicates) && this.#deliver(message, true) && !reached(message * 4 + HOW_DUPLICATE))
        return false
      if (this.#left('drops', drops) && this.#drop(message) && !reached(message * 4 + HOW_DROP)) return false
    }
    for (let id = 1; id <= this.#count; id++) if (!this.#expandMember(id, reached)) return false
    return true
  }

  replay(path: readonly Step[]): readonly (readonly number[])[] {
    const rows = { data: new Int32Array(this.width), length: 0, grow: () => 0 } as unknown as Words
    this.start(rows)
    const seen = [this.#members.slice()]
    for (const step of path) {
      this.#load(rows.data, 0)
      const how = step & 3
      const what = step >> 2
      if (how === HOW_MEMBER) this.#input(what & 7, what >> 3)
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

  #left(what: Counted, most: number): boolean {
    return most > 0 && ((this.#fromCounts >> SHIFT[what]) & 15) < most
  }

  #factsOf(id: MemberId): Facts {
    return this.turns.facts[this.#from[id - 1] as number] as Facts
  }

  #expandMember(id: MemberId, reached: (step: Step) => boolean): boolean {
    const facts = this.#factsOf(id)
    const bounds = this.#bounds
    const take = (input: number) => !this.#input(id, input) || reached((((input << 3) | id) << 2) | HOW_MEMBER)
    if (!facts.alive) return take(RESTART)
    if (facts.writes > 0 && !take(SYNC)) return false
    if (facts.role !== 'leader' && facts.term < bounds.terms && facts.log.length - 1 < bounds.logLength && !take(TICK))
      return false
    if (this.#left('crashes', bounds.crashes) && !take(CRASH)) return false
    if (this.#left('reads', bounds.reads) && !take(READ + this.#histories.readsAsked(this.#fromHistory))) return false
    if (facts.role === 'leader') {
      if (this.#left('heartbeats', bounds.heartbeats) && !take(HEARTBEAT)) return false
      const proposed = (this.#fromCounts >> SHIFT.proposals) & 15
      if (proposed < bounds.proposals && !take(PROPOSE + proposed + 1)) return false
      if (this.#left('changes', bounds.changes)) {
        for (let other = 1; other <= this.#count; other++) {
          if (!take(CHANGE + (facts.members.includes(other) ? 8 : 0) + other)) return false
        }
      }
    }
    const mayCompact = facts.applied > facts.compacted && facts.writes === 0
    return !(mayCompact && this.#left('snapshots', bounds.snapshots)) || take(SNAPSHOT)
  }

  /** False when the step leads out of the bounds, or nowhere. */
  #input(id: MemberId, input: number): boolean {
    this.#begin()
    if (input === CRASH) this.#spend('crashes')
    else if (input === HEARTBEAT) this.#spend('heartbeats')
    else if (input === SNAPSHOT) this.#spend('snapshots')
    else if (input >= CHANGE) this.#spend('changes')
    else if (input >= READ) {
      this.#spend('reads')
      this.#history = this.#histories.asked(this.#history)
    } else if (input >= PROPOSE) this.#spend('proposals')
    this.#turn(id, input)
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
    this.#counts += 1 << SHIFT[what]
  }

  #turn(id: MemberId, input: number): void {
    const turn = this.turns.take(this.#members[id - 1] as number, input)
    this.#apply(id, turn)
    // No crash can come any more: whether the disk is slow or the network is makes no difference now.
    if (this.#bounds.plain || ((this.#counts >> SHIFT.crashes) & 15) < this.#bounds.crashes) return
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
        isDead(this.wire.messages[message] as RaftMessage, member, this.#bounds.preVote)
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
      }
      if (!isChanged) continue
      for (let j = 0; j < this.#count; j++) {
        if (j === i) continue
        const other = facts[this.#members[j] as number] as Facts
        this.violation ??= ledTwice(member, other) ?? logsDiffer(member, other)
      }
    }
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

/**
 * Will this message be ignored now and ever after? An answer to a campaign or to a leader is, once the member's disk has
 * its term and the member does not wait for it: it cannot campaign or lead in that term again. So is what belongs to a
 * term before the disk's; except that with pre-vote or CheckQuorum an old leader or candidate is told of the new term.
 */
function isDead(message: RaftMessage, { role, term, durableTerm }: Facts, preVote: boolean): boolean {
  switch (message.type) {
    case 'raft-vote-reply':
      if (message.preVote) return false
      return message.term <= durableTerm && !(role === 'candidate' && term === message.term)
    case 'raft-append-reply':
    case 'raft-heartbeat-reply':
      return message.term <= durableTerm && !(role === 'leader' && term === message.term)
    case 'raft-vote-request':
      return message.term < durableTerm && !message.preVote
    case 'raft-append':
    case 'raft-heartbeat':
    case 'raft-snapshot':
      return message.term < durableTerm && !preVote
    default:
      return false
  }
}
