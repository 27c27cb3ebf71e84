// Random networks: any message lost, doubled, late; members crash and lose what was not synced. Safety must hold with the
// right decisions, and every historical bug must break it within a bounded number of runs.
import { expect, test } from 'vitest'
import { InvariantError } from '../kernel/invariant.ts'
import { type Rand, Streams } from '../kernel/random.ts'
import type { RaftDecisions } from './decisions.ts'
import type { MemberChange, Transition } from './membership.ts'
import { TestCluster } from './testing.ts'
import { RaftViolation } from './testingsafety.ts'

interface Hand {
  readonly members: number
  /** So many more may be added. */
  readonly joining: number
  readonly steps: number
  /** Chances in parts per million of a step. */
  readonly drop: number
  readonly duplicate: number
  readonly crash: number
  /** Whoever leads dies. */
  readonly leaderCrash: number
  readonly restart: number
  readonly sync: number
  readonly propose: number
  readonly read: number
  readonly snapshot: number
  /** Somebody is added, removed, promoted or demoted, alone or jointly. */
  readonly change: number
  readonly maxAppendBytes: number
}

/** Each run plays with a different hand: some kinds of trouble are switched off, others are frequent. */
/** Leaders die young, one entry a message: what figure 8 of the Raft paper needs. */
const YOUNG_LEADERS_DIE: Hand = {
  members: 5,
  joining: 0,
  steps: 1_500,
  drop: 0,
  duplicate: 0,
  crash: 3_000,
  leaderCrash: 80_000,
  restart: 40_000,
  sync: 1_000_000,
  propose: 0,
  read: 0,
  snapshot: 0,
  change: 0,
  maxAppendBytes: 1,
}

function handOf(seed: number, draws: Rand): Hand {
  if (seed % 8 === 0) return YOUNG_LEADERS_DIE
  const some = (address: number, ppm: number) => (draws.chanceAt(600_000, seed, address) ? ppm : 0)
  return {
    members: draws.pickAt([1, 3, 3, 3, 5, 5, 5], seed, 1),
    joining: 0,
    steps: 1_500,
    drop: some(2, draws.intAt(10_000, 300_000, seed, 3)),
    duplicate: some(4, 60_000),
    crash: some(5, draws.intAt(2_000, 25_000, seed, 6)),
    leaderCrash: some(11, draws.intAt(2_000, 40_000, seed, 12)),
    restart: draws.intAt(10_000, 100_000, seed, 13),
    sync: draws.intAt(200_000, 1_000_000, seed, 14),
    propose: draws.intAt(5_000, 60_000, seed, 7),
    read: some(8, 30_000),
    snapshot: some(9, 20_000),
    change: 0,
    maxAppendBytes: draws.chanceAt(500_000, seed, 10) ? 1 : 100_000,
  }
}

interface Seen {
  elections: number
  applied: number
  reads: number
  crashes: number
  changes: number
}

const DRAWS = new Streams('raft-safety').get('hand')

function play(seed: number, decisions: Partial<RaftDecisions>, seen?: Seen, hand = handOf(seed, DRAWS)): void {
  const draws = DRAWS
  const cluster = new TestCluster({
    members: hand.members,
    joining: hand.joining,
    seed,
    decisions,
    raft: { maxAppendBytes: hand.maxAppendBytes },
  })
  const { members } = cluster
  const pick = (i: number, a: number) => members[draws.intAt(0, members.length - 1, seed, i, a)]!
  let crashes = 0
  for (let i = 0; i < hand.steps; i++) {
    if (draws.chanceAt(hand.crash, seed, i, 1)) {
      const member = pick(i, 2)
      if (member.alive) {
        crashes++
        cluster.crash(member)
      }
    }
    if (draws.chanceAt(hand.leaderCrash, seed, i, 20)) {
      const member = cluster.leader()
      if (member !== undefined) {
        crashes++
        cluster.crash(member)
      }
    }
    if (draws.chanceAt(hand.restart, seed, i, 3)) {
      const member = pick(i, 4)
      if (!member.alive) cluster.restart(member)
    }
    if (draws.chanceAt(hand.propose, seed, i, 5)) cluster.propose(cluster.leader() ?? pick(i, 6))
    if (draws.chanceAt(hand.change, seed, i, 30)) {
      cluster.change(cluster.leader() ?? pick(i, 31), ...changeOf(seed, i, members.length))
    }
    if (draws.chanceAt(hand.read, seed, i, 7)) cluster.read(pick(i, 8))
    if (draws.chanceAt(hand.snapshot, seed, i, 9)) cluster.snapshot(pick(i, 10), draws.intAt(0, 3, seed, i, 11))
    if (draws.chanceAt(hand.sync, seed, i, 12)) cluster.sync(pick(i, 13))
    const flying = cluster.flying
    if (flying.length > 0 && draws.chanceAt(900_000, seed, i, 14)) {
      // Mostly the oldest, sometimes any.
      const at = draws.chanceAt(700_000, seed, i, 15) ? 0 : draws.intAt(0, flying.length - 1, seed, i, 16)
      const message = flying[at]!
      if (!draws.chanceAt(hand.duplicate, seed, i, 17)) flying.splice(at, 1)
      if (draws.chanceAt(hand.drop, seed, i, 18)) cluster.lose(message)
      else cluster.deliver(message)
      if (flying.length > 400) flying.splice(0, 200)
    } else {
      cluster.advanceTo(cluster.now + draws.intAt(0, 400_000, seed, i, 19))
    }
    if (i % 16 === 0) cluster.check.logsMatch(members)
  }
  cluster.check.logsMatch(members)
  if (seen === undefined) return
  seen.elections += cluster.check.elections
  seen.applied += cluster.check.applied.length
  seen.reads += cluster.check.readsAnswered
  seen.crashes += crashes
  for (const fact of cluster.facts) if (fact.type === 'raft-membership-changed') seen.changes++
}

/** One to three steps over any of the members; sometimes the end of an explicit change. */
function changeOf(seed: number, i: number, members: number): [steps: MemberChange[], transition: Transition] {
  const draws = DRAWS
  const kinds = ['add-voter', 'add-voter', 'add-learner', 'remove'] as const
  const count = draws.pickAt([0, 1, 1, 1, 2, 3], seed, i, 32)
  const steps = Array.from({ length: count }, (_, at) => ({
    kind: draws.pickAt(kinds, seed, i, 40 + at),
    member: draws.intAt(1, members, seed, i, 50 + at),
  }))
  const transition = count === 0 ? 'auto' : draws.pickAt(['auto', 'auto', 'implicit', 'explicit'] as const, seed, i, 35)
  return [steps, transition]
}

function changing(seed: number): Hand {
  const hand = handOf(seed % 8 === 0 ? seed + 1 : seed, DRAWS)
  return { ...hand, members: DRAWS.intAt(1, 4, seed, 40), joining: 2, change: 20_000, steps: 2_500 }
}

/** How many runs until a defect shows; undefined if it never does. */
function hunt(
  decisions: Partial<RaftDecisions>,
  runs: number,
  handFor?: (seed: number) => Hand,
): { run: number; message: string } | undefined {
  for (let seed = 1; seed <= runs; seed++) {
    try {
      play(seed, decisions, undefined, handFor?.(seed))
    } catch (error) {
      if (error instanceof RaftViolation || error instanceof InvariantError)
        return { run: seed, message: error.message }
      throw error
    }
  }
  return undefined
}

test('safety holds in 400 random networks, which elect, commit, read and crash', () => {
  const seen: Seen = { elections: 0, applied: 0, reads: 0, crashes: 0, changes: 0 }
  for (let seed = 1; seed <= 400; seed++) play(seed, {}, seen)
  expect(seen.elections).toBeGreaterThan(900)
  expect(seen.applied).toBeGreaterThan(2_000)
  expect(seen.reads).toBeGreaterThan(300)
  expect(seen.crashes).toBeGreaterThan(500)
})

test('safety holds in 200 random networks whose membership changes', () => {
  const seen: Seen = { elections: 0, applied: 0, reads: 0, crashes: 0, changes: 0 }
  for (let seed = 1; seed <= 200; seed++) play(seed, {}, seen, changing(seed))
  expect(seen.elections).toBeGreaterThan(400)
  expect(seen.changes).toBeGreaterThan(2_000)
})

// Changes taken too early need more luck than this: change.test.ts tells that story step by step.
const DEFECTS: readonly [
  name: string,
  decisions: Partial<RaftDecisions>,
  runs: number,
  handFor?: (seed: number) => Hand,
][] = [
  ['commit-prior-term-by-count', { commitsByCounting: () => true }, 3_000, () => YOUNG_LEADERS_DIE],
  ['vote-not-persisted', { hardStateWaitsForDisk: () => false }, 400],
  ['stale-append-truncates-log', { cutsLogFrom: (_conflict, previous) => previous + 1 }, 400],
  ['readindex-before-term-commit', { servesReads: () => true }, 1_000],
  ['ack-before-wal', { ownMatch: (_durable, last) => last }, 400],
  ['conflict-tail-kept', { keepsTailAfterConflict: () => true }, 400],
  ['compacted-prev-treated-as-conflict', { compactedPreviousConflicts: () => true }, 1_000],
  ['followers acknowledge before the disk', { entriesWaitForDisk: () => false }, 1_000],
]

test.each(DEFECTS)('%s breaks safety', (_name, decisions, runs, handFor) => {
  const found = hunt(decisions, runs, handFor)
  expect(found).toBeDefined()
})
