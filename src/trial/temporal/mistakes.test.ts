/** Mistakes of whoever writes a property: each is named with the predicate, its place, the object and the formula; none is silent. */
import { expect, test } from 'vitest'
import { completeTopology } from '../../cluster/index.ts'
import { SECOND } from '../../kernel/index.ts'
import type { Pod } from '../../objects/index.ts'
import { Registry } from '../registry.ts'
import { runScenario } from '../run.ts'
import { fakeScenario } from '../testing.ts'
import {
  always,
  asked,
  type Claim,
  eventually,
  forEach,
  forEachFact,
  happens,
  leadsTo,
  never,
  PropertyError,
  property,
  sometimes,
  state,
  within,
} from './index.ts'
import { Stage } from './testing.ts'

const stage = (formula: Claim) => new Stage(property({ id: 'wrong', claim: 'wrong', formula }))
const undefinedAsBoolean = undefined as unknown as boolean

test.each<readonly [string, () => unknown, RegExp]>([
  [
    'a predicate that throws',
    () =>
      stage(
        forEach('pods', (pod) =>
          never(
            pod.is('odd', () => {
              throw new Error('ha')
            }),
          ),
        ),
      ).put('pods', 'a'),
    /^"odd" \(temporal\/mistakes\.test\.ts:\d+\) of default\/a in "for each Pod: never "odd"" threw: ha$/,
  ],
  [
    'a predicate that answers nothing',
    () => stage(forEach('pods', (pod) => never(pod.is('odd', () => undefinedAsBoolean)))).put('pods', 'a'),
    /"odd" .* returned undefined, not true or false$/,
  ],
  [
    'a predicate that answers with the object',
    () => stage(always(state('odd', ['pods'], (view) => view as unknown as boolean))),
    /returned an object, not true or false$/,
  ],
  [
    'a predicate that changes the object',
    () =>
      stage(
        forEach('pods', (pod) =>
          never(
            pod.is('odd', (object) => {
              ;(object.metadata as { name: string }).name = 'b'
              return false
            }),
          ),
        ),
      ).put('pods', 'a'),
    /tried to change what it may only read: .*'name'/,
  ],
  [
    'a predicate that changes a fact',
    () =>
      stage(
        never(
          happens('host-crashed', (fact) => {
            ;(fact as { host: string }).host = 'b'
            return false
          }),
        ),
      ).note({ type: 'host-crashed', host: 'a' }),
    /tried to change what it may only read: .*'host'/,
  ],
  [
    'a predicate that reads what it has not declared',
    () =>
      stage(
        forEach('pods', (pod) =>
          never(pod.is('odd', ['nodes'], (_pod, { list }) => [...list('pods' as 'nodes')].length > 9)),
        ),
      ).put('pods', 'a'),
    /threw: it reads pods without saying so; add 'pods' to what it reads$/,
  ],
  [
    'a bound that is no number',
    () =>
      stage(
        forEach('pods', (pod) =>
          within(
            pod.micros('patience', () => Number.NaN),
            pod.gone,
          ),
        ),
      ).put('pods', 'a'),
    /"patience" .* returned NaN, not a number of microseconds$/,
  ],
  [
    'a fact whose subject is no text',
    () =>
      stage(
        forEachFact(
          'raft-role',
          ({ term }) => term as unknown as string,
          () => never(asked('odd', () => false)),
        ),
      ).note({
        type: 'raft-role',
        term: 1,
      }),
    /gave the subject of a fact as something else than text or undefined$/,
  ],
])('%s', (_what, act, message) => {
  expect(act).toThrow(PropertyError)
  expect(act).toThrow(message)
})

test('mistakes of definition are told at once', () => {
  expect(() => within(-1, happens('host-crashed'))).toThrow('a time bound of -1 us')
  expect(() => property({ id: 'x', claim: 'x', formula: [] })).toThrow('the property "x" claims nothing')
  const hope = sometimes(happens('host-crashed'))
  expect(() => property({ id: 'x', claim: 'x', formula: [hope, never(happens('host-crashed'))] })).toThrow(
    'the property "x" both hopes and claims',
  )
})

const scenario = fakeScenario({
  topology: completeTopology({
    etcdMembers: 1,
    apiServers: 1,
    controllerManagers: 1,
    schedulers: 1,
    nodes: 1,
    zones: 1,
  }),
  durationMicros: 20 * SECOND,
  settleMicros: 10 * SECOND,
  properties: ['wrong'],
})

test.each<readonly [string, Claim]>([
  ['in an observation', forEach('nodes', (node) => never(node.is('odd', () => undefinedAsBoolean)))],
  [
    'in an answer to a fact',
    leadsTo(
      happens('leader-started'),
      within(
        SECOND,
        asked('odd', () => undefinedAsBoolean),
      ),
    ),
  ],
  ['at the beginning', eventually(asked('odd', () => undefinedAsBoolean))],
])('in a trial a mistake %s is an error of the property by name, not of the cluster', (_where, formula) => {
  const registry = new Registry().property(property({ id: 'wrong', claim: 'wrong', formula }))
  const result = runScenario(scenario, registry)
  expect(result).toMatchObject({ verdict: 'error', signature: 'wrong/threw/error', error: { property: 'wrong' } })
  expect(result.error?.message).toMatch(
    /^property wrong threw: "odd" \(temporal\/mistakes\.test\.ts:\d+\).* returned undefined/,
  )
})

test('a sentence about a failure that throws is named, also at a deadline', () => {
  const definition = property({
    id: 'wrong',
    claim: 'wrong',
    formula: leadsTo(
      happens('leader-started'),
      within(
        SECOND,
        asked('never', () => false),
      ),
    ),
    says: () => {
      throw new Error('no words')
    },
  })
  expect(runScenario(scenario, new Registry().property(definition))).toMatchObject({
    verdict: 'error',
    error: { property: 'wrong', message: expect.stringMatching(/its sentence about a failure of .* threw: no words$/) },
  })
})

test('a monitor written by hand that throws in a listener of the store is named, too', () => {
  const registry = new Registry().property({
    id: 'by-hand',
    mode: 'always',
    claim: 'none',
    source: 'a test',
    trigger: 'a node',
    catches: [],
    monitor(cluster) {
      cluster.truth.onChange('nodes', ({ current }) => {
        ;(current as unknown as Pod).spec.containers.at(0)
      })
      return {}
    },
  })
  expect(runScenario({ ...scenario, properties: ['by-hand'] }, registry)).toMatchObject({
    verdict: 'error',
    error: { property: 'by-hand' },
  })
})

test.each<readonly [string, () => unknown, RegExp]>([
  ['a kind that there is not', () => forEach('podz' as 'pods', (pod) => never(pod.gone)), /forEach: .*"podz".*"pods"/],
  ['another in a state', () => state('odd', ['pod' as 'pods'], () => true), /state: there is no kind of object "pod"/],
  [
    'a predicate without a name',
    () => forEach('pods', (pod) => never(pod.is((() => true) as unknown as string, () => true))),
    /is: there is no name for reports/,
  ],
  [
    'a name without a predicate',
    () => forEach('pods', (pod) => never(pod.does('odd', undefined as never))),
    /does: "odd" has no test/,
  ],
  [
    'a misspelt member in the middle of a formula',
    () => stage(forEach('pods', (pod) => leadsTo(pod.created, within(SECOND, (pod as never as { goen: never }).goen)))),
    /the property "wrong": in eventually stands undefined where a formula belongs/,
  ],
  ['a predicate for a formula', () => stage(never((() => true) as never)), /in not stands a function where/],
  ['no formula', () => stage(undefined as never), /in formula stands undefined where/],
])('%s is named where it is written down', (_name, write, says) => {
  expect(write).toThrow(says)
})
