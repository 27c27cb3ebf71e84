/**
 * Will a message be ignored now and ever after, whatever happens to its receiver? An answer to a campaign or to a leader
 * is, once the receiver's disk has its term and the receiver does not wait for it: it cannot campaign or lead in that term
 * again. So is what belongs to a term before the disk's; except that an old leader or candidate is told of the new term
 * where requests for votes may be ignored (`tells`).
 */
import type { RaftMessage } from '../messages.ts'
import type { Facts } from './turns.ts'

export function isDead(message: RaftMessage, { role, term, durableTerm }: Facts, tells: boolean): boolean {
  switch (message.type) {
    case 'raft-vote-reply':
      if (message.preVote) return false
      return message.term <= durableTerm && !(role === 'candidate' && term === message.term)
    case 'raft-append-reply':
    case 'raft-heartbeat-reply':
      return message.term <= durableTerm && !(role === 'leader' && term === message.term)
    case 'raft-vote-request':
      return message.term < durableTerm && !message.preVote
    case 'raft-append':
    case 'raft-heartbeat':
    case 'raft-snapshot':
      return message.term < durableTerm && !tells
    case 'raft-timeout-now':
      return message.term < durableTerm
    default:
      return false
  }
}
