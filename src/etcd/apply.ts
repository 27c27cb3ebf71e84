/**
 * The replicated state machine: the store, its leases, alarms and members, changed by one logged request at a time. Models
 * etcd's applierV3, v3.5. It is deterministic: every member that applies the same log has the same state and would give the
 * same answer. Not here: when to apply (consensus.ts), whom to tell (core.ts, watch.ts).
 */
import { never } from '../kernel/invariant.ts'
import type { MemberId, Membership } from '../raft/index.ts'
import { Alarms } from './alarms.ts'
import type { EtcdDecisions } from './decisions.ts'
import * as errors from './errors.ts'
import { type LeaseImage, LeaseTable } from './lease.ts'
import type { EtcdResult } from './messages.ts'
import type { AlarmRequest, LeaseCheckpointRequest, WriteRequest } from './requests.ts'
import type { EtcdResponse } from './responses.ts'
import { Store, type StoreImage } from './store.ts'
import { deleteKeys, leaseRefusal, pathOf, perform, performPath, putRefusal, refusalOf } from './txn.ts'
import type { Alarm, StoreEvent } from './types.ts'

/** The state as a backend or a snapshot keeps it. */
export interface StateImage {
  readonly store: StoreImage
  readonly leases: LeaseImage
  readonly alarms: readonly Alarm[]
  readonly membership: Membership | undefined
  /** Who belonged once. */
  readonly removed: readonly MemberId[]
}

const MAX_LEASE_TTL_SECONDS = 9_000_000_000
const DONE: EtcdResult | undefined = undefined
const NOBODY: readonly MemberId[] = Object.freeze([])
const NO_KEYS: readonly string[] = Object.freeze([])

export class StateMachine {
  readonly store: Store
  readonly leases = new LeaseTable()
  readonly alarms = new Alarms()
  /** Who belongs, once that has changed; until then it is as in the beginning. */
  membership: Membership | undefined = undefined
  removed: readonly MemberId[] = NOBODY
  /** What the last request wrote. */
  events: readonly StoreEvent[] = []
  /** The lease that the last request granted or revoked, or 0. */
  leaseGranted = 0
  leaseRevoked = 0
  /** How many states of keys the last request compacted; -1 when it did not compact. */
  compacted = -1

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
    this.compacted = -1
    const result = (this.alarms.any ? this.alarms.refusal(request) : undefined) ?? this.#apply(request, wanted)
    this.events = this.store.commit()
    return result
  }

  #apply(request: WriteRequest, wanted: boolean): EtcdResult | undefined {
    const { store, leases } = this
    switch (request.type) {
      case 'put':
        return (
          leaseRefusal(leases, request) ??
          putRefusal(store, leases, request) ??
          this.#answer(perform(store, leases, request, wanted))
        )
      case 'delete':
        return this.#answer(perform(store, leases, request, wanted))
      case 'txn': {
        const path = pathOf(store, request)
        const response = refusalOf(store, leases, path) ?? performPath(store, leases, path, wanted)
        return response === undefined || 'ok' in response ? response : this.#answer(response)
      }
      case 'compact':
        return this.#compact(request.revision, wanted)
      case 'lease-grant':
        return this.#grant(request.lease, request.ttlSeconds, wanted)
      case 'lease-revoke':
        return this.#revoke(request.lease, wanted)
      case 'lease-checkpoint':
        return this.#checkpoint(request)
      case 'alarm':
        return this.#alarm(request, wanted)
      default:
        return never(request)
    }
  }

  image(): StateImage {
    const { store, leases, alarms, membership, removed } = this
    return { store: store.image(), leases: leases.image(), alarms: alarms.raised, membership, removed }
  }

  /** Becomes what the image shows. `fromDisk`: after a restart, not from a leader. */
  restore(image: StateImage, fromDisk = false): void {
    this.store.restore(image.store, fromDisk)
    this.leases.restore(image.leases, this.store.values())
    this.alarms.restore(image.alarms)
    this.membership = image.membership
    this.removed = image.removed
  }

  #answer(value: EtcdResponse | undefined): EtcdResult | undefined {
    return value === undefined ? DONE : { ok: true, value }
  }

  #compact(revision: number, wanted: boolean): EtcdResult | undefined {
    const { store } = this
    if (revision <= store.compactRevision) return errors.COMPACTED
    if (revision > store.revision) return errors.FUTURE_REVISION
    const before = store.eventCount
    store.compact(revision)
    this.compacted = before - store.eventCount
    return wanted ? this.#answer({ type: 'compact', revision: store.revision }) : DONE
  }

  #grant(lease: number, ttlSeconds: number, wanted: boolean): EtcdResult | undefined {
    if (ttlSeconds > MAX_LEASE_TTL_SECONDS) return errors.LEASE_TTL_TOO_LARGE
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

  /** Leases that are gone meanwhile are no matter. */
  #checkpoint({ remaining }: LeaseCheckpointRequest): undefined {
    for (const { lease, seconds } of remaining) this.leases.checkpoint(lease, seconds)
    return undefined
  }

  #alarm(request: AlarmRequest, wanted: boolean): EtcdResult | undefined {
    const alarms = this.alarms.apply(request)
    return wanted ? this.#answer({ type: 'alarm', alarms }) : DONE
  }

  #lease(lease: number, ttlSeconds: number): EtcdResult {
    const revision = this.store.pendingRevision
    return { ok: true, value: { type: 'lease', revision, lease, ttlSeconds, grantedTtlSeconds: 0, keys: NO_KEYS } }
  }
}
