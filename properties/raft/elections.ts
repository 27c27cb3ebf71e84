/** Raft's safety around elections: one leader a term, and one vote a term. */
import { type FactOf, forEachFact, never, property } from '../../src/trial/temporal/index.ts'

/** The term that a member begins to lead, of its own cluster: etcd's, or that of the etcd which keeps Events. */
const termLed = ({ role, term, member }: FactOf<'raft-role'>) =>
  role === 'leader' ? `${term} of ${member.replace(/-\d+$/, '')}` : undefined

export const oneLeaderPerTerm = property({
  id: 'raft-one-leader-per-term',
  claim: 'at most one member is ever leader in a term',
  source: 'Raft paper, figure 3 (election safety)',
  trigger: 'a leader was elected',
  catches: ['raft-vote-not-persisted'],
  formula: forEachFact('raft-role', termLed, (term) =>
    never(term.has('raft-role', termLed, ({ member }, first) => member !== first.member, 'led by another member')),
  ),
  shape: 'two-leaders',
  says: ({ key, opening, fact }) =>
    `${(opening as FactOf<'raft-role'>).member} and ${(fact as FactOf<'raft-role'>).member} were both leader in term ${key}`,
})

/** A member in a term. */
const ballot = ({ member, term }: FactOf<'raft-vote-granted'>) => `${member} in term ${term}`

export const oneVotePerTerm = property({
  id: 'raft-one-vote-per-term',
  claim: 'a member votes for one candidate only in a term, over all its restarts',
  source: 'Raft paper, figure 2 (votedFor is persistent)',
  trigger: 'a vote was granted',
  catches: ['raft-vote-not-persisted'],
  formula: forEachFact('raft-vote-granted', ballot, (vote) =>
    never(
      vote.has(
        'raft-vote-granted',
        ballot,
        ({ candidate }, first) => candidate !== first.candidate,
        'cast for another',
      ),
    ),
  ),
  shape: 'voted-twice',
  says({ opening, fact }) {
    const [first, second] = [opening, fact] as FactOf<'raft-vote-granted'>[]
    return `${second?.member} voted for member ${first?.candidate} and for member ${second?.candidate} in term ${second?.term}`
  },
})
