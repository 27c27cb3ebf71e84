/**
 * Where Events are kept: like every other resource, but attached to leases, so that they go by themselves after an hour, and
 * perhaps in an etcd of their own. Models apiserver pkg/storage/etcd3 (store.go with a TTL, lease_manager.go) and
 * kubernetes pkg/registry/core/event, v1.33. Simplified: served from a watch cache, which the real one switches off for Events.
 */
import type { EtcdClient, EtcdReceiver, EtcdResult, LeaseId } from '../etcd/index.ts'
import type { Out } from '../kernel/machine.ts'
import { addressOf, type Rand } from '../kernel/random.ts'
import { type Micros, SECOND } from '../kernel/time.ts'
import { EtcdStorage, errorOf } from './etcd.ts'
import type { CompleteApiServerOptions } from './options.ts'
import type { StorageReceiver, TxnRequest } from './storage.ts'

/** A lease is shared by what is written within a minute, or a twentieth of the TTL if that is less. */
const REUSE_SECONDS = 60
const REUSE_FRACTION = 20
/** Objects that share a lease at most. */
const OBJECTS_MAX = 1_000

interface Waiting {
  readonly request: TxnRequest
  readonly receiver: StorageReceiver
  readonly tag: number
}

export class EventStorage extends EtcdStorage implements EtcdReceiver {
  readonly #ttlSeconds: number
  readonly #reuseSeconds: number
  readonly #draws: Rand
  readonly #address: number
  #lease: LeaseId | undefined
  #expiresAt: Micros = 0
  #objects = 0
  /** Writes that wait for the lease that is asked for. */
  #waiting: Waiting[] = []
  #asked: LeaseId = 0

  constructor(client: EtcdClient, { name, streams, eventTtlSeconds }: CompleteApiServerOptions) {
    super(client)
    this.#ttlSeconds = eventTtlSeconds
    this.#reuseSeconds = Math.min(REUSE_SECONDS, Math.floor(eventTtlSeconds / REUSE_FRACTION))
    this.#draws = streams.get('apiserver/leases')
    this.#address = addressOf(name)
  }

  override txn(request: TxnRequest, receiver: StorageReceiver, tag: number, out: Out): void {
    if (!request.writes.some(({ type, key }) => type === 'put' && key.startsWith('/registry/'))) {
      super.txn(request, receiver, tag, out)
      return
    }
    const outlives = out.now + this.#ttlSeconds * SECOND < this.#expiresAt
    if (this.#lease !== undefined && outlives && this.#objects < OBJECTS_MAX) {
      this.#objects++
      this.write(request, this.#lease, receiver, tag, out)
      return
    }
    this.#waiting.push({ request, receiver, tag })
    if (this.#asked === 0) this.#ask(out)
  }

  onEtcdReply(_tag: number, result: EtcdResult, out: Out): void {
    const lease = this.#asked
    const waiting = this.#waiting
    this.#asked = 0
    this.#waiting = []
    // A grant that is repeated finds what it did the first time.
    if (!result.ok && !result.message.endsWith('lease already exists')) {
      for (const { receiver, tag } of waiting) receiver.onStorageReply(tag, undefined, errorOf(result), out)
      return
    }
    this.#lease = lease
    this.#expiresAt = out.now + (this.#ttlSeconds + this.#reuseSeconds) * SECOND
    this.#objects = waiting.length
    for (const { request, receiver, tag } of waiting) this.write(request, lease, receiver, tag, out)
  }

  #ask(out: Out): void {
    this.#asked = 1 + this.#draws.at(out.now, this.#address)
    const ttlSeconds = this.#ttlSeconds + this.#reuseSeconds
    this.client.leaseGrant({ lease: this.#asked, ttlSeconds }, this, 0, out)
  }
}
