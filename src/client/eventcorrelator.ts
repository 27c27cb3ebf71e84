/**
 * What becomes of an event before it is sent: like ones are combined, equal ones counted up, and a source that tells too much
 * about one object is not heard. Models client-go tools/record events_cache.go, v1.33. Pure; sending is in eventrecorder.ts.
 */
import { type Micros, SECOND } from '../kernel/time.ts'
import { type CoreEvent, timestamp } from '../objects/index.ts'
import { TokenBucket } from './bucket.ts'

const CACHE_MAX = 4_096
/** So many different messages within the interval, and the next ones are combined. */
const SIMILAR_MAX = 10
const SIMILAR_MICROS: Micros = 600 * SECOND
/** What one source may tell about one object: so many at once, then one in five minutes. */
const SPAM_BURST = 25
const SPAM_PER_SECOND = 1 / 300
const COMBINED = '(combined from similar events): '

/** A map that forgets what was not used for longest. */
class Recent<V> {
  readonly #entries = new Map<string, V>()

  get(key: string): V | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  set(key: string, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size <= CACHE_MAX) return
    const [oldest] = this.#entries.keys()
    this.#entries.delete(oldest as string)
  }
}

interface Similar {
  readonly messages: Set<string>
  lastAt: Micros
}

interface Observed {
  count: number
  readonly name: string
  readonly firstTimestamp: string
}

/** An event to be sent: a new one, or one that is there already and only counts up. */
export interface Correlated {
  readonly event: CoreEvent
  readonly isUpdate: boolean
}

export class EventCorrelator {
  readonly #similar = new Recent<Similar>()
  readonly #observed = new Recent<Observed>()
  readonly #buckets = new Recent<TokenBucket>()

  /** What is to be sent of the event; nothing when its source has told too much. `wall` is the host's clock. */
  correlate(event: CoreEvent, wall: Micros): Correlated | undefined {
    const combined = this.#combine(event, wall)
    const correlated = this.#count(combined.event, combined.key, wall)
    const about = sourceKey(event)
    const bucket = this.#buckets.get(about) ?? new TokenBucket(SPAM_PER_SECOND, SPAM_BURST)
    this.#buckets.set(about, bucket)
    return bucket.take(wall) ? correlated : undefined
  }

  #combine(event: CoreEvent, wall: Micros): { readonly event: CoreEvent; readonly key: string } {
    const key = `${sourceKey(event)}|${event.type}|${event.reason}`
    let similar = this.#similar.get(key)
    if (similar === undefined || wall - similar.lastAt > SIMILAR_MICROS) {
      similar = { messages: new Set(), lastAt: wall }
      this.#similar.set(key, similar)
    }
    similar.messages.add(event.message)
    similar.lastAt = wall
    if (similar.messages.size < SIMILAR_MAX) {
      return { event, key: `${key}|${event.involvedObject.fieldPath ?? ''}|${event.message}` }
    }
    const [oldest] = similar.messages
    similar.messages.delete(oldest as string)
    return { event: { ...event, message: COMBINED + event.message }, key }
  }

  #count(event: CoreEvent, key: string, wall: Micros): Correlated {
    const seen = this.#observed.get(key)
    if (seen === undefined) {
      const { name } = event.metadata
      this.#observed.set(key, { count: 1, name, firstTimestamp: event.firstTimestamp })
      return { event, isUpdate: false }
    }
    seen.count++
    const { count, name, firstTimestamp } = seen
    const metadata = { ...event.metadata, name }
    return { event: { ...event, metadata, count, firstTimestamp, lastTimestamp: timestamp(wall) }, isUpdate: true }
  }
}

/** Who tells, and about what. */
function sourceKey({
  source,
  involvedObject: { apiVersion = '', kind, namespace = '', name, uid = '' },
}: CoreEvent): string {
  return `${source.component}|${source.host ?? ''}|${apiVersion}|${kind}|${namespace}|${name}|${uid}`
}
