/**
 * One file of records: what its process sees, what a crash leaves. Every change goes into the live image at once and into
 * a list of pending operations; a sync moves the operations that it covers into the durable image. A crash keeps the
 * durable image and as many pending operations, in order, as the caller says; the next one may be torn.
 * A file with a layout is damaged byte by byte, as a disk is: a write that a crash tears leaves some of its sectors and zeros
 * for the others. The bytes are made only then; a file that nothing damaged is its records.
 * This is the arithmetic of durability only: latency, faults and chance are in `device.ts`. Operations of one file reach
 * the disk in order (as ext4 in ordered mode does for appends); reordering between files is possible, within one is not.
 */
import { invariant } from './invariant.ts'
import type { DiskRecord, Layout } from './machine.ts'

/** What a disk writes wholly or not at all, bytes. */
export const SECTOR_BYTES = 512

export interface StoredRecord extends DiskRecord {
  readonly bytes: number
}

type Operation =
  | { readonly kind: 'append'; readonly record: StoredRecord }
  | { readonly kind: 'replace'; readonly record: StoredRecord }
  | { readonly kind: 'truncate'; readonly from: number }
  | { readonly kind: 'release'; readonly count: number }

/** A point in a file's history of operations; a sync covers everything before its mark. */
export type Mark = number

export class RecordFile {
  #live: StoredRecord[] = []
  #durable: StoredRecord[] = []
  #pending: Operation[] = []
  /** Operations that are in the durable image already. */
  #settled: Mark = 0
  /** Bytes of the live image. */
  #bytes = 0
  #layout: Layout | undefined
  /** The bytes of the durable image, once a fault has touched them. */
  #damage: Uint8Array | undefined
  /** The process sees the damage too: it has not cut it off. */
  #seesDamage = false

  get bytes(): number {
    return this.#bytes
  }

  /** Number of operations that a crash now could lose. */
  get unsynced(): number {
    return this.#pending.length
  }

  /** Number of records in the durable image. */
  get durableLength(): number {
    return this.#durable.length
  }

  append(value: unknown, bytes: number): void {
    this.#do({ kind: 'append', record: { value, bytes, state: 'ok' } })
  }

  replace(value: unknown, bytes: number): void {
    this.#do({ kind: 'replace', record: { value, bytes, state: 'ok' } })
  }

  truncate(from: number): void {
    invariant(from >= 0 && Number.isInteger(from), 'kernel: a file is truncated at a whole position', from)
    this.#do({ kind: 'truncate', from })
  }

  release(count: number): void {
    invariant(count >= 0 && Number.isInteger(count), 'kernel: a whole number of records is released', count)
    this.#do({ kind: 'release', count })
  }

  /** A copy of what the process sees now. */
  read(): readonly DiskRecord[] {
    return this.#live.slice()
  }

  layOut(layout: Layout): void {
    this.#layout = layout
  }

  /** The bytes that the process sees, if a fault has touched them. */
  damaged(): Uint8Array | undefined {
    return this.#seesDamage ? this.#bytesOf(this.#live) : undefined
  }

  /** The mark that a sync asked for now would cover. */
  mark(): Mark {
    return this.#settled + this.#pending.length
  }

  /** Makes everything before `mark` durable. A mark that an earlier sync went beyond changes nothing. */
  settle(mark: Mark): void {
    const count = mark - this.#settled
    if (count <= 0) return
    if (count > this.#pending.length) invariant(false, 'kernel: a sync covers only what was written', { count })
    for (let i = 0; i < count; i++) this.#keep(this.#pending[i] as Operation)
    if (count === this.#pending.length) this.#pending = []
    else this.#pending.splice(0, count)
    this.#settled = mark
  }

  /**
   * The machine lost power: the durable image stays and with it the first `kept` pending operations. With `torn`, the
   * next one, if it is an append, leaves a record that fails its checksum; in a file with a layout it leaves the sectors
   * that `survives` names, counted from the beginning of the write. True when something of it was left.
   */
  crash(kept: number, torn: boolean, survives: (sector: number) => boolean): boolean {
    invariant(kept >= 0 && kept <= this.#pending.length, 'kernel: a crash keeps some of what was pending', { kept })
    for (let i = 0; i < kept; i++) this.#keep(this.#pending[i] as Operation)
    const next = this.#pending[kept]
    const tears = torn && next !== undefined && next.kind === 'append' && this.#tear(next.record, survives)
    this.#settled += this.#pending.length
    this.#pending = []
    this.#live = this.#durable.slice()
    this.#seesDamage = this.#damage !== undefined
    this.#bytes = 0
    for (const record of this.#live) this.#bytes += record.bytes
    return tears
  }

  /** Damages the durable record at `position`; false when there is none. Its reader sees a checksum that does not match. */
  corrupt(position: number): boolean {
    const record = this.#durable[position]
    if (record === undefined) return false
    if (this.#layout !== undefined) {
      const { ends } = this.#layout.encode(this.#durable.map(({ value }) => value))
      const from = ends[position - 1] ?? 0
      return this.damage((from + (ends[position] as number)) >> 1, 1, 0x10)
    }
    const damaged: StoredRecord = { ...record, state: 'corrupt' }
    this.#durable[position] = damaged
    const seen = this.#live.indexOf(record)
    if (seen >= 0) this.#live[seen] = damaged
    return true
  }

  /** Changes durable bytes of a file with a layout: flips the bits of `mask`, or, without a mask, makes them zero. */
  damage(from: number, count: number, mask?: number): boolean {
    if (this.#layout === undefined) return false
    const bytes = this.#bytesOf(this.#durable)
    const before = bytes.slice(from, from + count)
    for (let at = from; at < Math.min(from + count, bytes.length); at++) {
      bytes[at] = mask === undefined ? 0 : (bytes[at] as number) ^ mask
    }
    if (before.every((byte, i) => byte === bytes[from + i])) return false
    this.#damage = bytes
    this.#seesDamage = true
    return true
  }

  /** The durable bytes of a file with a layout, damage and all; none of another file. */
  durableBytes(): Uint8Array {
    return this.#layout === undefined ? new Uint8Array(0) : this.#bytesOf(this.#durable)
  }

  /** What is left of an append that was under way. */
  #tear(record: StoredRecord, survives: (sector: number) => boolean): boolean {
    if (this.#layout === undefined) {
      this.#durable.push({ ...record, state: 'torn' })
      return true
    }
    const from = this.#layout.encode(this.#durable.map(({ value }) => value)).ends[this.#durable.length - 1] ?? 0
    const bytes = this.#bytesOf([...this.#durable, record])
    let left = 0
    let sector = 0
    for (let at = from; at < bytes.length; sector++) {
      const end = Math.min(bytes.length, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES)
      if (survives(sector)) left++
      else bytes.fill(0, at, end)
      at = end
    }
    if (left === 0) return false
    this.#durable.push({ ...record, state: 'torn' })
    this.#damage = bytes
    return true
  }

  /** The bytes of an image, with the damage that there is. */
  #bytesOf(image: readonly StoredRecord[]): Uint8Array {
    invariant(this.#layout !== undefined, 'kernel: only a file with a layout has bytes')
    const { bytes } = this.#layout.encode(image.map(({ value }) => value))
    if (this.#damage !== undefined) bytes.set(this.#damage.subarray(0, bytes.length))
    return bytes
  }

  /** An operation becomes durable. */
  #keep(operation: Operation): void {
    apply(this.#durable, operation)
    if (operation.kind !== 'append') this.#damage = undefined
  }

  #do(operation: Operation): void {
    if (this.#pending.length === 0) this.#pending = [operation]
    else this.#pending.push(operation)
    this.#bytes += apply(this.#live, operation)
    if (operation.kind !== 'append') this.#seesDamage = false
  }
}

/** Applies an operation to an image and returns by how many bytes the image grew. */
function apply(image: StoredRecord[], operation: Operation): number {
  switch (operation.kind) {
    case 'append':
      image.push(operation.record)
      return operation.record.bytes
    case 'replace': {
      const before = bytesOf(image)
      image.length = 1
      image[0] = operation.record
      return operation.record.bytes - before
    }
    case 'truncate':
      return -bytesOf(image.splice(operation.from))
    case 'release':
      return -bytesOf(image.splice(0, operation.count))
  }
}

function bytesOf(records: readonly StoredRecord[]): number {
  let sum = 0
  for (const record of records) sum += record.bytes
  return sum
}
