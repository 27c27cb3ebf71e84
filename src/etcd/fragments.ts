/** Large batches of a watch in pieces, for watches that asked for it. Models etcd's sendFragments, v3rpc/watch.go, v3.5. */
import type { WatchEvent } from './types.ts'

/** Cuts a batch so that no piece reaches `limit` bytes, unless a single event does. */
export function fragmentsOf(events: readonly WatchEvent[], limit: number): readonly (readonly WatchEvent[])[] {
  if (events.length < 2 || bytesOf(events) < limit) return [events]
  const pieces: WatchEvent[][] = []
  let piece: WatchEvent[] = []
  let bytes = 0
  for (const event of events) {
    const size = bytesOf([event])
    if (piece.length > 0 && bytes + size >= limit) {
      pieces.push(piece)
      piece = []
      bytes = 0
    }
    piece.push(event)
    bytes += size
  }
  pieces.push(piece)
  return pieces
}

export function bytesOf(events: readonly WatchEvent[]): number {
  let bytes = 0
  for (const event of events) bytes += event.kv.bytes + (event.previous?.bytes ?? 0)
  return bytes
}
