/** The revisions at which each stored object was written, in order: what came right before a version. */
import type { Cluster } from '../../src/cluster/index.ts'
import { RESOURCES, type Resource } from '../../src/objects/index.ts'

interface Version {
  readonly revision: number
  /** 0: the object was not there before. */
  readonly previous: number
  readonly removed: boolean
}

/** Versions of one object that are remembered: more than are ever on their way to a client at once. */
const MEMORY = 64

export class History {
  readonly #versions = new Map<Resource, Map<string, Version[]>>()

  constructor(cluster: Cluster) {
    for (const resource of Object.keys(RESOURCES) as Resource[]) {
      const versions = new Map<string, Version[]>()
      this.#versions.set(resource, versions)
      cluster.truth.onChange(resource, ({ key, revision, current }) => {
        const all = versions.get(key)
        if (all === undefined) {
          versions.set(key, [{ revision, previous: 0, removed: false }])
          return
        }
        const last = all[all.length - 1]
        const previous = last === undefined || last.removed ? 0 : last.revision
        all.push({ revision, previous, removed: current === undefined })
        if (all.length > 2 * MEMORY) all.splice(0, MEMORY)
      })
    }
  }

  /** The revision of the version that this one replaced; 0 if it was created then; undefined if it is not remembered. */
  before(resource: Resource, key: string, revision: number): number | undefined {
    const all = this.#versions.get(resource)?.get(key) ?? []
    for (let index = all.length - 1; index >= 0; index--) {
      const version = all[index]
      if (version?.revision === revision) return version.previous
    }
    return undefined
  }

  /** The revision of the present version; 0 if the object is not there. */
  present(resource: Resource, key: string): number {
    const last = this.#versions.get(resource)?.get(key)?.at(-1)
    return last === undefined || last.removed ? 0 : last.revision
  }
}

const histories = new WeakMap<Cluster, History>()

/** The history of a cluster from its first write on, shared by all properties that ask for it before it runs. */
export function historyOf(cluster: Cluster): History {
  let history = histories.get(cluster)
  if (history === undefined) {
    history = new History(cluster)
    histories.set(cluster, history)
  }
  return history
}
