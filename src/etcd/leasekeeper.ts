/**
 * The leader's care for leases: it alone knows when they expire, renews them and proposes their revocation. Models etcd's
 * lessor as primary, v3.5. Looks come on a grid of half a second, and only while a lease could expire.
 */
import type { Out, Timer, TimerTarget } from '../kernel/machine.ts'
import { type Micros, SECOND } from '../kernel/time.ts'
import * as errors from './errors.ts'
import { LeaseClock, type LeaseTable } from './lease.ts'
import type { EtcdResult } from './messages.ts'
import type { EtcdOptions } from './options.ts'
import type { LeaderRequest } from './requests.ts'
import type { LeaseId, Revision } from './types.ts'

export class LeaseKeeper implements TimerTarget {
  readonly #options: EtcdOptions
  readonly #table: LeaseTable
  readonly #clock = new LeaseClock()
  /** Proposes a revocation. */
  readonly #revoke: (lease: LeaseId, out: Out) => void
  #isLeader = false
  #timer: Timer = 0
  #timerAt: Micros = 0

  constructor(options: EtcdOptions, table: LeaseTable, revoke: (lease: LeaseId, out: Out) => void) {
    this.#options = options
    this.#table = table
    this.#revoke = revoke
  }

  promote(out: Out): void {
    this.#isLeader = true
    this.#clock.promote(this.#table, out.now, this.#options.electionTimeoutMicros)
    this.#arm(out)
  }

  demote(): void {
    this.#isLeader = false
    this.#clock.demote()
  }

  granted(lease: LeaseId, out: Out): void {
    if (!this.#isLeader) return
    this.#clock.renew(lease, this.#table.ttlSeconds(lease), out.now)
    this.#arm(out)
  }

  revoked(lease: LeaseId): void {
    this.#clock.forget(lease)
  }

  /** Answers a request that only the leader can. */
  answer(request: LeaderRequest, revision: Revision, out: Out): EtcdResult {
    const { lease } = request
    if (request.type === 'lease-keep-alive') {
      if (!this.#table.has(lease)) return errors.LEASE_NOT_FOUND
      const ttlSeconds = this.#table.ttlSeconds(lease)
      this.#clock.renew(lease, ttlSeconds, out.now)
      return { ok: true, value: { type: 'lease', revision, lease, ttlSeconds, keys: [] } }
    }
    const ttlSeconds = this.#table.has(lease) ? Math.floor(this.#clock.remaining(lease, out.now) / SECOND) : -1
    const keys = request.keys === true ? this.#table.keys(lease) : []
    return { ok: true, value: { type: 'lease', revision, lease, ttlSeconds, keys } }
  }

  onTimer(_kind: number, _a: number, out: Out): void {
    this.#timer = 0
    if (!this.#isLeader) return
    for (const lease of this.#clock.takeExpired(out.now)) this.#revoke(lease, out)
    this.#arm(out)
  }

  /** Looks again at the first look that can find anything, unless an earlier one is due. */
  #arm(out: Out): void {
    const next = this.#clock.next()
    if (next === Number.POSITIVE_INFINITY) return
    const step = this.#options.leaseCheckMicros
    const look = Math.ceil(Math.max(next, out.now + 1) / step) * step
    if (this.#timer !== 0 && this.#timerAt <= look) return
    out.cancel(this.#timer)
    this.#timerAt = look
    this.#timer = out.after(look - out.now, this, 0)
  }
}
