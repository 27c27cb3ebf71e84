/**
 * The nodes as one scheduling cycle sees them. Brought up to date with the nodes that changed since the last cycle, by their
 * generations. Models kubernetes pkg/scheduler/backend/cache (UpdateSnapshot), v1.33. Not modelled: nodes interleaved by zone.
 */
import type { SchedulerCache } from './cache.ts'
import type { NodeInfo } from './nodeinfo.ts'

export class Snapshot {
  #nodes: NodeInfo[] = []
  readonly #positions = new Map<string, number>()
  #antiAffinityPods = 0
  #softTaints = 0

  /** The known nodes, in a fixed order. */
  get nodes(): readonly NodeInfo[] {
    return this.#nodes
  }

  /** Pods with a required anti-affinity term, over all nodes. */
  get antiAffinityPods(): number {
    return this.#antiAffinityPods
  }

  /** PreferNoSchedule taints over all nodes. */
  get softTaints(): number {
    return this.#softTaints
  }

  get(name: string): NodeInfo | undefined {
    const position = this.#positions.get(name)
    return position === undefined ? undefined : this.#nodes[position]
  }

  /** Takes over what changed in the cache. */
  update(cache: SchedulerCache): void {
    cache.takeChanges((name, info) => {
      const position = this.#positions.get(name)
      if (info?.node === undefined) {
        if (position !== undefined) this.#remove(name, position)
        return
      }
      if (position === undefined) {
        this.#positions.set(name, this.#nodes.length)
        this.#nodes.push(info)
        this.#count(info, 1)
        return
      }
      const before = this.#nodes[position] as NodeInfo
      if (before.generation === info.generation) return
      this.#count(before, -1)
      this.#nodes[position] = info
      this.#count(info, 1)
    })
  }

  #remove(name: string, position: number): void {
    this.#count(this.#nodes[position] as NodeInfo, -1)
    this.#positions.delete(name)
    this.#nodes.splice(position, 1)
    for (let index = position; index < this.#nodes.length; index++) {
      this.#positions.set((this.#nodes[index] as NodeInfo).name, index)
    }
  }

  #count(info: NodeInfo, sign: 1 | -1): void {
    this.#antiAffinityPods += sign * info.antiAffinityPods
    this.#softTaints += sign * info.softTaints.length
  }
}
