/**
 * Where the members of a Raft cluster stand to each other: how many lead, follow somebody, wait, stand for election or are
 * down, and how far their terms are apart; and how each came from one role to the next. Tells whether anybody leads.
 */
import type { ProcessId } from '../../kernel/index.ts'
import type { RaftFact } from '../../raft/index.ts'
import type { FeatureSet } from './feature-set.ts'
import { asState } from './grain.ts'
import { bucketOf, hashText, mix } from './hash.ts'

type RoleFact = Extract<RaftFact, { readonly type: 'raft-role' }>

const PATTERN = hashText('raft pattern')
const TURN = hashText('raft turn')

/** `lost`: a follower that knows no leader. */
const STANDINGS = ['leader', 'follower', 'lost', 'pre-candidate', 'candidate', 'down'] as const
type Standing = (typeof STANDINGS)[number]

interface Member {
  standing: Standing
  term: number
}

export class Consensus {
  readonly #features: FeatureSet
  readonly #members = new Map<ProcessId, Member>()
  #leaders = 0

  constructor(features: FeatureSet) {
    this.#features = features
  }

  /** Some member that runs takes itself for the leader. */
  get hasLeader(): boolean {
    return this.#leaders > 0
  }

  /** What a member is, or was before it went down; undefined for who is none. */
  standingOf(process: ProcessId): string | undefined {
    return this.#members.get(process)?.standing
  }

  onRole(process: ProcessId, { role, leader, term }: RoleFact): void {
    const standing = role === 'follower' && leader === 0 ? 'lost' : role
    const member = this.#members.get(process)
    if (member === undefined) this.#members.set(process, { standing, term })
    else {
      const turn = mix(mix(TURN, STANDINGS.indexOf(member.standing)), STANDINGS.indexOf(standing))
      this.#features.add(asState(mix(turn, Math.min(term - member.term, 3))))
      member.standing = standing
      member.term = term
    }
    this.#onChange()
  }

  onCrash(process: ProcessId): void {
    const member = this.#members.get(process)
    if (member === undefined) return
    member.standing = 'down'
    this.#onChange()
  }

  #onChange(): void {
    const counts = STANDINGS.map(() => 0)
    let low = Number.POSITIVE_INFINITY
    let high = 0
    for (const { standing, term } of this.#members.values()) {
      const place = STANDINGS.indexOf(standing)
      counts[place] = (counts[place] as number) + 1
      if (standing === 'down') continue
      low = Math.min(low, term)
      high = Math.max(high, term)
    }
    this.#leaders = counts[0] as number
    const apart = high === 0 ? 0 : bucketOf(high - low)
    this.#features.add(asState(counts.reduce((hash, count) => mix(hash, count), mix(PATTERN, apart))))
  }
}
