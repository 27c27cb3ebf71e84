/** Nodes that nobody in the control plane hears of for longer than any grace period: a broken switch, a wrong firewall rule. */
import fc from 'fast-check'
import { namesOf } from '../../src/cluster/index.ts'
import type { FaultKind } from '../../src/trial/registry.ts'
import { names, othersThan, processesOf, rounded, wrongNames } from '../targets.ts'
import { lasting, ruleFault } from './define.ts'

export const lostContact: FaultKind = {
  id: 'lost-contact',
  title: 'cuts nodes off from all other hosts for longer than the node controller waits',
  parameters: { nodes: 'the nodes; one of them, or all' },
  arbitrary: (topology) =>
    fc.record({
      durationMicros: rounded(60_000_000, 110_000_000, 1_000_000),
      parameters: fc.record({
        nodes: fc.oneof(
          fc.constant([...namesOf(topology).nodes]),
          fc.constantFrom(...namesOf(topology).nodes).map((name) => [name]),
        ),
      }),
    }),
  validate: (step, topology) => wrongNames(step, 'nodes', namesOf(topology).nodes),
  inject(cluster, step) {
    const inside = processesOf(cluster, names(step, 'nodes'))
    const outside = othersThan(cluster, inside)
    return ruleFault(cluster, inside, [
      { id: `${step.id}/out`, from: inside, to: outside, verdict: { kind: 'drop' } },
      { id: `${step.id}/in`, from: outside, to: inside, verdict: { kind: 'drop' } },
    ])
  },
  describe: (step) => `nobody hears of ${names(step, 'nodes').join(', ')} ${lasting(step)}`,
}
