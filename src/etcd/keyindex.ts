/**
 * Keys in order, with their history. Models etcd's mvcc treeIndex and keyIndex with another structure: sorted chunks of a
 * few hundred keys instead of a B-tree. Finding is logarithmic; adding or removing moves part of one chunk. Deleted keys
 * stay until compaction takes them.
 */
import { addressOf } from '../kernel/random.ts'
import { FROM_KEY, type Revision, type StoreEvent } from './types.ts'

const CHUNK = 256

/** One key and every state of it that is not compacted. */
export class KeyRecord {
  readonly key: string
  readonly hash: number
  /** The newest state; a deletion when the key is not there. */
  head: StoreEvent
  /** Earlier states, oldest first; undefined while there is none. */
  older: StoreEvent[] | undefined = undefined

  constructor(key: string, head: StoreEvent) {
    this.key = key
    this.hash = addressOf(key)
    this.head = head
  }

  push(event: StoreEvent): void {
    const { older } = this
    // Most keys have few states: a literal is as long as need be, where `push` makes room for 16 more.
    if (older === undefined) this.older = [this.head]
    else if (older.length === 1) this.older = [older[0] as StoreEvent, this.head]
    else if (older.length === 2) this.older = [older[0] as StoreEvent, older[1] as StoreEvent, this.head]
    else older.push(this.head)
    this.head = event
  }

  /** The newest state up to `revision`, deletions included. */
  at(revision: Revision): StoreEvent | undefined {
    if (this.head.modRevision <= revision) return this.head
    const older = this.older
    if (older === undefined) return undefined
    for (let i = older.length - 1; i >= 0; i--) {
      const event = older[i] as StoreEvent
      if (event.modRevision <= revision) return event
    }
    return undefined
  }

  /** Forgets what precedes the newest state up to `revision`, and that one too if `dropped` says so. True if nothing is left. */
  trim(revision: Revision, dropped: (event: StoreEvent) => boolean): boolean {
    const older = this.older
    if (older !== undefined) {
      let first = older.length
      if (this.head.modRevision > revision) {
        while (first > 0 && (older[first - 1] as StoreEvent).modRevision > revision) first--
        const last = older[first - 1]
        if (last !== undefined && !dropped(last)) first--
      }
      this.older = first === older.length ? undefined : first === 0 ? older : older.slice(first)
    }
    return this.head.modRevision <= revision && dropped(this.head)
  }
}

export class KeyIndex {
  readonly #records = new Map<string, KeyRecord>()
  /** Never an empty chunk. */
  #chunks: KeyRecord[][] = []

  get size(): number {
    return this.#records.size
  }

  get(key: string): KeyRecord | undefined {
    return this.#records.get(key)
  }

  add(record: KeyRecord): void {
    this.#records.set(record.key, record)
    const chunks = this.#chunks
    if (chunks.length === 0) {
      chunks.push([record])
      return
    }
    const at = Math.max(0, this.#chunkAfter(record.key) - 1)
    const chunk = chunks[at] as KeyRecord[]
    const last = chunk[chunk.length - 1] as KeyRecord
    if (last.key < record.key) chunk.push(record)
    else chunk.splice(firstFrom(chunk, record.key), 0, record)
    if (chunk.length > 2 * CHUNK) chunks.splice(at + 1, 0, chunk.splice(CHUNK))
  }

  remove(key: string): void {
    if (!this.#records.delete(key)) return
    const at = Math.max(0, this.#chunkAfter(key) - 1)
    const chunk = this.#chunks[at] as KeyRecord[]
    chunk.splice(firstFrom(chunk, key), 1)
    if (chunk.length === 0) this.#chunks.splice(at, 1)
  }

  /** Calls `visit` with the records from `start` up to, without, `rangeEnd`, in order, until it returns false. */
  scan(start: string, rangeEnd: string, visit: (record: KeyRecord) => boolean): void {
    const chunks = this.#chunks
    let at = Math.max(0, this.#chunkAfter(start) - 1)
    let from = at < chunks.length ? firstFrom(chunks[at] as KeyRecord[], start) : 0
    const open = rangeEnd === FROM_KEY
    for (; at < chunks.length; at++, from = 0) {
      const chunk = chunks[at] as KeyRecord[]
      for (let i = from; i < chunk.length; i++) {
        const record = chunk[i] as KeyRecord
        if (!open && record.key >= rangeEnd) return
        if (!visit(record)) return
      }
    }
  }

  /** All records in order. */
  *records(): Iterable<KeyRecord> {
    for (const chunk of this.#chunks) yield* chunk
  }

  /** The first chunk whose first key is above `key`. */
  #chunkAfter(key: string): number {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (((this.#chunks[middle] as KeyRecord[])[0] as KeyRecord).key <= key) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** The position of the first record of a chunk whose key is at least `key`. */
function firstFrom(chunk: readonly KeyRecord[], key: string): number {
  let low = 0
  let high = chunk.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((chunk[middle] as KeyRecord).key < key) low = middle + 1
    else high = middle
  }
  return low
}
