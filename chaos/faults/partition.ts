/** A network partition between two sets of hosts or processes, in both directions or in one. */
import fc from 'fast-check'
import type { FaultKind } from '../../src/trial/registry.ts'
import {
  hostNames,
  names,
  othersThan,
  processesOf,
  processNames,
  rounded,
  text,
  wrongName,
  wrongNames,
} from '../targets.ts'
import { lasting, ruleFault } from './define.ts'

const DIRECTIONS = ['both', 'inbound', 'outbound'] as const

export const partition: FaultKind = {
  id: 'partition',
  title: 'cuts hosts or processes off from the rest, in both directions or in one',
  parameters: {
    side: 'names of the hosts or processes on one side; the other side is all the rest',
    direction: 'both, inbound (they hear nothing) or outbound (nobody hears them)',
  },
  arbitrary: (topology) =>
    fc.record({
      durationMicros: rounded(1_000_000, 25_000_000, 500_000),
      parameters: fc.record({
        side: fc.oneof(
          { weight: 3, arbitrary: fc.constantFrom(...hostNames(topology)).map((name) => [name]) },
          {
            weight: 1,
            arbitrary: fc.uniqueArray(fc.constantFrom(...hostNames(topology)), { minLength: 1, maxLength: 3 }),
          },
          { weight: 1, arbitrary: fc.constantFrom(...processNames(topology)).map((name) => [name]) },
        ),
        direction: fc.constantFrom(...DIRECTIONS),
      }),
    }),
  validate: (step, topology) =>
    wrongNames(step, 'side', [...hostNames(topology), ...processNames(topology)]) ??
    wrongName(step, 'direction', DIRECTIONS),
  inject(cluster, step) {
    const inside = processesOf(cluster, names(step, 'side'))
    const outside = othersThan(cluster, inside)
    const direction = text(step, 'direction')
    const rules = []
    if (direction !== 'inbound')
      rules.push({ id: `${step.id}/out`, from: inside, to: outside, verdict: { kind: 'drop' } } as const)
    if (direction !== 'outbound')
      rules.push({ id: `${step.id}/in`, from: outside, to: inside, verdict: { kind: 'drop' } } as const)
    return ruleFault(cluster, inside, rules)
  },
  describe(step) {
    const side = names(step, 'side').join(', ')
    const how =
      { both: 'is cut off', inbound: 'hears nothing', outbound: 'is not heard' }[text(step, 'direction')] ??
      'is cut off'
    return `${side} ${how} ${lasting(step)}`
  },
}
