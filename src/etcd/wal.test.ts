// What a member finds on its disk after a crash, and what it makes of it.
import { expect, test } from 'vitest'
import type { Out } from '../kernel/index.ts'
import { RecordingOut } from '../kernel/testing.ts'
import type { Entry } from '../raft/index.ts'
import { StateMachine } from './apply.ts'
import { ETCD_DECISIONS } from './decisions.ts'
import { type Recovered, type Refusal, recover } from './recovery.ts'
import { dropOldSnapshots, saveBackend, saveSnapshot } from './saves.ts'
import { EMPTY_WAL, WAL_SYNCED, Wal, type WalEnd } from './wal.ts'

const hard = (term: number) => ({ term, vote: 1, commit: 0 })

function entries(term: number, ...indexes: number[]): Entry[] {
  return indexes.map((index) => ({ index, term, data: null, bytes: 10 }))
}

function newWal(
  end: WalEnd = EMPTY_WAL,
  segmentBytes = 1_000_000,
  decisions = ETCD_DECISIONS,
): { wal: Wal; synced: number[] } {
  const synced: number[] = []
  const target = {
    onTimer(kind: number, write: number, at: Out): void {
      if (kind !== WAL_SYNCED) return
      synced.push(write)
      wal.synced(write, at)
    },
  }
  const wal = new Wal(target, segmentBytes, end, decisions)
  return { wal, synced }
}

function recovered(out: RecordingOut): Recovered {
  const found = recover(out)
  if ('reason' in found) throw new Error(`${found.reason}: ${found.detail}`)
  return found
}

function refused(out: RecordingOut): Refusal {
  const found = recover(out)
  if (!('reason' in found)) throw new Error('the member would start')
  return found
}

/** An entry of several sectors. */
function large(index: number): Entry {
  const request = { type: 'put', key: 'k', value: 'x'.repeat(2_000) }
  return { index, term: 1, data: { origin: 0, id: index, request }, bytes: 2_000 }
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

test('what was not synced is gone, and of a torn write what is whole at its beginning stays', () => {
  const out = new RecordingOut()
  const { wal } = newWal()
  wal.append(1, hard(1), entries(1, 1), 0, out)
  out.advance(10_000)
  wal.append(2, hard(2), [...entries(2, 2), large(3)], 0, out)
  out.disk.crash(true)
  const found = recovered(out)
  expect(found.entries.map(({ index }) => index)).toEqual([1, 2])
  // The term and vote of the torn write are gone, but who holds an entry has seen its term.
  expect(found.hardState).toEqual({ term: 2, vote: 0, commit: 0 })
  expect(found.repairedRecords).toBe(1)
  const again = newWal(found.wal)
  again.wal.append(1, hard(3), entries(3, 3), 0, out)
  out.advance(10_000)
  out.crash()
  expect(recovered(out)).toMatchObject({ hardState: hard(3), repairedRecords: 0, entries: [{}, {}, { term: 3 }] })
})

test('a torn write whose first sector is not there is not there at all', () => {
  const out = new RecordingOut()
  const { wal } = newWal()
  wal.append(1, hard(1), entries(1, 1), 0, out)
  out.advance(10_000)
  wal.append(2, hard(2), [large(2)], 0, out)
  out.disk.crash(true, (sector) => sector > 0)
  expect(recovered(out)).toMatchObject({ hardState: hard(1), entries: [{ index: 1 }], repairedRecords: 1 })
})

test('a corrupt record, wherever it is, stops the member, and its reason says where', () => {
  for (const position of [0, 1, 2, 3]) {
    const out = new RecordingOut()
    const { wal } = newWal()
    for (const write of [1, 2, 3]) wal.append(write, hard(1), entries(1, write), 0, out)
    out.advance(10_000)
    out.disk.corrupt('wal', position)
    expect(refused(out)).toMatchObject({ reason: 'corrupt-log', detail: expect.stringMatching(/^wal: .+ at \d+/) })
  }
})

test('a synced sector that was never written passes for a torn end, as in etcd: what was promised is lost', () => {
  const out = new RecordingOut()
  const { wal } = newWal()
  wal.append(1, hard(1), entries(1, 1), 0, out)
  wal.append(2, hard(1), [large(2)], 0, out)
  wal.append(3, hard(1), entries(1, 3), 0, out)
  out.advance(10_000)
  out.disk.damage('wal', 1024, 512)
  expect(recovered(out).entries.map(({ index }) => index)).toEqual([1])
})

test('a gap stops the member, and so does a state ahead of the log', () => {
  const out = new RecordingOut()
  const { wal } = newWal()
  wal.append(1, hard(1), entries(1, 1), 0, out)
  wal.append(2, hard(1), entries(1, 3), 0, out)
  out.advance(10_000)
  expect(refused(out)).toEqual({ reason: 'missing-entries', detail: 'wal: entry 2 is missing, 3 is there' })
  const ahead = new RecordingOut()
  const state = new StateMachine(ETCD_DECISIONS).image()
  saveBackend({ index: 3, state }, ignore, ahead)
  ahead.advance(10_000)
  expect(refused(ahead).reason).toBe('missing-entries')
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

test('segments that the kept snapshots cover are gone, the last one stays for its term and vote', () => {
  const out = new RecordingOut()
  const { wal } = newWal(EMPTY_WAL, 200)
  const state = new StateMachine(ETCD_DECISIONS).image()
  for (const write of [1, 2, 3, 4, 5, 6, 7, 8]) {
    wal.append(write, hard(write), entries(write, write), 0, out)
    out.advance(10_000)
    if (write % 3 !== 0) continue
    saveSnapshot({ index: write, term: write, data: state, bytes: 1 }, ignore, out)
    out.advance(10_000)
    wal.release(dropOldSnapshots(write, out), out)
  }
  const files = out.disk.files()
  expect(files).toEqual(['snapshot-3', 'wal-1', 'snapshot-6', 'wal-2'])
  const found = recovered(out)
  expect([found.snapshot?.index, found.entries.map(({ index }) => index)]).toEqual([6, [7, 8]])
  expect(found.wal.segments.map(({ firstIndex }) => firstIndex)).toEqual([4, 7])
  // The next segment begins with the term and vote that recovery found.
  const next = newWal(found.wal, 200)
  for (const write of [1, 2, 3]) {
    next.wal.append(write, hard(8), entries(8, 8 + write), 0, out)
    out.advance(10_000)
  }
  expect(out.disk.files().at(-1)).toBe('wal-3')
  expect(recovered(out)).toMatchObject({ hardState: hard(8), entries: [{}, {}, {}, {}, { index: 11 }] })
})

test.each([true, false])('a new segment after a loss of power, its folder synced: %s', (synced) => {
  const out = new RecordingOut()
  const { wal } = newWal(EMPTY_WAL, 200, { ...ETCD_DECISIONS, syncsFolderAfterRename: () => synced })
  for (const write of [1, 2, 3, 4, 5]) {
    wal.append(write, hard(1), entries(1, write), 0, out)
    out.advance(10_000)
  }
  expect(out.disk.files()).toEqual(['wal', 'wal-1'])
  out.crash()
  expect(recovered(out).entries.map(({ index }) => index)).toEqual(synced ? [1, 2, 3, 4, 5] : [1, 2, 3])
})

test('a broken snapshot is passed over for the one before it, and the log goes on from there', () => {
  const out = new RecordingOut()
  const { wal } = newWal()
  const state = new StateMachine(ETCD_DECISIONS).image()
  for (const write of [1, 2, 3]) wal.append(write, hard(1), entries(1, write), 0, out)
  for (const index of [1, 3]) saveSnapshot({ index, term: 1, data: state, bytes: 1 }, ignore, out)
  out.advance(10_000)
  out.disk.corrupt('snapshot-3', 0)
  const found = recovered(out)
  expect([found.snapshot?.index, found.entries.length]).toEqual([1, 2])
  out.disk.corrupt('snapshot-1', 0)
  expect(recovered(out).snapshot).toBeUndefined()
})

test('a broken snapshot that the leader sent cannot be passed over', () => {
  const out = new RecordingOut()
  const { wal } = newWal()
  const state = new StateMachine(ETCD_DECISIONS).image()
  wal.append(1, hard(1), entries(1, 1), 0, out)
  saveSnapshot({ index: 5, term: 2, data: state, bytes: 1 }, ignore, out)
  wal.append(2, hard(2), [], 5, out)
  wal.append(3, hard(2), entries(2, 6), 5, out)
  out.advance(10_000)
  expect(recovered(out)).toMatchObject({ snapshot: { index: 5 }, entries: [{ index: 6 }] })
  out.disk.corrupt('snapshot-5', 0)
  expect(refused(out)).toEqual({ reason: 'missing-entries', detail: 'wal: snapshot 5 is broken' })
})

test('a full disk says so', () => {
  const out = new RecordingOut()
  const { wal } = newWal()
  out.disk.full = true
  expect(wal.append(1, hard(1), [], 0, out)).toBe(false)
})
