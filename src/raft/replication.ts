/**
 * The leader's side of the log: appending, sending, committing. Models etcd-io/raft's maybeSendAppend, bcastAppend and
 * maybeCommit. Sending runs ahead of the leader's own disk; counting does not.
 */
import { invariant } from '../kernel/invariant.ts'
import { bytesOf, type Heartbeat, type Proposal } from './messages.ts'
import type { Progress } from './progress.ts'
import { reachedByQuorum } from './quorum.ts'
import type { RaftOut } from './sink.ts'
import { addUnsaved, commitTo, type RaftState } from './state.ts'
import type { Entry } from './types.ts'

/** Adds proposals to the leader's log. They are sent by `broadcastAppend` and written at the end of the step. */
export function appendProposals(state: RaftState, proposals: readonly Proposal[]): void {
  if (state.role !== 'leader') invariant(false, 'raft: only a leader appends proposals', { role: state.role })
  for (let i = 0; i < proposals.length; i++) {
    const { data, bytes } = proposals[i] as Proposal
    const entry: Entry = { index: state.log.last + 1, term: state.term, data, bytes }
    state.log.append(entry)
    addUnsaved(state, entry)
  }
  countOwn(state)
}

/** The leader's own log counts as far as it is stored. */
export function countOwn(state: RaftState): void {
  const own = state.progress[state.slot]
  // A leader that was removed still leads for a moment, but its own log does not count.
  if (own === undefined) return
  const match = state.options.decisions.ownMatch(state.log.durable, state.log.last)
  if (match > own.match) own.match = match
}

/** Sends to every follower what it lacks, and the commit index in any case. */
export function broadcastAppend(state: RaftState, out: RaftOut): void {
  for (let slot = 0; slot < state.members.length; slot++) if (slot !== state.slot) sendAppend(state, slot, true, out)
}

/** Sends one append or snapshot to a follower if its progress allows. `evenEmpty` sends a bare commit index too. */
export function sendAppend(state: RaftState, slot: number, evenEmpty: boolean, out: RaftOut): boolean {
  const progress = state.progress[slot] as Progress
  const log = state.log
  if (progress.paused) return false
  const previousIndex = progress.next - 1
  const previousTerm = log.termAt(previousIndex)
  if (previousTerm === -1) return sendSnapshot(state, slot, out)
  // A full window still lets a bare commit index through, as it adds nothing to the window.
  const entries =
    progress.state === 'replicate' && progress.full
      ? NO_ENTRIES
      : log.slice(progress.next, log.last, state.options.maxAppendBytes)
  if (entries.length === 0 && !evenEmpty) return false
  out.send(state.members[slot] as number, {
    type: 'raft-append',
    from: state.id,
    term: state.term,
    previousIndex,
    previousTerm,
    entries,
    commit: state.commit,
    quiet: entries.length === 0 && progress.state === 'replicate' && progress.match === previousIndex,
  })
  progress.sent(entries.length, previousIndex + entries.length, progress.countsBytes ? bytesOf(entries) : 0)
  progress.sentCommit = state.commit
  return true
}

const NO_ENTRIES: readonly Entry[] = Object.freeze([])

function sendSnapshot(state: RaftState, slot: number, out: RaftOut): boolean {
  const progress = state.progress[slot] as Progress
  const snapshot = state.log.snapshot
  if (!progress.active) return false
  invariant(snapshot !== undefined, 'raft: a compacted log has a snapshot', { compacted: state.log.compacted })
  invariant(snapshot.index >= state.log.compacted, 'raft: a snapshot reaches the log that is left', {})
  progress.becomeSnapshot(snapshot.index)
  out.send(state.members[slot] as number, { type: 'raft-snapshot', from: state.id, term: state.term, snapshot })
  return true
}

/** Commits what a quorum holds. True if the commit index rose. */
export function advanceCommit(state: RaftState): boolean {
  const matches = scratch
  const count = state.progress.length
  if (matches.length !== count) matches.length = count
  for (let slot = 0; slot < count; slot++) matches[slot] = (state.progress[slot] as Progress).match
  const index = reachedByQuorum(matches, state.electorate)
  if (index <= state.commit) return false
  if (!state.options.decisions.commitsByCounting(state.log.termAt(index), state.term)) return false
  commitTo(state, index)
  return true
}

/** Filled and read within one call; kept to spare an array per acknowledgement. */
const scratch: number[] = []

/** Sends a heartbeat to every follower, with the number of the newest read or lease that waits for a majority. */
export function broadcastHeartbeat(state: RaftState, out: RaftOut): void {
  const read = state.reads.length === 0 && state.leaseRounds.length === 0 ? 0 : state.readSequence
  for (let slot = 0; slot < state.members.length; slot++) {
    if (slot === state.slot) continue
    const progress = state.progress[slot] as Progress
    const commit = progress.match < state.commit ? progress.match : state.commit
    let heartbeat: Heartbeat | undefined = progress.heartbeat
    if (
      heartbeat === undefined ||
      heartbeat.commit !== commit ||
      heartbeat.read !== read ||
      heartbeat.term !== state.term
    ) {
      heartbeat = { type: 'raft-heartbeat', from: state.id, term: state.term, commit, read }
      progress.heartbeat = heartbeat
    }
    progress.sentCommit = commit
    out.send(state.members[slot] as number, heartbeat)
  }
}
