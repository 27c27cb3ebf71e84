/**
 * What a leader does with its followers' answers, with proposals, with its heartbeat timer and with orders to hand over.
 * Models etcd-io/raft's stepLeader. Every heartbeat is also the clock of CheckQuorum: a leader that in one election
 * time-out heard from no majority steps down (Raft thesis 6.2).
 */

import { beginLeaseRound } from './lease.ts'
import { changed, MembershipChange, type MembershipRefusal, votes } from './membership.ts'
import type { AppendReply, HeartbeatReply, Proposal } from './messages.ts'
import type { Progress } from './progress.ts'
import { type Ballot, tally } from './quorum.ts'
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
import { committedInTerm, payloadBytes, type RaftState } from './state.ts'
import { type MemberId, NOBODY } from './types.ts'

/** Appends and sends. False when this member does not lead or is handing over. */
export function propose(state: RaftState, proposals: readonly Proposal[], out: RaftOut): boolean {
  if (state.role !== 'leader' || state.slot < 0) return false
  if (state.transferee !== NOBODY && !state.options.decisions.proposesWhileHandingOver()) return false
  if (!admits(state, proposals)) return false
  appendProposals(state, withoutRefused(state, proposals, out))
  broadcastAppend(state, out)
  if (advanceCommit(state)) afterCommit(state, out)
  return true
}

/** Lets proposals in as long as little enough waits to be committed and applied; one alone always. */
function admits(state: RaftState, proposals: readonly Proposal[]): boolean {
  const { maxUncommittedBytes } = state.options
  if (maxUncommittedBytes === Number.POSITIVE_INFINITY) return true
  let bytes = 0
  for (const proposal of proposals) bytes += payloadBytes(proposal)
  if (state.uncommittedBytes > 0 && bytes > 0 && state.uncommittedBytes + bytes > maxUncommittedBytes) return false
  state.uncommittedBytes += bytes
  return true
}

/** A change of the membership that may not be made now becomes an empty entry; everything else goes in as it is. */
function withoutRefused(state: RaftState, proposals: readonly Proposal[], out: RaftOut): readonly Proposal[] {
  let admitted: Proposal[] | undefined
  for (let i = 0; i < proposals.length; i++) {
    const { data } = proposals[i] as Proposal
    if (!(data instanceof MembershipChange)) continue
    const reason = refusalOf(state, data)
    if (reason === undefined) {
      state.pendingChange = state.log.last + i + 1
      continue
    }
    out.note({ type: 'raft-change-refused', member: state.options.name, reason })
    admitted ??= proposals.slice()
    admitted[i] = NOTHING
  }
  return admitted ?? proposals
}

const NOTHING: Proposal = Object.freeze({ data: null, bytes: 16 })

function refusalOf(state: RaftState, change: MembershipChange): MembershipRefusal | undefined {
  if (!changesAccepted(state)) return state.pendingChange > state.applied ? 'change-pending' : 'changes-wait-for-commit'
  const next = changed(state.membership, change)
  return typeof next === 'string' ? next : undefined
}

/** May a change of the membership be proposed now? */
export function changesAccepted(state: RaftState): boolean {
  const settled = committedInTerm(state) && state.applied >= state.termStart - 1
  return state.options.decisions.acceptsChange(settled, state.pendingChange > state.applied)
}

/** The commit index rose: followers are told, and reads that waited for it begin. */
export function afterCommit(state: RaftState, out: RaftOut): void {
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
  const news = progress.acknowledged(reply.index)
  if (!news && !(progress.state === 'probe' && progress.match === reply.index)) return
  if (progress.state === 'probe') progress.becomeReplicate()
  else if (progress.state === 'replicate') progress.freeTo(reply.index)
  else if (progress.match >= state.log.compacted) {
    // Perhaps with another snapshot than the one that was sent: what it lacks now is in the log.
    progress.becomeProbe()
    progress.becomeReplicate()
  }
  if (news && advanceCommit(state)) afterCommit(state, out)
  else if (progress.canRaiseCommit(state.commit)) sendAppend(state, slot, true, out)
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
  progress.flowPaused = false
  if (progress.state === 'probe' || progress.match < state.log.last) sendAppend(state, slot, true, out)
  if (reply.read > 0) confirmRead(state, slot, reply.read, out)
}

/** The heartbeat timer fired. */
export function heartbeatTimeout(state: RaftState, out: RaftOut): void {
  if (state.role !== 'leader') return
  const { electionTimeoutMicros, heartbeatMicros } = state.options
  if (++state.beats * heartbeatMicros >= electionTimeoutMicros) {
    state.beats = 0
    if (!hearsMajority(state) && !state.options.decisions.leadsUnheard()) {
      becomeFollower(state, state.term, NOBODY, out)
      return
    }
    state.transferee = NOBODY
  }
  out.armHeartbeat(heartbeatMicros)
  beginLeaseRound(state)
  broadcastHeartbeat(state, out)
}

/** Filled and read within one call. */
const heard: Ballot[] = []

/** Counts who answered since the last count, and starts the next one. */
function hearsMajority(state: RaftState): boolean {
  heard.length = state.progress.length
  for (let slot = 0; slot < state.progress.length; slot++) {
    const progress = state.progress[slot] as Progress
    heard[slot] = progress.active || slot === state.slot ? 1 : 0
    progress.active = slot === state.slot
  }
  return tally(heard, state.electorate) === 'won'
}

/** The transport could not reach a follower: what is under way to it is probably lost. */
export function followerUnreachable(state: RaftState, id: MemberId): void {
  const progress = state.progress[state.members.indexOf(id)]
  if (progress?.state === 'replicate') progress.becomeProbe()
}

/** The transport delivered a snapshot, or failed to; either way the next append waits for an answer or a heartbeat's. */
export function snapshotReported(state: RaftState, id: MemberId, delivered: boolean): void {
  const progress = state.progress[state.members.indexOf(id)]
  if (progress?.state !== 'snapshot') return
  if (delivered) progress.becomeProbe()
  else progress.abandonSnapshot()
  progress.flowPaused = true
}

/** Hands leadership over. False when this member does not lead or `to` is no other voter. */
export function transfer(state: RaftState, to: MemberId, out: RaftOut): boolean {
  if (state.role !== 'leader' || !votes(state.membership, to)) return false
  if (to === state.id) {
    // The leader is to lead after all.
    state.transferee = NOBODY
    return false
  }
  const slot = state.members.indexOf(to)
  // The same order again changes nothing, so that repeating it does not put the end of the attempt off.
  if (state.transferee === to) return true
  state.transferee = to
  // The new order has a whole election time-out, and so has the majority to be heard again.
  state.beats = 0
  if ((state.progress[slot] as Progress).match === state.log.last) orderTimeout(state, out)
  else sendAppend(state, slot, true, out)
  return true
}

function orderTimeout(state: RaftState, out: RaftOut): void {
  state.handedOver = true
  out.send(state.transferee, { type: 'raft-timeout-now', from: state.id, term: state.term })
}
