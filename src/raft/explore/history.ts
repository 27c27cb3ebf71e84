/**
 * What has happened that no member need remember: which entry was committed at each index, by a leader of which term, and
 * how much was committed when a read was asked. Each different history is kept once, as a number.
 */
import { changed } from '../membership.ts'
import type { LogIndex, Membership, Term } from '../types.ts'
import { changeIn, changeOf, renamed } from './codes.ts'
import type { Common } from './common.ts'
import { digest, Words } from './hash.ts'
import { type Quorums, quorumsBy, quorumsMeet } from './overlap.ts'
import type { Renaming } from './symmetry.ts'
import type { Facts, Turn } from './turns.ts'

export type HistoryNumber = number

interface History {
  /** Codes of entries by index; the first one is of no entry. */
  readonly committed: readonly number[]
  readonly terms: readonly Term[]
  /** How many entries were committed when the read of this number was asked. */
  readonly floors: readonly LogIndex[]
  /** Who decides by the newest membership that is committed, and by the one before it. */
  readonly electorates: readonly Quorums[]
}

export class Histories {
  readonly digests = new Words()
  readonly #renamings: readonly Renaming[]
  readonly #membership: Membership
  readonly #members: number
  readonly #histories: History[] = []
  readonly #numbers = new Map<string, HistoryNumber>()

  constructor({ renamings, membership, options }: Pick<Common, 'renamings' | 'membership' | 'options'>) {
    this.#renamings = renamings
    this.#membership = membership
    this.#members = options.length
    this.#numberOf({ committed: [0], terms: [0], floors: [], electorates: [quorumsBy(membership)] })
  }

  /** After a read was asked. */
  asked(number: HistoryNumber): HistoryNumber {
    const history = this.#histories[number] as History
    return this.#numberOf({ ...history, floors: [...history.floors, history.committed.length - 1] })
  }

  /** After a member of `term` learned that entries are committed; or the claim that this breaks. */
  committed(number: HistoryNumber, { committedFrom, committed: codes }: Turn, term: Term): HistoryNumber | string {
    const history = this.#histories[number] as History
    let committed: number[] | undefined
    let terms: Term[] | undefined
    for (let i = 0; i < codes.length; i++) {
      const index = committedFrom + i
      const code = codes[i] as number
      const held = (committed ?? history.committed)[index]
      if (code === 0 || held === code) continue
      if (held !== undefined) return `state-machine safety: two entries are committed at ${index}`
      committed ??= history.committed.slice()
      terms ??= history.terms.slice()
      committed[index] = code
      terms[index] = term
    }
    if (committed === undefined) return number
    return this.#numberOf({ ...history, committed, terms: terms as Term[], electorates: this.#deciding(committed) })
  }

  /** Who decided one change ago still may, where nobody has told: the leader's quorums must meet theirs too. */
  leaderOverlaps(number: HistoryNumber, leader: Facts): string | undefined {
    const { electorates } = this.#histories[number] as History
    if (electorates.every((electorate) => quorumsMeet(electorate, leader.quorums))) return undefined
    return `quorum overlap: the leader of term ${leader.term} counts without those who may decide as well`
  }

  /** What a leader must hold, it holds. (Raft paper 5.4.3) */
  leaderIsComplete(number: HistoryNumber, leader: Facts): string | undefined {
    const { committed, terms } = this.#histories[number] as History
    for (let index = leader.compacted + 1; index < committed.length; index++) {
      if ((terms[index] as Term) >= leader.term || leader.log[index] === committed[index]) continue
      return `leader completeness: the leader of term ${leader.term} lacks entry ${index}, committed in term ${terms[index]}`
    }
    return undefined
  }

  /** A read sees what was committed when it was asked. */
  readsAreCurrent(number: HistoryNumber, { answeredReads }: Turn): string | undefined {
    const { floors } = this.#histories[number] as History
    for (const { context, index } of answeredReads) {
      const floor = floors[context] as LogIndex
      if (index < floor)
        return `linearizable read: answered as of ${index}, though ${floor} was committed when it was asked`
    }
    return undefined
  }

  electorates(number: HistoryNumber): readonly Quorums[] {
    return (this.#histories[number] as History).electorates
  }

  readsAsked(number: HistoryNumber): number {
    return (this.#histories[number] as History).floors.length
  }

  #deciding(committed: readonly number[]): readonly Quorums[] {
    let membership = this.#membership
    let before: Membership | undefined
    for (const code of committed) {
      const what = code === undefined ? undefined : changeIn(code)
      const next = what === undefined ? membership : changed(membership, changeOf(what, this.#members))
      if (typeof next === 'string' || next === membership) continue
      before = membership
      membership = next
    }
    return before === undefined ? [quorumsBy(membership)] : [quorumsBy(membership), quorumsBy(before)]
  }

  #numberOf(history: History): HistoryNumber {
    const { committed, terms, floors } = history
    const numbers = [committed.length, ...committed, ...terms, ...floors]
    const key = numbers.join()
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const number = this.#histories.length
    this.#histories.push(history)
    this.#numbers.set(key, number)
    const at = this.digests.grow(this.#renamings.length * 2)
    this.#renamings.forEach((renaming, i) => {
      const codes = committed.map((code) => renamed(code, renaming))
      digest([committed.length, ...codes, ...terms, ...floors], this.digests.data, at + i * 2)
    })
    return number
  }
}
