/** Properties made of formulas, held against stories that are told event by event: verdicts, moments, what is reached and waited for. */
import { expect, test } from 'vitest'
import { SECOND } from '../../kernel/index.ts'
import { isPodReady } from '../../objects/index.ts'
import {
  always,
  and,
  asked,
  type Claim,
  disturbed,
  eventually,
  every,
  forEach,
  forEachFact,
  happens,
  implies,
  leadsTo,
  never,
  next,
  not,
  or,
  property,
  quiet,
  reached,
  some,
  sometimes,
  stable,
  state,
  until,
  within,
} from './index.ts'
import { Stage } from './testing.ts'

const stage = (...formula: Claim[]) => new Stage(property({ id: 'tested', claim: 'tested', formula }))
const ready = (isReady: boolean) => ({
  status: { conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
})
const LEAVING = { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }
const outcome = ({ violations }: Stage) => violations.map(({ at, subject, shape }) => [at / SECOND, subject, shape])

const leavingPodsGo = () =>
  forEach('pods', (pod) =>
    leadsTo(
      pod.is('leaving', ({ metadata }) => metadata.deletionTimestamp !== undefined),
      within(30 * SECOND, pod.gone),
    ),
  )

test('a pod that leaves and is gone in time keeps the promise; it was reached', () => {
  const told = stage(leavingPodsGo())
    .at(SECOND)
    .put('pods', 'a')
    .at(5 * SECOND)
  expect(told.met).toEqual(['a Pod'])
  told.put('pods', 'a', LEAVING)
  expect([told.met, told.isReached]).toEqual([['a Pod', 'a Pod with "leaving"'], true])
  told
    .at(20 * SECOND)
    .remove('pods', 'a')
    .end(100 * SECOND)
  expect(outcome(told)).toEqual([])
})

test('a deadline is missed at its very end, and no sooner', () => {
  const told = stage(leavingPodsGo())
    .put('pods', 'a')
    .at(5 * SECOND)
    .put('pods', 'a', LEAVING)
  expect(outcome(told.at(35 * SECOND))).toEqual([])
  expect(outcome(told.at(35 * SECOND + 1))).toEqual([[35, 'Pod default/a', 'late-gone']])
  const [{ message, saw, details }] = told.violations as never as [{ message: string; saw: string; details: object }]
  expect(message).toBe(
    'Pod default/a: "gone" was to come within 30 s after "leaving" at 0:05.000, by 0:35.000, and did not',
  )
  expect(saw).toBe('metadata.deletionTimestamp: nothing -> 2026-01-01T00:00:00Z')
  expect(details).toMatchObject({
    formula: 'for each Pod: always ("leaving" implies (within 30 s "gone"))',
    failed: '"gone"',
    how: 'late',
    sinceMicros: 5 * SECOND,
    untilMicros: 35 * SECOND,
    because: '"leaving"',
    key: 'default/a',
    before: { metadata: { name: 'a' } },
    after: LEAVING,
  })
})

test('gone at the last moment is in time', () => {
  const told = stage(leavingPodsGo())
    .put('pods', 'a', LEAVING)
    .at(30 * SECOND)
    .remove('pods', 'a')
    .end(60 * SECOND)
  expect(outcome(told)).toEqual([])
})

test('a bound that ends after the trial is neither kept nor broken', () => {
  const told = stage(leavingPodsGo())
    .put('pods', 'a', LEAVING)
    .end(10 * SECOND)
  expect([outcome(told), told.isReached]).toEqual([[], true])
})

test('each object has its own time, also two of one name after each other', () => {
  const told = stage(leavingPodsGo())
    .put('pods', 'a', LEAVING)
    .at(10 * SECOND)
    .put('pods', 'b', LEAVING)
  told
    .at(29 * SECOND)
    .remove('pods', 'a')
    .put('pods', 'a')
    .at(35 * SECOND)
  expect(outcome(told)).toEqual([])
  expect(outcome(told.at(50 * SECOND))).toEqual([[40, 'Pod default/b', 'late-gone']])
})

test('what was to come of an object is owed no more once it is removed, unless its removal judges', () => {
  const claim = (removal: 'releases' | 'judges') =>
    forEach('pods', (pod) => eventually(pod.is('ready', isPodReady)), { removal })
  const told = (removal: 'releases' | 'judges') =>
    outcome(
      stage(claim(removal))
        .put('pods', 'a')
        .at(SECOND)
        .remove('pods', 'a')
        .end(9 * SECOND),
    )
  expect(told('releases')).toEqual([])
  expect(told('judges')).toEqual([[1, 'Pod default/a', 'missing-ready']])
})

test('eventually without a bound is judged when the trial ends, which waits for it', () => {
  const told = stage(forEach('pods', (pod) => eventually(pod.is('ready', isPodReady))))
  told.put('pods', 'a', ready(false)).at(50 * SECOND)
  expect([outcome(told), told.isWaiting(90 * SECOND)]).toEqual([[], true])
  told.put('pods', 'b', ready(true)).end(90 * SECOND)
  expect(outcome(told)).toEqual([[90, 'Pod default/a', 'missing-ready']])
  expect(told.violations[0]?.message).toBe(
    'Pod default/a: "ready" was to come from 0:00.000 on, and had not when the trial ended at 1:30.000',
  )
})

test('a trial that has come to rest waits only for what its end will decide', () => {
  const told = stage(leavingPodsGo()).put('pods', 'a')
  expect(told.isWaiting(90 * SECOND)).toBe(false)
  told.put('pods', 'a', LEAVING)
  expect([told.isWaiting(29 * SECOND), told.isWaiting(30 * SECOND)]).toEqual([false, true])
  const settled = stage(eventually(always(some('pods', 'ready', isPodReady)))).put('pods', 'a', ready(true))
  expect(settled.isWaiting(90 * SECOND)).toBe(false)
})

test('an action is a step between two versions of one object', () => {
  const told = stage(
    forEach('pods', (pod) =>
      never(
        pod.does(
          'moves',
          (before, after) => before.spec?.nodeName !== undefined && before.spec.nodeName !== after.spec.nodeName,
        ),
      ),
    ),
  )
  told
    .put('pods', 'a')
    .put('pods', 'a', { spec: { nodeName: 'node-0' } })
    .put('pods', 'a', ready(true))
  told.remove('pods', 'a').put('pods', 'a', { spec: { nodeName: 'node-1' } })
  expect(outcome(told)).toEqual([])
  told.at(3 * SECOND).put('pods', 'a', { spec: { nodeName: 'node-2' } })
  expect(outcome(told)).toEqual([[3, 'Pod default/a', 'broken-not-moves']])
  expect(told.violations[0]).toMatchObject({
    message: 'Pod default/a: "moves" at 0:03.000, against: never "moves"',
    saw: 'spec.nodeName: node-1 -> node-2',
  })
})

test('an implication that breaks says what held and what did not', () => {
  const told = stage(
    forEach('pods', (pod) =>
      always(
        implies(
          pod.is('over', ({ status }) => status?.phase === 'Failed'),
          not(pod.is('ready', isPodReady)),
        ),
      ),
    ),
  )
  told.put('pods', 'a', ready(true)).at(2 * SECOND)
  expect(told.isReached).toBe(false)
  told.put('pods', 'a', { status: { ...ready(true).status, phase: 'Failed' } })
  expect(told.violations[0]).toMatchObject({
    message: 'Pod default/a: "over" and "ready" at 0:02.000, against: always ("over" implies (not "ready"))',
    saw: 'status.conditions[0].type = Ready, status.conditions[0].status = True, status.phase: nothing -> Failed',
  })
})

test('stable: once it holds it holds for ever', () => {
  const told = stage(forEach('pods', (pod) => stable(pod.is('over', ({ status }) => status?.phase === 'Succeeded'))))
  told
    .put('pods', 'a', { status: { phase: 'Running' } })
    .put('pods', 'a', { status: { phase: 'Succeeded' } })
    .at(SECOND)
  expect(outcome(told.put('pods', 'a', ready(true)))).toEqual([[1, 'Pod default/a', 'broken-over']])
})

test('comes to hold and stays: what is lost again in time may come back, later it may not', () => {
  const told = stage(leadsTo(quiet, within(10 * SECOND, always(every('pods', 'ready', isPodReady)))))
  told
    .put('pods', 'a', ready(false))
    .at(SECOND)
    .quiet()
    .at(5 * SECOND)
    .put('pods', 'a', ready(true))
  told
    .at(6 * SECOND)
    .put('pods', 'a', ready(false))
    .at(9 * SECOND)
    .put('pods', 'a', ready(true))
    .at(20 * SECOND)
  expect(outcome(told)).toEqual([])
  told.put('pods', 'a', ready(false))
  expect(outcome(told)).toEqual([[20, 'cluster', 'broken-every-pod-ready']])
})

test('never there at all: the bound is what failed', () => {
  const told = stage(leadsTo(quiet, within(10 * SECOND, always(every('pods', 'ready', isPodReady)))))
  told
    .put('pods', 'a', ready(false))
    .at(SECOND)
    .quiet()
    .at(12 * SECOND)
  expect(told.violations[0]).toMatchObject({
    at: 11 * SECOND,
    message:
      'cluster: always "every Pod ready" was to come within 10 s after "quiet" at 0:01.000, by 0:11.000, and did not',
  })
})

test('facts about one object, by uid or by key', () => {
  const started = (by: 'podUid' | 'podKey') =>
    stage(
      forEach('pods', (pod) =>
        never(
          and(
            pod.is('over', ({ status }) => status?.phase === 'Failed'),
            pod.has(
              'container-started',
              (fact) => fact[by],
              ({ init }) => !init,
            ),
          ),
        ),
      ),
    )
  for (const by of ['podUid', 'podKey'] as const) {
    const told = started(by)
      .put('pods', 'a')
      .put('pods', 'b', { status: { phase: 'Failed' } })
    const fact = (name: string, init = false) => ({
      type: 'container-started',
      podUid: told.uidOf('pods', name),
      podKey: `default/${name}`,
      init,
      container: 'web',
    })
    told.note(fact('a')).note(fact('b', true)).note(fact('nobody'))
    expect(outcome(told)).toEqual([])
    told.at(SECOND).note(fact('b'))
    expect(outcome(told)).toEqual([[1, 'Pod default/b', 'broken-not-over-and-container-started']])
  }
})

test('things that only facts name', () => {
  const told = stage(
    forEachFact(
      'raft-role',
      ({ role, term }) => (role === 'leader' ? `term ${term}` : undefined),
      (term) =>
        never(
          term.has(
            'raft-role',
            (fact) => (fact.role === 'leader' ? `term ${fact.term}` : undefined),
            (fact, first) => fact.member !== first.member,
          ),
        ),
    ),
  )
  const role = (member: string, term: number, name = 'leader') => ({ type: 'raft-role', member, term, role: name })
  told.note(role('etcd-0', 1, 'candidate'))
  expect(told.isReached).toBe(false)
  told.note(role('etcd-0', 1)).note(role('etcd-1', 2)).note(role('etcd-1', 2)).note(role('etcd-0', 3))
  expect([outcome(told), told.isReached]).toEqual([[], true])
  told.note(role('etcd-2', 2))
  expect(told.violations[0]).toMatchObject({
    subject: 'raft-role term 2',
    saw: 'raft-role: member: etcd-1 -> etcd-2, term = 2, role = leader',
  })
})

test('until, next and a bound that is read off the object', () => {
  const told = stage(
    forEach('pods', (pod) =>
      and(
        until(
          pod.is('pending', ({ status }) => status?.phase === 'Pending'),
          pod.is('running', ({ status }) => status?.phase === 'Running'),
          pod.micros('its patience', ({ spec }) => (spec.terminationGracePeriodSeconds ?? 1) * SECOND),
        ),
        next(pod.is('named', ({ metadata }) => metadata.name.length > 0)),
      ),
    ),
  )
  const phase = (name: string, seconds: number) => ({
    status: { phase: name },
    spec: { terminationGracePeriodSeconds: seconds },
  })
  told
    .put('pods', 'slow', phase('Pending', 3))
    .put('pods', 'fine', phase('Pending', 9))
    .put('pods', 'odd', phase('Pending', 9))
  told.at(2 * SECOND).put('pods', 'odd', phase('Failed', 9))
  expect(outcome(told)).toEqual([[2, 'Pod default/odd', 'broken-pending']])
  told
    .at(8 * SECOND)
    .put('pods', 'fine', phase('Running', 9))
    .at(20 * SECOND)
  expect(outcome(told).slice(1)).toEqual([[3, 'Pod default/slow', 'late-running']])
})

test('while nothing is disturbed: a fault excuses what is pending', () => {
  const claim = leadsTo(happens('host-crashed'), within(10 * SECOND, or(happens('host-restarted'), disturbed)))
  const calm = stage(claim)
    .at(SECOND)
    .note({ type: 'host-crashed', host: 'node-0' })
    .at(30 * SECOND)
  expect(outcome(calm)).toEqual([[11, 'cluster', 'late-host-restarted-or-disturbed']])
  const struck = stage(claim)
    .at(SECOND)
    .note({ type: 'host-crashed', host: 'node-0' })
    .at(5 * SECOND)
  struck.calm.disturb([])()
  expect(outcome(struck.at(30 * SECOND))).toEqual([])
  struck
    .at(60 * SECOND)
    .note({ type: 'host-crashed', host: 'node-0' })
    .at(90 * SECOND)
  expect(outcome(struck)).toEqual([[70, 'cluster', 'late-host-restarted-or-disturbed']])
})

test('a hope fails nothing; it is seen or not', () => {
  const hope = sometimes(forEach('pods', (pod) => pod.is('over', ({ status }) => status?.phase === 'Failed')))
  const definition = property({ id: 'hope', claim: 'some pod fails', formula: hope })
  expect(definition.mode).toBe('sometimes')
  const told = new Stage(definition).put('pods', 'a').end(SECOND)
  expect([outcome(told), told.isSeen, told.isReached]).toEqual([[], false, true])
  expect(new Stage(definition).put('pods', 'a').put('pods', 'a', { status: { phase: 'Failed' } }).isSeen).toBe(true)
})

test('what is named by reached must have held, too', () => {
  const told = stage(
    never(some('pods', 'bad', () => false)),
    reached(state('two nodes', ['nodes'], ({ list }) => [...list('nodes')].length >= 2)),
  )
  told.put('pods', 'a').put('nodes', 'x')
  expect(told.isReached).toBe(false)
  expect([told.put('nodes', 'y').isReached, outcome(told)]).toEqual([true, []])
})

test('only what changed is asked again', () => {
  const calls = { own: 0, shared: 0, asked: 0 }
  const told = stage(
    forEach('pods', (pod) =>
      always(
        or(
          pod.is('own', () => ++calls.own < 0),
          state('shared', ['nodes'], () => ++calls.shared < 0),
          asked('asked', () => ++calls.asked > 0),
        ),
      ),
    ),
  )
  told.put('services', 's').note({ type: 'pod-phase' }).at(SECOND)
  expect(calls).toEqual({ own: 0, shared: 0, asked: 0 })
  told.put('pods', 'a').put('pods', 'b')
  expect(calls).toEqual({ own: 2, shared: 1, asked: 2 })
  told.put('pods', 'a', ready(true))
  expect(calls).toEqual({ own: 3, shared: 1, asked: 3 })
  told.put('nodes', 'n')
  expect(calls).toEqual({ own: 3, shared: 2, asked: 5 })
  expect(outcome(told)).toEqual([])
})

test('what a predicate also reads asks it again for every object', () => {
  const told = stage(
    forEach('pods', (pod) =>
      always(
        pod.is(
          'on a node that is there',
          ['nodes'],
          ({ spec }, { get }) => get('nodes', `default/${spec.nodeName}`) !== undefined,
        ),
      ),
    ),
  )
  told
    .put('nodes', 'n')
    .put('pods', 'a', { spec: { nodeName: 'n' } })
    .put('services', 's')
  expect(outcome(told)).toEqual([])
  expect(outcome(told.at(SECOND).remove('nodes', 'n'))).toEqual([
    [1, 'Pod default/a', 'broken-on-a-node-that-is-there'],
  ])
})
