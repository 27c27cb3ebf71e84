/**
 * The lists of xt_recent: for each list, when each source was last put on it. kube-proxy keeps one list an endpoint for
 * session affinity. Not here: hit counts, packet counts; the limit of addresses a list (100 in Linux, oldest evicted) is kept.
 */
import type { Micros } from '../../kernel/time.ts'
import { SECOND } from '../../kernel/time.ts'
import type { Address } from '../packet.ts'

/** Linux: module parameter ip_list_tot. */
export const RECENT_LIST_ADDRESSES = 100

export class RecentLists {
  readonly #lists = new Map<string, Map<Address, Micros>>()

  /** Puts `source` on the list, or moves its stamp to `now`; the oldest entry gives way when the list is full. */
  set(list: string, source: Address, now: Micros): void {
    let sources = this.#lists.get(list)
    if (sources === undefined) {
      sources = new Map()
      this.#lists.set(list, sources)
    }
    sources.delete(source)
    if (sources.size >= RECENT_LIST_ADDRESSES) sources.delete(sources.keys().next().value as Address)
    sources.set(source, now)
  }

  /** True if the source was put on the list within the last `seconds`. */
  check(list: string, source: Address, seconds: number, now: Micros): boolean {
    const stamp = this.#lists.get(list)?.get(source)
    return stamp !== undefined && now - stamp <= seconds * SECOND
  }

  clear(): void {
    this.#lists.clear()
  }
}
