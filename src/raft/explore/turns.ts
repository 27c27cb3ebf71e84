/**
 * What one member does with one input, worked out once and remembered. The members of all explored states are few in
 * number next to the states, so nearly every step of the search is a look-up; only a new pair of member and input runs
 * the machine, on a copy of its state.
 */
import { InvariantError } from '../../kernel/invariant.ts'
import type { RaftMessage } from '../messages.ts'
import type { RaftOptions } from '../options.ts'
import type { RaftState } from '../state.ts'
import type { LogIndex, MemberId, Membership, Term } from '../types.ts'
import { hearsLeader, NOW } from './clock.ts'
import { codeOf } from './codes.ts'
import type { Common } from './common.ts'
import { digest, Words } from './hash.ts'
import { CRASH, DELIVER } from './inputs.ts'
import { type Member, memberAtStart, normalize, numbersOf } from './member.ts'
import { type Quorums, quorumsOf } from './overlap.ts'
import { Run } from './run.ts'
import type { Renaming } from './symmetry.ts'
import type { MessageNumber } from './wire.ts'

export type MemberNumber = number

export interface Turn {
  readonly next: MemberNumber
  readonly sent: readonly MessageNumber[]
  /** Entries that became known as committed, from this index on, as codes. */
  readonly committedFrom: LogIndex
  readonly committed: readonly number[]
  readonly answeredReads: readonly { readonly context: number; readonly index: LogIndex }[]
  /** A claim that this turn alone breaks. */
  readonly violation: string | undefined
}

/** What the search must know of a member without looking into it. */
export interface Facts {
  readonly id: MemberId
  readonly alive: boolean
  readonly role: RaftState['role']
  readonly term: Term
  readonly durableTerm: Term
  readonly writes: number
  /** Messages that wait for its disk. */
  readonly waiting: number
  readonly led: readonly Term[]
  /** Codes by index; 0 where the log is compacted. */
  readonly log: readonly number[]
  readonly compacted: LogIndex
  readonly membership: Membership | undefined
  /** Who decides, by this member's own counting. */
  readonly quorums: Quorums
  readonly applied: LogIndex
  readonly hearsLeader: boolean
  /** Microseconds since its election pause began. */
  readonly pausedFor: number
}

export class Turns {
  readonly members: Member[] = []
  readonly facts: Facts[] = []
  /** Two words a renaming. */
  readonly digests = new Words()
  /** How often the machine was really run. */
  runs = 0
  readonly #numbers = new Map<string, MemberNumber>()
  readonly #turns: Map<number, Turn>[] = []
  readonly #common: Common

  constructor(common: Common) {
    this.#common = common
  }

  atStart(id: MemberId): MemberNumber {
    return this.#numberOf(memberAtStart(id, this.#optionsOf(id), this.#common.membership, this.#common.kept))
  }

  take(number: MemberNumber, input: number): Turn {
    const known = this.#turns[number] as Map<number, Turn>
    const turn = known.get(input)
    if (turn !== undefined) return turn
    const taken = this.#take(this.members[number] as Member, input)
    known.set(input, taken)
    return taken
  }

  #optionsOf(id: MemberId): RaftOptions {
    return this.#common.options[id - 1] as RaftOptions
  }

  #take(member: Member, input: number): Turn {
    if (input === CRASH) return this.#quiet({ ...member, state: undefined, writes: [] })
    this.runs++
    const { wire, kept } = this.#common
    const run = new Run(member, this.#optionsOf(member.id), this.#common)
    try {
      run.perform(input, input >= DELIVER ? wire.messages[input - DELIVER] : undefined)
    } catch (error) {
      if (!(error instanceof InvariantError)) throw error
      return { ...this.#quiet(member), violation: `invariant: ${error.message}` }
    }
    normalize(run.state, kept)
    const next = this.#numberOf(run.member())
    const sent = run.sent.map(({ to, message }) => wire.numberOf(to, message))
    return {
      next,
      sent,
      committedFrom: run.committedFrom,
      committed: run.committed,
      answeredReads: run.answered,
      violation: run.violation,
    }
  }

  #quiet(member: Member): Turn {
    const next = this.#numberOf(member)
    return { next, sent: [], committedFrom: 0, committed: [], answeredReads: [], violation: undefined }
  }

  #numberOf(member: Member): MemberNumber {
    const { wire, renamings } = this.#common
    const promised = (renaming: number) => (to: MemberId, message: RaftMessage) => {
      const at = (wire.numberOf(to, message) * renamings.length + renaming) * 2
      const { data } = wire.digests
      return [data[at] as number, data[at + 1] as number]
    }
    const key = numbersOf(member, renamings[0] as Renaming, promised(0)).join()
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const number = this.members.length
    this.members.push(member)
    this.facts.push(factsOf(member))
    this.#turns.push(new Map())
    this.#numbers.set(key, number)
    const at = this.digests.grow(renamings.length * 2)
    renamings.forEach((renaming, i) => {
      digest(numbersOf(member, renaming, promised(i)), this.digests.data, at + i * 2)
    })
    return number
  }
}

const NO_QUORUMS: Quorums = { incoming: 0, outgoing: 0 }

function factsOf({ id, state, disk, writes, led }: Member): Facts {
  const log: number[] = [0]
  if (state !== undefined) {
    for (let index = 1; index <= state.log.last; index++) {
      const entry = state.log.entryAt(index)
      log.push(entry === undefined ? 0 : codeOf(entry))
    }
  }
  return {
    id,
    alive: state !== undefined,
    role: state?.role ?? 'follower',
    term: state?.term ?? disk.hardState.term,
    durableTerm: disk.hardState.term,
    writes: writes.length,
    waiting: state?.pendingMessages.length ?? 0,
    led,
    log,
    compacted: state?.log.compacted ?? 0,
    membership: state?.membership,
    quorums: state === undefined ? NO_QUORUMS : quorumsOf(state),
    applied: state?.applied ?? 0,
    hearsLeader: state !== undefined && hearsLeader(state),
    pausedFor: state === undefined ? 0 : NOW - state.electionFrom,
  }
}
