/**
 * One member as a value: the machine's state, its disk, what it has asked the disk to write, and what it once promised.
 * Nothing in it is changed once made.
 */
import type { RaftMessage } from '../messages.ts'
import type { RaftOptions } from '../options.ts'
import { createState, type RaftState } from '../state.ts'
import type { Entry, HardState, LogIndex, MemberId, Membership, Role, Snapshot, Term } from '../types.ts'
import { forgetTime, type Kept, NOW, PAUSE_MICROS } from './clock.ts'
import { codeOf, entryText, pushEntries, pushMembership, renamed } from './codes.ts'
import type { Renaming } from './symmetry.ts'

export interface Disk {
  readonly hardState: HardState
  readonly snapshot: Snapshot | undefined
  readonly entries: readonly Entry[]
}

export interface Write extends Disk {
  readonly write: number
}

/** A vote that left, or counted. */
export interface GivenVote {
  readonly term: Term
  readonly candidate: MemberId
}

export interface Member {
  readonly id: MemberId
  /** Undefined while it is down. */
  readonly state: RaftState | undefined
  readonly disk: Disk
  readonly writes: readonly Write[]
  /** The votes that a crash must not make it forget: those of the term on its disk and later. */
  readonly votes: readonly GivenVote[]
  /** The terms it has led. */
  readonly led: readonly Term[]
}

const EMPTY: Disk = { hardState: { term: 0, vote: 0, commit: 0 }, snapshot: undefined, entries: [] }

/** In the beginning nobody has heard a leader for long. */
export function memberAtStart(id: MemberId, options: RaftOptions, membership: Membership, kept: Kept): Member {
  const state = restored(EMPTY, options, membership)
  forgetTime(state, kept)
  if (kept.moments) state.electionFrom = NOW - PAUSE_MICROS
  return { id, state, disk: EMPTY, writes: [], votes: [], led: [] }
}

/** What a start finds on the disk; `membership` is who belonged in the beginning. */
export function restored(
  { hardState, snapshot, entries }: Disk,
  options: RaftOptions,
  membership: Membership,
): RaftState {
  const state = createState(options, {
    hardState,
    snapshot,
    entries,
    applied: snapshot?.index ?? 0,
    membership: snapshot?.membership ?? membership,
  })
  state.now = NOW
  state.electionFrom = NOW
  return state
}

/** The disk after a write: entries replace what is there from their first index on; a snapshot replaces everything. */
export function written(disk: Disk, write: Write): Disk {
  const snapshot = write.snapshot ?? disk.snapshot
  const base = snapshot?.index ?? 0
  const held = write.snapshot === undefined ? disk.entries : []
  const first = write.entries[0]
  if (first === undefined) return { hardState: write.hardState, snapshot, entries: held }
  const kept = held.slice(0, Math.max(0, first.index - base - 1))
  const entries = [...kept, ...write.entries.filter((entry) => entry.index > base)]
  return { hardState: write.hardState, snapshot, entries }
}

/** The disk after the member saved its own state machine. */
export function compacted(disk: Disk, snapshot: Snapshot): Disk {
  const base = disk.snapshot?.index ?? 0
  return { hardState: disk.hardState, snapshot, entries: disk.entries.slice(snapshot.index - base) }
}

/** Takes out of a state what makes equal states look different: numbers of writes that have ended, caches, time. */
export function normalize(state: RaftState, kept: Kept): void {
  const ended = state.durableWrite
  if (ended > 0) {
    state.lastWrite -= ended
    state.durableWrite = 0
    state.hardStateWrite = Math.max(0, state.hardStateWrite - ended)
    state.snapshotWrite = Math.max(0, state.snapshotWrite - ended)
    state.ownVoteWrite = Math.max(0, state.ownVoteWrite - ended)
    state.pendingWrites = state.pendingWrites.map((pending) => ({ ...pending, write: pending.write - ended }))
    state.pendingMessages = state.pendingMessages.map((pending) => ({ ...pending, write: pending.write - ended }))
  }
  forgetTime(state, kept)
  state.heartbeatReply = undefined
  if (state.role !== 'candidate' && state.role !== 'pre-candidate') state.ballots.fill(0)
  for (const progress of state.progress) {
    if (!kept.activity) progress.active = true
    progress.heartbeat = undefined
  }
}

const ROLES: readonly Role[] = ['follower', 'pre-candidate', 'candidate', 'leader']

/** Everything that tells this member from another, as numbers, with the members renamed. */
export function numbersOf(
  member: Member,
  renaming: Renaming,
  numberOf: (to: MemberId, message: RaftMessage) => readonly number[],
): number[] {
  const { to } = renaming
  const { state, disk, writes, votes, led } = member
  const numbers = [to[member.id] as number]
  pushDisk(numbers, disk, renaming)
  numbers.push(votes.length)
  for (const vote of votes) numbers.push(vote.term, to[vote.candidate] as number)
  numbers.push(led.length, ...led)
  if (state === undefined) return numbers
  numbers.push(writes.length)
  for (const write of writes) pushDisk(numbers, write, renaming)
  const { log } = state
  numbers.push(
    ROLES.indexOf(state.role),
    state.term,
    to[state.vote] as number,
    to[state.leader] as number,
    state.commit,
    state.applied,
    NOW - state.electionFrom,
    state.refusesUntil,
    log.durable,
    log.compacted,
    log.compactedTerm,
    log.snapshot?.index ?? 0,
    log.last,
  )
  pushMembership(numbers, state.membership, renaming)
  for (let index = log.compacted + 1; index <= log.last; index++) {
    numbers.push(renamed(codeOf(log.entryAt(index) as Entry), renaming))
  }
  numbers.push(
    state.lastWrite,
    state.hardStateWrite,
    state.snapshotWrite,
    state.ownVoteWrite,
    Number(state.hardStateDirty),
  )
  numbers.push(state.pendingWrites.length)
  for (const pending of state.pendingWrites) numbers.push(pending.write, pending.index)
  numbers.push(state.pendingMessages.length)
  for (const { write, to: receiver, message } of state.pendingMessages)
    numbers.push(write, ...numberOf(receiver, message))
  for (const id of renaming.order) {
    const slot = state.members.indexOf(id)
    numbers.push(slot < 0 ? 2 : (state.ballots[slot] as number))
  }
  if (state.role === 'leader') pushLeader(numbers, state, renaming)
  return numbers
}

function pushDisk(numbers: number[], { hardState, snapshot, entries }: Disk, renaming: Renaming): void {
  const { to } = renaming
  numbers.push(
    hardState.term,
    to[hardState.vote] as number,
    hardState.commit,
    snapshot?.index ?? 0,
    snapshot?.term ?? 0,
  )
  pushMembership(numbers, snapshot?.membership, renaming)
  pushEntries(numbers, entries, renaming)
}

function pushLeader(numbers: number[], state: RaftState, { to, order }: Renaming): void {
  numbers.push(state.termStart, state.pendingChange, state.readSequence, state.reads.length, state.waitingReads.length)
  numbers.push(
    to[state.transferee] as number,
    Number(state.handedOver),
    state.beats,
    state.leaseFrom,
    state.leaseRounds.length,
  )
  for (const { sequence, sentAt } of state.leaseRounds) numbers.push(sequence, sentAt)
  for (const id of order) {
    const progress = state.progress[state.members.indexOf(id)]
    if (progress === undefined) continue
    const { match, next, pendingSnapshot, readAcknowledged, sentCommit, window } = progress
    numbers.push(STATES.indexOf(progress.state), match, next, Number(progress.flowPaused), Number(progress.active))
    numbers.push(pendingSnapshot, sentCommit, readAcknowledged, window.length, ...window)
  }
  for (const read of [...state.reads, ...state.waitingReads]) {
    numbers.push(read.sequence, read.index, to[read.from] as number, read.context)
  }
}

const STATES = ['probe', 'replicate', 'snapshot'] as const

/** The log as a reader sees it: the terms of what is there. */
export function logText(member: Member): string {
  const log = member.state?.log
  const entries = log === undefined ? member.disk.entries : entriesOf(log)
  const base = log === undefined ? (member.disk.snapshot?.index ?? 0) : log.compacted
  const text = entries.map((entry) => entryText(entry))
  return `[${base > 0 ? [`..${base}`, ...text].join(' ') : text.join(' ')}]`
}

function entriesOf(log: RaftState['log']): Entry[] {
  const entries: Entry[] = []
  for (let index: LogIndex = log.compacted + 1; index <= log.last; index++) entries.push(log.entryAt(index) as Entry)
  return entries
}
