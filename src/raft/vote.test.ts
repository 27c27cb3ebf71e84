// One row a request for a vote: who is asked, in which term, having voted for whom, with which log; and the answer. A log
// is written as its terms.
import { describe, expect, test } from 'vitest'
import type { VoteReply } from './messages.ts'
import { TestCluster, type TestMember } from './testing.ts'

const CANDIDATE = 2

/** Member 1 of three as a restart finds it: no leader known. */
function voterOf(term: number, vote: number, log: readonly number[]): { c: TestCluster; voter: TestMember } {
  const c = new TestCluster({ members: 3, seed: 1 })
  const voter = c.member(1)
  voter.disk.entries = log.map((entry, i) => ({ index: i + 1, term: entry, data: '', bytes: 1 }))
  voter.disk.hardState = { term, vote, commit: 0 }
  c.crash(voter)
  c.restart(voter)
  c.flying = []
  return { c, voter }
}

interface Asked {
  readonly term: number
  readonly last: readonly [index: number, term: number]
  readonly preVote?: boolean
}

function ask(c: TestCluster, voter: TestMember, { term, last, preVote = false }: Asked): VoteReply | undefined {
  const [lastIndex, lastTerm] = last
  const request = { type: 'raft-vote-request', from: CANDIDATE, term, preVote, lastIndex, lastTerm } as const
  c.step(voter, { kind: 'message', message: { ...request, transfer: false } })
  c.sync(voter)
  return c.flying.at(-1)?.message as VoteReply | undefined
}

type Row = [
  name: string,
  term: number,
  vote: number,
  log: number[],
  asked: Asked,
  granted: boolean | 'silent',
  after: number,
]

describe('votes', () => {
  test.each<Row>([
    ['a newer term, an equal log', 1, 0, [1], { term: 2, last: [1, 1] }, true, 2],
    ['a newer term, a longer log', 1, 0, [1], { term: 2, last: [5, 1] }, true, 2],
    ['a newer term, a shorter log', 1, 0, [1, 1], { term: 2, last: [1, 1] }, false, 2],
    ['a newer term, a shorter log of a newer last term', 1, 0, [1, 1, 1], { term: 3, last: [1, 2] }, true, 3],
    ['a newer term, a longer log of an older last term', 3, 0, [1, 2], { term: 4, last: [9, 1] }, false, 4],
    ['a newer term after a vote in this one', 1, 3, [], { term: 2, last: [0, 0] }, true, 2],
    ['this term, no vote yet', 2, 0, [], { term: 2, last: [0, 0] }, true, 2],
    ['this term, the same candidate again', 2, CANDIDATE, [], { term: 2, last: [0, 0] }, true, 2],
    ['this term, another was voted for', 2, 3, [], { term: 2, last: [9, 9] }, false, 2],
    ['this term, voted for itself', 2, 1, [], { term: 2, last: [9, 9] }, false, 2],
    ['an older term', 3, 0, [], { term: 2, last: [9, 2] }, 'silent', 3],
  ])('%s', (_name, term, vote, log, asked, granted, after) => {
    const { c, voter } = voterOf(term, vote, log)
    const reply = ask(c, voter, asked)
    expect(reply?.granted ?? 'silent').toBe(granted)
    expect(voter.state.term).toBe(after)
    if (granted === true) expect([reply?.term, voter.disk.hardState.vote]).toEqual([asked.term, CANDIDATE])
  })
})

describe('pre-votes change neither term nor vote', () => {
  test.each<Row>([
    ['a newer term, an equal log', 1, 0, [1], { term: 2, last: [1, 1] }, true, 1],
    ['a newer term, whoever was voted for in this one', 1, 3, [1], { term: 2, last: [1, 1] }, true, 1],
    ['a newer term, an older log', 2, 0, [1, 2], { term: 3, last: [5, 1] }, false, 2],
    // An old member learns the term from the refusal.
    ['an older term', 5, 0, [], { term: 2, last: [9, 1] }, false, 5],
    ['this term, another was voted for', 2, 3, [], { term: 2, last: [9, 9] }, false, 2],
  ])('%s', (_name, term, vote, log, asked, granted, after) => {
    const { c, voter } = voterOf(term, vote, log)
    const reply = ask(c, voter, { ...asked, preVote: true })
    expect([reply?.granted, reply?.preVote]).toEqual([granted, true])
    expect(reply?.term).toBe(granted === true ? asked.term : term)
    expect([voter.state.term, voter.state.vote]).toEqual([after, vote])
  })
})
