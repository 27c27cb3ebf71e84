/**
 * Alarms: who raised what, and what is refused meanwhile. Models etcd's v3alarm store and the capped and corrupt appliers,
 * v3.5. Replicated state: an alarm is raised and taken back through the log, and every member refuses from then on.
 */
import type { EtcdFailure } from './errors.ts'
import * as errors from './errors.ts'
import { type AlarmRequest, type Operation, valueBytes, type WriteRequest } from './requests.ts'
import type { Alarm, AlarmKind } from './types.ts'

const NO_ALARMS: readonly Alarm[] = Object.freeze([])
/** What etcd adds to a key and value, and to a lease, when it asks whether there is room. */
const KEY_OVERHEAD = 256
const LEASE_OVERHEAD = 64

/**
 * What a write may add to the backend, bytes; 0 when it adds nothing. The larger branch of a transaction counts, and of it
 * the puts alone: what nested transactions put is overlooked, as in etcd.
 */
export function costOf(request: WriteRequest): number {
  switch (request.type) {
    case 'put':
      return KEY_OVERHEAD + (request.keeps === 'value' || request.keeps === 'value-and-lease' ? 0 : valueBytes(request))
    case 'txn':
      return Math.max(branchCost(request.success), branchCost(request.failure))
    case 'lease-grant':
      return LEASE_OVERHEAD
    default:
      return 0
  }
}

function branchCost(operations: readonly Operation[]): number {
  let cost = 0
  for (const operation of operations) if (operation.type === 'put') cost += costOf(operation)
  return cost
}

export class Alarms {
  #raised: readonly Alarm[] = NO_ALARMS

  get any(): boolean {
    return this.#raised.length > 0
  }

  get raised(): readonly Alarm[] {
    return this.#raised
  }

  has(kind: AlarmKind): boolean {
    return this.#raised.some((alarm) => alarm.kind === kind)
  }

  /** Why a write cannot be applied while these alarms are raised, if so. */
  refusal(request: WriteRequest): EtcdFailure | undefined {
    if (request.type === 'alarm' || request.type === 'lease-checkpoint') return undefined
    if (this.has('corrupt')) return errors.CORRUPT
    return this.has('no-space') && costOf(request) > 0 ? errors.NO_SPACE : undefined
  }

  /** Raises, takes back or lists. Gives the alarms that the answer names: none when one to take back was not raised. */
  apply({ action, member, alarm }: AlarmRequest): readonly Alarm[] {
    if (action === 'get') return alarm === 'any' ? this.#raised : this.#raised.filter(({ kind }) => kind === alarm)
    if (alarm === 'any') return NO_ALARMS
    const known = this.#raised.find((one) => one.member === member && one.kind === alarm)
    if (action === 'activate') {
      const raised = known ?? { member, kind: alarm }
      if (known === undefined) this.#raised = [...this.#raised, raised]
      return [raised]
    }
    if (known === undefined) return NO_ALARMS
    this.#raised = this.#raised.filter((one) => one !== known)
    return [known]
  }

  restore(raised: readonly Alarm[]): void {
    this.#raised = raised
  }
}
