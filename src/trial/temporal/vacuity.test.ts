/** What a property waits for comes out of its formulas, and a campaign says what never came. */
import { expect, test } from 'vitest'
import { Campaign, omissionsOf } from '../campaign.ts'
import { executeScenario } from '../execute.ts'
import type { Registry } from '../registry.ts'
import { fakeClusters, fakeRegistry, fakeScenario } from '../testing.ts'
import {
  always,
  asked,
  forEach,
  happens,
  implies,
  leadsTo,
  never,
  property,
  reached,
  sometimes,
  within,
} from './index.ts'

test('the left sides of implications and the ranges of quantifiers', () => {
  const { triggers, trigger, formulas } = property({
    id: 'x',
    claim: 'x',
    formula: [
      forEach('pods', (pod) =>
        leadsTo(
          pod.is('leaving', () => true),
          within(5, implies(happens('term-sent'), pod.gone)),
        ),
      ),
      never(happens('host-crashed')),
      reached(happens('host-restarted')),
    ],
  })
  expect(triggers).toEqual(['a Pod', 'a Pod with "leaving"', 'a Pod with "term-sent"', 'a change of what it reads'])
  expect(trigger).toBe(triggers?.join('; '))
  expect(formulas).toEqual([
    'for each Pod: always ("leaving" implies (within 0.000005 s ("term-sent" implies "gone")))',
    'never "host-crashed"',
    'eventually "host-restarted"',
  ])
})

/** The facts of the fake cluster are its ticks; their type is no fact of a real one. */
const tick = (numbers: readonly number[], name = 'tick') =>
  happens('tick' as 'host-crashed', (fact) => numbers.includes((fact as unknown as { number: number }).number), name)

function campaignOf(registry: Registry, properties: readonly string[]): Campaign {
  const campaign = new Campaign(registry)
  const { create } = fakeClusters()
  for (const seed of ['1', '2']) {
    const result = executeScenario(fakeScenario({ seed, properties, faults: [] }), registry, create)
    expect(result.error).toBeUndefined()
    campaign.add({ trialId: `tides:1:${seed}`, result }, properties)
  }
  return campaign
}

const PROPERTIES = [
  property({ id: 'met', claim: 'met', formula: leadsTo(tick([3]), tick([4])) }),
  property({
    id: 'half',
    claim: 'half',
    formula: [leadsTo(tick([3]), tick([4])), always(implies(tick([999], 'the last tick'), tick([0])))],
  }),
  property({ id: 'vain', claim: 'vain', formula: leadsTo(tick([999]), tick([4])) }),
  property({ id: 'hopeless', claim: 'hopeless', formula: sometimes(asked('odd', () => false)) }),
]

test('a campaign names what was waited for in vain, and the suites that prove nothing of what they name', () => {
  const names = PROPERTIES.map(({ id }) => id)
  const summary = campaignOf(fakeRegistry(PROPERTIES), names).summary()
  expect(summary).toMatchObject({
    reached: [
      { property: 'met', trials: 2 },
      { property: 'half', trials: 2 },
    ],
    neverReached: ['vain', 'hopeless'],
    neverMet: [
      { property: 'half', triggers: ['"the last tick"'] },
      { property: 'vain', triggers: ['"tick"'] },
      { property: 'hopeless', triggers: ['a change of what it reads'] },
    ],
    vacuousSuites: [{ suite: 'tides', properties: ['vain', 'hopeless'] }],
    sometimesNeverSeen: ['hopeless'],
  })
  expect(omissionsOf(summary)).toBeGreaterThan(0)
})

test('a campaign that reached everything has left out nothing', () => {
  expect(omissionsOf(campaignOf(fakeRegistry(PROPERTIES.slice(0, 1)), ['met']).summary())).toBe(0)
})
