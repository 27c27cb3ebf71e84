/**
 * Entries and memberships as numbers. An entry is its term and what was proposed: nothing, a number, or one of the changes
 * of the membership that are explored; the code tells any two apart and can be renamed with the members.
 */
import { type MemberChange, MembershipChange, type Transition } from '../membership.ts'
import type { Entry, LogIndex, MemberId, Membership, Term } from '../types.ts'
import type { Renaming } from './symmetry.ts'

const DATA_BITS = 7
/** Data from here on are changes: a kind, and a member in the lowest three bits. */
const CHANGES = 64
const KIND = 8

/** Changes of one member, at once. */
export const ADD = 0 * KIND
export const REMOVE = 1 * KIND
export const DEMOTE = 2 * KIND
/** Joint changes: the end of one; one member alone is left, or all are taken in, implicitly ended or explicitly. */
export const LEAVE = 3 * KIND
export const ALONE = 4 * KIND
export const ALONE_EXPLICIT = 5 * KIND
export const EVERYBODY = 6 * KIND
export const EVERYBODY_EXPLICIT = 7 * KIND

/** A change by its number, among so many members. It remembers its number. */
export function changeOf(what: number, members: number): MembershipChange {
  const member = what % KIND
  const ids = Array.from({ length: members }, (_, i) => i + 1)
  const alone = () => ids.filter((id) => id !== member).map((id): MemberChange => ({ kind: 'remove', member: id }))
  const everybody = () => ids.map((id): MemberChange => ({ kind: 'add-voter', member: id }))
  const made = (steps: readonly MemberChange[], transition: Transition) => new MembershipChange(steps, transition, what)
  switch (what - member) {
    case ADD:
      return made([{ kind: 'add-voter', member }], 'auto')
    case REMOVE:
      return made([{ kind: 'remove', member }], 'auto')
    case DEMOTE:
      return made([{ kind: 'add-learner', member }], 'auto')
    case ALONE:
      return made(alone(), 'implicit')
    case ALONE_EXPLICIT:
      return made(alone(), 'explicit')
    case EVERYBODY:
      return made(everybody(), 'implicit')
    case EVERYBODY_EXPLICIT:
      return made(everybody(), 'explicit')
    default:
      return made([], 'auto')
  }
}

const TEXTS = ['add', 'remove', 'demote', 'the end of the joint change', 'only', 'only', 'everybody', 'everybody']

export function changeText(what: number): string {
  const member = what % KIND
  const how =
    what >= ALONE ? `, jointly, to be ended ${(what - member) % (2 * KIND) === 0 ? 'by itself' : 'by order'}` : ''
  return `${TEXTS[Math.floor(what / KIND)]}${member === 0 ? '' : ` ${member}`}${how}`
}

export function codeOf({ term, data }: Entry): number {
  const base = term << DATA_BITS
  if (data === null) return base
  if (!(data instanceof MembershipChange)) return base + (data as number)
  // The leader's own order to end a joint change has no number.
  return base + CHANGES + (data.leavesJoint ? LEAVE : (data.context as number))
}

export function termOf(code: number): Term {
  return code >> DATA_BITS
}

/** The number of the change that an entry makes, undefined when it is none. */
export function changeIn(code: number): number | undefined {
  return (code & CHANGES) === 0 ? undefined : code & (CHANGES - 1)
}

export function entryText({ term, data }: Entry): string {
  if (data === null) return `t${term}`
  if (!(data instanceof MembershipChange)) return `t${term}:v${data}`
  return `t${term}:${changeText(data.leavesJoint ? LEAVE : (data.context as number))}`
}

/** The code when members have other names. */
export function renamed(code: number, { to }: Renaming): number {
  return (code & CHANGES) === 0 ? code : code - (code & 7) + (to[code & 7] as MemberId)
}

export function pushEntries(numbers: number[], entries: readonly Entry[], renaming: Renaming): void {
  numbers.push(entries.length)
  const first = entries[0]
  if (first === undefined) return
  const from: LogIndex = first.index
  numbers.push(from)
  for (const entry of entries) numbers.push(renamed(codeOf(entry), renaming))
}

/** Who belongs, as sets of bits. */
export function pushMembership(numbers: number[], membership: Membership | undefined, { to }: Renaming): void {
  if (membership === undefined) {
    numbers.push(0)
    return
  }
  const bits = (ids: readonly MemberId[]) => ids.reduce((sum, id) => sum | (1 << (to[id] as MemberId)), 0)
  const { voters, outgoing, learners, learnersNext, autoLeave } = membership
  numbers.push(bits(voters), bits(outgoing), bits(learners), bits(learnersNext), Number(autoLeave))
}
