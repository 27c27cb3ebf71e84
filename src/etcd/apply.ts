/**
 * The replicated state machine: the store and its leases, changed by one logged request at a time. Models etcd's
 * applierV3, v3.5. It is deterministic: every member that applies the same log has the same state and would give the same
 * answer. Not here: when to apply (consensus.ts), whom to tell (member.ts, watch.ts).
 */
import { never } from '../kernel/invariant.ts'
import type { EtcdDecisions } from './decisions.ts'
import * as errors from './errors.ts'
import { type LeaseImage, LeaseTable } from './lease.ts'
import type { EtcdResult } from './messages.ts'
import type { EtcdResponse, WriteRequest } from './requests.ts'
import { Store, type StoreImage } from './store.ts'
import { deleteKeys, holds, perform, performTxn, refusalOf } from './txn.ts'
import type { StoreEvent } from './types.ts'

/** The state as a backend or a snapshot keeps it. */
export interface StateImage {
  readonly store: StoreImage
  readonly leases: LeaseImage
}

const DONE: EtcdResult | undefined = undefined

export class StateMachine {
  readonly store: Store
  readonly leases = new LeaseTable()
  /** What the last request wrote. */
  events: readonly StoreEvent[] = []
  /** The lease that the last request granted or revoked, or 0. */
  leaseGranted = 0
  leaseRevoked = 0
  /** Did the last request compact? */
  compacted = false

  readonly #leastTtlSeconds: number

  /** `leastTtlSeconds` is what a lease lives at least, so that a change of leader kills none. */
  constructor(decisions: EtcdDecisions, leastTtlSeconds = 2) {
    this.#leastTtlSeconds = leastTtlSeconds
    this.store = new Store(decisions)
  }

  /** Applies one request. Gives the answer if it is `wanted`. */
  apply(request: WriteRequest, wanted: boolean): EtcdResult | undefined {
    this.leaseGranted = 0
    this.leaseRevoked = 0
    this.compacted = false
    const result = this.#apply(request, wanted)
    this.events = this.store.commit()
    return result
  }

  #apply(request: WriteRequest, wanted: boolean): EtcdResult | undefined {
    const { store, leases } = this
    const next = store.revision + 1
    switch (request.type) {
      case 'put': {
        const lease = request.lease ?? 0
        if (lease !== 0 && !leases.has(lease)) return errors.LEASE_NOT_FOUND
        return this.#answer(perform(store, leases, request, next, wanted))
      }
      case 'delete': {
        const response = perform(store, leases, request, next, wanted)
        if (response?.type === 'delete' && response.deleted === 0) {
          return this.#answer(Object.assign(response, { revision: store.revision }))
        }
        return this.#answer(response)
      }
      case 'txn': {
        const branch = holds(store, request.compare) ? request.success : request.failure
        const refusal = refusalOf(store, leases, branch)
        if (refusal !== undefined) return refusal
        const before = store.hash
        const response = performTxn(store, leases, request, next, wanted)
        if (response !== undefined && store.hash === before) {
          return this.#answer(Object.assign(response, { revision: store.revision }))
        }
        return this.#answer(response)
      }
      case 'compact':
        return this.#compact(request.revision, wanted)
      case 'lease-grant':
        return this.#grant(request.lease, request.ttlSeconds, wanted)
      case 'lease-revoke':
        return this.#revoke(request.lease, wanted)
      default:
        return never(request)
    }
  }

  image(): StateImage {
    return { store: this.store.image(), leases: this.leases.image() }
  }

  restore(image: StateImage): void {
    this.store.restore(image.store)
    this.leases.restore(image.leases, this.store.values())
  }

  #answer(value: EtcdResponse | undefined): EtcdResult | undefined {
    return value === undefined ? DONE : { ok: true, value }
  }

  #compact(revision: number, wanted: boolean): EtcdResult | undefined {
    const { store } = this
    if (revision <= store.compactRevision) return errors.COMPACTED
    if (revision > store.revision) return errors.FUTURE_REVISION
    store.compact(revision)
    this.compacted = true
    return wanted ? this.#answer({ type: 'compact', revision: store.revision }) : DONE
  }

  #grant(lease: number, ttlSeconds: number, wanted: boolean): EtcdResult | undefined {
    if (this.leases.has(lease)) return errors.LEASE_EXISTS
    const granted = Math.max(this.#leastTtlSeconds, ttlSeconds)
    this.leases.grant(lease, granted)
    this.leaseGranted = lease
    return wanted ? this.#lease(lease, granted) : DONE
  }

  #revoke(lease: number, wanted: boolean): EtcdResult | undefined {
    if (!this.leases.has(lease)) return errors.LEASE_NOT_FOUND
    for (const key of this.leases.keys(lease)) deleteKeys(this.store, this.leases, key, undefined)
    this.leases.remove(lease)
    this.leaseRevoked = lease
    return wanted ? this.#lease(lease, 0) : DONE
  }

  #lease(lease: number, ttlSeconds: number): EtcdResult {
    const value: EtcdResponse = { type: 'lease', revision: this.store.revision, lease, ttlSeconds, keys: [] }
    return { ok: true, value }
  }
}
