/**
 * Reads without the log. Raft thesis 6.4, etcd-io/raft's ReadOnlySafe: the leader notes its commit index, lets a majority
 * confirm by heartbeats that it still leads, then names the index at which a local read is linearizable. A leader that has
 * committed nothing in its term waits: its commit index may be behind its predecessor's. Lost requests are the asker's to
 * repeat. By lease (lease.ts) a leader answers at once while its lease lasts, and otherwise asks the majority.
 */
import { invariant } from '../kernel/invariant.ts'
import { confirmLease, leaseHolds } from './lease.ts'
import type { Progress } from './progress.ts'
import { reachedByQuorum } from './quorum.ts'
import { broadcastHeartbeat } from './replication.ts'
import type { RaftOut } from './sink.ts'
import { committedInTerm, type PendingRead, type RaftState } from './state.ts'
import type { MemberId } from './types.ts'

/** A local client wants a linearizable read; `out.readReady` will say when. False when no leader is known. */
export function askRead(state: RaftState, context: number, out: RaftOut): boolean {
  if (state.role === 'leader') takeRead(state, state.id, context, out)
  else if (state.leader === 0) return false
  else out.send(state.leader, { type: 'raft-read-request', from: state.id, context })
  return true
}

/** The leader takes up a read for `from`, which may be itself. */
export function takeRead(state: RaftState, from: MemberId, context: number, out: RaftOut): void {
  if (state.role !== 'leader') return
  if (!state.options.decisions.servesReads(committedInTerm(state))) {
    if (state.options.decisions.keepsEarlyReads()) state.waitingReads.push({ sequence: 0, index: 0, from, context })
    return
  }
  if (isAlone(state) || leaseHolds(state)) {
    answer(state, from, context, state.commit, out)
    return
  }
  state.reads.push({ sequence: ++state.readSequence, index: state.commit, from, context })
  broadcastHeartbeat(state, out)
}

function isAlone({ electorate, slot }: RaftState): boolean {
  const { incoming, outgoing } = electorate
  return incoming.length === 1 && outgoing.length === 0 && incoming[0] === slot
}

/** The commit index rose: reads that waited for the first commitment of the term start now. */
export function wakeReads(state: RaftState, out: RaftOut): void {
  if (state.waitingReads.length === 0 || !committedInTerm(state)) return
  const waiting = state.waitingReads
  state.waitingReads = []
  for (const read of waiting) takeRead(state, read.from, read.context, out)
}

/** A follower confirmed the leader as of round `sequence`. */
export function confirmRead(state: RaftState, slot: number, sequence: number, out: RaftOut): void {
  const progress = state.progress[slot] as Progress
  if (sequence <= progress.readAcknowledged) return
  progress.readAcknowledged = sequence
  confirmReads(state, out)
}

/** Answers the reads that the present voters have confirmed. */
export function confirmReads(state: RaftState, out: RaftOut): void {
  if (state.reads.length === 0 && state.leaseRounds.length === 0) return
  const confirmed = reachedByQuorum(
    state.progress.map((other, at) => (at === state.slot ? state.readSequence : other.readAcknowledged)),
    state.electorate,
  )
  confirmLease(state, confirmed)
  let done = 0
  while (done < state.reads.length && (state.reads[done] as PendingRead).sequence <= confirmed) done++
  for (const read of state.reads.splice(0, done)) answer(state, read.from, read.context, read.index, out)
}

function answer(state: RaftState, from: MemberId, context: number, index: number, out: RaftOut): void {
  invariant(state.role === 'leader', 'raft: only a leader answers for the commit index', { role: state.role })
  if (from === state.id) out.readReady(context, index)
  else out.send(from, { type: 'raft-read-reply', from: state.id, context, index })
}
