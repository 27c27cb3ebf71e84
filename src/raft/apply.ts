/**
 * Handing committed entries to the state machine, which may take its time: what is handed out is `applying`, what is done
 * is `applied`. Models etcd-io/raft's nextCommittedEnts, appliedTo and applyConfChange. A change of the membership is put
 * into use when its entry is applied, on every member alike; the leader ends a joint change that ends by itself.
 */
import { invariant } from '../kernel/invariant.ts'
import type { Micros } from '../kernel/time.ts'
import { flush } from './durability.ts'
import { afterCommit, changesAccepted, propose } from './leader.ts'
import { forgetLease } from './lease.ts'
import { changed, MembershipChange, votes } from './membership.ts'
import { confirmReads } from './read.ts'
import { advanceCommit, sendAppend } from './replication.ts'
import { becomeFollower } from './role.ts'
import type { RaftOut } from './sink.ts'
import { applicable, type RaftState, setApplied, setMembership } from './state.ts'
import { type Entry, type LogIndex, NOBODY } from './types.ts'

const NO_ENTRIES: readonly Entry[] = Object.freeze([])
const LEAVE = Object.freeze([Object.freeze({ data: new MembershipChange([]), bytes: 16 })])

/** The next entries to apply, as many as `maxApplyingBytes` allows beyond what is being applied; at least one if none is. */
export function takeCommitted(state: RaftState): readonly Entry[] {
  const upTo = applicable(state)
  if (upTo <= state.applying) return NO_ENTRIES
  let room = state.options.maxApplyingBytes
  for (let index = state.applied + 1; index <= state.applying; index++) room -= state.log.entryAt(index)?.bytes ?? 0
  if (room <= 0) return NO_ENTRIES
  const entries = state.log.slice(state.applying + 1, upTo, room)
  state.applying += entries.length
  return entries
}

/** The state machine has everything up to `index`. A leader may end a joint change now. */
export function entriesApplied(state: RaftState, index: LogIndex, now: Micros, out: RaftOut): void {
  state.now = now
  setApplied(state, index)
  if (!state.membership.autoLeave || state.role !== 'leader' || !changesAccepted(state)) return
  propose(state, LEAVE, out)
  flush(state, out)
}

/** The state machine applies an entry with a change of the membership. Called in order, before `entriesApplied` for it. */
export function applyChange(state: RaftState, entry: Entry, now: Micros, out: RaftOut): void {
  const change = entry.data
  invariant(change instanceof MembershipChange, 'raft: only a change of the membership is put into use', entry.index)
  invariant(entry.index > state.applied && entry.index <= state.commit, 'raft: a change is applied once', entry.index)
  state.now = now
  const next = changed(state.membership, change)
  const { name } = state.options
  if (typeof next === 'string') {
    out.note({ type: 'raft-change-refused', member: name, reason: next })
    return
  }
  setMembership(state, next)
  out.note({ type: 'raft-membership-changed', member: name, id: state.id, index: entry.index, membership: next })
  if (state.role === 'leader') leadOn(state, out)
  flush(state, out)
}

/** A leader under a new membership: what is committed now, who lacks what, and whether it leads on at all. */
function leadOn(state: RaftState, out: RaftOut): void {
  if (!votes(state.membership, state.id)) {
    if (state.options.leavesWhenRemoved) becomeFollower(state, state.term, NOBODY, out)
    return
  }
  forgetLease(state)
  confirmReads(state, out)
  if (advanceCommit(state)) afterCommit(state, out)
  else {
    for (let slot = 0; slot < state.members.length; slot++) if (slot !== state.slot) sendAppend(state, slot, false, out)
  }
  if (state.transferee !== NOBODY && !votes(state.membership, state.transferee)) state.transferee = NOBODY
}
