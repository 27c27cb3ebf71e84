/**
 * A component's mouth: what it did to an object, told as Events, one after the other, without the component waiting for it.
 * Models client-go tools/record event.go, v1.33: an event that does not get through is tried again every ten seconds, twelve
 * times in all, and holds up those behind it; one that is refused is dropped; beyond a thousand waiting ones new ones are lost.
 */
import type { Out, TimerTarget } from '../kernel/machine.ts'
import { addressOf, type Rand } from '../kernel/random.ts'
import { type Micros, SECOND } from '../kernel/time.ts'
import {
  type ApiRequest,
  type ApiResponse,
  type CoreEvent,
  deepFreeze,
  type KubeObject,
  type ObjectReference,
  timestamp,
} from '../objects/index.ts'
import type { ApiClient, ReplyReceiver } from './apiclient.ts'
import { TokenBucket } from './bucket.ts'
import { type Correlated, EventCorrelator } from './eventcorrelator.ts'

const TRIES_MAX = 12
const RETRY_MICROS: Micros = 10 * SECOND
const QUEUE_MAX = 1_000

export interface EventRecorderOptions {
  readonly component: string
  /** The node that the component runs on, if it is one of a node's. */
  readonly host?: string
  /** Requests a second and at once; a client of its own, beside the component's. */
  readonly qps: number
  readonly burst: number
}

export class EventRecorder implements ReplyReceiver, TimerTarget {
  readonly #client: ApiClient
  readonly #options: EventRecorderOptions
  readonly #correlator = new EventCorrelator()
  readonly #bucket: TokenBucket
  readonly #draws: Rand
  /** Events that wait, the one that is being sent first. */
  #queue: CoreEvent[] = []
  #sending: Correlated | undefined
  #tries = 0
  /** The microsecond of the newest event, and how many came in it before. */
  #lastWall: Micros = -1
  #nanos = 0

  constructor(client: ApiClient, options: EventRecorderOptions) {
    this.#client = client
    this.#options = options
    this.#bucket = new TokenBucket(options.qps, options.burst)
    this.#draws = client.streams.get('client/events')
  }

  /** Events that are not sent yet. */
  get waiting(): number {
    return this.#queue.length
  }

  /** Tells something about an object, or about the part of it that `fieldPath` names. */
  record(
    about: KubeObject,
    type: CoreEvent['type'],
    reason: string,
    message: string,
    out: Out,
    fieldPath?: string,
  ): void {
    if (this.#queue.length >= QUEUE_MAX) return
    this.#nanos = out.wall === this.#lastWall ? this.#nanos + 1 : 0
    this.#lastWall = out.wall
    this.#queue.push(this.#newEvent(referenceTo(about, fieldPath), type, reason, message, out))
    if (this.#queue.length === 1) this.#next(out)
  }

  /** Nothing more is sent. */
  stop(): void {
    this.#queue = []
    this.#sending = undefined
  }

  onReply(_tag: number, { code }: ApiResponse, out: Out): void {
    const correlated = this.#sending
    if (correlated === undefined) return
    if (code === 0) {
      this.#tryAgain(out)
      return
    }
    if (code === 404 && correlated.isUpdate) {
      // It has expired meanwhile, or never arrived: it is made anew, with what was counted.
      this.#sending = { event: correlated.event, isUpdate: false }
      this.#send(out)
      return
    }
    this.#finish(out)
  }

  onTimer(_kind: number, _a: number, out: Out): void {
    this.#send(out)
  }

  #newEvent(
    involvedObject: ObjectReference,
    type: CoreEvent['type'],
    reason: string,
    message: string,
    out: Out,
  ): CoreEvent {
    const { component, host } = this.#options
    const now = timestamp(out.wall)
    // A name has the nanosecond in it, which several events of one microsecond must not share.
    const moment = (BigInt(out.wall) * 1_000n + BigInt(this.#nanos)).toString(16)
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {
        name: `${involvedObject.name}.${moment}`,
        namespace: involvedObject.namespace || 'default',
      },
      involvedObject,
      reason,
      message,
      type,
      source: host === undefined ? { component } : { component, host },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    }
  }

  #next(out: Out): void {
    for (let event = this.#queue[0]; event !== undefined; event = this.#queue[0]) {
      const correlated = this.#correlator.correlate(event, out.wall)
      if (correlated !== undefined) {
        this.#sending = correlated
        this.#tries = 0
        const wait = this.#bucket.reserve(out.now)
        if (wait === 0) this.#send(out)
        else out.after(wait, this, 0)
        return
      }
      this.#queue.shift()
    }
  }

  #send(out: Out): void {
    const correlated = this.#sending
    if (correlated === undefined) return
    this.#client.callAside(requestOf(correlated), this, 0, out)
  }

  #tryAgain(out: Out): void {
    this.#tries++
    if (this.#tries >= TRIES_MAX) {
      this.#finish(out)
      return
    }
    // The first wait is drawn, so that not everybody comes back at once.
    const isFirst = this.#tries === 1
    const delay = isFirst ? this.#draws.intAt(0, RETRY_MICROS, out.now, addressOf(this.#client.name)) : RETRY_MICROS
    out.after(delay, this, 0)
  }

  #finish(out: Out): void {
    this.#sending = undefined
    this.#queue.shift()
    this.#next(out)
  }
}

function requestOf({ event, isUpdate }: Correlated): ApiRequest {
  const { namespace, name } = event.metadata
  if (!isUpdate) return { verb: 'create', resource: 'events', namespace, object: deepFreeze(event) }
  const { count, lastTimestamp, message } = event
  return { verb: 'patch', resource: 'events', namespace, name, patch: { count, lastTimestamp, message } }
}

function referenceTo({ apiVersion, kind, metadata }: KubeObject, fieldPath: string | undefined): ObjectReference {
  const { namespace, name, uid, resourceVersion } = metadata
  const reference = { apiVersion, kind, name, uid, resourceVersion, ...(namespace === undefined ? {} : { namespace }) }
  return fieldPath === undefined ? reference : { ...reference, fieldPath }
}
