/**
 * What a follower does with its leader's messages. Raft paper figure 2, AppendEntries receiver; models etcd-io/raft's
 * handleAppendEntries, handleHeartbeat and handleSnapshot. A refusal carries the last place where the logs may meet, so
 * that a leader skips whole terms.
 */
import { invariant } from '../kernel/invariant.ts'
import { forgetWrites, promise, promiseEntries } from './durability.ts'
import { membersOf } from './membership.ts'
import type { Append, AppendReply, Heartbeat, HeartbeatReply, InstallSnapshot } from './messages.ts'
import type { RaftOut } from './sink.ts'
import { addUnsaved, commitTo, type RaftState, setMembership } from './state.ts'
import type { Entry, LogIndex, MemberId, Membership } from './types.ts'

const NO_ENTRIES: readonly Entry[] = Object.freeze([])

export function handleAppend(state: RaftState, message: Append, out: RaftOut): void {
  const log = state.log
  if (message.previousIndex < log.compacted) {
    if (state.options.decisions.compactedPreviousConflicts()) {
      if (log.last > log.compacted) cutLog(state, log.compacted + 1, out)
      refuse(state, message, out)
      return
    }
    // What this member compacted was committed, so it agrees with every leader's log.
    acknowledge(state, message.from, Math.max(state.commit, log.compacted), out)
    return
  }
  if (log.termAt(message.previousIndex) !== message.previousTerm) {
    refuse(state, message, out)
    return
  }
  const cut = state.options.decisions.cutsLogFrom(log.firstConflict(message.entries), message.previousIndex)
  const last = message.previousIndex + message.entries.length
  const tail = cut > 0 && cut <= log.last ? replaceFrom(state, cut, last, out) : NO_ENTRIES
  const { entries } = message
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as Entry
    if (entry.index <= log.last) continue
    log.append(entry)
    addUnsaved(state, entry)
  }
  if (tail.length > 0) {
    for (const entry of tail) {
      log.append(entry)
      addUnsaved(state, entry)
    }
  }
  commitTo(state, message.commit < last ? message.commit : last)
  if (!message.quiet) acknowledge(state, message.from, Math.max(last, state.commit), out)
}

/** Makes room for entries from `cut` to `last`. Gives what is to follow them nevertheless: rightly nothing. */
function replaceFrom(state: RaftState, cut: LogIndex, last: LogIndex, out: RaftOut): readonly Entry[] {
  const { log } = state
  const keeps = last < log.last && state.options.decisions.keepsTailAfterConflict()
  const tail = keeps ? log.slice(last + 1, log.last, Number.POSITIVE_INFINITY) : NO_ENTRIES
  cutLog(state, cut, out)
  return tail
}

function cutLog(state: RaftState, from: LogIndex, out: RaftOut): void {
  out.note({
    type: 'raft-log-truncated',
    member: state.options.name,
    from,
    lastIndex: state.log.last,
    committedIndex: state.commit,
  })
  invariant(from > state.commit, 'raft: a committed entry is never cut off', { from, commit: state.commit })
  state.log.truncate(from)
  forgetWrites(state, from)
  while (state.unsaved.length > 0 && (state.unsaved[state.unsaved.length - 1] as { index: number }).index >= from) {
    state.unsaved.pop()
  }
}

function acknowledge(state: RaftState, to: MemberId, index: LogIndex, out: RaftOut): void {
  const reply: AppendReply = {
    type: 'raft-append-reply',
    from: state.id,
    term: state.term,
    accepted: true,
    index,
    hintIndex: 0,
    hintTerm: 0,
  }
  promiseEntries(state, index, to, reply, out)
}

function refuse(state: RaftState, message: Append, out: RaftOut): void {
  const log = state.log
  const hintIndex = log.lastNotAbove(message.previousIndex, message.previousTerm)
  promise(
    state,
    message.from,
    {
      type: 'raft-append-reply',
      from: state.id,
      term: state.term,
      accepted: false,
      index: message.previousIndex,
      hintIndex,
      hintTerm: Math.max(0, log.termAt(hintIndex)),
    },
    out,
  )
}

/** The hot path of an idle cluster: nothing is allocated. */
export function handleHeartbeat(state: RaftState, message: Heartbeat, out: RaftOut): void {
  if (message.commit > state.commit) {
    // A leader names only what this member acknowledged as stored: its disk has lied, or a promise was made too early.
    if (message.commit > state.log.last) {
      out.panic('the leader counts entries that this member has lost')
      return
    }
    commitTo(state, message.commit)
  }
  let reply: HeartbeatReply | undefined = state.heartbeatReply
  if (reply === undefined || reply.term !== state.term || reply.read !== message.read) {
    reply = { type: 'raft-heartbeat-reply', from: state.id, term: state.term, read: message.read }
    state.heartbeatReply = reply
  }
  promise(state, message.from, reply, out)
}

export function handleSnapshot(state: RaftState, message: InstallSnapshot, out: RaftOut): void {
  const snapshot = message.snapshot
  if (snapshot.index <= state.commit || leavesOut(snapshot.membership, state.id)) {
    acknowledge(state, message.from, state.commit, out)
    return
  }
  if (state.log.termAt(snapshot.index) === snapshot.term) {
    // The log already holds what the snapshot stands for; it only proves that it is committed.
    commitTo(state, snapshot.index)
    acknowledge(state, message.from, state.commit, out)
    return
  }
  state.log.restore(snapshot)
  state.unsaved = []
  state.pendingWrites = []
  state.unsavedSnapshot = snapshot
  state.commit = snapshot.index
  state.applying = snapshot.index
  state.applied = snapshot.index
  if (snapshot.membership !== undefined) setMembership(state, snapshot.membership)
  out.note({
    type: 'raft-snapshot-installed',
    member: state.options.name,
    index: snapshot.index,
    term: snapshot.term,
  })
  out.install(snapshot)
  acknowledgeSnapshot(state, message.from, out)
}

/** A snapshot without this member in it is not for this member. */
function leavesOut(membership: Membership | undefined, id: MemberId): boolean {
  return membership !== undefined && !membersOf(membership).includes(id)
}

/** A snapshot counts as stored when the write that carries it, the next one, is durable. */
function acknowledgeSnapshot(state: RaftState, to: MemberId, out: RaftOut): void {
  state.hardStateDirty = true
  acknowledge(state, to, state.log.last, out)
}
