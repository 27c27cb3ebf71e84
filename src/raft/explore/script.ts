/** A path of the search as a script that a person can follow: one line a step, with what became of the member. */
import { never } from '../../kernel/invariant.ts'
import type { RaftMessage } from '../messages.ts'
import type { MemberId } from '../types.ts'
import { entryText } from './codes.ts'
import { inputText } from './inputs.ts'
import { logText, type Member } from './member.ts'
import type { Exploration } from './search.ts'

/** The shortest way to the broken claim, numbered; empty when nothing broke. */
export function scriptOf({ violation }: Exploration): string {
  if (violation === undefined) return ''
  const { claim, path, rules } = violation
  const rows = rules.replay(path)
  const memberAt = (step: number, id: MemberId) => rules.turns.members[rows[step]?.[id - 1] as number] as Member
  const lines = path.map((step, at) => {
    const how = step & 3
    const what = step >> 2
    const message = rules.wire.messages[what] as RaftMessage
    const id = how === 3 ? what & 7 : (rules.wire.to[what] as MemberId)
    const text = how === 3 ? inputText(id, what >> 3) : `${HOW[how]} ${messageText(id, message)}`
    const after = how === 2 || id === 0 ? '' : ` => ${memberText(memberAt(at + 1, id))}`
    return `${String(at + 1).padStart(3)}. ${text}${after}`
  })
  return [...lines, `     ${claim}`].join('\n')
}

const HOW = ['deliver', 'deliver, and keep a copy of,', 'lose']

function messageText(to: MemberId, message: RaftMessage): string {
  const way = `${message.from}->${to}`
  switch (message.type) {
    case 'raft-vote-request':
      return `${way} ${message.preVote ? 'pre-vote' : 'vote'} request, term ${message.term}, log ends at ${message.lastIndex} of term ${message.lastTerm}`
    case 'raft-vote-reply':
      return `${way} ${message.preVote ? 'pre-vote' : 'vote'} ${message.granted ? 'granted' : 'refused'}, term ${message.term}`
    case 'raft-append': {
      const entries = message.entries.map(entryText)
      return `${way} append, term ${message.term}, after ${message.previousIndex} of term ${message.previousTerm} [${entries.join(' ')}], commit ${message.commit}`
    }
    case 'raft-append-reply':
      return `${way} append ${message.accepted ? 'accepted up to' : 'refused after'} ${message.index}, term ${message.term}`
    case 'raft-heartbeat':
      return `${way} heartbeat, term ${message.term}, commit ${message.commit}`
    case 'raft-heartbeat-reply':
      return `${way} heartbeat answered, term ${message.term}`
    case 'raft-snapshot':
      return `${way} snapshot up to ${message.snapshot.index} of term ${message.snapshot.term}`
    case 'raft-propose':
      return `${way} proposal`
    case 'raft-read-request':
      return `${way} read request`
    case 'raft-read-reply':
      return `${way} read answered as of ${message.index}`
    case 'raft-timeout-now':
      return `${way} campaign now, term ${message.term}`
    case 'raft-transfer-request':
      return `${way} hand over to ${message.transferee}`
    default:
      return never(message)
  }
}

function memberText(member: Member): string {
  const { state, disk, writes } = member
  if (state === undefined)
    return `down, disk: term ${disk.hardState.term}, vote ${disk.hardState.vote}, log ${logText(member)}`
  const among =
    state.members.length === state.options.members.length ? '' : `, voters ${state.membership.voters.join(' ')}`
  const waiting = writes.length === 0 ? '' : `, ${writes.length} unwritten`
  return `${state.role}, term ${state.term}, vote ${state.vote}, log ${logText(member)}, commit ${state.commit}${among}${waiting}`
}
