/**
 * What etcd has committed, as properties see it: the objects by resource and key, and every change in revision order. The
 * first member to apply a revision decides; members that disagree later are found by the etcd properties, not here.
 */
import type { EtcdApplied } from '../etcd/index.ts'
import type { Kernel, ProcessId } from '../kernel/index.ts'
import { type KubeObject, keyOf, RESOURCES, type Resource, type ResourceTypes } from '../objects/index.ts'

export interface Change<T extends KubeObject = KubeObject> {
  readonly resource: Resource
  readonly key: string
  readonly revision: number
  /** Undefined when the object was created. */
  readonly previous: T | undefined
  /** Undefined when the object was removed. */
  readonly current: T | undefined
}

export type ChangeListener = (change: Change) => void

const PREFIX = '/registry/'

export class Truth {
  #revision = 0
  readonly #objects = new Map<Resource, Map<string, KubeObject>>()
  /** At which revision each object of #objects was written. */
  readonly #revisions = new Map<Resource, Map<string, number>>()
  readonly #listeners = new Map<Resource, ChangeListener[]>()
  /** The last moment at which anything but a Lease or an Event changed. */
  lastChangeAt = 0
  /** The last moment at which the cluster's own etcd committed anything. */
  lastCommitAt = 0
  readonly #kernel: Kernel

  /** The newest revision of Events' own etcd. */
  #eventsRevision = 0

  /** `isOfEvents`: is the process a member of Events' own etcd, whose revisions are its own? */
  constructor(kernel: Kernel, isOfEvents: (process: ProcessId) => boolean = () => false) {
    this.#kernel = kernel
    for (const resource of Object.keys(RESOURCES) as Resource[]) {
      this.#objects.set(resource, new Map())
      this.#revisions.set(resource, new Map())
    }
    kernel.subscribe('etcd-applied', (fact, process) => {
      const { revision, events } = fact as EtcdApplied
      if (isOfEvents(process)) {
        if (revision <= this.#eventsRevision) return
        this.#eventsRevision = revision
      } else {
        if (revision <= this.#revision) return
        this.#revision = revision
        this.lastCommitAt = this.#kernel.now
      }
      this.#apply(revision, events)
    })
  }

  /** The newest committed revision. */
  get revision(): number {
    return this.#revision
  }

  get<R extends Resource>(resource: R, key: string): ResourceTypes[R] | undefined {
    return this.#objects.get(resource)?.get(key) as ResourceTypes[R] | undefined
  }

  list<R extends Resource>(resource: R): Iterable<ResourceTypes[R]> {
    return (this.#objects.get(resource) as Map<string, ResourceTypes[R]>).values()
  }

  /** The revision at which the object was last written; 0 if it is not there. */
  revisionOf(resource: Resource, key: string): number {
    return this.#revisions.get(resource)?.get(key) ?? 0
  }

  count(resource: Resource): number {
    return this.#objects.get(resource)?.size ?? 0
  }

  /** Calls `listener` for every committed change of the resource, in revision order, as soon as the first member applies it. */
  onChange<R extends Resource>(resource: R, listener: (change: Change<ResourceTypes[R]>) => void): void {
    const listeners = this.#listeners.get(resource)
    if (listeners === undefined) this.#listeners.set(resource, [listener as ChangeListener])
    else listeners.push(listener as ChangeListener)
  }

  #apply(revision: number, events: EtcdApplied['events']): void {
    for (const event of events) {
      const resource = resourceOfKey(event.key)
      if (resource === undefined) continue
      const objects = this.#objects.get(resource)
      if (objects === undefined) continue
      const current = event.type === 'put' ? (event.value as KubeObject) : undefined
      const key = current === undefined ? keyInRegistry(event.key, resource) : keyOf(current)
      const previous = objects.get(key)
      if (current === undefined) {
        objects.delete(key)
        this.#revisions.get(resource)?.delete(key)
      } else {
        objects.set(key, current)
        this.#revisions.get(resource)?.set(key, revision)
      }
      if (resource !== 'leases' && resource !== 'events') this.lastChangeAt = this.#kernel.now
      const listeners = this.#listeners.get(resource)
      if (listeners === undefined) continue
      const change: Change = { resource, key, revision, previous, current }
      for (const listener of listeners) listener(change)
    }
  }
}

/** The resources of the keys that were met last. */
const placed = new Map<string, Resource>()
const PLACED_MAX = 1 << 16

function resourceOfKey(key: string): Resource | undefined {
  const known = placed.get(key)
  if (known !== undefined) return known
  if (!key.startsWith(PREFIX)) return undefined
  const end = key.indexOf('/', PREFIX.length)
  const resource = key.slice(PREFIX.length, end) as Resource
  if (!(resource in RESOURCES)) return undefined
  if (placed.size >= PLACED_MAX) placed.clear()
  placed.set(key, resource)
  return resource
}

function keyInRegistry(key: string, resource: Resource): string {
  return key.slice(PREFIX.length + resource.length + 1)
}
