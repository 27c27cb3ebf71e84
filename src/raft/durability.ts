/**
 * Promises and the disk: an answer that promises a term, a vote or entries leaves only when what it promises is durable.
 * Writes are numbered and end in order, so a promise is a number to wait for. Raft paper, figure 2 (persistent state);
 * etcd-io/raft's messages after append. Not here: how the disk groups and syncs, which is the shell's.
 */
import { invariant } from '../kernel/invariant.ts'
import type { AppendReply, RaftMessage, VoteReply } from './messages.ts'
import type { RaftOut } from './sink.ts'
import type { PendingWrite, RaftState } from './state.ts'
import type { Entry, LogIndex, MemberId, Term } from './types.ts'

/** Changes term and vote in memory; the step's end writes them. */
export function setHardState(state: RaftState, term: Term, vote: MemberId): void {
  invariant(term >= state.term, 'raft: terms never go down', { term, current: state.term })
  invariant(term > state.term || state.vote === 0 || state.vote === vote, 'raft: a vote is given once in a term', {
    term,
    vote,
    given: state.vote,
  })
  if (term === state.term && vote === state.vote) return
  state.term = term
  state.vote = vote
  state.hardStateDirty = true
}

/** The write after which term and vote as they are now are durable; 0 when nothing need be waited for. */
export function writeOfHardState(state: RaftState): number {
  if (!state.options.decisions.hardStateWaitsForDisk()) return 0
  return state.hardStateDirty ? state.lastWrite + 1 : state.hardStateWrite
}

/** Sends an answer once the present term and vote are durable. */
export function promise(state: RaftState, to: MemberId, message: RaftMessage, out: RaftOut): void {
  release(state, writeOfHardState(state), to, message, out)
}

/**
 * The log is cut from `from` on: writes under way count for nothing beyond it, even if the same entries should come back,
 * as what replaces them meanwhile will be written after them. (etcd-io/raft, newStorageAppendRespMsg)
 */
export function forgetWrites(state: RaftState, from: LogIndex): void {
  const last = from - 1
  for (let i = 0; i < state.pendingWrites.length; i++) {
    const { write, index } = state.pendingWrites[i] as PendingWrite
    if (index > last) state.pendingWrites[i] = { write, index: last }
  }
}

/** Sends an acknowledgement once the present term and every entry up to `index` are durable. */
export function promiseEntries(
  state: RaftState,
  index: LogIndex,
  to: MemberId,
  message: AppendReply,
  out: RaftOut,
): void {
  let write = writeOfHardState(state)
  if (index > state.log.durable && state.options.decisions.entriesWaitForDisk()) {
    write = Math.max(write, writeOfEntries(state, index))
  }
  release(state, write, to, message, out)
}

function writeOfEntries(state: RaftState, index: LogIndex): number {
  const first = state.unsaved[0]
  if (first !== undefined && index >= first.index) return state.lastWrite + 1
  for (const pending of state.pendingWrites) {
    if (pending.index >= index) return pending.write
  }
  return state.lastWrite + (first === undefined ? 0 : 1)
}

function release(state: RaftState, write: number, to: MemberId, message: RaftMessage, out: RaftOut): void {
  if (write <= state.durableWrite) sendPromise(state, to, message, out)
  else if (state.pendingMessages.length === 0) state.pendingMessages = [{ write, to, message }]
  else state.pendingMessages.push({ write, to, message })
}

function sendPromise(state: RaftState, to: MemberId, message: RaftMessage, out: RaftOut): void {
  if (message.type === 'raft-vote-reply') noteVote(state, message, to, out)
  out.send(to, message)
}

function noteVote(state: RaftState, reply: VoteReply, candidate: MemberId, out: RaftOut): void {
  if (!reply.granted || reply.preVote) return
  const durable = state.options.decisions.hardStateWaitsForDisk() || !state.hardStateDirty
  out.note({
    type: 'raft-vote-granted',
    member: state.options.name,
    id: state.id,
    term: reply.term,
    candidate,
    durable,
  })
}

const NO_ENTRIES: readonly Entry[] = Object.freeze([])

/** Ends a step: gives what changed to the disk as one write. */
export function flush(state: RaftState, out: RaftOut): void {
  // What was handed to the disk is never touched again: the next entries go into an array of their own.
  const entries = state.unsaved.length === 0 ? NO_ENTRIES : state.unsaved
  const snapshot = state.unsavedSnapshot
  const waits = state.hardStateDirty && state.options.decisions.hardStateWaitsForDisk()
  if (entries.length === 0 && snapshot === undefined && !waits) return
  const write = ++state.lastWrite
  if (state.hardStateDirty || snapshot !== undefined) state.hardStateWrite = write
  if (snapshot !== undefined) state.snapshotWrite = write
  state.hardStateDirty = false
  const last = entries[entries.length - 1]
  if (last !== undefined) {
    state.unsaved = []
    const pending = { write, index: last.index }
    if (state.pendingWrites.length === 0) state.pendingWrites = [pending]
    else state.pendingWrites.push(pending)
  }
  state.unsavedSnapshot = undefined
  out.persist(write, { term: state.term, vote: state.vote, commit: state.commit }, entries, snapshot)
}

/** The disk confirms everything up to `write`: the log's durable end moves and promises leave. */
export function settle(state: RaftState, write: number, out: RaftOut): void {
  if (write > state.lastWrite) invariant(false, 'raft: the disk confirms only what was written', { write })
  if (write <= state.durableWrite) return
  state.durableWrite = write
  const writes = state.pendingWrites
  let done = 0
  while (done < writes.length && (writes[done] as { write: number }).write <= write) {
    const { index } = writes[done++] as PendingWrite
    if (index > state.log.durable) state.log.durable = index
  }
  if (done === writes.length) state.pendingWrites = []
  else if (done > 0) writes.splice(0, done)
  const messages = state.pendingMessages
  if (messages.length === 0) return
  let kept = 0
  for (let i = 0; i < messages.length; i++) {
    const pending = messages[i] as (typeof messages)[number]
    if (pending.write <= write) sendPromise(state, pending.to, pending.message, out)
    else messages[kept++] = pending
  }
  if (kept === 0) state.pendingMessages = []
  else messages.length = kept
}
