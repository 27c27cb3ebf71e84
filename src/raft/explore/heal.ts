/**
 * Is there always a way back? From any cluster that the search reaches, some members stay down for good and those that are
 * left, enough to decide, get a network that loses nothing: then there must be a leader within so many election time-outs,
 * and what is proposed must be committed. (Raft paper 5.4.3: what safety alone does not promise)
 */
import { SECOND } from '../../kernel/time.ts'
import type { RaftDecisions } from '../decisions.ts'
import { changed, MembershipChange } from '../membership.ts'
import { cloneState } from '../state.ts'
import { TestCluster, type TestMember } from '../testing.ts'
import type { MemberId, Membership } from '../types.ts'
import { NOW } from './clock.ts'
import type { Member } from './member.ts'
import { isQuorum, quorumsBy } from './overlap.ts'
import type { Claim } from './search.ts'
import type { Reached } from './world.ts'

/** Longest lower bound of an election time-out. */
const ELECTION_TIMEOUT = SECOND

export interface Healing {
  readonly decisions: Partial<RaftDecisions>
  /** How many election time-outs there are until a leader is there, and again until a proposal is committed. */
  readonly timeouts: number
}

/** A claim for `explore`: whoever is left, if they can decide, goes on. */
export function goesOn({ decisions, timeouts }: Healing): Claim {
  return (reached) => {
    const count = reached.members.length
    for (let set = 2; set < 2 << count; set += 2) {
      if (!canDecide(reached, set)) continue
      const left = reached.members.filter(({ id }) => has(set, id))
      const cluster = healed(reached, left, decisions)
      const stuck = comesBack(cluster, left, timeouts)
      if (stuck !== undefined) return `a way back: members ${left.map(({ id }) => id).join(' ')} alone, ${stuck}`
    }
    return undefined
  }
}

function has(set: number, id: MemberId): boolean {
  return (set & (1 << id)) !== 0
}

/** By what is committed, and by what each of them that votes uses now and may come to use. */
function canDecide({ members, electorates }: Reached, set: number): boolean {
  if (!electorates.slice(0, 1).every((electorate) => isQuorum(set, electorate))) return false
  return members.filter(({ id }) => has(set, id)).every((member) => viewsOf(member).every((view) => decides(set, view)))
}

function decides(set: number, membership: Membership): boolean {
  return isQuorum(set, quorumsBy(membership))
}

/** The memberships that a member uses, and will when it applies its log; none if it takes itself for a learner. */
function viewsOf({ state, id }: Member): readonly Membership[] {
  if (state === undefined || !state.membership.voters.includes(id)) return []
  const views = [state.membership]
  for (let index = state.applied + 1; index <= state.log.last; index++) {
    const change = state.log.entryAt(index)?.data
    const next = change instanceof MembershipChange ? changed(views.at(-1) as Membership, change) : 'not-joint'
    if (typeof next !== 'string') views.push(next)
  }
  return views
}

/** A cluster that goes on from there: its disks finish what they were given, whoever is down and left starts again. */
function healed(
  { members, underWay }: Reached,
  left: readonly Member[],
  decisions: Partial<RaftDecisions>,
): TestCluster {
  const cluster = new TestCluster({ members: members.length, seed: 1, decisions })
  cluster.flying = []
  cluster.now = NOW
  for (const { id, state, disk, writes } of members) {
    const member = cluster.member(id)
    if (!left.some((one) => one.id === id)) {
      cluster.crash(member)
      continue
    }
    const { hardState, entries, snapshot } = disk
    if (state === undefined) {
      Object.assign(member.disk, { hardState, entries: [...entries], snapshot })
      cluster.crash(member)
      cluster.restart(member)
    } else {
      cluster.adopt(id, cloneState(state), { hardState, entries: [...entries], snapshot })
      member.writes = [...writes, ...member.writes]
    }
  }
  // What those said last who stay down is lost: it may speak of a membership that could not decide without them.
  cluster.flying.push(...underWay.filter(({ from }) => cluster.member(from).alive))
  return cluster
}

/** What does not happen in time, or nothing. */
function comesBack(cluster: TestCluster, left: readonly Member[], timeouts: number): string | undefined {
  const alive = left.map(({ id }) => cluster.member(id))
  const within = timeouts * ELECTION_TIMEOUT
  const leads = () => alive.some(({ state }) => state.role === 'leader' && state.commit >= state.termStart)
  if (!waits(cluster, within, leads)) return `nobody leads after ${timeouts} election time-outs`
  const proposal = cluster.propose(alive[0] as TestMember)
  const commits = () => {
    const leader = cluster.leader()
    if (leader === undefined) return false
    if (cluster.knows(leader, proposal)) return true
    cluster.propose(leader, proposal)
    return false
  }
  return waits(cluster, within, commits)
    ? undefined
    : `a proposal is not committed after ${timeouts} election time-outs`
}

/** Time passes in heartbeats until something is so. */
function waits(cluster: TestCluster, micros: number, isSo: () => boolean): boolean {
  for (let waited = 0; waited < micros; waited += SECOND / 10) {
    if (isSo()) return true
    cluster.run(SECOND / 10)
  }
  return isSo()
}
