// Reads that wait for their index: who asks the leader again, and who once did not.
import { expect, test } from 'vitest'
import { RecordingOut } from '../kernel/testing.ts'
import { ETCD_DECISIONS } from './decisions.ts'
import { ReadQueue } from './reads.ts'

const RETRY = 500_000

/** A member that knows a leader of that term, and how often it has asked for an index. */
function queue(asksAgain: boolean) {
  const out = new RecordingOut()
  const served: number[] = []
  const owner = {
    term: 1,
    knowsLeader: true,
    asked: 0,
    nextId: () => ++owner.asked,
    askIndex: () => (owner.knowsLeader ? owner.term : 0),
    serve: () => served.push(out.now),
  }
  const reads = new ReadQueue(owner, RETRY, { ...ETCD_DECISIONS, asksForReadIndexAgain: () => asksAgain })
  reads.add({ id: 1, request: { type: 'range', key: 'a' } })
  return { out, owner, reads, served }
}

test.each([true, false])('a leader that does not answer is asked again: %s', (again) => {
  const { out, owner, reads } = queue(again)
  reads.begin(out)
  out.advance(2 * RETRY)
  expect(owner.asked).toBe(again ? 3 : 1)
})

test.each([true, false])('a leader of a new term is asked in any case, if others are asked again: %s', (again) => {
  const { out, owner, reads, served } = queue(again)
  reads.begin(out)
  owner.term = 2
  out.advance(RETRY)
  expect(owner.asked).toBe(2)
  reads.confirmed(2, 7)
  reads.serve(6, out)
  expect(served).toEqual([])
  reads.serve(7, out)
  expect(served).toHaveLength(1)
})

test('where no leader was known, the first that is known is asked', () => {
  const { out, owner, reads } = queue(false)
  owner.knowsLeader = false
  reads.begin(out)
  out.advance(RETRY)
  owner.knowsLeader = true
  out.advance(2 * RETRY)
  expect(owner.asked).toBe(3)
})
