/**
 * What one member does with one input, worked out once and remembered. The members of all explored states are few in
 * number next to the states, so nearly every step of the search is a look-up; only a new pair of member and input runs
 * the machine, on a copy of its state.
 */
import { InvariantError } from '../../kernel/invariant.ts'
import { applyChange, entriesApplied } from '../apply.ts'
import { MembershipChange } from '../membership.ts'
import type { RaftMessage } from '../messages.ts'
import type { RaftOptions } from '../options.ts'
import type { RaftOut } from '../sink.ts'
import { applicable, cloneState, createState, type RaftState } from '../state.ts'
import { type RaftInput, step } from '../step.ts'
import type { Entry, HardState, LogIndex, MemberId, Snapshot, Term } from '../types.ts'
import { digest, Words } from './hash.ts'
import {
  compacted,
  type Disk,
  type GivenVote,
  type Member,
  memberAtStart,
  NOW,
  normalize,
  numbersOf,
  type Write,
  written,
} from './member.ts'
import type { Renaming } from './symmetry.ts'
import { changeOf, codeOf, type MessageNumber, type Wire } from './wire.ts'

export type MemberNumber = number

/** Inputs that are no messages; a message is its number plus `DELIVER`. */
export const TICK = 0
export const HEARTBEAT = 1
export const SYNC = 2
export const CRASH = 3
export const RESTART = 4
export const SNAPSHOT = 5
export const PROPOSE = 16
export const READ = 32
export const CHANGE = 48
export const DELIVER = 64

export interface Turn {
  readonly next: MemberNumber
  readonly sent: readonly MessageNumber[]
  /** Entries that became known as committed, from this index on, as codes. */
  readonly committedFrom: LogIndex
  readonly committed: readonly number[]
  readonly answeredReads: readonly { readonly context: number; readonly index: LogIndex }[]
  /** A claim that this turn alone breaks. */
  readonly violation: string | undefined
}

/** What the search must know of a member without looking into it. */
export interface Facts {
  readonly id: MemberId
  readonly alive: boolean
  readonly role: RaftState['role']
  readonly term: Term
  readonly durableTerm: Term
  readonly writes: number
  /** Messages that wait for its disk. */
  readonly waiting: number
  readonly led: readonly Term[]
  /** Codes by index; 0 where the log is compacted. */
  readonly log: readonly number[]
  readonly compacted: LogIndex
  readonly members: readonly MemberId[]
  readonly applied: LogIndex
}

export class Turns {
  readonly members: Member[] = []
  readonly facts: Facts[] = []
  /** Two words a renaming. */
  readonly digests = new Words()
  /** How often the machine was really run. */
  runs = 0
  readonly #numbers = new Map<string, MemberNumber>()
  readonly #turns: Map<number, Turn>[] = []
  readonly #options: readonly RaftOptions[]
  readonly #renamings: readonly Renaming[]
  readonly #wire: Wire
  readonly #keepsTime: boolean

  constructor(options: readonly RaftOptions[], renamings: readonly Renaming[], wire: Wire, keepsTime: boolean) {
    this.#options = options
    this.#renamings = renamings
    this.#wire = wire
    this.#keepsTime = keepsTime
  }

  atStart(id: MemberId): MemberNumber {
    return this.#numberOf(memberAtStart(id, this.#optionsOf(id)))
  }

  take(number: MemberNumber, input: number): Turn {
    const known = this.#turns[number] as Map<number, Turn>
    const turn = known.get(input)
    if (turn !== undefined) return turn
    const taken = this.#take(this.members[number] as Member, input)
    known.set(input, taken)
    return taken
  }

  #optionsOf(id: MemberId): RaftOptions {
    return this.#options[id - 1] as RaftOptions
  }

  #take(member: Member, input: number): Turn {
    if (input === CRASH) return this.#quiet({ ...member, state: undefined, writes: [] })
    this.runs++
    const run = new Run(member, this.#optionsOf(member.id))
    try {
      run.perform(input, input >= DELIVER ? this.#wire.messages[input - DELIVER] : undefined)
    } catch (error) {
      if (!(error instanceof InvariantError)) throw error
      return { ...this.#quiet(member), violation: `invariant: ${error.message}` }
    }
    normalize(run.state, this.#keepsTime)
    const next = this.#numberOf(run.member())
    const sent = run.sent.map(({ to, message }) => this.#wire.numberOf(to, message))
    return {
      next,
      sent,
      committedFrom: run.committedFrom,
      committed: run.committed,
      answeredReads: run.answered,
      violation: run.violation,
    }
  }

  #quiet(member: Member): Turn {
    const next = this.#numberOf(member)
    return { next, sent: [], committedFrom: 0, committed: [], answeredReads: [], violation: undefined }
  }

  #numberOf(member: Member): MemberNumber {
    const promised = (renaming: number) => (to: MemberId, message: RaftMessage) => {
      const at = (this.#wire.numberOf(to, message) * this.#renamings.length + renaming) * 2
      const { data } = this.#wire.digests
      return [data[at] as number, data[at + 1] as number]
    }
    const key = numbersOf(member, this.#renamings[0] as Renaming, promised(0)).join()
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const number = this.members.length
    this.members.push(member)
    this.facts.push(factsOf(member))
    this.#turns.push(new Map())
    this.#numbers.set(key, number)
    const at = this.digests.grow(this.#renamings.length * 2)
    this.#renamings.forEach((renaming, i) => {
      digest(numbersOf(member, renaming, promised(i)), this.digests.data, at + i * 2)
    })
    return number
  }
}

function factsOf({ id, state, disk, writes, led }: Member): Facts {
  const log: number[] = [0]
  if (state !== undefined) {
    for (let index = 1; index <= state.log.last; index++) {
      const entry = state.log.entryAt(index)
      log.push(entry === undefined ? 0 : codeOf(entry))
    }
  }
  return {
    id,
    alive: state !== undefined,
    role: state?.role ?? 'follower',
    term: state?.term ?? disk.hardState.term,
    durableTerm: disk.hardState.term,
    writes: writes.length,
    waiting: state?.pendingMessages.length ?? 0,
    led,
    log,
    compacted: state?.log.compacted ?? 0,
    members: state?.members ?? [],
    applied: state?.applied ?? 0,
  }
}

/** One run of the machine on a copy of a member. */
class Run implements RaftOut {
  state: RaftState
  readonly sent: { to: MemberId; message: RaftMessage }[] = []
  readonly answered: { context: number; index: LogIndex }[] = []
  readonly committed: number[] = []
  committedFrom: LogIndex = 0
  violation: string | undefined
  #disk: Disk
  #writes: Write[]
  #votes: readonly GivenVote[]
  #led: readonly Term[]
  readonly #before: Member

  constructor(member: Member, options: RaftOptions) {
    this.#before = member
    this.#disk = member.disk
    this.#writes = member.writes.slice()
    this.#votes = member.votes
    this.#led = member.led
    this.state = member.state === undefined ? restored(member.disk, options) : cloneState(member.state)
  }

  perform(input: number, message: RaftMessage | undefined): void {
    const { state } = this
    const commit = state.commit
    if (input === SYNC) this.#sync()
    else if (input === SNAPSHOT) this.#snapshot()
    else {
      if (input === TICK) state.electionFrom = 0
      const taken = inputOf(input, message)
      if (taken !== undefined) step(state, taken, NOW, this)
    }
    const upTo = applicable(state)
    for (let index = state.applied + 1; index <= upTo; index++) {
      const entry = state.log.entryAt(index)
      if (entry?.data instanceof MembershipChange) applyChange(state, entry, NOW, this)
    }
    if (upTo > state.applied) entriesApplied(state, upTo, NOW, this)
    if (state.commit > commit) {
      this.committedFrom = commit + 1
      for (let index = commit + 1; index <= state.commit; index++) {
        const entry = state.log.entryAt(index)
        this.committed.push(entry === undefined ? 0 : codeOf(entry))
      }
    }
    this.#checkAppendOnly()
    if (state.role === 'leader' && !this.#led.includes(state.term)) this.#led = [...this.#led, state.term]
    const { term } = this.#disk.hardState
    this.#votes = this.#votes.filter((vote) => vote.term >= term)
  }

  member(): Member {
    const { id } = this.#before
    return {
      id,
      state: this.state,
      disk: this.#disk,
      writes: this.#writes.map(renumbered),
      votes: this.#votes,
      led: this.#led,
    }
  }

  #sync(): void {
    const write = this.#writes.shift() as Write
    this.#disk = written(this.#disk, write)
    step(this.state, { kind: 'durable', write: write.write }, NOW, this)
  }

  #snapshot(): void {
    const { log, applied } = this.state
    const snapshot: Snapshot = { index: applied, term: log.termAt(applied), data: undefined, bytes: 1 }
    this.#disk = compacted(this.#disk, snapshot)
    step(this.state, { kind: 'snapshot-taken', snapshot, compactTo: applied }, NOW, this)
  }

  /** A leader never changes or drops an entry of its own log. (Raft paper, figure 3) */
  #checkAppendOnly(): void {
    const before = this.#before.state
    const { state } = this
    if (before?.role !== 'leader' || state.role !== 'leader' || before.term !== state.term) return
    for (let index = state.log.compacted + 1; index <= before.log.last; index++) {
      const entry = state.log.entryAt(index)
      const held = before.log.entryAt(index)
      if (entry === undefined || held === undefined || codeOf(entry) !== codeOf(held)) {
        this.violation = `leader append-only: member ${state.id} changed its entry ${index}`
      }
    }
  }

  send(to: MemberId, message: RaftMessage): void {
    this.sent.push({ to, message })
  }

  persist(write: number, hardState: HardState, entries: readonly Entry[], snapshot: Snapshot | undefined): void {
    this.#writes.push({ write, hardState, entries, snapshot })
  }

  readReady(context: number, index: LogIndex): void {
    this.answered.push({ context, index })
  }

  panic(reason: string): void {
    this.violation = `durability: member ${this.state.id} stops, ${reason}`
  }

  note(fact: Parameters<RaftOut['note']>[0]): void {
    if (fact.type !== 'raft-vote-granted') return
    const before = this.#votes.find((vote) => vote.term === fact.term)
    if (before === undefined) this.#votes = [...this.#votes, { term: fact.term, candidate: fact.candidate }]
    else if (before.candidate !== fact.candidate) {
      this.violation = `vote durability: member ${fact.id} votes for ${before.candidate} and for ${fact.candidate} in term ${fact.term}`
    }
  }

  install(): void {}
  armElection(): void {}
  disarmElection(): void {}
  armHeartbeat(): void {}
  disarmHeartbeat(): void {}
  changed(): void {}
}

function restored({ hardState, snapshot, entries }: Disk, options: RaftOptions): RaftState {
  const state = createState(options, { hardState, snapshot, entries, applied: snapshot?.index ?? 0 })
  state.now = NOW
  state.electionFrom = NOW
  return state
}

function inputOf(input: number, message: RaftMessage | undefined): RaftInput | undefined {
  if (message !== undefined) return { kind: 'message', message }
  if (input === TICK) return { kind: 'election-timeout' }
  if (input === HEARTBEAT) return { kind: 'heartbeat-timeout' }
  if (input === RESTART) return { kind: 'start' }
  if (input >= CHANGE) return { kind: 'propose', proposals: [{ data: changeOf(input - CHANGE), bytes: 1 }] }
  if (input >= READ) return { kind: 'read', context: input - READ }
  return { kind: 'propose', proposals: [{ data: input - PROPOSE, bytes: 1 }] }
}

/** Writes are numbered from the last one that ended, as the state's own numbers are. */
function renumbered(write: Write, at: number): Write {
  return write.write === at + 1 ? write : { ...write, write: at + 1 }
}
