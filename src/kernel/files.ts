/**
 * One file of records: what its process sees, what a crash leaves. Every change goes into the live image at once and into
 * a list of pending operations; a sync moves the operations that it covers into the durable image. A crash keeps the
 * durable image and as many pending operations, in order, as the caller says; the next one may be torn.
 * This is the arithmetic of durability only: latency, faults and chance are in `device.ts`. Operations of one file reach
 * the disk in order (as ext4 in ordered mode does for appends); reordering between files is possible, within one is not.
 */
import { invariant } from './invariant.ts'
import type { DiskRecord } from './machine.ts'

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

  /** The mark that a sync asked for now would cover. */
  mark(): Mark {
    return this.#settled + this.#pending.length
  }

  /** Makes everything before `mark` durable. A mark that an earlier sync went beyond changes nothing. */
  settle(mark: Mark): void {
    const count = mark - this.#settled
    if (count <= 0) return
    invariant(count <= this.#pending.length, 'kernel: a sync covers only what was written', { count })
    for (let i = 0; i < count; i++) apply(this.#durable, this.#pending[i] as Operation)
    if (count === this.#pending.length) this.#pending = []
    else this.#pending.splice(0, count)
    this.#settled = mark
  }

  /**
   * The machine lost power: the durable image stays and with it the first `kept` pending operations. With `torn`, the
   * next one, if it is an append, leaves a record that fails its checksum. True when it did.
   */
  crash(kept: number, torn: boolean): boolean {
    invariant(kept >= 0 && kept <= this.#pending.length, 'kernel: a crash keeps some of what was pending', { kept })
    for (let i = 0; i < kept; i++) apply(this.#durable, this.#pending[i] as Operation)
    const next = this.#pending[kept]
    const tears = torn && next !== undefined && next.kind === 'append'
    if (tears) this.#durable.push({ ...next.record, state: 'torn' })
    this.#settled += this.#pending.length
    this.#pending = []
    this.#live = this.#durable.slice()
    this.#bytes = 0
    for (const record of this.#live) this.#bytes += record.bytes
    return tears
  }

  /** Damages the durable record at `position`; false when there is none. Its reader sees a checksum that does not match. */
  corrupt(position: number): boolean {
    const record = this.#durable[position]
    if (record === undefined) return false
    const damaged: StoredRecord = { ...record, state: 'corrupt' }
    this.#durable[position] = damaged
    const seen = this.#live.indexOf(record)
    if (seen >= 0) this.#live[seen] = damaged
    return true
  }

  #do(operation: Operation): void {
    if (this.#pending.length === 0) this.#pending = [operation]
    else this.#pending.push(operation)
    this.#bytes += apply(this.#live, operation)
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
