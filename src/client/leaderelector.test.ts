/** Leader election on Leases: who may lead when, under late answers and clocks that differ. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Streams } from '../kernel/random.ts'
import { MILLISECOND, MINUTE, SECOND } from '../kernel/time.ts'
import type { Lease } from '../objects/index.ts'
import { ApiClient } from './apiclient.ts'
import type { ClientDecisions } from './decisions.ts'
import type { LeaderFact } from './facts.ts'
import { LeaderElector } from './leaderelector.ts'
import { FakeApi, failure, respond } from './testing.ts'

function setUp(candidates: number, frontEnds = 1, decisions: Partial<ClientDecisions> = {}, seed = 1) {
  const api = new FakeApi(frontEnds)
  const streams = new Streams(seed)
  const electors = Array.from({ length: candidates }, (_, index) => {
    const identity = `candidate-${index}`
    const client = new ApiClient({ servers: api.portsForNextClient(), user: 'test', name: identity, streams })
    api.attach(client)
    const callbacks = { onStartedLeading: () => {}, onStoppedLeading: () => {} }
    return new LeaderElector(client, { lease: 'scheduler', identity, streams, decisions }, callbacks)
  })
  const lease = () => api.objects<Lease>('leases').get('kube-system/scheduler')
  return { api, electors, lease }
}

test('the first candidate creates the lease, leads and renews every 2 s; the others wait', () => {
  const { api, electors, lease } = setUp(2)
  electors[0]?.start(api)
  api.advance(SECOND)
  electors[1]?.start(api)
  api.advance(MINUTE)
  expect(electors.map((elector) => elector.isLeader())).toEqual([true, false])
  expect(lease()?.spec).toMatchObject({
    holderIdentity: expect.stringMatching(/^candidate-0_[0-9a-f]{8}$/),
    leaseDurationSeconds: 15,
    acquireTime: '2025-01-01T00:00:00.002000Z',
    leaseTransitions: 0,
  })
  const writes = api.requests.filter(({ verb }) => verb === 'update').length
  expect(writes).toBeGreaterThanOrEqual(29)
  expect(writes).toBeLessThanOrEqual(31)
  expect(api.takeNotes<LeaderFact>('leader-started').map(({ identity, lease: name }) => [name, identity])).toEqual([
    ['kube-system/scheduler', 'candidate-0'],
  ])
})

test('a dead leader is followed after its lease has run out, counted from when it was last seen to renew', () => {
  const { api, electors, lease } = setUp(2)
  for (const elector of electors) elector.start(api)
  api.advance(10 * SECOND)
  const leader = electors.findIndex((elector) => elector.isLeader())
  const heir = electors[1 - leader] as LeaderElector
  electors[leader]?.stop(api, false)
  const diedAt = api.now
  while (!heir.isLeader()) api.fireNext()
  expect(api.now - diedAt).toBeGreaterThan(11 * SECOND)
  expect(api.now - diedAt).toBeLessThan(20 * SECOND)
  expect(lease()?.spec.leaseTransitions).toBe(1)
})

test('a leader that releases is followed at the next try', () => {
  const { api, electors } = setUp(2)
  for (const elector of electors) elector.start(api)
  api.advance(10 * SECOND)
  const leader = electors.findIndex((elector) => elector.isLeader())
  electors[leader]?.stop(api, true)
  api.advance(6 * SECOND)
  expect(electors[1 - leader]?.isLeader()).toBe(true)
})

test('a leader that cannot renew stops 12 s after it sent its last good request', () => {
  const { api, electors } = setUp(1)
  electors[0]?.start(api)
  api.advance(5 * SECOND)
  api.intercept = () => respond(failure(500, 'InternalError'))
  const lastGood = 4 * SECOND
  api.advance(lastGood + 12 * SECOND - api.now - 10 * MILLISECOND)
  expect(electors[0]?.isLeader()).toBe(true)
  api.advance(20 * MILLISECOND)
  expect(electors[0]?.isLeader()).toBe(false)
  api.intercept = undefined
  api.advance(30 * SECOND)
  expect(electors[0]?.isLeader()).toBe(true)
})

test('a leader that lost its lease, or began a new life, does not take it up before it has run out; who waited is first', () => {
  for (const restarts of [false, true]) {
    const { api, electors, lease } = setUp(2)
    electors[0]?.start(api)
    api.advance(SECOND)
    electors[1]?.start(api)
    api.advance(9 * SECOND)
    const held = lease()?.spec.holderIdentity
    if (restarts) electors[0]?.stop(api, false)
    else api.intercept = ({ verb }) => (verb === 'update' ? respond(failure(500, 'InternalError')) : undefined)
    api.advance(13 * SECOND)
    expect(electors[0]?.isLeader()).toBe(false)
    if (restarts) electors[0]?.start(api)
    else api.intercept = undefined
    api.advance(20 * SECOND)
    expect(electors.map((elector) => elector.isLeader())).toEqual([false, true])
    expect(lease()?.spec.holderIdentity).not.toBe(held)
    expect(lease()?.spec.leaseTransitions).toBe(1)
  }
})

test('a leader whose lease was taken by another stops as soon as it learns so', () => {
  const { api, electors, lease } = setUp(1)
  electors[0]?.start(api)
  api.advance(5 * SECOND)
  const held = lease() as Lease
  api.put('leases', { ...held, spec: { ...held.spec, holderIdentity: 'other', renewTime: 'x' } })
  api.advance(2 * SECOND)
  expect(electors[0]?.isLeader()).toBe(false)
})

/** The most leaders at any one time, from the facts. */
function leadersMax(notes: readonly LeaderFact[]): number {
  const leading = new Set<string>()
  let most = 0
  for (const { type, identity } of notes) {
    if (type === 'leader-started') leading.add(identity)
    else if (type === 'leader-stopped') leading.delete(identity)
    most = Math.max(most, leading.size)
  }
  return most
}

const step = fc.oneof(
  fc.record({
    what: fc.constantFrom('mute' as const, 'unmute' as const, 'down' as const, 'up' as const, 'cut' as const),
    frontEnd: fc.nat(2),
  }),
  fc.record({
    what: fc.constantFrom('lose-answers' as const, 'errors' as const, 'heal' as const),
    frontEnd: fc.nat(2),
  }),
  fc.record({ what: fc.constant('wait' as const), frontEnd: fc.integer({ min: 0, max: 20_000 }) }),
)

function run(
  steps: readonly { what: string; frontEnd: number }[],
  latency: number,
  decisions: Partial<ClientDecisions>,
) {
  const { api, electors } = setUp(3, 3, decisions, latency)
  api.latencyMicros = latency * MILLISECOND
  for (const elector of electors) elector.start(api)
  for (const { what, frontEnd } of steps) {
    const chosen = api.frontEnds[frontEnd % 3] as (typeof api.frontEnds)[number]
    if (what === 'mute' || what === 'unmute') chosen.muted = what === 'mute'
    else if (what === 'down' || what === 'up') chosen.up = what === 'up'
    else if (what === 'cut') api.disconnect(frontEnd)
    else if (what === 'lose-answers') api.intercept = () => 'effect-without-answer'
    else if (what === 'errors') api.intercept = () => respond(failure(500, 'InternalError'))
    else if (what === 'heal') api.intercept = undefined
    else api.advance(frontEnd * MILLISECOND)
  }
  const troubled = leadersMax(api.notes as LeaderFact[])
  api.intercept = undefined
  for (const frontEnd of api.frontEnds) {
    frontEnd.muted = false
    frontEnd.up = true
  }
  api.advance(3 * MINUTE)
  return { most: Math.max(troubled, leadersMax(api.notes as LeaderFact[])), electors }
}

test('at most one leader at any time under any failures, and one again after they heal', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.constantFrom(1, 30, 500, 1_200), (steps, latency) => {
      const { most, electors } = run(steps, latency, {})
      expect(most).toBeLessThanOrEqual(1)
      expect(electors.filter((elector) => elector.isLeader())).toHaveLength(1)
    }),
    { seed: 15, numRuns: 300 },
  )
})

test('seam leader-keeps-acting-after-losing-lease: a leader that does not stop soon has company', () => {
  const found = fc.check(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      expect(run(steps, 1, { stopsLeading: () => false }).most).toBeLessThanOrEqual(1)
    }),
    { seed: 16, numRuns: 300 },
  )
  expect(found.failed).toBe(true)
})
