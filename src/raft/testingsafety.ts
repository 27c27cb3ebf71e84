/**
 * Raft's safety claims for tests of whole clusters in memory, kept up to date step by step: what was voted, led, applied
 * and read, and what must not differ. (Raft paper, figure 3)
 */
import { MembershipChange } from './membership.ts'
import type { RaftState } from './state.ts'
import type { Entry, MemberId, Snapshot } from './types.ts'

/** A broken safety claim. */
export class RaftViolation extends Error {}

/** What is looked at of a member. */
interface Checked {
  readonly id: MemberId
  readonly state: RaftState
}

/** The claims of the Raft paper, figure 3, kept up to date step by step. */
export class SafetyCheck {
  readonly #leaders = new Map<number, MemberId>()
  readonly #votes = new Map<string, MemberId>()
  /** What was applied anywhere, by index. */
  readonly applied: (Entry | undefined)[] = []
  readonly #reads = new Map<number, number>()
  readsAnswered = 0
  elections = 0

  leads(member: Checked): void {
    const { term, log } = member.state
    const other = this.#leaders.get(term)
    if (other === member.id) return
    if (other !== undefined) throw new RaftViolation(`election safety: ${other} and ${member.id} lead term ${term}`)
    this.#leaders.set(term, member.id)
    this.elections++
    for (let index = log.compacted + 1; index < this.applied.length; index++) {
      const entry = this.applied[index]
      if (entry !== undefined && !isSame(log.entryAt(index), entry)) {
        throw new RaftViolation(`leader completeness: leader of term ${term} lacks applied entry ${index}`)
      }
    }
  }

  voted(id: MemberId, term: number, candidate: MemberId): void {
    const key = `${id}/${term}`
    const before = this.#votes.get(key)
    if (before !== undefined && before !== candidate) throw new RaftViolation(`vote durability: ${key}`)
    this.#votes.set(key, candidate)
  }

  appliedEntry(entry: Entry): void {
    const before = this.applied[entry.index]
    if (before === undefined) this.applied[entry.index] = entry
    else if (!isSame(before, entry))
      throw new RaftViolation(`state-machine safety: two entries applied at ${entry.index}`)
  }

  installed(member: Checked, snapshot: Snapshot): void {
    const entry = this.applied[snapshot.index]
    if (entry === undefined || entry.term !== snapshot.term) {
      throw new RaftViolation(`state-machine safety: snapshot ${snapshot.index} on ${member.id}`)
    }
  }

  readAsked(context: number): void {
    this.#reads.set(context, this.applied.length - 1)
  }

  readReady(context: number, index: number): void {
    const floor = this.#reads.get(context)
    if (floor === undefined) return
    this.readsAnswered++
    if (index < floor) throw new RaftViolation(`linearizable read: answered at ${index}, ${floor} was applied before`)
  }

  /** Log matching: equal index and term mean equal logs up to there. Entries are mostly shared. */
  logsMatch(members: readonly Checked[]): void {
    for (const a of members) {
      for (const b of members) {
        if (a.id >= b.id) continue
        const low = Math.max(a.state.log.compacted, b.state.log.compacted) + 1
        let agreed = false
        for (let index = Math.min(a.state.log.last, b.state.log.last); index >= low; index--) {
          const mine = a.state.log.entryAt(index)
          const theirs = b.state.log.entryAt(index)
          if (mine?.term === theirs?.term) agreed = true
          if (agreed && !isSame(mine, theirs)) throw new RaftViolation(`log matching: ${a.id} and ${b.id} at ${index}`)
        }
      }
    }
  }
}

/** The same entry: mostly one object that all share; changes of the membership may be told apart by nothing but their place. */
function isSame(one: Entry | undefined, other: Entry | undefined): boolean {
  if (one === other || one === undefined || other === undefined) return one === other
  const bothChange = one.data instanceof MembershipChange && other.data instanceof MembershipChange
  return one.term === other.term && (bothChange || one.data === other.data)
}
