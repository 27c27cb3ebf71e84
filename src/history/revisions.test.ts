// Revisions against real time: true histories keep it, one that tells an old revision does not, and the pair is named.
import { expect, test } from 'vitest'
import { checkLinearizability } from './linearizability.ts'
import { KEY_REVISIONS } from './models/keyvalue.ts'
import { type StoreInput, type StoreOutput, storeOutput } from './models/store.ts'
import { revisionGoesBack } from './revisions.ts'
import { trueHistory } from './testing.ts'

const operation = (call: number, end: number, input: StoreInput, output: StoreOutput) => ({
  process: `p${call}`,
  call,
  return: end,
  input,
  output,
})
const put = (call: number, end: number, key: string, revision: number) =>
  operation(call, end, { type: 'put', key, value: call }, storeOutput(revision))
const miss = (call: number, end: number, revision: number) =>
  operation(call, end, { type: 'get', key: 'z' }, storeOutput(revision))

test.each([
  ['growing', [put(0, 1, 'a', 2), put(2, 3, 'b', 3), miss(4, 5, 3)], undefined],
  ['two keys at one revision', [put(0, 1, 'a', 2), put(2, 3, 'b', 2)], [0, 1]],
  ['the same, but at the same time', [put(0, 2, 'a', 3), put(1, 3, 'b', 2)], undefined],
  ['a read of the past', [put(0, 1, 'a', 2), put(2, 3, 'a', 3), miss(4, 5, 2)], [1, 2]],
  [
    'a deletion of nothing needs no new revision',
    [put(0, 1, 'a', 2), operation(2, 3, { type: 'delete', key: 'z' }, storeOutput(2))],
    undefined,
  ],
] as const)('%s', (_, history, fault) => {
  const found = revisionGoesBack(history)
  expect(found && [history.indexOf(found.earlier as never), history.indexOf(found.later as never)]).toEqual(fault)
})

test('true histories keep it; with one revision put back it is seen although no key of its own shows it', () => {
  let unseen = 0
  for (let seed = 1; seed <= 60; seed++) {
    const history = trueHistory({ seed, operations: 300, clients: 6, keys: 20, unknownPpm: 30_000 })
    expect(revisionGoesBack(history)).toBeUndefined()
    const late = history.findLast((one) => one.input.type === 'get' && one.output?.found.length === 0)
    if (late === undefined) continue
    const spoilt = history.map((one) =>
      one === late ? { ...one, output: storeOutput(late.output!.revision - 15) } : one,
    )
    const fault = revisionGoesBack(spoilt)
    expect(fault?.later.call).toBe(late.call)
    expect(fault!.earlier.return!).toBeLessThan(late.call)
    if (checkLinearizability(spoilt, KEY_REVISIONS).verdict === 'linearizable') unseen++
  }
  expect(unseen).toBeGreaterThan(20)
})
