/**
 * Exponential back-off per key: 10 s, doubled up to 300 s, forgotten after twice the maximum without trouble. Models
 * client-go util/flowcontrol/backoff.go as the kubelet uses it for crash loops and image pulls, v1.33.
 */
import { type Micros, SECOND } from '../kernel/index.ts'

const INITIAL_MICROS = 10 * SECOND
const MAXIMUM_MICROS = 300 * SECOND

interface Entry {
  readonly micros: Micros
  readonly updatedAt: Micros
}

export class BackOffs {
  readonly #entries = new Map<string, Entry>()

  /** The moment until which `key` must wait, counted from `since`; `since` itself or earlier when it need not. */
  until(key: string, since: Micros): Micros {
    const entry = this.#entries.get(key)
    if (entry === undefined || since - entry.updatedAt > 2 * MAXIMUM_MICROS) return since
    return since + entry.micros
  }

  /** As `until`, counted from the last failure. */
  untilSinceUpdate(key: string, now: Micros): Micros {
    const entry = this.#entries.get(key)
    if (entry === undefined || now - entry.updatedAt > 2 * MAXIMUM_MICROS) return now
    return entry.updatedAt + entry.micros
  }

  /** Another failure, seen at `now`. `since` is when it happened. */
  next(key: string, since: Micros, now: Micros): void {
    const entry = this.#entries.get(key)
    const fresh = entry === undefined || since - entry.updatedAt > 2 * MAXIMUM_MICROS
    const micros = fresh ? INITIAL_MICROS : Math.min(MAXIMUM_MICROS, entry.micros * 2)
    this.#entries.set(key, { micros, updatedAt: now })
  }

  /** How long the next wait of `key` is, in microseconds; 0 when it is not in trouble. */
  delayOf(key: string): Micros {
    return this.#entries.get(key)?.micros ?? 0
  }

  forget(key: string): void {
    this.#entries.delete(key)
  }
}
