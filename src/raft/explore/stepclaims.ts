/**
 * What one step of one member must not do, whatever the others are: claims that need no history. Each gives the sentence
 * that tells how it was broken, or nothing.
 */
import type { RaftMessage, VoteRequest } from '../messages.ts'
import { type RaftState, snapshotPending } from '../state.ts'
import type { MemberId } from '../types.ts'
import { hearsLeader } from './clock.ts'
import { codeOf } from './codes.ts'
import { PROPOSE, READ, TICK } from './inputs.ts'

export interface Stepped {
  readonly before: RaftState
  readonly after: RaftState
  readonly input: number
  readonly message: RaftMessage | undefined
  readonly sent: readonly { readonly to: MemberId; readonly message: RaftMessage }[]
  /** Local reads that were answered. */
  readonly answered: number
  /** Campaigns are rehearsed. */
  readonly rehearses: boolean
  /** Whoever hears a leader does not vote. */
  readonly refuses: boolean
}

export function brokenByStep(stepped: Stepped): string | undefined {
  return (
    appendOnly(stepped) ??
    campaignsWhole(stepped) ??
    changesTermAlone(stepped) ??
    votesInSpiteOfLeader(stepped) ??
    leavesVoteUnanswered(stepped) ??
    forgetsRead(stepped) ??
    appendsWhileHandingOver(stepped)
  )
}

/** A leader never changes or drops an entry of its own log. (Raft paper, figure 3) */
function appendOnly({ before, after }: Stepped): string | undefined {
  if (!leadsOn(before, after)) return undefined
  for (let index = after.log.compacted + 1; index <= before.log.last; index++) {
    const entry = after.log.entryAt(index)
    const held = before.log.entryAt(index)
    if (entry === undefined || held === undefined || codeOf(entry) !== codeOf(held)) {
      return `leader append-only: member ${after.id} changed its entry ${index}`
    }
  }
  return undefined
}

/** Nobody campaigns with a state that its disk does not have yet. (etcd-io/etcd#12163) */
function campaignsWhole({ before, after }: Stepped): string | undefined {
  const campaigns = after.role === 'pre-candidate' || after.role === 'candidate'
  if (!campaigns || before.role !== 'follower' || !snapshotPending(before)) return undefined
  return `whole campaigns: member ${after.id} campaigns while a snapshot is on its way to its disk`
}

/** With rehearsals an election time-out raises no term: the others are asked first. (Raft thesis 9.6) */
function changesTermAlone({ before, after, input, rehearses }: Stepped): string | undefined {
  if (!rehearses || input !== TICK || before.term === after.term || before.electorate.incoming.length === 1) {
    return undefined
  }
  return `rehearsed campaigns: member ${after.id} begins term ${after.term} without having asked anybody`
}

/** Whoever hears a leader neither votes nor follows a campaign into its term, unless it was ordered. (Raft thesis 4.2.3) */
function votesInSpiteOfLeader(stepped: Stepped): string | undefined {
  const { before, after, refuses, message } = stepped
  if (!refuses || message?.type !== 'raft-vote-request' || message.transfer || !hearsLeader(before)) return undefined
  if (message.term <= before.term) return undefined
  if (before.term === after.term && answersTo(stepped, message) === 0) return undefined
  return `no vote while a leader is heard: member ${after.id} answers member ${message.from}`
}

/** A request for votes is answered, with yes or no, unless it is old or a leader is heard. (etcd-io/etcd#10998) */
function leavesVoteUnanswered(stepped: Stepped): string | undefined {
  const { before, after, refuses, message } = stepped
  if (message?.type !== 'raft-vote-request' || message.term < before.term) return undefined
  if (refuses && (hearsLeader(before) || before.refusesUntil > before.now)) return undefined
  if (answersTo(stepped, message) > 0) return undefined
  return `votes are answered: member ${after.id} leaves member ${message.from} without an answer`
}

/** How many more answers to requests for votes were sent or wait for the disk. */
function answersTo({ before, after, sent }: Stepped, { from }: VoteRequest): number {
  const isAnswer = ({ to, message }: { to: MemberId; message: RaftMessage }) =>
    to === from && message.type === 'raft-vote-reply'
  const waiting = (state: RaftState) => state.pendingMessages.filter(isAnswer).length
  return sent.filter(isAnswer).length + waiting(after) - waiting(before)
}

/** A leader that goes on leading answers a read or keeps it in mind. (etcd-io/etcd#12680) */
function forgetsRead({ before, after, input, message, sent, answered }: Stepped): string | undefined {
  const isAsked = (input >= READ && input < PROPOSE) || message?.type === 'raft-read-request'
  if (!isAsked || !leadsOn(before, after)) return undefined
  const inMind = (state: RaftState) => state.reads.length + state.waitingReads.length
  const replies = sent.filter((one) => one.message.type === 'raft-read-reply').length
  if (answered + replies + inMind(after) > inMind(before)) return undefined
  return `reads are kept: the leader ${after.id} forgets one`
}

/** Nothing is appended while leadership is handed over, as the successor could never catch up. (Raft thesis 3.10) */
function appendsWhileHandingOver({ before, after }: Stepped): string | undefined {
  if (!leadsOn(before, after) || before.transferee === 0 || after.transferee === 0) return undefined
  if (after.log.last === before.log.last) return undefined
  return `handing over: the leader ${after.id} appends while member ${after.transferee} is to take over`
}

function leadsOn(before: RaftState, after: RaftState): boolean {
  return before.role === 'leader' && after.role === 'leader' && before.term === after.term
}
