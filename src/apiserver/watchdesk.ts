/**
 * The open watches of all clients of one server: opening with what is there already, bookmarks, time-outs, ends. What flows through an open watch is
 * in `watchers.ts`. Models apiserver pkg/endpoints/handlers/get.go and watch.go, cacher.go (bookmarks), v1.33. Simplified: bookmarks go out to all watches
 * of a server in one sweep, and only when there is something new to say.
 */
import { invariant } from '../kernel/invariant.ts'
import type { Message, Out, ProcessId, TimerTarget } from '../kernel/machine.ts'
import type { Rand } from '../kernel/random.ts'
import { SECOND } from '../kernel/time.ts'
import type { ApiRequest, ApiResponse, Resource } from '../objects/index.ts'
import type { WatchCache } from './cache.ts'
import { note, type WatchChanged } from './facts.ts'
import type { CompleteApiServerOptions } from './options.ts'
import { selectionOf } from './selection.ts'
import { badRequest, failure, success } from './status.ts'
import { Watcher } from './watchers.ts'

const BOOKMARKS = 1
const TIMEOUT = 2

export type WatchRequest = Extract<ApiRequest, { verb: 'watch' }>

export class WatchDesk implements TimerTarget {
  readonly #options: CompleteApiServerOptions
  readonly #caches: Readonly<Record<Resource, WatchCache>>
  readonly #chance: Rand
  readonly #byClient = new Map<ProcessId, Map<number, Watcher>>()
  /** Open watches by the number that their timer carries. */
  readonly #byNumber = new Map<number, Watcher>()
  #lastNumber = 0

  constructor(options: CompleteApiServerOptions, caches: Readonly<Record<Resource, WatchCache>>) {
    this.#options = options
    this.#caches = caches
    this.#chance = options.streams.get(`apiserver/${options.name}/watches`)
  }

  start(out: Out): void {
    out.after(this.#bookmarkDelay(out), this, BOOKMARKS)
  }

  onTimer(kind: number, a: number, out: Out): void {
    if (kind === TIMEOUT) {
      const watcher = this.#byNumber.get(a)
      if (watcher !== undefined) this.end(watcher, 'timeout', out)
      return
    }
    invariant(kind === BOOKMARKS, 'apiserver: a timer of the watch desk has a known kind', { kind })
    for (const watcher of this.#byNumber.values()) this.#sendBookmark(watcher, out)
    out.after(this.#bookmarkDelay(out), this, BOOKMARKS)
  }

  /** Opens a watch: sends the answer and the first events, or gives the refusal back unsent. */
  open(client: ProcessId, id: number, user: string, request: WatchRequest, out: Out): ApiResponse {
    const cache = this.#caches[request.resource]
    const selection = selectionOf(request)
    if (cache === undefined)
      return refused(failure(404, 'NotFound', 'the server could not find the requested resource'))
    if (!selection.ok) return refused(badRequest(selection.message))
    const { resourceVersion = '', allowWatchBookmarks = false } = request
    const watcher = new Watcher(client, id, user, request.resource, selection.value, allowWatchBookmarks)
    const status = cache.prepareWatch(watcher, resourceVersion)
    if (status !== undefined && status.code !== 410) return refused(status)
    const response: ApiResponse = { code: 200, body: success(200) }
    out.stream(client, { type: 'api-reply', id, response } as Message)
    if (status !== undefined) {
      out.stream(client, { type: 'api-watch-events', id, events: [{ type: 'ERROR', object: status }] } as Message)
      out.stream(client, { type: 'api-watch-end', id } as Message)
      this.#note('watch-closed', watcher, 'expired', out)
      return response
    }
    // A client that restarted counts from one again; what it had open before is nobody's.
    const former = this.#byClient.get(client)?.get(id)
    if (former !== undefined) this.#drop(former, 'disconnect', out)
    this.#register(watcher, cache)
    watcher.timeout = out.after(this.#lengthOf(request, out), this, TIMEOUT, watcher.number)
    this.#note('watch-opened', watcher, 'opened', out)
    watcher.flush(out)
    return response
  }

  /** Ends a watch from this side: what waits, a last bookmark at a time-out, the end. */
  end(watcher: Watcher, reason: WatchChanged['reason'], out: Out): void {
    if (!watcher.isOpen) return
    watcher.flush(out)
    if (reason === 'timeout') this.#sendBookmark(watcher, out)
    this.#drop(watcher, reason, out)
    out.stream(watcher.client, { type: 'api-watch-end', id: watcher.id } as Message)
  }

  /** The client stops a watch. False when it has none of that id. */
  cancel(client: ProcessId, id: number, out: Out): boolean {
    const watcher = this.#byClient.get(client)?.get(id)
    if (watcher === undefined) return false
    this.#drop(watcher, 'client', out)
    return true
  }

  /** The client has gone. */
  disconnect(client: ProcessId, out: Out): void {
    const own = this.#byClient.get(client)
    if (own === undefined) return
    for (const watcher of [...own.values()]) this.#drop(watcher, 'disconnect', out)
  }

  #register(watcher: Watcher, cache: WatchCache): void {
    let own = this.#byClient.get(watcher.client)
    if (own === undefined) {
      own = new Map()
      this.#byClient.set(watcher.client, own)
    }
    own.set(watcher.id, watcher)
    watcher.number = ++this.#lastNumber
    this.#byNumber.set(watcher.number, watcher)
    cache.watchers.add(watcher)
  }

  #drop(watcher: Watcher, reason: WatchChanged['reason'], out: Out): void {
    if (!watcher.isOpen) return
    watcher.isOpen = false
    out.cancel(watcher.timeout)
    this.#byNumber.delete(watcher.number)
    this.#caches[watcher.resource].watchers.delete(watcher)
    const own = this.#byClient.get(watcher.client)
    own?.delete(watcher.id)
    if (own?.size === 0) this.#byClient.delete(watcher.client)
    this.#note('watch-closed', watcher, reason, out)
  }

  #lengthOf({ timeoutSeconds }: WatchRequest, out: Out): number {
    if (timeoutSeconds !== undefined && timeoutSeconds > 0) return timeoutSeconds * SECOND
    const least = this.#options.watchTimeoutMicros
    return this.#chance.intAt(least, 2 * least - 1, out.now, this.#lastNumber)
  }

  #bookmarkDelay(out: Out): number {
    const period = this.#options.bookmarkPeriodMicros
    return this.#chance.intAt(period - Math.floor(period / 20), period, out.now)
  }

  #sendBookmark(watcher: Watcher, out: Out): void {
    const cache = this.#caches[watcher.resource]
    if (!watcher.allowsBookmarks || cache.phase !== 'ready' || cache.revision <= watcher.revision) return
    watcher.revision = cache.revision
    watcher.queue(cache.bookmark())
    watcher.flush(out)
  }

  #note(type: WatchChanged['type'], watcher: Watcher, reason: WatchChanged['reason'], out: Out): void {
    const { client, user, resource, id, revision } = watcher
    note(out, { type, server: this.#options.name, client, user, resource, id, revision, reason })
  }
}

function refused(body: ReturnType<typeof failure>): ApiResponse {
  return { code: body.code, body }
}
