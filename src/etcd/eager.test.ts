// Bytes are made only where a fault touches them. Here the same log is kept twice, lazily on the kernel's file and eagerly as
// nothing but bytes, which are read back by themselves; the same random writes, torn crashes, flipped bits and lost sectors
// must lead both to the same recovery.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecordFile, SECTOR_BYTES } from '../kernel/files.ts'
import type { Disk, DiskRecord, Layout, Out, TimerTarget } from '../kernel/machine.ts'
import { MembershipChange } from '../raft/index.ts'
import { decodeFrames, entryOf, type Frame, FrameWriter } from './frames.ts'
import { type Recovered, type Refusal, recover } from './recovery.ts'
import { EMPTY_WAL, Wal } from './wal.ts'
import type { WalRecord } from './walrecords.ts'

/** A disk whose syncs end when the test says so. */
abstract class TestDisk implements Disk {
  readonly #syncs: {
    readonly file: string
    readonly target: TimerTarget
    readonly kind: number
    readonly a: number
  }[] = []
  abstract append(file: string, value: unknown, bytes: number): 'ok'
  abstract replace(file: string, value: unknown, bytes: number): 'ok'
  abstract truncate(file: string, from: number): void
  abstract read(file: string): readonly DiskRecord[]
  abstract layOut(file: string, layout: Layout): void
  abstract damaged(file: string): Uint8Array | undefined
  abstract files(): readonly string[]
  abstract remove(file: string): void
  abstract settle(file: string): void
  abstract unsynced(file: string): number
  abstract crash(file: string, kept: number, torn: boolean, survives: (sector: number) => boolean): void
  abstract damage(file: string, from: number, count: number, mask?: number): void

  release(): void {
    throw new Error('a log has segments instead')
  }

  leaveNameUnsynced(): void {
    throw new Error('a log syncs its folder')
  }

  sync(file: string, target: TimerTarget, kind: number, a = 0): void {
    this.#syncs.push({ file, target, kind, a })
  }

  endSyncs(): void {
    for (let next = this.#syncs.shift(); next !== undefined; next = this.#syncs.shift()) {
      this.settle(next.file)
      next.target.onTimer(next.kind, next.a, outOf(this))
    }
    for (const file of this.files()) this.settle(file)
  }

  forgetSyncs(): void {
    this.#syncs.length = 0
  }
}

function outOf(disk: Disk): Out {
  return { disk } as unknown as Out
}

/** The kernel's file of records, which makes bytes when it must. */
class LazyDisk extends TestDisk {
  readonly #files = new Map<string, RecordFile>()

  append(file: string, value: unknown, bytes: number): 'ok' {
    this.#file(file).append(value, bytes)
    return 'ok'
  }

  replace(file: string, value: unknown, bytes: number): 'ok' {
    this.#file(file).replace(value, bytes)
    return 'ok'
  }

  truncate(file: string, from: number): void {
    this.#file(file).truncate(from)
  }

  read(file: string): readonly DiskRecord[] {
    return this.#files.get(file)?.read() ?? []
  }

  layOut(file: string, layout: Layout): void {
    this.#file(file).layOut(layout)
  }

  damaged(file: string): Uint8Array | undefined {
    return this.#files.get(file)?.damaged()
  }

  files(): readonly string[] {
    return [...this.#files.keys()]
  }

  remove(file: string): void {
    this.#files.delete(file)
  }

  settle(file: string): void {
    const content = this.#file(file)
    content.settle(content.mark())
  }

  unsynced(file: string): number {
    return this.#file(file).unsynced
  }

  crash(file: string, kept: number, torn: boolean, survives: (sector: number) => boolean): void {
    this.#file(file).crash(kept, torn, survives)
  }

  damage(file: string, from: number, count: number, mask?: number): void {
    this.#file(file).damage(from, count, mask)
  }

  #file(name: string): RecordFile {
    const file = this.#files.get(name) ?? new RecordFile()
    this.#files.set(name, file)
    return file
  }
}

type Change =
  | { readonly kind: 'add' | 'set'; readonly bytes: Uint8Array }
  | { readonly kind: 'cut'; readonly at: number }

/** Nothing but bytes: every record is encoded when it is written and decoded when it is read. */
class EagerDisk extends TestDisk {
  /** What the names of the files say, which is nothing that bytes could damage. */
  readonly #heads = new Map<string, WalRecord>()
  readonly #durable = new Map<string, Uint8Array>()
  readonly #live = new Map<string, Uint8Array>()
  readonly #pending = new Map<string, Change[]>()

  append(file: string, value: unknown): 'ok' {
    const before = this.#bytes(file)
    const writer = writerBehind(before)
    for (const frame of framesOf(value as WalRecord)) writer.add(frame)
    return this.#do(file, { kind: 'add', bytes: writer.bytes().subarray(before.length) })
  }

  replace(file: string, value: unknown): 'ok' {
    const head = value as Extract<WalRecord, { kind: 'head' }>
    this.#heads.set(file, head)
    const writer = new FrameWriter()
    writer.begin(head.sequence)
    for (const frame of framesOf(head)) writer.add(frame)
    return this.#do(file, { kind: 'set', bytes: writer.bytes() })
  }

  truncate(file: string, from: number): void {
    const { ends } = decodeFrames(this.#bytes(file), true)
    // The head is three frames, everything else is read one frame a record.
    this.#do(file, { kind: 'cut', at: ends[from + 1] as number })
  }

  read(file: string): readonly DiskRecord[] {
    const bytes = this.#live.get(file)
    if (bytes === undefined) return []
    const [head, ...writes] = recordsOf(decodeFrames(bytes, true).frames)
    return [head ?? (this.#heads.get(file) as WalRecord), ...writes].map((value) => ({ value, state: 'ok' }))
  }

  /** What opening a log for writing does: nothing stays behind the last good record. */
  cutRests(): void {
    for (const [file, bytes] of this.#live) this.#live.set(file, bytes.slice(0, decodeFrames(bytes, true).ends.at(-1)))
  }

  layOut(): void {}

  damaged(file: string): Uint8Array | undefined {
    return this.#live.get(file)
  }

  files(): readonly string[] {
    return [...this.#live.keys()]
  }

  remove(file: string): void {
    for (const image of [this.#durable, this.#live]) image.delete(file)
    this.#pending.delete(file)
  }

  settle(file: string): void {
    this.#durable.set(file, this.#bytes(file))
    this.#pending.delete(file)
  }

  unsynced(file: string): number {
    return this.#pending.get(file)?.length ?? 0
  }

  crash(file: string, kept: number, torn: boolean, survives: (sector: number) => boolean): void {
    const pending = this.#pending.get(file) ?? []
    let bytes = this.#durable.get(file)
    for (const change of pending.slice(0, kept)) bytes = changed(bytes, change)
    const next = pending[kept]
    if (torn && next?.kind === 'add' && bytes !== undefined) {
      const from = bytes.length
      bytes = changed(bytes, next)
      for (let at = from, sector = 0; at < bytes.length; sector++) {
        const end = Math.min(bytes.length, at - (at % SECTOR_BYTES) + SECTOR_BYTES)
        if (!survives(sector)) bytes.fill(0, at, end)
        at = end
      }
    }
    this.#pending.delete(file)
    for (const image of [this.#durable, this.#live]) {
      if (bytes === undefined) image.delete(file)
      else image.set(file, bytes)
    }
  }

  damage(file: string, from: number, count: number, mask?: number): void {
    const bytes = this.#bytes(file)
    for (let at = from; at < Math.min(from + count, bytes.length); at++) {
      bytes[at] = mask === undefined ? 0 : (bytes[at] as number) ^ mask
    }
    this.#durable.set(file, bytes)
  }

  #bytes(file: string): Uint8Array {
    return this.#live.get(file) ?? new Uint8Array(0)
  }

  #do(file: string, change: Change): 'ok' {
    this.#live.set(file, changed(this.#live.get(file), change))
    this.#pending.set(file, [...(this.#pending.get(file) ?? []), change])
    return 'ok'
  }
}

function changed(before: Uint8Array | undefined, change: Change): Uint8Array {
  if (change.kind === 'cut') return (before as Uint8Array).slice(0, change.at)
  if (change.kind === 'set' || before === undefined) return change.bytes.slice()
  const bytes = new Uint8Array(before.length + change.bytes.length)
  bytes.set(before)
  bytes.set(change.bytes, before.length)
  return bytes
}

function framesOf(record: WalRecord): Frame[] {
  const frames: Frame[] = []
  const add = (type: Frame['type'], data: unknown) => frames.push({ type, text: JSON.stringify(data) })
  const { hardState } = record
  if (record.kind === 'head') add('metadata', [record.sequence, record.firstIndex])
  else {
    if (record.restoredIndex > 0) add('snapshot', [record.restoredIndex])
    for (const { index, term, bytes, data } of record.entries) {
      if (data instanceof MembershipChange) {
        add('entry', [index, term, bytes, 'change', data.steps, data.transition, data.context])
      } else add('entry', [index, term, bytes, 'request', data])
    }
  }
  if (hardState !== undefined) add('state', [hardState.term, hardState.vote, hardState.commit])
  return frames
}

function recordsOf(frames: readonly Frame[]): WalRecord[] {
  const records: WalRecord[] = []
  const numbers = (text: string) => JSON.parse(text) as [number, number, number]
  const hard = (text: string) => ({ term: numbers(text)[0], vote: numbers(text)[1], commit: numbers(text)[2] })
  const [, metadata, state] = frames
  if (metadata === undefined || state === undefined) return []
  const [sequence, firstIndex] = numbers(metadata.text)
  records.push({ kind: 'head', sequence, firstIndex, hardState: hard(state.text) })
  for (const { type, text } of frames.slice(3)) {
    const empty = { kind: 'write', hardState: undefined, entries: [], restoredIndex: 0 } as const
    if (type === 'entry') records.push({ ...empty, entries: [entryOf(text)] })
    else if (type === 'state') records.push({ ...empty, hardState: hard(text) })
    else records.push({ ...empty, restoredIndex: numbers(text)[0] })
  }
  return records
}

/** A writer that has written these bytes, however they read. */
function writerBehind(bytes: Uint8Array): FrameWriter {
  const writer = new FrameWriter()
  decodeFrames(bytes, true).frames.forEach((frame, i) => {
    if (i > 0) writer.add(frame)
    else writer.begin(new DataView(bytes.buffer, bytes.byteOffset).getUint32(12, true))
  })
  if (writer.length !== bytes.length) throw new Error('something was appended behind damage')
  return writer
}

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('write'), entries: fc.nat(3), bytes: fc.nat(1_500), back: fc.nat(3) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('sync') }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('crash'), kept: fc.nat(5), torn: fc.boolean(), sectors: fc.nat() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('flip'), at: fc.nat(), bit: fc.nat(7) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose'), at: fc.nat() }) },
)

const told = { runs: 0, torn: 0, refused: 0, whole: 0, cut: 0 }

/** What counts of a recovery; records are counted as they were written, or as frames, so their number is no matter. */
function outcome(found: Recovered | Refusal): unknown {
  if ('reason' in found) return found.reason
  return { hardState: found.hardState, entries: found.entries, segments: found.wal.segments }
}

test('what is encoded when a fault looks at it recovers as what was bytes all along', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
      const disks = [new LazyDisk(), new EagerDisk()] as const
      const newWals = (ends = disks.map(() => EMPTY_WAL)) =>
        disks.map((_, i) => {
          const target = { onTimer: (_kind: number, write: number, out: Out) => wal.synced(write, out) }
          const wal: Wal = new Wal(target, 6_000, ends[i])
          return wal
        })
      let wals = newWals()
      let write = 0
      let last = 0
      const restart = (): boolean => {
        const [lazy, eager] = disks.map((disk) => recover(outOf(disk))) as [Recovered | Refusal, Recovered | Refusal]
        expect(outcome(lazy)).toEqual(outcome(eager))
        told.runs++
        if ('reason' in lazy) {
          told.refused++
          return false
        }
        if (lazy.repairedRecords > 0) told.cut++
        else told.whole++
        disks[1].cutRests()
        for (const disk of disks) disk.endSyncs()
        // Their rough sizes go by records, which are not the same.
        wals = newWals([lazy.wal, { ...(eager as Recovered).wal, bytes: lazy.wal.bytes }])
        last = lazy.entries.length
        write = 0
        return true
      }
      for (const act of steps) {
        const file = disks[0]
          .files()
          .filter((name) => disks[0].read(name).length > 0)
          .at(-1)
        if (act.kind === 'write') {
          write++
          const from = Math.max(1, last + 1 - act.back)
          const entries = Array.from({ length: act.entries }, (_, i) => {
            const request = { type: 'put', key: `k${i}`, value: 'v'.repeat(act.bytes) }
            const data =
              i === 2 ? new MembershipChange([{ kind: 'add-learner', member: 4 }]) : { origin: 1, id: write, request }
            return { index: from + i, term: 1, data, bytes: act.bytes }
          })
          if (entries.length > 0) last = from + entries.length - 1
          const hardState = { term: 1, vote: write % 3, commit: write }
          wals.forEach((wal, i) => {
            wal.append(write, hardState, entries, 0, outOf(disks[i] as Disk))
          })
        } else if (act.kind === 'sync') for (const disk of disks) disk.endSyncs()
        else if (file === undefined) continue
        else if (act.kind === 'crash') {
          if (act.torn) told.torn++
          for (const disk of disks) {
            disk.forgetSyncs()
            const kept = Math.min(act.kept, disk.unsynced(file))
            disk.crash(file, kept, act.torn, (sector) => ((act.sectors >> (sector % 20)) & 1) === 1)
          }
          if (!restart()) return
        } else {
          for (const disk of disks) disk.endSyncs()
          const length = (disks[1].damaged(file) as Uint8Array).length
          for (const disk of disks) {
            if (act.kind === 'flip') disk.damage(file, act.at % length, 1, 1 << act.bit)
            else disk.damage(file, (act.at % Math.ceil(length / SECTOR_BYTES)) * SECTOR_BYTES, SECTOR_BYTES)
            disk.crash(file, 0, false, () => false)
          }
          if (!restart()) return
        }
      }
    }),
    { seed: 11, numRuns: 1_500 },
  )
  for (const [, count] of Object.entries(told)) expect(count).toBeGreaterThan(10)
})
