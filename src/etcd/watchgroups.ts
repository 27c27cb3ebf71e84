/**
 * Synced watches by range: those that share one share the array of its events. Models the synced watcherGroup of etcd's
 * mvcc, v3.5, with a memory of which ranges a key lies in instead of an interval tree.
 */
import type { ProcessId } from '../kernel/machine.ts'
import type { WatchId } from './messages.ts'
import { inRange, type Revision, type WatchEvent } from './types.ts'

/** All watches of one client. */
export interface Stream {
  readonly client: ProcessId
  readonly watches: Map<WatchId, Watch>
  /** Batches sent and not acknowledged. */
  underWay: number
  /** Batches sent since the client was last asked to acknowledge. */
  unasked: number
  progressWanted: boolean
}

export interface Watch {
  readonly id: WatchId
  readonly stream: Stream
  readonly key: string
  readonly rangeEnd: string | undefined
  readonly previousValue: boolean
  readonly progressNotify: boolean
  /** The events that it does not want; undefined when it wants all. */
  readonly unwanted: 'puts' | 'deletes' | 'all' | undefined
  /** Large batches may come in pieces. */
  readonly fragments: boolean
  /** It goes on where no leader is known. */
  readonly outlivesLeaders: boolean
  /** The first revision that was not sent. */
  next: Revision
  /** Events were sent since the last look at who needs a notification of progress. */
  hasSpoken: boolean
  /** Undefined while unsynced. */
  group: Group | undefined
}

/** Watches that share a range, and the events of the batch under way that lie in it. */
export interface Group {
  readonly name: string
  readonly key: string
  readonly rangeEnd: string | undefined
  readonly watches: Set<Watch>
  pending: WatchEvent[]
}

export class WatchGroups {
  readonly #groups = new Map<string, Group>()
  /** Which groups a key belongs to; emptied whenever the set of groups changes. */
  readonly #groupsOfKey = new Map<string, readonly Group[]>()

  get size(): number {
    return this.#groups.size
  }

  join(watch: Watch): void {
    const name = `${watch.key}\n${watch.rangeEnd ?? ''}`
    let group = this.#groups.get(name)
    if (group === undefined) {
      group = { name, key: watch.key, rangeEnd: watch.rangeEnd, watches: new Set(), pending: [] }
      this.#groups.set(name, group)
      this.#groupsOfKey.clear()
    }
    group.watches.add(watch)
    watch.group = group
  }

  leave(watch: Watch): void {
    const { group } = watch
    if (group === undefined) return
    watch.group = undefined
    group.watches.delete(watch)
    if (group.watches.size === 0) this.dissolve(group)
  }

  /** A group without watches goes. */
  dissolve(group: Group): void {
    // The same range may have got a new group meanwhile.
    if (this.#groups.get(group.name) === group) this.#groups.delete(group.name)
    this.#groupsOfKey.clear()
  }

  clear(): void {
    this.#groups.clear()
    this.#groupsOfKey.clear()
  }

  ofKey(key: string): readonly Group[] {
    let groups = this.#groupsOfKey.get(key)
    if (groups === undefined) {
      groups = [...this.#groups.values()].filter((group) => inRange(key, group.key, group.rangeEnd))
      this.#groupsOfKey.set(key, groups)
      if (this.#groupsOfKey.size > 200_000) this.#groupsOfKey.clear()
    }
    return groups
  }
}
