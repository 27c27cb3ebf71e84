// Who could still be elected, a row a case: the members that run, what each of them counts with, and how far its log goes.
import { expect, test } from 'vitest'
import type { EtcdView } from '../../src/etcd/index.ts'
import { canElect, newestOf } from './electable.ts'

function member(id: number, voters: readonly number[], lastIndex = 10, lastTerm = 1): EtcdView {
  return { id, voters, lastIndex, termAt: () => lastTerm } as unknown as EtcdView
}

test.each<[string, readonly EtcdView[], boolean]>([
  ['nobody', [], false],
  ['one of one', [member(1, [1])], true],
  ['one of two: the removal of the other was not saved', [member(1, [1, 2])], false],
  ['two of three', [member(1, [1, 2, 3]), member(2, [1, 2, 3])], true],
  ['two of four', [member(1, [1, 2, 3, 4]), member(2, [1, 2, 3, 4])], false],
  ['a learner that has not applied its promotion votes', [member(1, [1, 2, 3]), member(3, [1, 2])], true],
  ['the other log is longer, and its member is no candidate', [member(1, [1, 2, 3]), member(3, [1, 2], 11)], false],
  ['the other log is shorter but of a later term', [member(1, [1, 2, 3]), member(3, [1, 2], 5, 2)], false],
  ['the member with the newer log is the candidate', [member(1, [1, 2]), member(2, [1, 2], 11)], true],
  ['a removed member is none', [member(1, [2, 3])], false],
])('%s', (_name, running, expected) => {
  expect(canElect(running)).toBe(expected)
})

test('the newest member is the one that has applied most; where nobody runs there is none', () => {
  const applied = (id: number, appliedIndex: number) => ({ id, appliedIndex }) as unknown as EtcdView
  expect(newestOf([])).toBeUndefined()
  expect(newestOf([applied(1, 5), applied(2, 9), applied(3, 9)])?.id).toBe(2)
})
