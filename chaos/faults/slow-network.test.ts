/** Shares of messages: a scenario may ask for all of them and not for more, whoever wrote it. */
import { expect, test } from 'vitest'
import { SMALL_TOPOLOGY } from '../../src/cluster/index.ts'
import { duplicateMessages, lossBurst, reorderMessages } from './slow-network.ts'

test.each([
  [lossBurst, 'lossPpm'],
  [duplicateMessages, 'duplicatePpm'],
  [reorderMessages, 'reorderPpm'],
] as const)('%o takes a share of at most everything', (kind, parameter) => {
  const asked = (ppm: number) =>
    kind.validate(
      { id: 'f1', kind: kind.id, atMicros: 0, durationMicros: 1, parameters: { side: ['etcd-0'], [parameter]: ppm } },
      SMALL_TOPOLOGY,
    )
  expect(asked(1_000_000)).toBeUndefined()
  expect(asked(1_000_001)).toContain('must be a whole number from 1 to 1000000')
})
