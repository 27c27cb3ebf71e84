/**
 * What a leader does with its followers' answers, with proposals, with its heartbeat timer and with orders to hand over.
 * Models etcd-io/raft's stepLeader. Every heartbeat is also the clock of CheckQuorum: a leader that in one election
 * time-out heard from no majority steps down (Raft thesis 6.2).
 */
import type { AppendReply, HeartbeatReply, Proposal } from './messages.ts'
import type { Progress } from './progress.ts'
import { majority } from './quorum.ts'
import { confirmRead, wakeReads } from './read.ts'
import {
  advanceCommit,
  appendProposals,
  broadcastAppend,
  broadcastHeartbeat,
  countOwn,
  sendAppend,
} from './replication.ts'
import { becomeFollower } from './role.ts'
import type { RaftOut } from './sink.ts'
import type { RaftState } from './state.ts'
import { type MemberId, NOBODY } from './types.ts'

/** Appends and sends. False when this member does not lead or is handing over. */
export function propose(state: RaftState, proposals: readonly Proposal[], out: RaftOut): boolean {
  if (state.role !== 'leader' || state.transferee !== NOBODY) return false
  appendProposals(state, proposals)
  broadcastAppend(state, out)
  if (advanceCommit(state)) afterCommit(state, out)
  return true
}

/** The commit index rose: followers are told, and reads that waited for it begin. */
function afterCommit(state: RaftState, out: RaftOut): void {
  broadcastAppend(state, out)
  wakeReads(state, out)
}

/** The leader's own disk caught up. */
export function ownEntriesDurable(state: RaftState, out: RaftOut): void {
  countOwn(state)
  if (advanceCommit(state)) afterCommit(state, out)
}

export function handleAppendReply(state: RaftState, reply: AppendReply, out: RaftOut): void {
  const slot = state.members.indexOf(reply.from)
  if (slot < 0 || slot === state.slot) return
  const progress = state.progress[slot] as Progress
  progress.active = true
  if (!reply.accepted) {
    const hint =
      reply.hintTerm > 0 ? state.log.lastNotAbove(reply.hintIndex, reply.hintTerm) : Math.max(0, reply.hintIndex)
    if (progress.refused(reply.index, hint)) {
      if (progress.state === 'replicate') progress.becomeProbe()
      sendAppend(state, slot, true, out)
    }
    return
  }
  // An answer to a term that this log has left behind cannot go beyond it.
  if (reply.index > state.log.last) return
  const wasPaused = progress.paused
  const news = progress.acknowledged(reply.index)
  if (!news && !(progress.state === 'probe' && progress.match === reply.index)) return
  if (progress.state === 'probe') progress.becomeReplicate()
  else if (progress.state === 'replicate') progress.freeTo(reply.index)
  else if (progress.match >= Math.max(progress.pendingSnapshot, state.log.compacted)) {
    progress.becomeProbe()
    progress.becomeReplicate()
  }
  if (news && advanceCommit(state)) afterCommit(state, out)
  else if (wasPaused) sendAppend(state, slot, true, out)
  while (sendAppend(state, slot, false, out)) {
    // The window is filled.
  }
  if (reply.from === state.transferee && progress.match === state.log.last) orderTimeout(state, out)
}

export function handleHeartbeatReply(state: RaftState, reply: HeartbeatReply, out: RaftOut): void {
  const slot = state.members.indexOf(reply.from)
  if (slot < 0 || slot === state.slot) return
  const progress = state.progress[slot] as Progress
  progress.active = true
  progress.probing = false
  if (progress.state === 'snapshot') {
    if (++progress.snapshotBeats >= state.options.snapshotPatience) progress.abandonSnapshot()
  } else if (progress.full) progress.freeFirst()
  if (progress.state === 'probe' || (progress.state === 'replicate' && progress.match < state.log.last)) {
    sendAppend(state, slot, true, out)
  }
  if (reply.read > 0) confirmRead(state, slot, reply.read, out)
}

/** The heartbeat timer fired. */
export function heartbeatTimeout(state: RaftState, out: RaftOut): void {
  if (state.role !== 'leader') return
  const { electionTimeoutMicros, heartbeatMicros } = state.options
  state.beats++
  if (state.transferee !== NOBODY && ++state.transferBeats * heartbeatMicros >= electionTimeoutMicros) {
    state.transferee = NOBODY
  }
  if (state.beats * heartbeatMicros >= electionTimeoutMicros) {
    state.beats = 0
    if (!hearsMajority(state)) {
      becomeFollower(state, state.term, NOBODY, out)
      return
    }
  }
  out.armHeartbeat(heartbeatMicros)
  broadcastHeartbeat(state, out)
}

/** Counts who answered since the last count, and starts the next one. */
function hearsMajority(state: RaftState): boolean {
  let count = 0
  for (let slot = 0; slot < state.progress.length; slot++) {
    const progress = state.progress[slot] as Progress
    if (progress.active || slot === state.slot) count++
    progress.active = slot === state.slot
  }
  return count >= majority(state.members.length)
}

/** Hands leadership over. False when this member does not lead or `to` is no other member. */
export function transfer(state: RaftState, to: MemberId, out: RaftOut): boolean {
  const slot = state.members.indexOf(to)
  if (state.role !== 'leader' || slot < 0 || slot === state.slot) return false
  state.transferee = to
  state.transferBeats = 0
  if ((state.progress[slot] as Progress).match === state.log.last) orderTimeout(state, out)
  else sendAppend(state, slot, true, out)
  return true
}

function orderTimeout(state: RaftState, out: RaftOut): void {
  out.send(state.transferee, { type: 'raft-timeout-now', from: state.id, term: state.term })
}
