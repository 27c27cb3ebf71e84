/**
 * The Raft machine alone, in memory and without the kernel: messages stepped while a leader replicates, among three, five
 * and, during a joint change, three and five members; heartbeats of an idle cluster; and copies of a member's state, which
 * exploring lives on.
 */
import { SECOND } from '../src/kernel/index.ts'
import { cloneState } from '../src/raft/state.ts'
import { TestCluster, type TestMember } from '../src/raft/testing.ts'
import { main } from './main.ts'
import { median, type Row } from './row.ts'

export const name = 'raft'

const REPETITIONS = 5
const PROPOSALS = 50_000

function seconds(work: () => void): number {
  const from = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - from) / 1e9
}

/** The first time warms the machine up and does not count. */
function repeated(measure: () => number): number {
  measure()
  return median(Array.from({ length: REPETITIONS }, measure))
}

function elected(members: number, joining = 0): { cluster: TestCluster; leader: TestMember } {
  const cluster = new TestCluster({ members, joining, seed: 1 })
  cluster.run(3 * SECOND)
  const leader = cluster.leader()
  if (leader === undefined) throw new Error('no leader')
  return { cluster, leader }
}

/** Messages a second that members take while the leader replicates proposals one by one. */
function replicated({ cluster, leader }: ReturnType<typeof elected>): number {
  let messages = 0
  const count = (): boolean => {
    messages++
    return false
  }
  const took = seconds(() => {
    for (let i = 0; i < PROPOSALS; i++) {
      cluster.propose(leader)
      cluster.settle(count)
      if (i % 1_000 === 0) for (const member of cluster.members) cluster.snapshot(member, 10)
    }
  })
  if (leader.state.commit < PROPOSALS) throw new Error(`only ${leader.state.commit} entries were committed`)
  return messages / took
}

/** The same while both the old three and the new five must agree. */
function joint(): number {
  const { cluster, leader } = elected(3, 2)
  cluster.change(
    leader,
    [
      { kind: 'add-voter', member: 4 },
      { kind: 'add-voter', member: 5 },
    ],
    'explicit',
  )
  cluster.run(SECOND)
  if (leader.state.membership.outgoing.length !== 3) throw new Error('the change is not joint')
  return replicated({ cluster, leader })
}

/** Heartbeats and their answers a second. */
function heartbeats(members: number): number {
  const { cluster } = elected(members)
  let messages = 0
  const took = seconds(() =>
    cluster.run(20_000 * SECOND, () => {
      messages++
      return false
    }),
  )
  return messages / took
}

/** Copies a second of a leader with 100 entries in its log. */
function copies(): number {
  const { cluster, leader } = elected(3)
  for (let i = 0; i < 100; i++) cluster.propose(leader)
  cluster.settle()
  const many = 200_000
  let entries = 0
  const took = seconds(() => {
    for (let i = 0; i < many; i++) entries += cloneState(leader.state).log.last
  })
  if (entries < many * 100) throw new Error('a copy lacks entries')
  return many / took
}

export async function run(): Promise<Row[]> {
  const row = (figure: string, measure: () => number): Row => ({ figure, value: repeated(measure), unit: '1/s' })
  return [
    row('raft: messages stepped, 3 members', () => replicated(elected(3))),
    row('raft: messages stepped, 5 members', () => replicated(elected(5))),
    row('raft: messages stepped, 3 and 5 members in a joint change', joint),
    row('raft: heartbeats stepped, 3 members', () => heartbeats(3)),
    row('raft: copies of a leader with 100 entries', copies),
  ]
}

await main(import.meta.url, name, run)
