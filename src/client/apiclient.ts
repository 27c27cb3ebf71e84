/**
 * One process's connection to one of several API servers: calls with a time-out, watches, client-side rate limit, retries of
 * 429, failover. Models client-go rest.Request and transport, v1.33, with a load balancer's view of several servers folded in:
 * the first server is a keyed draw, a lost connection goes to the next one. It is no Machine: the owner forwards its
 * entrances. Receivers are never called from within `call` or `watch`. Not modelled: HTTP, TLS, reuse of responses.
 */
import { invariant } from '../kernel/invariant.ts'
import type { Message, Out, ProcessId, TimerTarget } from '../kernel/machine.ts'
import { addressOf, type Streams } from '../kernel/random.ts'
import { type Micros, SECOND } from '../kernel/time.ts'
import type {
  ApiCall,
  ApiCancel,
  ApiReply,
  ApiRequest,
  ApiResponse,
  ApiWatchEnd,
  ApiWatchEvents,
  Status,
  WatchEvent,
} from '../objects/index.ts'
import { Backoff } from './backoff.ts'
import { TokenBucket } from './bucket.ts'
import type { ClientFailoverFact, ClientTimeoutFact } from './facts.ts'
import { type ApiClientOptions, completeApiClientOptions, DIAL_BACKOFF } from './options.ts'

export type CallId = number
export type WatchId = number
export type WatchRequest = Extract<ApiRequest, { readonly verb: 'watch' }>

/** Who wants the answer of a call. `tag` is the number that was given to `call`. */
export interface ReplyReceiver {
  onReply(tag: number, response: ApiResponse, out: Out): void
}

/** Who wants a watch's events. After `onWatchRefused` or `onWatchEnd` the watch is gone. */
export interface WatchReceiver {
  onWatchOpen(id: WatchId, out: Out): void
  /** The watch never opened. Code 0: no connection or no answer. */
  onWatchRefused(id: WatchId, response: ApiResponse, out: Out): void
  onWatchEvents(id: WatchId, events: readonly WatchEvent[], out: Out): void
  /** `closed`: the server ended it normally. `disconnected`: the connection is gone. */
  onWatchEnd(id: WatchId, reason: 'closed' | 'disconnected', out: Out): void
}

interface Pending {
  readonly id: number
  readonly request: ApiRequest
  readonly receiver: ReplyReceiver | undefined
  readonly watcher: WatchReceiver | undefined
  readonly tag: number
  sentAt: Micros
  attempts: number
}

const SEND = 1
const EXPIRE = 2
const RETRIES_MAX = 10

export class ApiClient implements TimerTarget {
  readonly name: string
  readonly user: string
  readonly streams: Streams
  readonly #servers: readonly ProcessId[]
  readonly #timeoutMicros: Micros
  readonly #silenceMicros: Micros
  readonly #bucket: TokenBucket
  readonly #dialBackoff: Backoff
  /** Not sent yet: rate-limited, told to wait by a 429, or waiting for a server to dial. */
  readonly #waiting = new Map<number, Pending>()
  /** Sent and unanswered, in the order of sending, hence of their deadlines. */
  #sent = new Map<number, Pending>()
  #watches = new Map<WatchId, WatchReceiver>()
  #nextId = 1
  /** Index of the current server; -1 until the first draw. */
  #index = -1
  #failures = 0
  #dialAt: Micros = 0
  /** When the first of the calls went out that were followed by no word from the server; -1 when there is none. */
  #silentSince: Micros = -1
  #expiryArmed = false

  constructor(options: ApiClientOptions) {
    const { servers, user, streams, name, timeoutMicros, qps, burst, silenceMicros } = completeApiClientOptions(options)
    invariant(servers.length > 0, 'client: there is an API server to talk to', { name })
    this.name = name
    this.user = user
    this.streams = streams
    this.#servers = servers
    this.#timeoutMicros = timeoutMicros
    this.#silenceMicros = silenceMicros
    this.#bucket = new TokenBucket(qps, burst)
    this.#dialBackoff = new Backoff(DIAL_BACKOFF, streams.get('client/dial'), addressOf(name))
  }

  /** Chooses the first server. Calls before it choose too. */
  start(out: Out): void {
    if (this.#index < 0) {
      this.#index = this.streams.get('client/server').intAt(0, this.#servers.length - 1, out.now, addressOf(this.name))
    }
  }

  /** The API server that calls go to now. */
  get server(): ProcessId {
    return this.#servers[Math.max(0, this.#index)] as ProcessId
  }

  /** Calls that have no answer yet. */
  get pendingCalls(): number {
    return this.#sent.size + this.#waiting.size
  }

  /**
   * Asks the server. `receiver.onReply(tag, ...)` comes exactly once, later: with the answer, or with code 0 (Status reason
   * `Timeout` or `ServiceUnavailable`) when there was none, so that a write may or may not have taken effect.
   */
  call(request: ApiRequest, receiver: ReplyReceiver, tag: number, out: Out): CallId {
    return this.#submit(request, receiver, undefined, tag, out)
  }

  /** As `call`, but past the rate limit: for who has a limit of its own. */
  callAside(request: ApiRequest, receiver: ReplyReceiver, tag: number, out: Out): CallId {
    const id = this.#nextId++
    this.#send({ id, request, receiver, watcher: undefined, tag, sentAt: 0, attempts: 0 }, out)
    return id
  }

  /** Forgets a call: its receiver hears nothing more. What was sent may still take effect. */
  cancel(id: CallId, out: Out): void {
    if (this.#sent.delete(id)) this.#cancelOnServer(id, out)
    else this.#waiting.delete(id)
  }

  /** Opens a watch. */
  watch(request: WatchRequest, receiver: WatchReceiver, out: Out): WatchId {
    return this.#submit(request, undefined, receiver, 0, out)
  }

  /** Ends a watch: its receiver hears nothing more. */
  stopWatch(id: WatchId, out: Out): void {
    if (this.#watches.delete(id)) this.#cancelOnServer(id, out)
    else this.cancel(id, out)
  }

  /** True when the message was an API server's and is dealt with. */
  onMessage(from: ProcessId, message: Message, out: Out): boolean {
    switch (message.type) {
      case 'api-reply':
        if (this.#hears(from)) this.#onReply(message as ApiReply, out)
        return true
      case 'api-watch-events': {
        const { id, events } = message as ApiWatchEvents
        if (this.#hears(from)) this.#watches.get(id)?.onWatchEvents(id, events, out)
        return true
      }
      case 'api-watch-end': {
        if (!this.#hears(from)) return true
        const { id } = message as ApiWatchEnd
        const watcher = this.#watches.get(id)
        this.#watches.delete(id)
        watcher?.onWatchEnd(id, 'closed', out)
        return true
      }
      default:
        return false
    }
  }

  /** The connection is gone: pending calls fail with code 0, watches end, the next call goes to another server. */
  onDisconnect(peer: ProcessId, out: Out): void {
    if (this.#index >= 0 && peer === this.server) this.#failOver('disconnected', out)
  }

  onTimer(kind: number, a: number, out: Out): void {
    if (kind === EXPIRE) this.#expire(out)
    else {
      const pending = this.#waiting.get(a)
      if (pending !== undefined) this.#send(pending, out)
    }
  }

  #submit(
    request: ApiRequest,
    receiver: ReplyReceiver | undefined,
    watcher: WatchReceiver | undefined,
    tag: number,
    out: Out,
  ): number {
    const id = this.#nextId++
    const pending: Pending = { id, request, receiver, watcher, tag, sentAt: 0, attempts: 0 }
    const wait = this.#bucket.reserve(out.now)
    if (wait === 0) this.#send(pending, out)
    else this.#sendLater(pending, wait, out)
    return id
  }

  #sendLater(pending: Pending, delay: Micros, out: Out): void {
    this.#waiting.set(pending.id, pending)
    out.after(delay, this, SEND, pending.id)
  }

  #send(pending: Pending, out: Out): void {
    this.start(out)
    if (out.now < this.#dialAt) {
      this.#sendLater(pending, this.#dialAt - out.now, out)
      return
    }
    this.#waiting.delete(pending.id)
    pending.sentAt = out.now
    this.#sent.set(pending.id, pending)
    if (this.#silentSince < 0) this.#silentSince = out.now
    if (!this.#expiryArmed) {
      this.#expiryArmed = true
      out.after(this.#timeoutMicros, this, EXPIRE)
    }
    const message: ApiCall = { type: 'api-call', id: pending.id, user: this.user, request: pending.request }
    out.stream(this.server, message)
  }

  #hears(from: ProcessId): boolean {
    if (this.#index < 0 || from !== this.server) return false
    this.#silentSince = -1
    this.#failures = 0
    return true
  }

  #onReply({ id, response }: ApiReply, out: Out): void {
    const pending = this.#sent.get(id)
    if (pending === undefined) return
    this.#sent.delete(id)
    const retryAfterSeconds = retryAfterOf(response)
    if (retryAfterSeconds !== undefined && pending.attempts < RETRIES_MAX) {
      pending.attempts++
      this.#sendLater(pending, retryAfterSeconds * SECOND, out)
      return
    }
    this.#answer(pending, response, out)
  }

  #answer(pending: Pending, response: ApiResponse, out: Out): void {
    if (pending.watcher === undefined) {
      pending.receiver?.onReply(pending.tag, response, out)
    } else if (response.code === 200) {
      this.#watches.set(pending.id, pending.watcher)
      pending.watcher.onWatchOpen(pending.id, out)
    } else {
      pending.watcher.onWatchRefused(pending.id, response, out)
    }
  }

  #expire(out: Out): void {
    this.#expiryArmed = false
    const expired: Pending[] = []
    for (const pending of this.#sent.values()) {
      const left = pending.sentAt + this.#timeoutMicros - out.now
      if (left > 0) {
        this.#expiryArmed = true
        out.after(left, this, EXPIRE)
        break
      }
      expired.push(pending)
    }
    if (expired.length === 0) return
    for (const pending of expired) {
      this.#sent.delete(pending.id)
      this.#cancelOnServer(pending.id, out)
      const { verb, resource } = pending.request
      const fact: ClientTimeoutFact = { type: 'client-timeout', client: this.name, server: this.server, verb, resource }
      out.note(fact)
    }
    if (this.#silentSince >= 0 && out.now - this.#silentSince >= this.#silenceMicros) {
      out.hangUp(this.server)
      this.#failOver('silent', out)
    }
    for (const pending of expired) this.#answer(pending, NO_ANSWER_IN_TIME, out)
  }

  #failOver(reason: ClientFailoverFact['reason'], out: Out): void {
    const from = this.server
    this.#failures++
    this.#index = (this.#index + 1) % this.#servers.length
    this.#silentSince = -1
    this.#dialAt = this.#failures < this.#servers.length ? out.now : out.now + this.#dialBackoff.next(out.now)
    const fact: ClientFailoverFact = { type: 'client-failover', client: this.name, from, to: this.server, reason }
    out.note(fact)
    const sent = this.#sent
    const watches = this.#watches
    this.#sent = new Map()
    this.#watches = new Map()
    for (const pending of sent.values()) this.#answer(pending, CONNECTION_LOST, out)
    for (const [id, watcher] of watches) watcher.onWatchEnd(id, 'disconnected', out)
  }

  #cancelOnServer(id: number, out: Out): void {
    const message: ApiCancel = { type: 'api-cancel', id }
    out.stream(this.server, message)
  }
}

/** What the Retry-After header of a 429 or 503 says. There is none for 0 seconds, and then nothing is tried again. */
function retryAfterOf(response: ApiResponse): number | undefined {
  if (response.code !== 429 && response.code !== 503) return undefined
  return (response.body as Status).details?.retryAfterSeconds || undefined
}

function noAnswer(reason: 'Timeout' | 'ServiceUnavailable', message: string): ApiResponse {
  const body: Status = { apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Failure', code: 0, reason, message }
  return Object.freeze({ code: 0, body: Object.freeze(body) })
}

const NO_ANSWER_IN_TIME = noAnswer('Timeout', 'the server did not answer in time')
const CONNECTION_LOST = noAnswer('ServiceUnavailable', 'the connection to the server was lost')
