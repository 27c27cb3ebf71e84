/**
 * What a member finds on its disk when it starts, and what it makes of it. Models etcd's wal.ReadAll and Repair, and
 * api/snap's Snapshotter, v3.5: a torn end is cut off, a broken snapshot is passed over for the one before, anything else
 * that is not as it was written keeps the member from starting. Files that nothing damaged are taken as they were written,
 * without making their bytes.
 */
import type { Out } from '../kernel/machine.ts'
import type { Entry, HardState, LogIndex, Snapshot } from '../raft/index.ts'
import type { StateImage } from './apply.ts'
import type { EtcdRefused } from './facts.ts'
import { type Decoded, decodeFrames, entryOf, textOf } from './frames.ts'
import { BACKEND_FILE, type BackendRecord, snapshotFiles } from './saves.ts'
import { EMPTY_WAL, type Segment, segmentFiles, type WalEnd } from './wal.ts'
import { type SegmentHead, SNAPSHOT_LAYOUT, WAL_LAYOUT, type WalRecord, type WalWrite } from './walrecords.ts'

export interface Recovered {
  readonly hardState: HardState
  readonly snapshot: Snapshot | undefined
  readonly entries: readonly Entry[]
  /** The state to start from, if there is any. */
  readonly backend: BackendRecord | undefined
  readonly wal: WalEnd
  /** Records of the log whose end, or all, was cut off. */
  readonly repairedRecords: number
}

/** The member must not start. */
export interface Refusal {
  readonly reason: EtcdRefused['reason']
  /** Which file, where in it and what is wrong there. */
  readonly detail: string
}

/** Reads back what a crash left, cutting a torn tail off, or says why the member must not start. */
export function recover(out: Out): Recovered | Refusal {
  const { snapshot, broken } = newestSnapshot(out)
  const backendRecord = out.disk.read(BACKEND_FILE)[0]
  if (backendRecord !== undefined && backendRecord.state !== 'ok') return refusal('corrupt-snapshot', BACKEND_FILE)
  const replay = new Replay(snapshot?.index ?? 0, broken)
  const refused = replayLog(replay, out)
  if (refused !== undefined) return refused
  const saved = backendRecord?.value as BackendRecord | undefined
  let backend = saved
  if (snapshot !== undefined && (saved === undefined || saved.index < snapshot.index)) {
    backend = { index: snapshot.index, state: snapshot.data as StateImage }
  }
  const { entries, base, wal, repairedRecords } = replay
  if (backend !== undefined && backend.index > base + entries.length) {
    const detail = `the backend is at ${backend.index}, the log ends at ${base + entries.length}`
    return refusal('missing-entries', detail)
  }
  return { hardState: replay.hardStateOfLog(), snapshot, entries, backend, wal, repairedRecords }
}

function refusal(reason: Refusal['reason'], detail: string): Refusal {
  return { reason, detail }
}

/** The newest snapshot whose checksum is right, and those before it in the order that are broken. */
function newestSnapshot(out: Out): { readonly snapshot: Snapshot | undefined; readonly broken: readonly LogIndex[] } {
  const broken: LogIndex[] = []
  for (const { file, index } of snapshotFiles(out)) {
    const bytes = out.disk.damaged(file)
    const record = out.disk.read(file)[0]
    if (bytes === undefined) return { snapshot: record?.value as Snapshot, broken }
    const { frames, stop } = decodeFrames(bytes, false)
    const [whole] = SNAPSHOT_LAYOUT.encode([record?.value]).ends
    if (stop === 'end' && frames.length === 2 && whole === bytes.length) {
      return { snapshot: record?.value as Snapshot, broken }
    }
    broken.push(index)
  }
  return { snapshot: undefined, broken }
}

/** What the log says so far. */
class Replay {
  readonly base: LogIndex
  readonly #broken: readonly LogIndex[]
  hardState = EMPTY_WAL.hardState
  entries: Entry[] = []
  wal: WalEnd = EMPTY_WAL
  repairedRecords = 0
  missing = ''

  constructor(base: LogIndex, broken: readonly LogIndex[]) {
    this.base = base
    this.#broken = broken
  }

  /**
   * Takes a write. False when it goes no further: an entry is missing, or the snapshot that it speaks of never became
   * durable, and so neither did anything from here on.
   */
  take({ restoredIndex, entries, hardState }: WalWrite): boolean {
    if (restoredIndex > this.base) {
      if (this.#broken.includes(restoredIndex)) this.missing = `snapshot ${restoredIndex} is broken`
      return false
    }
    if (restoredIndex > 0) this.entries = []
    for (const entry of entries) {
      if (entry.index <= this.base) continue
      const at = entry.index - this.base - 1
      if (at > this.entries.length) {
        this.missing = `entry ${this.base + this.entries.length + 1} is missing, ${entry.index} is there`
        return false
      }
      this.entries.length = at
      this.entries.push(entry)
    }
    if (hardState !== undefined) this.hardState = hardState
    return true
  }

  /** Who holds an entry has seen its term, and has not voted in it if that is not on the disk. */
  hardStateOfLog(): HardState {
    const { term, commit } = this.hardState
    const lastTerm = this.entries[this.entries.length - 1]?.term ?? 0
    return lastTerm > term ? { term: lastTerm, vote: 0, commit } : this.hardState
  }
}

function replayLog(replay: Replay, out: Out): Refusal | undefined {
  const files = segmentFiles(out).filter((file) => out.disk.read(file).length > 0)
  const segments = files.map((file) => segmentOf(file, out))
  // Segments before the one that begins at or before what the snapshot leaves are of no use.
  let first = segments.length - 1
  while (first > 0 && (segments[first] as Segment).firstIndex > replay.base + 1) first--
  for (let i = Math.max(0, first); i < segments.length; i++) {
    const segment = segments[i] as Segment
    const refused = replaySegment(replay, segment, i === segments.length - 1, out)
    if (refused !== undefined) return refused
  }
  const last = segments[segments.length - 1]
  const bytes = last === undefined ? 0 : sizeOf(out.disk.read(last.file))
  replay.wal = {
    segments,
    lastIndex: replay.base + replay.entries.length,
    hardState: replay.hardStateOfLog(),
    bytes,
  }
  return undefined
}

function segmentOf(file: string, out: Out): Segment {
  const { sequence, firstIndex } = out.disk.read(file)[0]?.value as SegmentHead
  return { file, sequence, firstIndex }
}

function sizeOf(records: readonly { readonly value: unknown }[]): number {
  let bytes = 64
  for (const { value } of records) {
    if ((value as WalRecord).kind === 'head') continue
    bytes += 32
    for (const entry of (value as WalWrite).entries) bytes += 16 + entry.bytes
  }
  return bytes
}

function replaySegment(replay: Replay, segment: Segment, isLast: boolean, out: Out): Refusal | undefined {
  const { file } = segment
  const records = out.disk.read(file).map(({ value }) => value as WalRecord)
  const bytes = out.disk.damaged(file)
  let whole = records.length
  let rest: WalWrite | undefined
  if (bytes !== undefined) {
    const decoded = decodeFrames(bytes, isLast)
    if (decoded.stop === 'corrupt' || (decoded.stop === 'torn' && !isLast)) {
      return refusal('corrupt-log', `${file}: ${decoded.reason}`)
    }
    ;({ whole, rest } = survivorsOf(decoded, records))
    if (whole === 0) return refusal('corrupt-log', `${file}: the head is not there`)
  }
  let taken = 0
  while (taken < whole) {
    const record = records[taken] as WalRecord
    if (record.kind === 'head') replay.hardState = record.hardState
    else if (!replay.take(record)) break
    taken++
  }
  if (taken === whole && rest !== undefined && !replay.take(rest)) rest = undefined
  if (replay.missing !== '') return refusal('missing-entries', `${file}: ${replay.missing}`)
  if (taken === records.length) return undefined
  if (!isLast) return refusal('corrupt-log', `${file}: the end is not there`)
  replay.repairedRecords += records.length - taken
  out.disk.truncate(file, taken)
  if (taken === whole && rest !== undefined) out.disk.append(file, rest, 32)
  return undefined
}

/** How many records are there wholly, and what is left of the next one. Entries keep their identity: equal texts, equal entries. */
function survivorsOf({ frames, ends }: Decoded, records: readonly WalRecord[]) {
  const { ends: wanted } = WAL_LAYOUT.encode(records)
  const upTo = ends[ends.length - 1] ?? 0
  let whole = 0
  while (whole < wanted.length && (wanted[whole] as number) <= upTo) whole++
  const from = wanted[whole - 1] ?? 0
  const known = new Map<string, Entry>()
  const torn = records[whole]
  if (torn !== undefined && torn.kind === 'write') for (const entry of torn.entries) known.set(textOf(entry), entry)
  let rest: WalWrite | undefined
  frames.forEach(({ type, text }, i) => {
    if ((ends[i] as number) <= from) return
    rest ??= { kind: 'write', hardState: undefined, entries: [], restoredIndex: 0 }
    if (type === 'entry') rest = { ...rest, entries: [...rest.entries, known.get(text) ?? entryOf(text)] }
    else if (type === 'snapshot') rest = { ...rest, restoredIndex: (JSON.parse(text) as [LogIndex])[0] }
  })
  return { whole, rest }
}
