/**
 * A sequence of operations that can be played on our member and on a real etcd, and what each is seen to answer, in one
 * form that compares: plain JSON, with revisions as if the sequence had begun at revision 3 with everything compacted. The
 * real one is played in oracle/etcd.ts. Not compared: how events are grouped into messages, and what a lease has left.
 */
import { MILLISECOND } from '../kernel/time.ts'
import type { WatchRequest } from './clientwatch.ts'
import type { EtcdFailure } from './errors.ts'
import type { EtcdResult } from './messages.ts'
import type { EtcdRequest, Operation, PutRequest } from './requests.ts'
import type { EtcdResponse, OperationResponse } from './responses.ts'
import { type Answer, EtcdTrial, type Seen } from './testing.ts'
import { FROM_KEY, type KeyValue, type LeaseId, type WatchEvent } from './types.ts'

export type Step =
  | { readonly do: 'ask'; readonly request: EtcdRequest }
  /** Several watches on one stream; the next stream has the next number, from 0. */
  | { readonly do: 'watch'; readonly requests: readonly WatchRequest[] }
  | { readonly do: 'stop'; readonly stream: number }
  /** Time passes until the lease is gone. */
  | { readonly do: 'expire'; readonly lease: LeaseId }

/** Key, value, create and modification revision, version, lease. */
export type SeenValue = readonly [string, string, number, number, number, number]

/** Anything that JSON can hold, in a fixed order. */
export type Observation = { readonly [name: string]: unknown }

/** What one watch has shown. */
export interface SeenWatch {
  readonly events: readonly Observation[]
  /** Why it was not begun, or ended: a reason, or the compacted revision. */
  readonly ended: string | number | undefined
}

/** The member panicked: it answers nobody any more. */
export const CRASHED: Observation = Object.freeze({ crashed: true })

/** The revision at which every sequence begins; everything up to it is compacted. */
export const BASE_REVISION = 3

/** Texts that stand for long values: `~1600000` has that many bytes. */
export function lengthOf(value: string): number {
  return value.startsWith('~') ? Number(value.slice(1)) : value.length
}

const ALL_ALARMS: readonly Step[] = (['no-space', 'corrupt'] as const).flatMap((alarm) =>
  [1, 2].map((member): Step => ({ do: 'ask', request: { type: 'alarm', action: 'deactivate', member, alarm } })),
)

/**
 * What brings a sequence that is at `revision` to its end: no alarm is raised any more, every watch has begun, and in each
 * watch's range something is written and deleted, so that whatever came before has been shown by then.
 */
export function closingOf(steps: readonly Step[], revision: number): Step[] {
  const requests = steps.flatMap((step) => (step.do === 'watch' ? step.requests : []))
  const latest = Math.max(0, ...requests.map(({ startRevision = 0 }) => startRevision))
  const put = (key: string): Step => ({ do: 'ask', request: { type: 'put', key, value: 'end' } })
  const raised = steps.some((step) => step.do === 'ask' && step.request.type === 'alarm')
  return [
    ...(raised ? ALL_ALARMS : []),
    ...Array.from({ length: Math.max(0, latest - revision) }, () => put('z')),
    ...requests.flatMap(({ key }): Step[] => [put(key), { do: 'ask', request: { type: 'delete', key } }]),
  ]
}

/** Plays sequences on one member of our own. */
export class Rehearsal {
  readonly #trial: EtcdTrial
  readonly #streams: Seen[][] = []

  constructor() {
    // The real one at hand, 3.4.23, still has the bug with tombstones at the compacted revision (etcd-io/etcd#18089).
    this.#trial = new EtcdTrial({ seed: 1, members: 1, options: { decisions: { keepsTombstone: () => false } } })
    this.#trial.elect()
    this.#trial.must({ type: 'put', key: 'x', value: 'x' })
    this.#trial.must({ type: 'delete', key: '\0', rangeEnd: FROM_KEY })
    this.#trial.must({ type: 'compact', revision: BASE_REVISION })
  }

  get revision(): number {
    return this.#trial.view(0).revision
  }

  play(step: Step): Observation {
    switch (step.do) {
      case 'ask':
        return this.#ask(step.request)
      case 'watch':
        this.#streams.push(step.requests.map((request) => this.#trial.watch(request)))
        this.#settle()
        return {}
      case 'stop':
        for (const seen of this.#streams[step.stream] ?? []) this.#trial.stopWatch(seen)
        this.#settle()
        return {}
      case 'expire':
        return this.#expire(step.lease)
    }
  }

  /** What the watches of each stream have shown up to now. */
  watches(): readonly (readonly SeenWatch[])[] {
    return this.#streams.map((stream) =>
      stream.map(({ events, compactedAt, refused }) => ({
        events: events.map(observeEvent),
        ended: refused ?? (compactedAt > 0 ? compactedAt : undefined),
      })),
    )
  }

  #ask(request: EtcdRequest): Observation {
    const tag = this.#trial.ask(sized(request))
    const { answers } = this.#trial.client()
    while (answers[tag] === undefined) {
      this.#trial.run(10 * MILLISECOND)
      if (!this.#trial.view(0).isRunning) return CRASHED
    }
    this.#settle()
    return observe((answers[tag] as Answer).result, request)
  }

  #expire(lease: LeaseId): Observation {
    for (let i = 0; i < 100; i++) {
      const response = this.#trial.must({ type: 'lease-time-to-live', lease })
      if (response.type === 'lease' && response.ttlSeconds < 0) return {}
      this.#trial.run(100 * MILLISECOND)
    }
    return { alive: true }
  }

  /** Lets events reach the watches. */
  #settle(): void {
    this.#trial.run(10 * MILLISECOND)
  }
}

/** The request with the sizes that a real one would see. */
function sized(request: EtcdRequest): EtcdRequest {
  if (request.type === 'put') return sizedPut(request)
  if (request.type !== 'txn') return request
  return { ...request, success: request.success.map(sizedOperation), failure: request.failure.map(sizedOperation) }
}

function sizedOperation(operation: Operation): Operation {
  return sized(operation) as Operation
}

function sizedPut(put: PutRequest): PutRequest {
  return { ...put, bytes: put.key.length + lengthOf(String(put.value ?? '')) }
}

function observe(result: EtcdResult, request: EtcdRequest): Observation {
  // A lease that is not there is answered with no time left; it is the real client library that calls that a failure.
  if (!result.ok && request.type === 'lease-keep-alive') return { lease: request.lease, ttl: 0 }
  return result.ok ? observeResponse(result.value, request) : observeFailure(result)
}

export function observeFailure({ code, message }: Pick<EtcdFailure, 'code' | 'message'>): Observation {
  return { code, message }
}

function observeResponse(response: EtcdResponse, request: EtcdRequest): Observation {
  switch (response.type) {
    case 'range':
    case 'put':
    case 'delete':
      return observeOperation(response)
    case 'txn': {
      const { revision, succeeded, responses } = response
      return { revision, succeeded, responses: responses.map(observeOperation) }
    }
    case 'compact':
      return { revision: response.revision }
    case 'lease': {
      const { revision, lease, ttlSeconds, grantedTtlSeconds, keys } = response
      if (request.type === 'lease-grant') return { revision, lease, ttl: ttlSeconds }
      if (request.type === 'lease-keep-alive') return { lease, ttl: ttlSeconds }
      if (request.type === 'lease-revoke') return { revision }
      return { revision, lease, alive: ttlSeconds >= 0, granted: grantedTtlSeconds, keys: [...keys].sort() }
    }
    case 'lease-list':
      return { revision: response.revision, leases: [...response.leases].sort((left, right) => left - right) }
    case 'alarm':
      return { alarms: response.alarms.map(({ member, kind }) => `${member} ${kind}`).sort() }
    default:
      return {}
  }
}

function observeOperation(response: OperationResponse): Observation {
  switch (response.type) {
    case 'range': {
      const { revision, count, more, values } = response
      return { revision, count, more, values: values.map(observeValue) }
    }
    case 'put':
      return { revision: response.revision, previous: response.previous && observeValue(response.previous) }
    case 'delete': {
      const { revision, deleted, previous } = response
      return { revision, deleted, previous: previous.map(observeValue) }
    }
    case 'txn':
      // The real one gives no revision of a nested transaction.
      return { succeeded: response.succeeded, responses: response.responses.map(observeOperation) }
  }
}

function observeValue({ key, value, createRevision, modRevision, version, lease }: KeyValue): SeenValue {
  return [key, String(value ?? ''), createRevision, modRevision, version, lease]
}

function observeEvent({ type, kv, previous }: WatchEvent): Observation {
  // A deletion is shown with the key and its revision only.
  return { type, kv: observeValue(kv), previous: previous && observeValue(previous) }
}
