/**
 * What a client of etcd asks next: an operation drawn by weight, as the request that goes out and as the input that a
 * checker knows. It draws upon what the client has been shown so far, so that transactions sometimes hold and reads of the
 * past are of a past that is there.
 */
import type { EtcdRequest, EtcdResponse, KeyValue, OperationResponse } from '../etcd/index.ts'
import { prefixEnd } from '../etcd/index.ts'
import { type Found, type StoreInput, type StoreOutput, storeOutput } from '../history/index.ts'
import type { Micros, Rand } from '../kernel/index.ts'
import { ETCD_LOAD_PREFIX, ETCD_OPERATIONS, type EtcdClientSpec, type EtcdOperation } from './etcd-load.ts'

export const LOAD_END = prefixEnd(ETCD_LOAD_PREFIX)

/** Leases of different clients have different numbers. */
const LEASES_PER_CLIENT = 100_000
const LEAST_TTL_SECONDS = 2
const MOST_TTL_SECONDS = 5
/** How far back reads, watches and compactions of the past go, in revisions. */
const PAST = 30
/** One in so many transactions writes two keys. */
const TWO_KEYS_ONE_IN = 3
/** How likely something is done exactly at the present revision. */
const PRESENT_PPM = 300_000

/** A request and what it means to a checker; without `input` it is about no key. */
export interface Plan {
  readonly kind: EtcdOperation
  readonly request: EtcdRequest
  readonly input: StoreInput | undefined
  readonly isSerializable: boolean
  readonly atRevision: number
  /** The lease that it is about, or 0. */
  readonly lease: number
}

const PURPOSE = { kind: 1, key: 2, second: 3, past: 4, ttl: 5, present: 6, two: 7 } as const

export class EtcdPlanner {
  readonly #spec: EtcdClientSpec
  readonly #draws: Rand
  readonly #place: number
  readonly #weights: readonly (readonly [EtcdOperation, number])[]
  readonly #total: number
  /** Each key as it was last seen; undefined: not there. */
  readonly #seen = new Map<string, KeyValue | undefined>()
  /** Leases that the client holds, oldest first. */
  readonly leases: number[] = []
  /** The newest revision that it was told. */
  revision = 0
  /** The newest revision that it knows to be compacted. */
  compacted = 0
  #lastValue = 0
  #lastLease = 0

  /** `place`: the client's place among all. */
  constructor(spec: EtcdClientSpec, place: number, draws: Rand) {
    this.#spec = spec
    this.#draws = draws
    this.#place = place
    this.#weights = ETCD_OPERATIONS.flatMap((kind) => {
      const weight = spec.operations[kind] ?? 0
      return weight > 0 ? [[kind, weight] as const] : []
    })
    this.#total = this.#weights.reduce((sum, [, weight]) => sum + weight, 0)
  }

  /** The operation of this moment, or undefined for a client that was given none. */
  kindAt(now: Micros): EtcdOperation | undefined {
    if (this.#total === 0) return undefined
    let dice = this.#draws.intAt(0, this.#total - 1, now, PURPOSE.kind)
    for (const [kind, weight] of this.#weights) {
      dice -= weight
      if (dice < 0) return kind
    }
    return undefined
  }

  /** A revision of the near past, or the next one. */
  pastRevision(now: Micros): number {
    if (this.compacted > 0 && this.#draws.chanceAt(PRESENT_PPM, now, PURPOSE.present)) return this.compacted
    return Math.max(1, this.revision + 1 - this.#draws.intAt(0, PAST, now, PURPOSE.past))
  }

  list(): Plan {
    const range = { key: ETCD_LOAD_PREFIX, rangeEnd: LOAD_END }
    return planned('range', { type: 'range', ...range }, { type: 'range', ...range })
  }

  lastPut(): Plan {
    const put = { key: `${ETCD_LOAD_PREFIX}0`, value: this.#newValue() }
    return planned('put', { type: 'put', ...put, bytes: this.#spec.valueBytes }, { type: 'put', ...put })
  }

  /** The request for an operation that asks the cluster for something. */
  plan(kind: Exclude<EtcdOperation, 'watch' | 'stall'>, now: Micros): Plan {
    const key = this.#keyAt(now, PURPOSE.key)
    const bytes = this.#spec.valueBytes
    switch (kind) {
      case 'get':
        return planned(kind, { type: 'range', key }, { type: 'get', key })
      case 'range':
        return this.list()
      case 'serializable-get':
        return {
          ...planned(kind, { type: 'range', key, serializable: true }, { type: 'get', key }),
          isSerializable: true,
        }
      case 'get-at-revision': {
        const revision = Math.min(Math.max(1, this.revision), this.pastRevision(now))
        return {
          ...planned(kind, { type: 'range', key, revision }, { type: 'get', key }),
          isSerializable: true,
          atRevision: revision,
        }
      }
      case 'put': {
        const value = this.#newValue()
        return planned(kind, { type: 'put', key, value, bytes }, { type: 'put', key, value })
      }
      case 'delete':
        return planned(kind, { type: 'delete', key }, { type: 'delete', key })
      case 'txn':
      case 'swap':
        return this.#transaction(kind, key, now)
      case 'lease-grant': {
        this.#lastLease++
        const lease = (this.#place + 1) * LEASES_PER_CLIENT + this.#lastLease
        const ttlSeconds = this.#draws.intAt(LEAST_TTL_SECONDS, MOST_TTL_SECONDS, now, PURPOSE.ttl)
        return { ...planned(kind, { type: 'lease-grant', lease, ttlSeconds }, undefined), lease }
      }
      case 'leased-put': {
        const lease = this.leases.at(-1)
        if (lease === undefined) return this.plan('lease-grant', now)
        const value = this.#newValue()
        const input = { type: 'put', key, value } as const
        return { ...planned(kind, { type: 'put', key, value, bytes, lease }, input), lease }
      }
      case 'lease-keep-alive':
      case 'lease-revoke': {
        const lease = this.leases[this.#draws.intAt(0, Math.max(0, this.leases.length - 1), now, PURPOSE.second)]
        if (lease === undefined) return this.plan('lease-grant', now)
        return { ...planned(kind, { type: kind, lease }, undefined), lease }
      }
      case 'compact': {
        const isPresent = this.#draws.chanceAt(PRESENT_PPM, now, PURPOSE.present)
        const back = isPresent ? 0 : this.#draws.intAt(1, PAST, now, PURPOSE.past)
        return planned(kind, { type: 'compact', revision: Math.max(1, this.revision - back) }, undefined)
      }
    }
  }

  /** Takes in what an answer shows. */
  learn(plan: Plan, response: EtcdResponse): void {
    if ('revision' in response && response.revision > this.revision) this.revision = response.revision
    if (plan.request.type === 'compact') this.compacted = Math.max(this.compacted, plan.request.revision)
    if (plan.atRevision > 0 || response.type !== 'range') return
    const { input } = plan
    if (input?.type === 'get') this.#seen.set(input.key, response.values[0])
    else {
      this.#seen.clear()
      for (const value of response.values) this.#seen.set(value.key, value)
    }
  }

  /** Takes in an event that a watch showed. */
  see(type: 'put' | 'delete', kv: KeyValue): void {
    if (kv.modRevision <= (this.#seen.get(kv.key)?.modRevision ?? 0)) return
    this.#seen.set(kv.key, type === 'put' ? kv : undefined)
  }

  #transaction(kind: 'txn' | 'swap', key: string, now: Micros): Plan {
    const { valueBytes: bytes } = this.#spec
    const seen = this.#seen.get(key)
    const other = this.#keyAt(now, PURPOSE.second)
    const value = this.#newValue()
    const keys = this.#draws.intAt(1, TWO_KEYS_ONE_IN, now, PURPOSE.two) === 1 && other !== key ? [key, other] : [key]
    const condition =
      kind === 'swap'
        ? ({ key, value: String(seen?.value ?? '') } as const)
        : ({ key, modRevision: seen?.modRevision ?? 0 } as const)
    const compare =
      'value' in condition
        ? ({ key, result: 'equal', target: 'value', operand: condition.value } as const)
        : ({ key, result: 'equal', target: 'mod-revision', operand: condition.modRevision } as const)
    return planned(
      kind,
      {
        type: 'txn',
        compare: [compare],
        success: keys.map((one) => ({ type: 'put', key: one, value, bytes })),
        failure: [{ type: 'range', key }],
      },
      {
        type: 'txn',
        compare: [condition],
        success: keys.map((one) => ({ type: 'put', key: one, value })),
        failure: [{ type: 'get', key }],
      },
    )
  }

  #keyAt(now: Micros, purpose: number): string {
    return `${ETCD_LOAD_PREFIX}${this.#draws.intAt(0, this.#spec.keys - 1, now, purpose)}`
  }

  /** No two puts have the same value. */
  #newValue(): string {
    return `${this.#spec.id}.${++this.#lastValue}`
  }
}

function planned(kind: EtcdOperation, request: EtcdRequest, input: StoreInput | undefined): Plan {
  return { kind, request, input, isSerializable: false, atRevision: 0, lease: 0 }
}

/** The answer as a checker knows it; undefined for one that is about no key. */
export function outputOf(response: EtcdResponse): StoreOutput | undefined {
  switch (response.type) {
    case 'range':
      return storeOutput(response.revision, { found: response.values.map(foundOf) })
    case 'put':
      return storeOutput(response.revision)
    case 'delete':
      return storeOutput(response.revision, { deleted: response.deleted })
    case 'txn':
      return storeOutput(response.revision, {
        succeeded: response.succeeded,
        found: response.responses.flatMap(foundIn),
      })
    default:
      return undefined
  }
}

function foundIn(response: OperationResponse): Found[] {
  return response.type === 'range' ? response.values.map(foundOf) : []
}

function foundOf({ key, value, createRevision, modRevision, version }: KeyValue): Found {
  return { key, value: String(value), createRevision, modRevision, version }
}
