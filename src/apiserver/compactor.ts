/**
 * Compaction of etcd's history. Every five minutes each API server tries to move one shared key on; the one that succeeds compacts to the
 * revision that it saw at its previous try, so that five to ten minutes of history stay. Models apiserver pkg/storage/etcd3/compact.go, v1.33.
 */
import type { Out, TimerTarget } from '../kernel/machine.ts'
import { note } from './facts.ts'
import type { CompleteApiServerOptions } from './options.ts'
import type { RangeReply, Storage, StorageError, StorageReceiver, TxnReply } from './storage.ts'

const KEY = 'compact_rev_key'
const TRY = 1
const TAG_CLAIM = 1
const TAG_NOW = 2
const TAG_DONE = 3

export class Compactor implements StorageReceiver, TimerTarget {
  readonly #options: CompleteApiServerOptions
  readonly #storage: Storage
  /** The shared key's last write that this server knows of; 0 when it has not seen one. */
  #keyRevision = 0
  /** etcd's revision at the previous try; what may be compacted away. */
  #revision = 0

  constructor(options: CompleteApiServerOptions, storage: Storage) {
    this.#options = options
    this.#storage = storage
  }

  start(out: Out): void {
    if (this.#options.compactionPeriodMicros > 0) out.after(this.#options.compactionPeriodMicros, this, TRY)
  }

  /** Compacts all history up to the present, at once: for a fault. */
  compactNow(out: Out): void {
    this.#storage.range({ key: KEY }, this, TAG_NOW, out)
  }

  onTimer(_kind: number, _a: number, out: Out): void {
    const request = {
      compare: [{ key: KEY, modRevision: this.#keyRevision }],
      writes: [{ type: 'put' as const, key: KEY, value: this.#revision }],
      otherwiseRead: [KEY],
    }
    this.#storage.txn(request, this, TAG_CLAIM, out)
    out.after(this.#options.compactionPeriodMicros, this, TRY)
  }

  onStorageReply(
    tag: number,
    reply: RangeReply | TxnReply | undefined,
    error: StorageError | undefined,
    out: Out,
  ): void {
    if (error !== undefined || reply === undefined) return
    if (tag === TAG_NOW) {
      this.#compact(reply.revision, out)
      return
    }
    const claim = reply as TxnReply
    const before = this.#revision
    this.#revision = claim.revision
    this.#keyRevision = claim.succeeded ? claim.revision : (claim.found[0]?.modRevision ?? 0)
    if (claim.succeeded && before > 0) this.#compact(before, out)
  }

  #compact(revision: number, out: Out): void {
    this.#storage.compact(revision, this, TAG_DONE, out)
    note(out, { type: 'history-compacted', server: this.#options.name, revision })
  }
}
