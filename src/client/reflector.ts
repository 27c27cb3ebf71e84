/**
 * Keeps a consumer up to date with one resource of the API: a list, then a watch from its version, for ever. Models
 * client-go tools/cache reflector.go, v1.33: the first list asks for any version, later ones for at least the last seen; a
 * watch that ends is reopened where it stopped; 410 Gone lists anew; "too large resource version" lists the most recent.
 * Not modelled: paging, streaming lists (WatchList).
 */
import { invariant } from '../kernel/invariant.ts'
import type { Out, Timer, TimerTarget } from '../kernel/machine.ts'
import { addressOf, type Rand } from '../kernel/random.ts'
import { type Micros, SECOND } from '../kernel/time.ts'
import type {
  ApiRequest,
  ApiResponse,
  KubeObject,
  ListSelectors,
  ObjectList,
  Resource,
  Status,
  WatchEvent,
} from '../objects/index.ts'
import type { ApiClient, ReplyReceiver, WatchId, WatchReceiver } from './apiclient.ts'
import { Backoff } from './backoff.ts'
import type { ClientDecisions } from './decisions.ts'
import type { ReflectorListFact } from './facts.ts'
import { REFLECTOR_BACKOFF } from './options.ts'

/** Who a reflector feeds. */
export interface ReflectorTarget {
  onReplace(objects: readonly KubeObject[], out: Out): void
  onEvent(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject, out: Out): void
}

export interface ReflectorOptions extends ListSelectors {
  readonly client: ApiClient
  readonly resource: Resource
  readonly namespace?: string
  /** The process and resource, for draws and facts. */
  readonly name: string
  readonly firstListVersion: '0' | ''
  readonly decisions: ClientDecisions
  readonly target: ReflectorTarget
}

/**
 * What a fault makes of the watch. `held`: nothing comes through, and everything comes later. `cut`: there is no watch to be
 * had, and what happens meanwhile is not kept for it: 410 Gone.
 */
export type WatchFate = 'well' | 'held' | 'cut'

interface HeldBack {
  readonly id: WatchId
  readonly events: readonly WatchEvent[]
}

const LIST = 1
const WATCH = 2
const WATCH_SECONDS_MIN = 300
const WATCH_SECONDS_MAX = 600
/** A watch that ends sooner without an event is a sign of trouble: upstream lists again. */
const SHORT_WATCH: Micros = SECOND

type Phase = 'stopped' | 'listing' | 'watching' | 'waiting' | 'cut'

export class Reflector implements ReplyReceiver, WatchReceiver, TimerTarget {
  readonly #options: ReflectorOptions
  readonly #backoff: Backoff
  readonly #watchRand: Rand
  readonly #address: number
  #phase: Phase = 'stopped'
  #lastVersion = ''
  #tooLarge = false
  #requestedVersion = ''
  #watchId: WatchId = 0
  #watchOpenedAt: Micros = 0
  #watchEvents = 0
  #timer: Timer = 0
  /** Counts lists, so that a stopped one's answer is known as old. */
  #listNumber = 0
  #fate: WatchFate = 'well'
  #heldBack: HeldBack[] = []
  #disturbed = 0

  constructor(options: ReflectorOptions) {
    this.#options = options
    const { client, name, resource } = options
    this.#address = addressOf(`${name}/${resource}`)
    this.#backoff = new Backoff(REFLECTOR_BACKOFF, client.streams.get('client/reflector-backoff'), this.#address)
    this.#watchRand = client.streams.get('client/watch-timeout')
  }

  /** The version that the target is up to date with; '' before the first list. */
  get lastVersion(): string {
    return this.#lastVersion
  }

  get phase(): Phase {
    return this.#phase
  }

  /** Events that came late, and watches that were cut, because of a fault. */
  get disturbed(): number {
    return this.#disturbed
  }

  /** A fault's hook: disturbs the watch, or lets it be well again. */
  setFate(fate: WatchFate, out: Out): void {
    if (fate === this.#fate) return
    this.#fate = fate
    if (fate === 'cut' && this.#phase === 'watching') {
      this.#cut(out)
      return
    }
    if (fate !== 'held') this.#letThrough(out)
    if (fate === 'well' && this.#phase === 'cut') this.#listLater(out)
  }

  start(out: Out): void {
    if (this.#phase === 'stopped') this.#list(out)
  }

  /** Ends the watch or drops the list under way. `start` lists again. */
  stop(out: Out): void {
    out.cancel(this.#timer)
    this.#dropWatch(out)
    this.#listNumber++
    this.#phase = 'stopped'
  }

  onReply(tag: number, response: ApiResponse, out: Out): void {
    if (tag !== this.#listNumber || this.#phase !== 'listing') return
    if (response.code === 200) {
      const list = response.body as ObjectList
      this.#tooLarge = false
      this.#lastVersion = list.metadata.resourceVersion
      this.#noteList(list, out)
      this.#options.target.onReplace(list.items, out)
      this.#watch(out)
      return
    }
    const tooLarge = isTooLargeVersion(response)
    if (tooLarge || response.code === 410) {
      const version = tooLarge ? this.#options.decisions.listVersionAfterTooLarge(this.#requestedVersion) : ''
      const first = !this.#tooLarge && version === ''
      this.#tooLarge = version === ''
      if (first) {
        this.#list(out)
        return
      }
    }
    this.#listLater(out)
  }

  onWatchOpen(_id: WatchId, out: Out): void {
    this.#watchOpenedAt = out.now
    this.#watchEvents = 0
  }

  onWatchRefused(_id: WatchId, response: ApiResponse, out: Out): void {
    this.#watchId = 0
    const unreachable = response.code === 0 || response.code === 429
    if (unreachable) this.#wait(WATCH, out)
    else this.#listLater(out)
  }

  onWatchEvents(id: WatchId, events: readonly WatchEvent[], out: Out): void {
    if (this.#fate === 'held') {
      this.#heldBack.push({ id, events })
      this.#disturbed += events.length
      return
    }
    const { target } = this.#options
    for (const event of events) {
      if (event.type === 'ERROR') {
        this.#options.client.stopWatch(id, out)
        this.#watchId = 0
        this.#listLater(out)
        return
      }
      this.#watchEvents++
      const version = event.object.metadata.resourceVersion
      invariant(version !== undefined && version !== '', 'client: a watch event has a version', { event: event.type })
      if (event.type !== 'BOOKMARK') target.onEvent(event.type, event.object, out)
      this.#lastVersion = version
    }
  }

  onWatchEnd(_id: WatchId, reason: 'closed' | 'disconnected', out: Out): void {
    this.#watchId = 0
    this.#heldBack = []
    const short = reason === 'closed' && out.now - this.#watchOpenedAt < SHORT_WATCH && this.#watchEvents === 0
    if (short) this.#listLater(out)
    else this.#watch(out)
  }

  onTimer(kind: number, _a: number, out: Out): void {
    this.#timer = 0
    if (this.#phase !== 'waiting') return
    if (kind === LIST) this.#list(out)
    else this.#watch(out)
  }

  #list(out: Out): void {
    const { client, resource, namespace, labelSelector, fieldSelector, decisions, firstListVersion } = this.#options
    this.#phase = 'listing'
    this.#listNumber++
    if (this.#tooLarge) this.#requestedVersion = ''
    else if (this.#lastVersion === '') this.#requestedVersion = decisions.firstListVersion(firstListVersion)
    else this.#requestedVersion = decisions.relistVersion(this.#lastVersion)
    const resourceVersion = this.#requestedVersion === '' ? undefined : this.#requestedVersion
    const request: ApiRequest = { verb: 'list', resource, namespace, labelSelector, fieldSelector, resourceVersion }
    client.call(request, this, this.#listNumber, out)
  }

  #dropWatch(out: Out): void {
    if (this.#watchId !== 0) this.#options.client.stopWatch(this.#watchId, out)
    this.#watchId = 0
    this.#heldBack = []
  }

  #cut(out: Out): void {
    this.#dropWatch(out)
    this.#phase = 'cut'
    this.#disturbed++
  }

  #letThrough(out: Out): void {
    const heldBack = this.#heldBack
    this.#heldBack = []
    for (const { id, events } of heldBack) if (id === this.#watchId) this.onWatchEvents(id, events, out)
  }

  #watch(out: Out): void {
    if (this.#fate === 'cut') {
      this.#cut(out)
      return
    }
    const { client, resource, namespace, labelSelector, fieldSelector } = this.#options
    this.#phase = 'watching'
    const timeoutSeconds = this.#watchRand.intAt(WATCH_SECONDS_MIN, WATCH_SECONDS_MAX, out.now, this.#address)
    this.#watchId = client.watch(
      {
        verb: 'watch',
        resource,
        namespace,
        labelSelector,
        fieldSelector,
        resourceVersion: this.#lastVersion,
        allowWatchBookmarks: true,
        timeoutSeconds,
      },
      this,
      out,
    )
  }

  #listLater(out: Out): void {
    this.#wait(LIST, out)
  }

  #wait(what: typeof LIST | typeof WATCH, out: Out): void {
    this.#phase = 'waiting'
    this.#timer = out.after(this.#backoff.next(out.now), this, what)
  }

  #noteList(list: ObjectList, out: Out): void {
    const { client, resource, name } = this.#options
    const fact: ReflectorListFact = {
      type: 'reflector-list',
      process: name,
      resource,
      requestedVersion: this.#requestedVersion,
      resourceVersion: list.metadata.resourceVersion,
      items: list.items.length,
      server: client.server,
    }
    out.note(fact)
  }
}

/** The server has not seen the version that was asked for. */
function isTooLargeVersion(response: ApiResponse): boolean {
  if (response.code !== 504) return false
  const status = response.body as Status
  return status.details?.causes?.some((cause) => cause.reason === 'ResourceVersionTooLarge') === true
}
