// What a member finds on its disk after a crash, and what it makes of it.
import { expect, test } from 'vitest'
import type { Out } from '../kernel/index.ts'
import { RecordingOut } from '../kernel/testing.ts'
import type { Entry } from '../raft/index.ts'
import { StateMachine } from './apply.ts'
import { ETCD_DECISIONS } from './decisions.ts'
import { type Recovered, recover, saveBackend, saveSnapshot, WAL_SYNCED, Wal } from './wal.ts'

const hard = (term: number) => ({ term, vote: 1, commit: 0 })

function entries(term: number, ...indexes: number[]): Entry[] {
  return indexes.map((index) => ({ index, term, data: null, bytes: 10 }))
}

function newWal(): { wal: Wal; synced: number[] } {
  const synced: number[] = []
  const target = {
    onTimer(kind: number, write: number, at: Out): void {
      if (kind !== WAL_SYNCED) return
      synced.push(write)
      wal.synced(write, at)
    },
  }
  const wal = new Wal(target)
  return { wal, synced }
}

function recovered(out: RecordingOut): Recovered {
  const found = recover(out)
  if (typeof found === 'string') throw new Error(found)
  return found
}

const ignore = { onTimer(): void {} }

test('writes that come during a sync share the next one', () => {
  const out = new RecordingOut()
  const { wal, synced } = newWal()
  for (const write of [1, 2, 3]) wal.append(write, hard(1), entries(1, write), 0, out)
  expect(wal.busy).toBe(true)
  out.advance(10_000)
  expect(synced).toEqual([1, 3])
  expect(wal.busy).toBe(false)
})

test('an empty disk gives an empty member', () => {
  expect(recovered(new RecordingOut())).toMatchObject({ hardState: { term: 0 }, entries: [], snapshot: undefined })
})

test('entries that come again replace what follows', () => {
  const out = new RecordingOut()
  const { wal } = newWal()
  wal.append(1, hard(1), entries(1, 1, 2, 3, 4), 0, out)
  wal.append(2, hard(2), entries(2, 3), 0, out)
  out.advance(10_000)
  out.crash()
  const found = recovered(out)
  expect(found.entries.map(({ index, term }) => [index, term])).toEqual([
    [1, 1],
    [2, 1],
    [3, 2],
  ])
  expect(found.hardState.term).toBe(2)
})

test('what was not synced is gone, and a torn end is cut off', () => {
  const out = new RecordingOut()
  const { wal } = newWal()
  wal.append(1, hard(1), entries(1, 1), 0, out)
  out.advance(10_000)
  wal.append(2, hard(1), entries(1, 2), 0, out)
  out.disk.crash(true)
  const found = recovered(out)
  expect([found.entries.length, found.repairedRecords]).toEqual([1, 1])
  expect(out.disk.read('wal')).toHaveLength(1)
})

test('a corrupt record, wherever it is, stops the member', () => {
  for (const position of [0, 1, 2]) {
    const out = new RecordingOut()
    const { wal } = newWal()
    for (const write of [1, 2, 3]) wal.append(write, hard(1), entries(1, write), 0, out)
    out.advance(10_000)
    out.disk.corrupt('wal', position)
    expect(recover(out)).toBe('corrupt-log')
  }
})

test('a gap stops the member, and so does a state ahead of the log', () => {
  const out = new RecordingOut()
  const { wal } = newWal()
  wal.append(1, hard(1), entries(1, 1), 0, out)
  wal.append(2, hard(1), entries(1, 3), 0, out)
  out.advance(10_000)
  expect(recover(out)).toBe('missing-entries')
  const ahead = new RecordingOut()
  const state = new StateMachine(ETCD_DECISIONS).image()
  saveBackend({ index: 3, state }, ignore, ahead)
  ahead.advance(10_000)
  expect(recover(ahead)).toBe('missing-entries')
})

test('a snapshot of the leader replaces older entries; one that never became durable, with all behind it, does not', () => {
  const out = new RecordingOut()
  const { wal } = newWal()
  const state = new StateMachine(ETCD_DECISIONS).image()
  wal.append(1, hard(1), entries(1, 1, 2, 3), 0, out)
  out.advance(10_000)
  wal.append(2, hard(2), [], 2, out)
  wal.append(3, hard(2), entries(2, 3), 2, out)
  out.advance(10_000)
  const without = recovered(out)
  expect([without.entries.length, without.hardState.term, without.repairedRecords]).toEqual([3, 1, 2])
  const other = new RecordingOut()
  const second = newWal()
  second.wal.append(1, hard(1), entries(1, 1, 2, 3), 0, other)
  saveSnapshot({ index: 2, term: 2, data: state, bytes: 1 }, ignore, other)
  second.wal.append(2, hard(2), [], 2, other)
  other.advance(10_000)
  const found = recovered(other)
  expect([found.snapshot?.index, found.entries.length, found.backend?.index]).toEqual([2, 0, 2])
})

test('released records are gone, the last one stays for its term and vote', () => {
  const out = new RecordingOut()
  const { wal } = newWal()
  const state = new StateMachine(ETCD_DECISIONS).image()
  for (const write of [1, 2, 3]) wal.append(write, hard(1), entries(1, write), 0, out)
  saveSnapshot({ index: 3, term: 1, data: state, bytes: 1 }, ignore, out)
  out.advance(10_000)
  wal.release(3, out)
  wal.append(4, hard(7), entries(7, 4), 0, out)
  out.advance(10_000)
  expect(out.disk.read('wal')).toHaveLength(2)
  const found = recovered(out)
  expect([found.entries.length, found.entries[0]?.index, found.hardState.term]).toEqual([1, 4, 7])
})

test('a full disk says so', () => {
  const out = new RecordingOut()
  const { wal } = newWal()
  out.disk.full = true
  expect(wal.append(1, hard(1), [], 0, out)).toBe(false)
})
