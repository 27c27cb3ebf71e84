/**
 * Frames: how records lie on the disk as bytes. Models etcd's wal encoder and decoder, v3.5: a length of eight bytes whose
 * top byte says how much padding follows, a type, a checksum that rolls over all that came before, the data, padding to
 * eight bytes, so that a length is never torn in two. The data are JSON texts where etcd has protocol buffers. A segment's
 * checksum begins with the segment's number, where etcd's begins with the checksum of the segment before; and it covers the
 * type of a record, where etcd's covers the data alone.
 */
import { invariant } from '../kernel/invariant.ts'
import { type Entry, MembershipChange } from '../raft/index.ts'
import { checksum } from './crc.ts'
import type { LoggedRequest } from './messages.ts'

const TYPES = ['none', 'metadata', 'entry', 'state', 'checksum', 'snapshot'] as const

export type FrameType = (typeof TYPES)[number]

export interface Frame {
  readonly type: FrameType
  readonly text: string
}

const LENGTH_BYTES = 8
/** Type and checksum. */
const HEADER_BYTES = 8
const SECTOR_BYTES = 512

export function frameOf(type: FrameType, data: readonly unknown[]): Frame {
  return { type, text: JSON.stringify(data) }
}

/** The text of an entry's frame: equal texts, equal entries. */
export function textOf({ index, term, bytes, data }: Entry): string {
  if (data instanceof MembershipChange) {
    const { steps, transition, context } = data
    return JSON.stringify([index, term, bytes, 'change', steps, transition, context])
  }
  return JSON.stringify([index, term, bytes, 'request', data])
}

/** The entry that a text stands for. */
export function entryOf(text: string): Entry {
  const [index, term, bytes, kind, first, second, third] = JSON.parse(text)
  const data =
    kind === 'change' ? new MembershipChange(first, second, third ?? undefined) : (first as LoggedRequest | null)
  return { index, term, bytes, data }
}

export class FrameWriter {
  #parts: Uint8Array[] = []
  #length = 0
  #checksum = 0
  readonly #encoder = new TextEncoder()

  get length(): number {
    return this.#length
  }

  /** A segment begins: its checksums roll on from this number. */
  begin(seed: number): void {
    this.#checksum = seed
    this.#frame('checksum', new Uint8Array(0))
  }

  add({ type, text }: Frame): void {
    const data = this.#encoder.encode(text)
    this.#checksum = checksum(data, checksum(Uint8Array.of(TYPES.indexOf(type)), this.#checksum))
    this.#frame(type, data)
  }

  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.#length)
    let at = 0
    for (const part of this.#parts) {
      bytes.set(part, at)
      at += part.length
    }
    return bytes
  }

  #frame(type: FrameType, data: Uint8Array): void {
    const length = HEADER_BYTES + data.length
    const padding = (8 - (length % 8)) % 8
    const part = new Uint8Array(LENGTH_BYTES + length + padding)
    const view = new DataView(part.buffer)
    view.setUint32(0, length, true)
    if (padding > 0) view.setUint8(7, 0x80 | padding)
    view.setUint32(8, TYPES.indexOf(type), true)
    view.setUint32(12, this.#checksum, true)
    part.set(data, LENGTH_BYTES + HEADER_BYTES)
    this.#parts.push(part)
    this.#length += part.length
  }
}

export interface Decoded {
  readonly frames: readonly Frame[]
  /** Where each frame ends. */
  readonly ends: readonly number[]
  /** What was there behind the last good frame: nothing, a write that was torn, or something that was changed. */
  readonly stop: 'end' | 'torn' | 'corrupt'
  /** Why it stopped, for whoever reads the member's last words. */
  readonly reason: string
}

/** Reads frames until something is not as it was written. A torn write can only be at the end of the last segment. */
export function decodeFrames(bytes: Uint8Array, isLast: boolean): Decoded {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const decoder = new TextDecoder()
  const frames: Frame[] = []
  const ends: number[] = []
  let at = 0
  let rolling = 0
  const stopped = (stop: Decoded['stop'], reason: string): Decoded => ({ frames, ends, stop, reason })
  while (at + LENGTH_BYTES <= bytes.length) {
    const low = view.getUint32(at, true)
    const high = view.getUint32(at + 4, true)
    if (low === 0 && high === 0) return stopped('end', '')
    const isPadded = high >>> 31 === 1
    const length = (high & 0xffffff) * 0x1_0000_0000 + low
    const padding = isPadded ? (high >>> 24) & 7 : 0
    const from = at + LENGTH_BYTES
    const end = from + length + padding
    // As etcd does, even in the middle: a length that leads beyond the file is taken for a torn write.
    if (end > bytes.length) return stopped('torn', `record at ${at} is longer than its file`)
    const isTorn = isLast && hasZeroSector(bytes, from, end)
    if (length < HEADER_BYTES) return stopped(isTorn ? 'torn' : 'corrupt', `record at ${at} is too short`)
    const type = TYPES[view.getUint32(from, true)]
    if (type === undefined || (type === 'checksum') !== (at === 0) || (at === 0 && length > HEADER_BYTES)) {
      return stopped(isTorn ? 'torn' : 'corrupt', `record at ${at} has a wrong type`)
    }
    const told = view.getUint32(from + 4, true)
    const data = bytes.subarray(from + HEADER_BYTES, from + length)
    rolling = at === 0 ? told : checksum(data, checksum(bytes.subarray(from, from + 1), rolling))
    if (rolling !== told) return stopped(isTorn ? 'torn' : 'corrupt', `crc mismatch at ${at}`)
    frames.push({ type, text: decoder.decode(data) })
    ends.push(end)
    invariant(end > at, 'etcd: a frame has a length', { at, end })
    at = end
  }
  return stopped('end', '')
}

/**
 * Would a member take the damage of its last segment for a write that a crash tore, and cut it off with all that follows?
 * Nobody learns then that something is missing which was promised.
 */
export function passesForTorn(bytes: Uint8Array): boolean {
  const { stop, ends } = decodeFrames(bytes, true)
  return stop === 'torn' || (stop === 'end' && ends.at(-1) !== bytes.length)
}

/** Is the part of the record that lies in one sector all zero, as when that sector was not written? */
function hasZeroSector(bytes: Uint8Array, from: number, to: number): boolean {
  let at = from
  while (at < to) {
    const end = Math.min(to, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES)
    if (bytes.subarray(at, end).every((byte) => byte === 0)) return true
    at = end
  }
  return false
}
