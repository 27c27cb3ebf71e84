/**
 * Leases: keys that die together. Models etcd's lessor, v3.5. `LeaseTable` is replicated state: which leases there are and
 * which keys hang on them. `LeaseClock` is the leader's alone and never in the log: when each lease expires. A new leader
 * gives every lease its whole time again, or what the last checkpoint said it had left, so a lease may live longer than
 * promised, never shorter.
 */
import { invariant } from '../kernel/invariant.ts'
import { type Micros, SECOND } from '../kernel/time.ts'
import type { KeyValue, LeaseId } from './types.ts'

interface Lease {
  readonly id: LeaseId
  readonly ttlSeconds: number
  readonly keys: Set<string>
  /** What it had left at the last checkpoint; 0 for the whole time. */
  remainingSeconds: number
}

/** All leases as a backend keeps them; which keys hang on them stands with the keys. */
export type LeaseImage = readonly {
  readonly id: LeaseId
  readonly ttlSeconds: number
  readonly remainingSeconds: number
}[]

const NO_LEASES: LeaseImage = Object.freeze([])

export class LeaseTable {
  readonly #leases = new Map<LeaseId, Lease>()
  #image: LeaseImage | undefined = NO_LEASES

  get size(): number {
    return this.#leases.size
  }

  has(id: LeaseId): boolean {
    return this.#leases.has(id)
  }

  /** Seconds granted, or -1. */
  ttlSeconds(id: LeaseId): number {
    return this.#leases.get(id)?.ttlSeconds ?? -1
  }

  /** Seconds that the next leader gives it, or -1. */
  remainingSeconds(id: LeaseId): number {
    const lease = this.#leases.get(id)
    return lease === undefined ? -1 : lease.remainingSeconds || lease.ttlSeconds
  }

  /** Did the last checkpoint say that it has less than its whole time? */
  isShortened(id: LeaseId): boolean {
    return (this.#leases.get(id)?.remainingSeconds ?? 0) > 0
  }

  checkpoint(id: LeaseId, seconds: number): void {
    const lease = this.#leases.get(id)
    if (lease === undefined) return
    lease.remainingSeconds = seconds
    this.#image = undefined
  }

  /** Keys that hang on the lease, sorted. */
  keys(id: LeaseId): string[] {
    return [...(this.#leases.get(id)?.keys ?? [])].sort()
  }

  ids(): Iterable<LeaseId> {
    return this.#leases.keys()
  }

  grant(id: LeaseId, ttlSeconds: number): void {
    invariant(!this.#leases.has(id), 'etcd: a lease is granted once', { id })
    this.#leases.set(id, { id, ttlSeconds, keys: new Set(), remainingSeconds: 0 })
    this.#image = undefined
  }

  remove(id: LeaseId): void {
    if (this.#leases.delete(id)) this.#image = undefined
  }

  /** A key was written or deleted: it hangs on `to` now and no longer on `from`; 0 is no lease. */
  move(key: string, from: LeaseId, to: LeaseId): void {
    if (from === to) return
    if (from !== 0) this.#leases.get(from)?.keys.delete(key)
    if (to !== 0) this.#leases.get(to)?.keys.add(key)
  }

  image(): LeaseImage {
    this.#image ??= Object.freeze(
      [...this.#leases.values()].map(({ id, ttlSeconds, remainingSeconds }) => ({ id, ttlSeconds, remainingSeconds })),
    )
    return this.#image
  }

  restore(image: LeaseImage, values: Iterable<KeyValue>): void {
    this.#leases.clear()
    for (const lease of image) this.#leases.set(lease.id, { ...lease, keys: new Set() })
    this.#image = image
    if (image.length > 0) for (const value of values) this.move(value.key, 0, value.lease)
  }
}

/** A revocation that was proposed and did not come back is proposed again after this. */
const REVOKE_RETRY: Micros = 3 * SECOND

export class LeaseClock {
  /** When each lease expires; empty on a member that does not lead. */
  readonly #expiry = new Map<LeaseId, Micros>()
  /** Those that were named as expired: their revocation is on its way, nothing saves them. */
  readonly #expired = new Set<LeaseId>()

  /**
   * This member leads now: every lease gets what the table says it has left, and `extend` more. Where more than
   * three quarters of what can be revoked in a second would expire within one, the rest is put off.
   */
  promote(table: LeaseTable, now: Micros, extend: Micros, revocationsPerSecond: number): void {
    this.demote()
    for (const id of table.ids()) this.#expiry.set(id, now + table.remainingSeconds(id) * SECOND + extend)
    if (table.size >= revocationsPerSecond) this.#spread(now, Math.floor((3 * revocationsPerSecond) / 4))
  }

  #spread(now: Micros, mostPerSecond: number): void {
    let base: Micros = Number.NEGATIVE_INFINITY
    let end: Micros = Number.NEGATIVE_INFINITY
    let count = 0
    for (const [id, at] of this.byExpiry()) {
      const remaining = at - now
      if (remaining > end) {
        base = remaining
        end = base + SECOND
        count = 1
        continue
      }
      count++
      if (count <= mostPerSecond) continue
      const delay = SECOND * Math.floor(count / mostPerSecond) - (remaining - base)
      end = base + delay
      this.#expiry.set(id, at + delay)
    }
  }

  demote(): void {
    this.#expiry.clear()
    this.#expired.clear()
  }

  /** Is its time over, whether or not it has been revoked? */
  isExpired(id: LeaseId, now: Micros): boolean {
    return this.#expired.has(id) || (this.#expiry.get(id) ?? Number.POSITIVE_INFINITY) <= now
  }

  /** A lease was granted or its holder showed life. */
  renew(id: LeaseId, until: Micros): void {
    this.#expiry.set(id, until)
  }

  forget(id: LeaseId): void {
    this.#expiry.delete(id)
    this.#expired.delete(id)
  }

  remaining(id: LeaseId, now: Micros): Micros {
    return Math.max(0, (this.#expiry.get(id) ?? now) - now)
  }

  /** The next expiry, or Infinity. */
  next(): Micros {
    let next = Number.POSITIVE_INFINITY
    for (const at of this.#expiry.values()) if (at < next) next = at
    return next
  }

  /** All leases, those that expire first first. */
  *byExpiry(): Iterable<readonly [id: LeaseId, at: Micros]> {
    yield* [...this.#expiry].sort(([, left], [, right]) => left - right)
  }

  /** At most so many leases to revoke now; each is named again only after a while. */
  takeExpired(now: Micros, most: number): LeaseId[] {
    const expired: LeaseId[] = []
    for (const [id, at] of this.#expiry) {
      if (at > now) continue
      expired.push(id)
      if (expired.length === most) break
    }
    for (const id of expired) {
      this.#expiry.set(id, now + REVOKE_RETRY)
      this.#expired.add(id)
    }
    return expired
  }
}
