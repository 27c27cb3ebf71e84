// Whole clusters under random trouble (crashes that lose or tear what was not synced, partitions, lossy and slow links, slow
// disks): what clients were told must be true. Each historical bug makes some run of it fail.
import { describe, expect, test } from 'vitest'
import { InvariantError, type Micros, Rand, SECOND } from '../kernel/index.ts'
import type { RaftDecisions } from '../raft/index.ts'
import type { EtcdDecisions } from './decisions.ts'
import type { EtcdApplied, EtcdApplyBatch } from './facts.ts'
import { EtcdTrial, type Seen } from './testing.ts'
import { prefixEnd, type StoreEvent } from './types.ts'

class Broken extends Error {}

interface Asked {
  readonly tag: number
  readonly client: number
  readonly key: string
  readonly value: number
  readonly isRead: boolean
  /** The newest revision that any client had been told when this was asked. */
  readonly known: number
}

/** What is true: the events of each revision as the first member applied them, and every member's state at each index. */
class TruthOfTrial {
  readonly revisions = new Map<number, readonly StoreEvent[]>()
  readonly #hashes = new Map<number, number>()

  constructor(trial: EtcdTrial) {
    trial.kernel.subscribe('etcd-applied', (fact) => {
      const { revision, events } = fact as EtcdApplied
      const before = this.revisions.get(revision)
      if (before === undefined) this.revisions.set(revision, events)
      else if (before.some((event, i) => event.value !== events[i]?.value)) {
        throw new Broken(`two histories at revision ${revision}`)
      }
    })
    trial.kernel.subscribe('etcd-apply-batch', (fact) => {
      const { to, storeHash, member } = fact as EtcdApplyBatch
      const before = this.#hashes.get(to)
      if (before !== undefined && before !== storeHash) throw new Broken(`${member} differs at index ${to}`)
      this.#hashes.set(to, storeHash)
    })
  }

  /** The value of a key as of a revision. */
  valueAt(key: string, revision: number): unknown {
    for (let at = revision; at > 1; at--) {
      const event = this.revisions.get(at)?.find((one) => one.key === key)
      if (event !== undefined) return event.value
    }
    return undefined
  }
}

interface Play {
  readonly members?: number
  readonly raft?: Partial<RaftDecisions>
  readonly etcd?: Partial<EtcdDecisions>
  /** Pause between two requests. */
  readonly gap?: Micros
  readonly crashes?: number
  /** Crash everyone right after an answer, now and then. */
  readonly blackouts?: boolean
}

interface Outcome {
  answered: number
  failed: number
  reads: number
  watched: number
}

function play(
  seed: number,
  { members = 3, raft = {}, etcd = {}, gap = 40_000, crashes = 4, blackouts = false }: Play,
): Outcome {
  const draws = new Rand(seed, 4_711)
  const trial = new EtcdTrial({
    seed,
    members,
    clients: 3,
    options: { raftDecisions: raft, decisions: etcd, snapshotEntries: 60, catchUpEntries: 20 },
  })
  const { kernel } = trial
  const truth = new TruthOfTrial(trial)
  trial.run(2 * SECOND)
  const watches: Seen[] = [0, 1].map((client) =>
    trial.watch({ key: 'k', rangeEnd: prefixEnd('k'), startRevision: 2, previousValue: true }, client),
  )
  const asked: Asked[] = []
  let known = 1
  let value = 0
  const looked = [0, 0, 0]
  const look = () => {
    for (let client = 0; client < 3; client++) {
      const { answers } = trial.client(client)
      while (looked[client]! < answers.length && answers[looked[client]!] !== undefined) {
        const { result } = answers[looked[client]!]!
        if (result.ok && 'revision' in result.value) known = Math.max(known, result.value.revision)
        looked[client]!++
      }
    }
  }
  const ends = kernel.now + 20 * SECOND
  const heals: { at: Micros; heal: () => void }[] = []
  let nextFault = kernel.now + draws.intAt(0, 3 * SECOND, 1)
  let faults = 0
  for (let i = 0; kernel.now < ends; i++) {
    trial.run(draws.intAt(1, 2 * gap, i, 2))
    look()
    const client = draws.intAt(0, 2, i, 3)
    const key = `k${draws.intAt(0, 2, i, 4)}`
    const isRead = draws.chanceAt(300_000, i, 5)
    if (trial.client(client).client.pendingCount < 8) {
      const request = isRead ? ({ type: 'range', key } as const) : ({ type: 'put', key, value: ++value } as const)
      asked.push({ tag: trial.ask(request, client), client, key, value, isRead, known })
    }
    for (const one of heals) if (one.at <= kernel.now) one.heal()
    for (let at = heals.length - 1; at >= 0; at--) if (heals[at]!.at <= kernel.now) heals.splice(at, 1)
    if (kernel.now < nextFault || faults >= crashes) continue
    faults++
    nextFault = kernel.now + draws.intAt(SECOND / 10, 5 * SECOND, i, 6)
    const place = draws.intAt(0, members - 1, i, 7)
    const id = trial.members[place]!
    const at = kernel.now + draws.intAt(SECOND / 10, 4 * SECOND, i, 8)
    switch (blackouts ? 9 : draws.intAt(0, 5, i, 9)) {
      case 0:
      case 1:
        kernel.crash(id)
        heals.push({ at, heal: () => kernel.restart(id) })
        break
      case 2:
        heals.push({ at, heal: trial.isolate(place) })
        break
      case 3: {
        const rules = [
          kernel.network.addRule({ id: `loss-${i}`, verdict: { kind: 'loss', ppm: 100_000 } }),
          kernel.network.addRule({
            id: `copies-${i}`,
            verdict: { kind: 'duplicate', ppm: 100_000, windowMicros: 50_000 },
          }),
          kernel.network.addRule({ id: `late-${i}`, verdict: { kind: 'reorder', ppm: 200_000, windowMicros: 30_000 } }),
        ]
        heals.push({
          at,
          heal: () => {
            for (const rule of rules) rule.remove()
          },
        })
        break
      }
      case 4:
        kernel.deviceOf(id).setSlow(20)
        heals.push({ at, heal: () => kernel.deviceOf(id).setSlow(1) })
        break
      case 5:
        kernel.pause(id)
        heals.push({ at, heal: () => kernel.resume(id) })
        break
      default:
        for (const member of trial.members) kernel.crash(member)
        heals.push({
          at: kernel.now + 1,
          heal: () => {
            for (const member of trial.members) kernel.restart(member)
          },
        })
    }
  }
  for (const { heal } of heals) heal()
  trial.run(30 * SECOND)
  return judge(trial, truth, asked, watches)
}

function judge(trial: EtcdTrial, truth: TruthOfTrial, asked: readonly Asked[], watches: readonly Seen[]): Outcome {
  const outcome: Outcome = { answered: 0, failed: 0, reads: 0, watched: 0 }
  for (const one of asked) {
    const answer = trial.client(one.client).answers[one.tag]
    if (answer === undefined) throw new Broken('a request was never answered')
    if (!answer.result.ok) {
      outcome.failed++
      continue
    }
    outcome.answered++
    const { value } = answer.result
    if (one.isRead && value.type === 'range') {
      outcome.reads++
      if (value.revision < one.known) throw new Broken(`a read at ${value.revision} after ${one.known} was known`)
      if (value.values[0]?.value !== truth.valueAt(one.key, value.revision))
        throw new Broken('a read of what never was')
    } else if (value.type !== 'put' || truth.revisions.get(value.revision)?.[0]?.value !== one.value) {
      throw new Broken(`the write of ${one.value} is lost`)
    }
  }
  if (trial.leaders().length !== 1) throw new Broken('no leader long after everything was healed')
  const views = trial.members.map((_, index) => trial.view(index))
  if (new Set(views.map((view) => `${view.revision} ${view.storeHash}`)).size !== 1) throw new Broken('members differ')
  const newest = Math.max(...truth.revisions.keys())
  if (views[0]!.revision < newest) throw new Broken('a revision that was applied is gone')
  for (const seen of watches) {
    const revisions = seen.events.map((event) => event.kv.modRevision)
    outcome.watched += revisions.length
    if (revisions.some((revision, i) => revision !== i + 2)) throw new Broken('a watch has a hole')
    if (revisions.length !== newest - 1) throw new Broken('a watch is behind for ever')
  }
  return outcome
}

test('40 random runs: answers are true, reads are linearizable, watches complete, members equal', () => {
  const sum: Outcome = { answered: 0, failed: 0, reads: 0, watched: 0 }
  for (let seed = 1; seed <= 40; seed++) {
    const outcome = play(seed, { members: seed % 4 === 0 ? 5 : 3 })
    for (const name of ['answered', 'failed', 'reads', 'watched'] as const) sum[name] += outcome[name]
  }
  expect(sum.answered).toBeGreaterThan(10_000)
  expect(sum.failed).toBeGreaterThan(60)
  expect(sum.reads).toBeGreaterThan(2_500)
  expect(sum.watched).toBeGreaterThan(10_000)
})

function hunt(runs: number, options: Play): string | undefined {
  for (let seed = 1; seed <= runs; seed++) {
    try {
      play(seed, options)
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
      if (cause instanceof Broken || cause instanceof InvariantError) return `${seed}: ${cause.message}`
      throw error
    }
  }
  return undefined
}

describe('historical bugs', () => {
  test.each<[name: string, runs: number, options: Play]>([
    ['nothing, in blackouts', 0, { blackouts: true, gap: 4_000, crashes: 12 }],
    ['nothing, with one member', 0, { members: 1, blackouts: true, gap: 4_000, crashes: 12 }],
    [
      'ack before wal, one member',
      30,
      { members: 1, raft: { ownMatch: (_durable, last) => last }, blackouts: true, gap: 2_000, crashes: 12 },
    ],
    [
      'entries acknowledged before they are durable',
      30,
      {
        raft: { entriesWaitForDisk: () => false, ownMatch: (_durable, last) => last },
        blackouts: true,
        gap: 2_000,
        crashes: 12,
      },
    ],
    [
      'applied index not atomic',
      60,
      { etcd: { consistentIndex: (_settled, open) => open }, blackouts: true, gap: 4_000, crashes: 30 },
    ],
  ])('%s', (_name, runs, options) => {
    if (runs === 0) expect(hunt(5, options)).toBeUndefined()
    else expect(hunt(runs, options)).toBeDefined()
  })
})
