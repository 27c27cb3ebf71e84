/** Raft's safety around elections: one leader a term, one vote a term, and a leader that holds all that was committed. */
import type { RaftFact } from '../../src/raft/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { onFact } from '../define.ts'

export const oneLeaderPerTerm: PropertyDefinition = {
  id: 'raft-one-leader-per-term',
  mode: 'always',
  claim: 'at most one member is ever leader in a term',
  source: 'Raft paper, figure 3 (election safety)',
  trigger: 'a leader was elected',
  catches: ['raft-vote-not-persisted'],
  monitor(cluster, report) {
    const leaders = new Map<number, string>()
    onFact<RaftFact, 'raft-role'>(cluster, 'raft-role', (fact) => {
      if (fact.role !== 'leader') return
      report.reached()
      const other = leaders.get(fact.term)
      if (other === undefined) leaders.set(fact.term, fact.member)
      else if (other !== fact.member) {
        report.fail({
          subject: `term ${fact.term}`,
          shape: 'two-leaders',
          message: `${other} and ${fact.member} were both leader in term ${fact.term}`,
        })
      }
    })
    return {}
  },
}

export const oneVotePerTerm: PropertyDefinition = {
  id: 'raft-one-vote-per-term',
  mode: 'always',
  claim: 'a member votes for one candidate only in a term, over all its restarts',
  source: 'Raft paper, figure 2 (votedFor is persistent)',
  trigger: 'a vote was granted',
  catches: ['raft-vote-not-persisted'],
  monitor(cluster, report) {
    const votes = new Map<string, number>()
    onFact<RaftFact, 'raft-vote-granted'>(cluster, 'raft-vote-granted', (fact) => {
      report.reached()
      const key = `${fact.member} ${fact.term}`
      const candidate = votes.get(key)
      if (candidate === undefined) votes.set(key, fact.candidate)
      else if (candidate !== fact.candidate) {
        report.fail({
          subject: fact.member,
          shape: 'voted-twice',
          message: `${fact.member} voted for member ${candidate} and for member ${fact.candidate} in term ${fact.term}`,
        })
      }
    })
    return {}
  },
}
