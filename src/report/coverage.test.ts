/** Coverage in a few lines: the curve, what is to be expected, faults by phase, and the places where nothing struck. */
import { expect, test } from 'vitest'
import { CoverageBook, type Strike } from '../trial/index.ts'
import { percent, printDiscovery, printFaults, printMatrix } from './coverage.ts'

const strike = (fault: string, component: string, phase: Strike['phase'], bit = true): Strike => ({
  fault,
  kind: 'partition',
  component,
  phase,
  bit,
})

function book(trials: number): CoverageBook {
  const made = new CoverageBook()
  for (let trial = 0; trial < trials; trial++) {
    // Ten states that all show, and one more for every tenth trial; a way that is new each time.
    const states = [2, 4, 6, 8, 10, 12, 14, 16, 18, 20, ...(trial % 10 === 0 ? [100 + trial] : [])]
    const features = Uint32Array.from([...states, 1_001 + 2 * trial])
    made.add({ features, strikes: [] }, true)
  }
  return made
}

test('curve and estimates', () => {
  expect(printDiscovery(book(100).summary())).toBe(
    [
      'states: 20 distinct ones in 100 trials  ▅▅▅▅▅▅▆▆▆▆▆▆▆▆▆▆▇▇▇▇▇▇██████████',
      'the next trial shows a new one with a chance of 10 % (6 % to 17 %), 0.1 on average',
      'there are at least 65 (20 to 123) that these suites can show',
      'ways: 100 distinct steps, orders and strikes; the next trial shows a new one with a chance of 100 % (96 % to 100 %)',
    ].join('\n'),
  )
})

test('a campaign without a trial says nothing of the next one', () => {
  expect(printDiscovery(book(0).summary())).toBe('states: 0 distinct ones in 0 trials')
})

test('faults by phase: each fault once, whatever it struck; a point where nothing was felt', () => {
  const made = new CoverageBook()
  const features = new Uint32Array()
  made.add({ features, strikes: [strike('f1', 'etcd leader', 'rollout'), strike('f1', 'node', 'rollout')] }, true)
  made.add({ features, strikes: [strike('f1', 'node', 'rollout'), strike('f2', 'node', 'steady', false)] }, true)
  const summary = made.summary()
  const text = printFaults([{ kind: 'partition', injected: 3, bit: 2 }], summary)
  expect(text.split('\n')).toEqual([
    'FAULT       INJECTED   BIT          BOOT   NO LEADER   NODE AWAY   ROLLOUT   PODS LEAVING   PODS STARTING   STEADY',
    'partition   3          2     67 %   .      .           .           2         .              .               .',
    'bites by what the cluster was doing; of 14 combinations of fault, component and phase 12 were never felt (--coverage shows them)',
  ])
  expect(printMatrix(summary).split('\n')).toEqual([
    'FAULT       STRUCK        BOOT   NO LEADER   NODE AWAY   ROLLOUT   PODS LEAVING   PODS STARTING   STEADY',
    'partition   etcd leader   .      .           .           1         .              .               .',
    'partition   node          .      .           .           2         .              .               0 of 1',
  ])
  expect(summary.holes.map(({ component, phases }) => [component, phases.length])).toEqual([
    ['etcd leader', 6],
    ['node', 6],
  ])
  expect(printFaults([{ kind: 'partition', injected: 0, bit: 0 }], undefined)).toBe(
    'FAULT       INJECTED   BIT\npartition   0          0',
  )
})

test.each([
  [0, '0 %'],
  [0.004, '0.4 %'],
  [0.0004, '0.04 %'],
  [0.05, '5 %'],
  [1, '100 %'],
])('%f is %s', (share, text) => {
  expect(percent(share)).toBe(text)
})
