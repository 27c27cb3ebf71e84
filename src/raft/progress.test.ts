// One row a case: when a leader may send, what acknowledgements and refusals do to what comes next.
import { expect, test } from 'vitest'
import { Progress } from './progress.ts'

function lostSnapshot(progress: Progress): void {
  progress.becomeSnapshot(20)
  progress.abandonSnapshot()
}

function replicating(match: number, window = 3): Progress {
  const progress = new Progress(match + 1, window)
  progress.match = match
  progress.becomeReplicate()
  return progress
}

test('a probe sends once and then waits for an answer', () => {
  const progress = new Progress(5, 3)
  expect(progress.paused).toBe(false)
  progress.sent(0, 4)
  expect(progress.paused).toBe(false)
  progress.sent(2, 6)
  expect(progress.paused).toBe(true)
  expect(progress.next).toBe(5)
  expect(progress.acknowledged(6)).toBe(true)
  expect([progress.paused, progress.match, progress.next]).toEqual([false, 6, 7])
})

test('replication runs ahead until its window is full', () => {
  const progress = replicating(4)
  for (const last of [5, 7, 8]) {
    expect(progress.paused).toBe(false)
    progress.sent(1, last)
  }
  expect([progress.paused, progress.next, progress.inflight]).toEqual([true, 9, 3])
  progress.acknowledged(7)
  progress.freeTo(7)
  expect([progress.paused, progress.match, progress.inflight]).toEqual([false, 7, 1])
  progress.freeTo(8)
  expect(progress.inflight).toBe(0)
})

test('a full window is a probe: an answer to a heartbeat lets one bare append through, which pauses again', () => {
  const progress = replicating(4)
  for (const last of [5, 6, 7]) progress.sent(1, last)
  progress.flowPaused = false
  expect(progress.full).toBe(true)
  progress.sent(0, 7)
  expect([progress.paused, progress.next, progress.inflight]).toEqual([true, 8, 3])
})

test.each<[name: string, sent: number, next: number, commit: number, canRaise: boolean]>([
  ['it was told all of it', 5, 9, 5, false],
  ['more is committed of what it is sent', 5, 9, 6, true],
  ['it was told of all that it is sent', 8, 9, 12, false],
  ['nothing is on its way beyond what it was told', 5, 6, 9, false],
])('a commit index to tell: %s', (_name, sentCommit, next, commit, canRaise) => {
  const progress = replicating(2)
  progress.next = next
  progress.sentCommit = sentCommit
  expect(progress.canRaiseCommit(commit)).toBe(canRaise)
})

test.each<[name: string, act: (progress: Progress) => void, sentCommit: number]>([
  ['a refusal', (progress) => progress.refused(7, 3), 2],
  ['a report that it cannot be reached', (progress) => progress.becomeProbe(), 2],
  ['a snapshot tells as much as it holds', (progress) => progress.becomeSnapshot(20), 20],
  ['a snapshot that is lost', lostSnapshot, 2],
])('what must be sent again was not told: %s', (_name, act, sentCommit) => {
  const progress = replicating(2)
  progress.sent(5, 7)
  progress.sentCommit = 6
  act(progress)
  expect(progress.sentCommit).toBe(sentCommit)
})

test('a window counted in bytes is full when enough of them are under way, and one large append always fits', () => {
  const progress = new Progress(1, 10, 100)
  progress.becomeReplicate()
  expect(progress.countsBytes).toBe(true)
  progress.sent(1, 1, 60)
  expect(progress.paused).toBe(false)
  progress.sent(3, 4, 900)
  expect([progress.paused, progress.window]).toEqual([true, [1, 4]])
  progress.acknowledged(1)
  progress.freeTo(1)
  expect([progress.full, progress.clone().full]).toEqual([true, true])
  progress.acknowledged(4)
  progress.freeTo(4)
  expect([progress.full, progress.paused]).toEqual([false, false])
})

test.each<[name: string, match: number, index: number, news: boolean, nextAfter: number]>([
  ['older than known', 5, 3, false, 6],
  ['known', 5, 5, false, 6],
  ['new', 5, 8, true, 9],
])('an acknowledgement that is %s', (_name, match, index, news, nextAfter) => {
  const progress = replicating(match)
  expect(progress.acknowledged(index)).toBe(news)
  expect(progress.next).toBe(nextAfter)
})

test.each<[name: string, rejected: number, hint: number, taken: boolean, next: number]>([
  ['outdated, not the one under way', 3, 2, false, 10],
  ['of the one under way: one back', 9, 9, true, 9],
  ['with a hint far back', 9, 4, true, 5],
  ['with a hint below what is known', 9, 0, true, 3],
])('a probe is refused: %s', (_name, rejected, hint, taken, next) => {
  const progress = new Progress(10, 3)
  progress.match = 2
  expect(progress.refused(rejected, hint)).toBe(taken)
  expect(progress.next).toBe(next)
})

test('replication that is refused goes back to what is known; an older refusal does nothing', () => {
  const progress = replicating(4)
  progress.sent(1, 5)
  progress.sent(1, 6)
  expect(progress.refused(3, 0)).toBe(false)
  expect(progress.refused(5, 4)).toBe(true)
  expect(progress.next).toBe(5)
})

test('a snapshot stops everything until it is answered or given up', () => {
  const progress = new Progress(2, 3)
  progress.becomeSnapshot(10)
  expect(progress.paused).toBe(true)
  progress.becomeProbe()
  expect([progress.paused, progress.next]).toEqual([false, 11])
  const lost = new Progress(2, 3)
  lost.becomeSnapshot(10)
  lost.abandonSnapshot()
  expect([lost.state, lost.next]).toEqual(['probe', 1])
})
