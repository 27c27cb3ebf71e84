/** The vocabulary of stories about few members: a cluster with a leader, the others, who is cut off, what one receives. */
import { SECOND } from '../kernel/time.ts'
import type { RaftDecisions } from './decisions.ts'
import type { RaftMessage } from './messages.ts'
import { type Flying, TestCluster, type TestMember } from './testing.ts'

export function cluster(members = 3, decisions: Partial<RaftDecisions> = {}, seed: number | string = 1): TestCluster {
  return new TestCluster({ members, seed, decisions })
}

/** Runs until someone leads and everything is quiet. */
export function elected(members = 3, decisions: Partial<RaftDecisions> = {}): { c: TestCluster; leader: TestMember } {
  const c = cluster(members, decisions)
  c.run(4 * SECOND)
  const leader = c.leader()
  if (leader === undefined) throw new Error('nobody leads')
  return { c, leader }
}

export function others(c: TestCluster, member: TestMember): TestMember[] {
  return c.members.filter((other) => other !== member)
}

export function cutting(...ids: number[]): (flying: Flying) => boolean {
  return ({ from, to }) => ids.includes(from) !== ids.includes(to)
}

export function receive(c: TestCluster, member: TestMember, message: RaftMessage): void {
  c.step(member, { kind: 'message', message })
}
