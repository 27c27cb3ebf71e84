// Snapshots between members of a real cluster: how long they take on a thin link, what a cut in the middle does, what
// becomes of them when the receiver dies, and what Raft hears of it; and that nothing is sent in vain to who is silent.
import { describe, expect, test } from 'vitest'
import { MILLISECOND, type Micros, SECOND } from '../kernel/index.ts'
import type { EtcdSnapshotSent } from './facts.ts'
import { EtcdTrial } from './testing.ts'

const PIECE = 16 * 1024
const BYTES_PER_SECOND = 200_000

interface Sent {
  readonly at: Micros
  readonly delivered: boolean
}

/** Two members have taken in about a megabyte and compacted their logs while the third was cut off by a thin link. */
function behind(): { trial: EtcdTrial; leader: number; late: number; sent: Sent[]; heal: () => void } {
  const options = { snapshotEntries: 20, catchUpEntries: 5, snapshotPieceBytes: PIECE }
  const trial = new EtcdTrial({ seed: 'snapshot-stream', options })
  const sent: Sent[] = []
  trial.kernel.subscribe('etcd-snapshot-sent', (fact) => {
    sent.push({ at: trial.kernel.now, delivered: (fact as EtcdSnapshotSent).delivered })
  })
  const leader = trial.elect()
  const late = (leader + 1) % 3
  const heal = trial.isolate(late)
  for (let i = 0; i < 60; i++) put(trial, leader, `k${i}`, 16 * 1024)
  const [from, to] = [leader, late].map((place) => new Set([trial.members[place] as number]))
  const verdict = { kind: 'bandwidth', bytesPerSecond: BYTES_PER_SECOND } as const
  trial.kernel.network.addRule({ id: 'thin', from: from as Set<number>, to: to as Set<number>, verdict })
  return { trial, leader, late, sent, heal }
}

/** By way of a member that is not cut off. */
function put(trial: EtcdTrial, place: number, key: string, bytes: number): void {
  const result = trial.answerFrom(trial.members[place] as number, { type: 'put', key, value: bytes, bytes })
  if (!result.ok) throw new Error(result.message)
}

/** Runs until the snapshot's fate is told so often; gives how long that took. */
function until(trial: EtcdTrial, sent: readonly Sent[], count: number): Micros {
  const from = trial.kernel.now
  for (let i = 0; i < 4_000 && sent.length < count; i++) trial.run(10 * MILLISECOND)
  return trial.kernel.now - from
}

function areEqual(trial: EtcdTrial): void {
  trial.run(5 * SECOND)
  const [one, ...others] = [0, 1, 2].map((place) => trial.view(place))
  for (const other of others) {
    expect([other.revision, other.storeHash]).toEqual([one?.revision, one?.storeHash])
  }
}

describe('a snapshot on a thin link', () => {
  test('takes as long as its bytes do, is sent once, and everybody agrees', () => {
    const { trial, sent, heal } = behind()
    heal()
    const took = until(trial, sent, 1)
    expect(sent).toMatchObject([{ delivered: true }])
    // Some 980 kB at 200 kB/s; heartbeats go on beside it, so nobody campaigns.
    expect(took).toBeGreaterThan(4 * SECOND)
    expect(took).toBeLessThan(8 * SECOND)
    areEqual(trial)
    expect(sent).toHaveLength(1)
  })

  test('that is cut in the middle has failed after 5 s of silence, and begins anew', () => {
    const { trial, late, sent, heal } = behind()
    heal()
    trial.run(2 * SECOND)
    expect([sent.length, trial.view(late).revision]).toEqual([0, 1])
    const healAgain = trial.isolate(late)
    const took = until(trial, sent, 1)
    expect(sent).toMatchObject([{ delivered: false }])
    expect(took).toBeGreaterThan(4 * SECOND)
    expect(took).toBeLessThan(7 * SECOND)
    healAgain()
    until(trial, sent, 2)
    expect(sent.at(-1)?.delivered).toBe(true)
    areEqual(trial)
  })

  test('that hung for long begins anew soon after the link is healed, on a connection of its own', () => {
    const { trial, late, sent, heal } = behind()
    heal()
    trial.run(2 * SECOND)
    const healAgain = trial.isolate(late)
    // By now TCP would be silent for 12.8 s at a time.
    trial.run(20 * SECOND)
    healAgain()
    const before = sent.length
    const took = until(trial, sent, before + 1)
    expect(sent.at(-1)?.delivered).toBe(true)
    // Some 5 s on the thin link, and what is left of a pause between two attempts to dial.
    expect(took).toBeLessThan(8 * SECOND)
    areEqual(trial)
  })

  test('to a member that dies is given up at once, and what had arrived of it is worth nothing', () => {
    const { trial, late, sent, heal } = behind()
    const process = trial.members[late] as number
    heal()
    trial.run(2 * SECOND)
    trial.kernel.crash(process)
    expect(until(trial, sent, 1)).toBeLessThan(SECOND)
    expect(sent).toMatchObject([{ delivered: false }])
    trial.run(2 * SECOND)
    trial.kernel.restart(process)
    trial.run(SECOND)
    expect(trial.view(late).revision).toBe(1)
    const before = sent.length
    until(trial, sent, before + 1)
    expect(sent.at(-1)?.delivered).toBe(true)
    areEqual(trial)
  })
})

test('what is written while a member is silent is sent to it for 5 s, then no more', () => {
  const trial = new EtcdTrial({ seed: 'silence' })
  const leader = trial.elect()
  const silent = (leader + 1) % 3
  trial.run(SECOND)
  const [from, to] = [leader, silent].map((place) => new Set([trial.members[place] as number]))
  const verdict = { kind: 'drop' } as const
  const cut = trial.kernel.network.addRule({ id: 'cut', from: from as Set<number>, to: to as Set<number>, verdict })
  trial.kernel.network.addRule({ id: 'cut-back', from: to as Set<number>, to: from as Set<number>, verdict })
  const sentWhile = (seconds: number): number => {
    const before = cut.counters.dropped
    for (let i = 0; i < seconds * 10; i++) {
      put(trial, leader, 'k', 100)
      trial.run(100 * MILLISECOND)
    }
    return cut.counters.dropped - before
  }
  const first = sentWhile(4)
  trial.run(2 * SECOND)
  const later = sentWhile(4)
  // Heartbeats still go, ten a second; appends and what tells the commit index do not.
  expect(later).toBeLessThan(first / 2)
  expect(later).toBeGreaterThan(30)
})

test('what a follower hands on after a long silence does not queue behind what hung in the connection', () => {
  const trial = new EtcdTrial({ seed: 'handed-on' })
  const leader = trial.elect()
  const follower = (leader + 1) % 3
  const heal = trial.isolate(follower)
  const answer = trial.askFrom(trial.members[follower] as number, { type: 'put', key: 'hangs', value: 1 })
  trial.run(20 * SECOND)
  expect(answer()).toMatchObject({ ok: false, outcomeUnknown: true })
  heal()
  trial.run(2 * SECOND)
  const from = trial.kernel.now
  put(trial, follower, 'k', 100)
  expect(trial.kernel.now - from).toBeLessThan(SECOND)
})
