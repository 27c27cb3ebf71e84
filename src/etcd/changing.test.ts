// Members join, learn, are promoted and removed while others crash and are cut off: what was acknowledged stays, all agree.
import { expect, test } from 'vitest'
import { type ProcessId, Rand, SECOND } from '../kernel/index.ts'
import type { EtcdApplied, EtcdApplyBatch, EtcdRefused } from './facts.ts'
import type { EtcdRequest } from './requests.ts'
import { EtcdTrial } from './testing.ts'

const SOON = 150_000

/** One random run. Gives how many writes and how many changes of members were acknowledged. */
function play(seed: number): { readonly writes: number; readonly changes: number } {
  const draws = new Rand(seed, 31)
  const trial = new EtcdTrial({ seed, clients: 2, options: { snapshotEntries: 60, catchUpEntries: 20 } })
  const { kernel } = trial
  const values = agreeing(trial)
  const processes: ProcessId[] = [...trial.members]
  const memberOf = (process: ProcessId): number => {
    const first = trial.members.indexOf(process)
    return first >= 0 ? first + 1 : trial.members.length + process
  }
  const change = (at: number): EtcdRequest => {
    const member = memberOf(processes[draws.intAt(0, processes.length - 1, at, 4)] as ProcessId)
    switch (draws.intAt(0, 3, at, 2)) {
      case 0:
      case 1: {
        const process = processes.length < 7 ? trial.join(`joiner-${at}`) : (processes.at(-1) as ProcessId)
        if (!processes.includes(process)) processes.push(process)
        return { type: 'member-add', process, isLearner: draws.chanceAt(500_000, at, 3) }
      }
      case 2:
        return { type: 'member-promote', member }
      default:
        return { type: 'member-remove', member }
    }
  }
  const heals: (() => void)[] = []
  const strike = (at: number): void => {
    while (heals.length > 0) heals.shift()?.()
    const process = processes[draws.intAt(0, processes.length - 1, at, 5)] as ProcessId
    if (draws.chanceAt(500_000, at, 6)) {
      kernel.crash(process)
      heals.push(() => kernel.restart(process))
    } else heals.push(trial.isolate(draws.intAt(0, 2, at, 7)))
  }
  trial.run(2 * SECOND)
  const puts: { readonly tag: number; readonly value: number }[] = []
  for (let i = 0; i < 400; i++) {
    trial.run(draws.intAt(0, SOON, i, 1))
    const { pendingCount } = trial.client(0).client
    if (pendingCount < 4) puts.push({ tag: trial.ask({ type: 'put', key: `k${i % 5}`, value: i }), value: i })
    if (i % 8 === 5) trial.ask(change(i), 1)
    if (i % 25 === 9) strike(i)
  }
  for (const heal of heals) heal()
  trial.run(60 * SECOND)
  return { writes: judge(trial, processes, puts, values), changes: answered(trial, 1) }
}

/** Fails as soon as two members apply different things; gives what was written at each revision. */
function agreeing(trial: EtcdTrial): ReadonlyMap<number, unknown> {
  const values = new Map<number, unknown>()
  const hashes = new Map<number, number>()
  trial.kernel.subscribe('etcd-applied', (fact) => {
    const { revision, events } = fact as EtcdApplied
    const value = events[0]?.value
    if (values.has(revision)) expect(value, `revision ${revision}`).toBe(values.get(revision))
    values.set(revision, value)
  })
  trial.kernel.subscribe('etcd-apply-batch', (fact) => {
    const { to, storeHash } = fact as EtcdApplyBatch
    expect(storeHash, `index ${to}`).toBe(hashes.get(to) ?? storeHash)
    hashes.set(to, storeHash)
  })
  return values
}

function answered(trial: EtcdTrial, client: number): number {
  return trial.client(client).answers.filter((answer) => answer?.result.ok === true).length
}

/** Everybody who belongs is there and equal, and what was acknowledged is written. Gives how many writes that were. */
function judge(
  trial: EtcdTrial,
  processes: readonly ProcessId[],
  puts: readonly { readonly tag: number; readonly value: number }[],
  values: ReadonlyMap<number, unknown>,
): number {
  const leading = processes.filter((process) => trial.viewOf(process).role === 'leader')
  expect(leading).toHaveLength(1)
  const leader = leading[0] as ProcessId
  const members = trial.answerFrom(leader, { type: 'member-list' })
  if (!members.ok || members.value.type !== 'members') throw new Error('no list of members')
  const { revision, storeHash } = trial.viewOf(leader)
  for (const { process } of members.value.members) {
    expect(trial.viewOf(process), `process ${process}`).toMatchObject({ isRunning: true, revision, storeHash })
  }
  let writes = 0
  for (const { tag, value } of puts) {
    const result = trial.client(0).answers[tag]?.result
    if (result?.ok !== true || result.value.type !== 'put') continue
    writes++
    expect(values.get(result.value.revision)).toBe(value)
  }
  return writes
}

test('20 random runs', () => {
  let [writes, changes] = [0, 0]
  for (let seed = 1; seed <= 20; seed++) {
    const run = play(seed)
    writes += run.writes
    changes += run.changes
  }
  expect(writes).toBeGreaterThan(2_000)
  expect(changes).toBeGreaterThan(100)
})

test('a member that was removed while it was down is told so when it comes back, and is gone', () => {
  const trial = new EtcdTrial({ seed: 'told' })
  const leader = trial.elect()
  const away = (leader + 1) % 3
  const process = trial.members[away] as ProcessId
  const [there] = trial.members.filter((id) => id !== process) as [ProcessId]
  const reasons: string[] = []
  trial.kernel.subscribe('etcd-member-refused', (fact) => {
    reasons.push((fact as EtcdRefused).reason)
  })
  trial.run(SECOND)
  trial.kernel.crash(process)
  expect(trial.answerFrom(there, { type: 'member-remove', member: away + 1 }).ok).toBe(true)
  trial.kernel.restart(process)
  trial.run(SECOND / 10)
  // Its disk knows of nothing, so it starts, and asks for votes once its pause is over.
  expect(trial.view(away)).toMatchObject({ isRunning: true, voters: [1, 2, 3] })
  trial.run(2 * SECOND)
  expect([trial.view(away).isRunning, reasons]).toEqual([false, ['removed']])
  expect(trial.leaders()).toEqual([leader])
})
