/**
 * The leader's care for leases: it alone knows when they expire, renews them, proposes their revocation and, if asked to,
 * checkpoints of what they have left. Models etcd's lessor as primary, v3.5. Looks come on a grid of half a second, and
 * only while a lease could expire.
 */
import type { Out, Timer, TimerTarget } from '../kernel/machine.ts'
import { type Micros, SECOND } from '../kernel/time.ts'
import * as errors from './errors.ts'
import { LeaseClock, type LeaseTable } from './lease.ts'
import type { EtcdResult } from './messages.ts'
import type { EtcdOptions } from './options.ts'
import type {
  LeaseCheckpointRequest,
  LeaseKeepAliveRequest,
  LeaseRevokeRequest,
  LeaseTimeToLiveRequest,
} from './requests.ts'
import type { LeaseId, Revision } from './types.ts'

const LOOK = 1
const CHECKPOINT = 2
const REVOCATIONS_PER_SECOND = 1_000
const REVOCATIONS_PER_LOOK = 500
const NO_KEYS: readonly string[] = Object.freeze([])

export class LeaseKeeper implements TimerTarget {
  readonly #options: EtcdOptions
  readonly #table: LeaseTable
  readonly #clock = new LeaseClock()
  readonly #propose: (request: LeaseRevokeRequest | LeaseCheckpointRequest, out: Out) => void
  #isLeader = false
  #timer: Timer = 0
  #timerAt: Micros = 0
  #checkpointTimer: Timer = 0
  /** Renewals that came after the lease's time: they wait until it is revoked. By lease, the requests' numbers. */
  readonly #late = new Map<LeaseId, number[]>()
  readonly #reply: (id: number, result: EtcdResult, out: Out) => void

  /** `reply` answers a request that `answer` left open. */
  constructor(
    options: EtcdOptions,
    table: LeaseTable,
    propose: (request: LeaseRevokeRequest | LeaseCheckpointRequest, out: Out) => void,
    reply: (id: number, result: EtcdResult, out: Out) => void,
  ) {
    this.#options = options
    this.#table = table
    this.#propose = propose
    this.#reply = reply
  }

  promote(out: Out): void {
    this.#isLeader = true
    this.#clock.promote(this.#table, out.now, this.#options.electionTimeoutMicros, REVOCATIONS_PER_SECOND)
    this.#arm(out)
    this.#armCheckpoint(out)
  }

  /** What waited for a revocation is for the next leader to answer. */
  demote(out: Out): void {
    this.#isLeader = false
    this.#clock.demote()
    for (const lease of [...this.#late.keys()]) this.#answerLate(lease, errors.NO_LEADER, out)
  }

  granted(lease: LeaseId, out: Out): void {
    if (!this.#isLeader) return
    this.#clock.renew(lease, out.now + this.#table.ttlSeconds(lease) * SECOND)
    this.#arm(out)
    this.#armCheckpoint(out)
  }

  revoked(lease: LeaseId, out: Out): void {
    this.#clock.forget(lease)
    this.#answerLate(lease, errors.LEASE_NOT_FOUND, out)
  }

  #answerLate(lease: LeaseId, result: EtcdResult, out: Out): void {
    const ids = this.#late.get(lease)
    if (ids === undefined) return
    this.#late.delete(lease)
    for (const id of ids) this.#reply(id, result, out)
  }

  /** All leases, on the leader those that expire first first. */
  list(): readonly LeaseId[] {
    return this.#isLeader ? [...this.#clock.byExpiry()].map(([lease]) => lease) : [...this.#table.ids()]
  }

  /**
   * Answers a request that only the leader can. Nothing for the renewal, number `id`, of a lease whose time is over: that is
   * answered when it is revoked, so that nobody is told that it lives.
   */
  answer(
    id: number,
    request: LeaseKeepAliveRequest | LeaseTimeToLiveRequest,
    revision: Revision,
    out: Out,
  ): EtcdResult | undefined {
    const { lease } = request
    const grantedTtlSeconds = this.#table.ttlSeconds(lease)
    if (request.type === 'lease-keep-alive') {
      if (!this.#table.has(lease)) return errors.LEASE_NOT_FOUND
      const { decisions } = this.#options
      if (!decisions.expiredLeaseMayBeRenewed() && this.#clock.isExpired(lease, out.now)) {
        const late = this.#late.get(lease)
        if (late === undefined) this.#late.set(lease, [id])
        else late.push(id)
        return undefined
      }
      this.#clock.renew(lease, decisions.renewedUntil(out.now, grantedTtlSeconds * SECOND))
      if (this.#table.isShortened(lease)) {
        this.#propose({ type: 'lease-checkpoint', remaining: [{ lease, seconds: 0 }] }, out)
      }
      const value = { type: 'lease', revision, lease, ttlSeconds: grantedTtlSeconds, grantedTtlSeconds: 0 } as const
      return { ok: true, value: { ...value, keys: NO_KEYS } }
    }
    if (!this.#table.has(lease)) {
      return {
        ok: true,
        value: { type: 'lease', revision, lease, ttlSeconds: -1, grantedTtlSeconds: 0, keys: NO_KEYS },
      }
    }
    const ttlSeconds = Math.floor(this.#clock.remaining(lease, out.now) / SECOND)
    const keys = request.keys === true ? this.#table.keys(lease) : NO_KEYS
    return { ok: true, value: { type: 'lease', revision, lease, ttlSeconds, grantedTtlSeconds, keys } }
  }

  onTimer(kind: number, _a: number, out: Out): void {
    if (kind === CHECKPOINT) {
      this.#checkpointTimer = 0
      if (this.#isLeader) this.#checkpoint(out)
      return
    }
    this.#timer = 0
    if (!this.#isLeader) return
    for (const lease of this.#clock.takeExpired(out.now, REVOCATIONS_PER_LOOK)) {
      this.#propose({ type: 'lease-revoke', lease }, out)
    }
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
    this.#timer = out.after(look - out.now, this, LOOK)
  }

  #armCheckpoint(out: Out): void {
    const { leaseCheckpointMicros } = this.#options
    if (leaseCheckpointMicros === 0 || this.#checkpointTimer !== 0 || this.#table.size === 0) return
    this.#checkpointTimer = out.after(leaseCheckpointMicros, this, CHECKPOINT)
  }

  /** Leases that live for longer than the time between two checkpoints are worth one. */
  #checkpoint(out: Out): void {
    const { leaseCheckpointMicros } = this.#options
    const remaining: { lease: LeaseId; seconds: number }[] = []
    for (const [lease, at] of this.#clock.byExpiry()) {
      const seconds = Math.ceil((at - out.now) / SECOND)
      if (seconds > 0 && this.#table.ttlSeconds(lease) * SECOND > leaseCheckpointMicros)
        remaining.push({ lease, seconds })
    }
    if (remaining.length > 0) this.#propose({ type: 'lease-checkpoint', remaining }, out)
    this.#armCheckpoint(out)
  }
}
