/**
 * Messages as numbers. Each different message, receiver included, is kept once; what is under way is a bag of such
 * numbers. Its digest is made once for every renaming of the members.
 */
import type { RaftMessage } from '../messages.ts'
import type { MemberId } from '../types.ts'
import { pushEntries, pushMembership } from './codes.ts'
import { digest, Words } from './hash.ts'
import type { Renaming } from './symmetry.ts'

export type MessageNumber = number

const TYPES: readonly RaftMessage['type'][] = [
  'raft-vote-request',
  'raft-vote-reply',
  'raft-append',
  'raft-append-reply',
  'raft-heartbeat',
  'raft-heartbeat-reply',
  'raft-snapshot',
  'raft-propose',
  'raft-read-request',
  'raft-read-reply',
  'raft-timeout-now',
  'raft-transfer-request',
]

export class Wire {
  readonly messages: RaftMessage[] = []
  readonly to: MemberId[] = []
  /** Two words a renaming. */
  readonly digests = new Words()
  readonly #renamings: readonly Renaming[]
  readonly #numbers = new Map<string, MessageNumber>()

  constructor(renamings: readonly Renaming[]) {
    this.#renamings = renamings
  }

  numberOf(to: MemberId, message: RaftMessage): MessageNumber {
    const [same] = this.#renamings as [Renaming]
    const key = numbersOf(to, message, same).join()
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const number = this.messages.length
    this.messages.push(message)
    this.to.push(to)
    this.#numbers.set(key, number)
    const at = this.digests.grow(this.#renamings.length * 2)
    this.#renamings.forEach((renaming, i) => {
      digest(numbersOf(to, message, renaming), this.digests.data, at + i * 2)
    })
    return number
  }
}

function numbersOf(to: MemberId, message: RaftMessage, renaming: Renaming): number[] {
  const { to: named } = renaming
  const numbers = [TYPES.indexOf(message.type), named[to] as number, named[message.from] as number]
  switch (message.type) {
    case 'raft-vote-request':
      numbers.push(message.term, Number(message.preVote), message.lastIndex, message.lastTerm, Number(message.transfer))
      break
    case 'raft-vote-reply':
      numbers.push(message.term, Number(message.preVote), Number(message.granted))
      break
    case 'raft-append':
      numbers.push(message.term, message.previousIndex, message.previousTerm, message.commit, Number(message.quiet))
      pushEntries(numbers, message.entries, renaming)
      break
    case 'raft-append-reply':
      numbers.push(message.term, Number(message.accepted), message.index, message.hintIndex, message.hintTerm)
      break
    case 'raft-heartbeat':
      numbers.push(message.term, message.commit, message.read)
      break
    case 'raft-heartbeat-reply':
      numbers.push(message.term, message.read)
      break
    case 'raft-snapshot':
      numbers.push(message.term, message.snapshot.index, message.snapshot.term)
      pushMembership(numbers, message.snapshot.membership, renaming)
      break
    case 'raft-propose':
      for (const { data } of message.proposals) numbers.push(data as number)
      break
    case 'raft-read-request':
      numbers.push(message.context)
      break
    case 'raft-read-reply':
      numbers.push(message.context, message.index)
      break
    case 'raft-timeout-now':
      numbers.push(message.term)
      break
    case 'raft-transfer-request':
      numbers.push(named[message.transferee] as number)
      break
  }
  return numbers
}
