/**
 * What the write-ahead log holds, as its member writes it: segments that begin with a head, then one record a write. How a
 * record becomes frames of bytes is in frames.ts; a member that meets no damage never makes them.
 */
import type { Encoded, Layout } from '../kernel/machine.ts'
import type { Entry, HardState, LogIndex, Snapshot } from '../raft/index.ts'
import type { StateImage } from './apply.ts'
import { FrameWriter, frameOf, textOf } from './frames.ts'

/** The beginning of a segment. */
export interface SegmentHead {
  readonly kind: 'head'
  /** 0 for the first segment, one more for each that follows. */
  readonly sequence: number
  /** Entries of this index or later are in this segment or in those behind it. */
  readonly firstIndex: LogIndex
  readonly hardState: HardState
}

/** One write: what a snapshot replaced, entries, then term and vote. After a repair any of them may be missing. */
export interface WalWrite {
  readonly kind: 'write'
  readonly hardState: HardState | undefined
  readonly entries: readonly Entry[]
  /** A snapshot from the leader replaced everything before this record; 0 for none. */
  readonly restoredIndex: LogIndex
}

export type WalRecord = SegmentHead | WalWrite

/** The frames of a segment, as etcd writes them: checksum, metadata and state in front, then write after write. */
export const WAL_LAYOUT: Layout = {
  encode(values): Encoded {
    const writer = new FrameWriter()
    const ends: number[] = []
    for (const value of values) {
      writeFrames(writer, value as WalRecord)
      ends.push(writer.length)
    }
    return { bytes: writer.bytes(), ends }
  },
}

function writeFrames(writer: FrameWriter, record: WalRecord): void {
  if (record.kind === 'head') {
    const { sequence, firstIndex, hardState } = record
    writer.begin(sequence)
    writer.add(frameOf('metadata', [sequence, firstIndex]))
    writer.add(frameOf('state', [hardState.term, hardState.vote, hardState.commit]))
    return
  }
  const { hardState, entries, restoredIndex } = record
  if (restoredIndex > 0) writer.add(frameOf('snapshot', [restoredIndex]))
  for (const entry of entries) writer.add({ type: 'entry', text: textOf(entry) })
  if (hardState !== undefined) writer.add(frameOf('state', [hardState.term, hardState.vote, hardState.commit]))
}

/** A snapshot file: one frame. */
export const SNAPSHOT_LAYOUT: Layout = {
  encode(values): Encoded {
    const writer = new FrameWriter()
    writer.begin(0)
    const ends: number[] = []
    for (const value of values) {
      const { index, term, data, membership } = value as Snapshot
      // The array of events is shared with the store, which goes on writing behind the snapshot's end.
      const { store, ...rest } = data as StateImage
      const events = store.log.slice(0, store.length)
      writer.add(frameOf('snapshot', [index, term, { ...rest, store: { ...store, log: events } }, membership ?? null]))
      ends.push(writer.length)
    }
    return { bytes: writer.bytes(), ends }
  },
}
