/**
 * One run of the machine on a copy of a member, as its process, its disk and its state machine go through one step: what
 * it sends, what becomes known as committed, and which claim that a single step can break is broken.
 */
import { applyChange, entriesApplied } from '../apply.ts'
import { MembershipChange } from '../membership.ts'
import type { RaftMessage } from '../messages.ts'
import type { RaftOptions } from '../options.ts'
import type { RaftOut } from '../sink.ts'
import { applicable, cloneState, type RaftState } from '../state.ts'
import { step } from '../step.ts'
import type { Entry, HardState, LogIndex, MemberId, Snapshot, Term } from '../types.ts'
import { NOW, PAUSE_MICROS, passMoment } from './clock.ts'
import { codeOf } from './codes.ts'
import type { Common } from './common.ts'
import { CHECK, HEARTBEAT, LAPSE, MOMENT, machineInput, SNAPSHOT, SYNC, TICK } from './inputs.ts'
import { compacted, type Disk, type GivenVote, type Member, restored, type Write, written } from './member.ts'
import { brokenByStep } from './stepclaims.ts'

export class Run implements RaftOut {
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
  readonly #common: Common

  constructor(member: Member, options: RaftOptions, common: Common) {
    this.#before = member
    this.#common = common
    this.#disk = member.disk
    this.#writes = member.writes.slice()
    this.#votes = member.votes
    this.#led = member.led
    this.state =
      member.state === undefined ? restored(member.disk, options, common.membership) : cloneState(member.state)
  }

  perform(input: number, message: RaftMessage | undefined): void {
    const { state } = this
    const commit = state.commit
    if (input === SYNC) this.#sync()
    else if (input === SNAPSHOT) this.#snapshot()
    else this.#step(input, message)
    this.#apply()
    if (state.commit > commit) {
      this.committedFrom = commit + 1
      for (let index = commit + 1; index <= state.commit; index++) {
        const entry = state.log.entryAt(index)
        this.committed.push(entry === undefined ? 0 : codeOf(entry))
      }
    }
    const before = this.#before.state
    if (before !== undefined) {
      this.violation ??= brokenByStep({
        before,
        after: state,
        input,
        message,
        sent: this.sent,
        answered: this.answered.length,
        rehearses: this.#common.rehearses,
        refuses: this.#common.refuses,
      })
    }
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

  #step(input: number, message: RaftMessage | undefined): void {
    const { state } = this
    const { options, kept } = this.#common
    if (input === LAPSE || (input === TICK && !kept.moments)) state.electionFrom = NOW - PAUSE_MICROS
    else if (input === CHECK) state.beats = Math.ceil(PAUSE_MICROS / state.options.heartbeatMicros) - 1
    else if (input === MOMENT) passMoment(state)
    const beats = input === MOMENT && state.role === 'leader'
    const taken = machineInput(beats ? HEARTBEAT : input, message, options.length)
    if (taken !== undefined) step(state, taken, NOW, this)
  }

  #apply(): void {
    const { state } = this
    const upTo = applicable(state)
    for (let index = state.applied + 1; index <= upTo; index++) {
      const entry = state.log.entryAt(index)
      if (entry?.data instanceof MembershipChange) applyChange(state, entry, NOW, this)
    }
    if (upTo > state.applied) entriesApplied(state, upTo, NOW, this)
  }

  #sync(): void {
    const write = this.#writes.shift() as Write
    this.#disk = written(this.#disk, write)
    step(this.state, { kind: 'durable', write: write.write }, NOW, this)
  }

  #snapshot(): void {
    const { log, applied, membership } = this.state
    const snapshot: Snapshot = { index: applied, term: log.termAt(applied), data: undefined, bytes: 1, membership }
    this.#disk = compacted(this.#disk, snapshot)
    step(this.state, { kind: 'snapshot-taken', snapshot, compactTo: applied }, NOW, this)
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

/** Writes are numbered from the last one that ended, as the state's own numbers are. */
function renumbered(write: Write, at: number): Write {
  return write.write === at + 1 ? write : { ...write, write: at + 1 }
}
