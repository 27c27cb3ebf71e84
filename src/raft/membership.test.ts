// One row a change: the membership after it, or why there is none. Written as voters | outgoing | learners | learners-to-be.
import { expect, test } from 'vitest'
import {
  changed,
  electorateOf,
  type MemberChange,
  MembershipChange,
  membersOf,
  type Transition,
  votersOnly,
} from './membership.ts'
import { tally } from './quorum.ts'
import type { Membership } from './types.ts'

/** `+1` adds a voter, `~1` a learner, `-1` removes. */
function stepsOf(text: string): MemberChange[] {
  const kinds = { '+': 'add-voter', '~': 'add-learner', '-': 'remove' } as const
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => ({ kind: kinds[word[0] as '+' | '~' | '-'], member: Number(word.slice(1)) }))
}

function membershipOf(text: string): Membership {
  const autoLeave = text.endsWith(' auto')
  const parts = text.replace(' auto', '').split('|')
  const ids = (at: number) =>
    (parts[at] ?? '')
      .split(' ')
      .filter((word) => word !== '')
      .map(Number)
  return { voters: ids(0), outgoing: ids(1), learners: ids(2), learnersNext: ids(3), autoLeave }
}

test.each<[before: string, steps: string, transition: Transition, after: string]>([
  ['1 2 3', '+4', 'auto', '1 2 3 4'],
  ['1 2 3', '-2', 'auto', '1 3'],
  ['1 2 3', '~4', 'auto', '1 2 3||4'],
  ['1 2 3||4', '+4', 'auto', '1 2 3 4'],
  ['1 2 3', '~3', 'auto', '1 2||3'],
  ['1 2 3||4', '~4', 'auto', '1 2 3||4'],
  ['1 2 3||4', '-4', 'auto', '1 2 3'],
  ['1 2 3', '-9', 'auto', '1 2 3'],
  ['1 2 3', '+0', 'auto', '1 2 3'],
  ['1 2 3', '+2', 'auto', '1 2 3'],
  // More than one step makes it joint, and it ends by itself.
  ['1 2 3', '+4 -1', 'auto', '2 3 4|1 2 3 auto'],
  ['1 2 3', '+4', 'implicit', '1 2 3 4|1 2 3 auto'],
  ['1 2 3', '+4', 'explicit', '1 2 3 4|1 2 3'],
  ['1 2 3', '~4 ~5', 'auto', '1 2 3|1 2 3|4 5 auto'],
  // Who still votes in the outgoing half is a learner only when that half has ended.
  ['1 2 3', '~3 +4', 'auto', '1 2 4|1 2 3||3 auto'],
  ['1 2 4|1 2 3||3 auto', '', 'auto', '1 2 4||3'],
  ['2 3 4|1 2 3', '', 'auto', '2 3 4'],
  // In one joint change the last word counts.
  ['1 2 3', '-1 +1', 'explicit', '1 2 3|1 2 3'],
  ['1 2 3', '~3 -3', 'explicit', '1 2|1 2 3'],
])('%s with [%s] %s gives %s', (before, steps, transition, after) => {
  expect(changed(membershipOf(before), new MembershipChange(stepsOf(steps), transition))).toEqual(membershipOf(after))
})

test.each<[before: string, steps: string, transition: Transition, reason: string]>([
  ['1', '-1', 'auto', 'no-voters-left'],
  ['1 2', '-1 -2', 'auto', 'no-voters-left'],
  ['1', '~1', 'auto', 'no-voters-left'],
  ['1 2 3', '', 'auto', 'not-joint'],
  ['2 3 4|1 2 3', '+5', 'auto', 'already-joint'],
  ['2 3 4|1 2 3', '+5 +6', 'auto', 'already-joint'],
  ['2 3 4|1 2 3', '+5', 'explicit', 'already-joint'],
])('%s with [%s] %s is refused: %s', (before, steps, transition, reason) => {
  expect(changed(membershipOf(before), new MembershipChange(stepsOf(steps), transition))).toBe(reason)
})

test('everybody who gets the log is named once, in order, and voters are found among them', () => {
  const membership = membershipOf('2 4 5|1 2 3|9|3')
  expect(membersOf(membership)).toEqual([1, 2, 3, 4, 5, 9])
  expect(electorateOf(membership, membersOf(membership))).toEqual({ incoming: [1, 3, 4], outgoing: [0, 1, 2] })
})

/** All sets of `size` out of `ids`. */
function subsets(ids: readonly number[], size: number): number[][] {
  if (size === 0) return [[]]
  return ids.flatMap((id, at) => subsets(ids.slice(at + 1), size - 1).map((rest) => [id, ...rest]))
}

test('majorities before and after one change always meet, up to seven members', () => {
  let pairs = 0
  for (let size = 1; size <= 6; size++) {
    const before = votersOnly(Array.from({ length: size }, (_, i) => i + 1))
    for (const steps of [stepsOf(`+${size + 1}`), stepsOf('-1'), stepsOf('~1')]) {
      const after = changed(before, new MembershipChange(steps))
      if (typeof after === 'string') continue
      for (const old of subsets(before.voters, (before.voters.length >> 1) + 1)) {
        for (const next of subsets(after.voters, (after.voters.length >> 1) + 1)) {
          pairs++
          expect(old.some((id) => next.includes(id))).toBe(true)
        }
      }
    }
  }
  expect(pairs).toBeGreaterThan(1_000)
})

test('a quorum of a joint change holds a majority from before and one from after it', () => {
  for (const steps of ['+4 +5', '-1 +4', '-1 -2 +4', '~1 +4 +5', '+4 +5 -1 -2 -3']) {
    const before = votersOnly([1, 2, 3])
    const joint = changed(before, new MembershipChange(stepsOf(steps)))
    if (typeof joint === 'string') throw new Error(joint)
    const after = changed(joint, new MembershipChange([]))
    if (typeof after === 'string') throw new Error(after)
    const members = membersOf(joint)
    const electorate = electorateOf(joint, members)
    let quorums = 0
    const majorityOf = (voters: readonly number[], held: readonly number[]) =>
      voters.filter((id) => held.includes(id)).length * 2 > voters.length
    for (let size = 0; size <= members.length; size++) {
      for (const held of subsets(members, size)) {
        const isQuorum =
          tally(
            members.map((id) => (held.includes(id) ? 1 : -1)),
            electorate,
          ) === 'won'
        expect(isQuorum).toBe(majorityOf(before.voters, held) && majorityOf(after.voters, held))
        if (isQuorum) quorums++
      }
    }
    expect(quorums).toBeGreaterThan(0)
  }
})
