/** The ready endpoints that the slices of a service list, on which nodes, and since when without a break. */
import type { Cluster } from '../../src/cluster/index.ts'
import type { Micros } from '../../src/kernel/index.ts'
import type { EndpointSlice } from '../../src/objects/index.ts'

interface Listed {
  readonly since: Micros
  readonly nodeName: string | undefined
}

export class ReadyEndpoints {
  readonly #cluster: Cluster
  /** By service, by slice, by address. */
  readonly #services = new Map<string, Map<string, Map<string, Listed>>>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
    cluster.truth.onChange('endpointslices', ({ key, previous, current }) => {
      const service = serviceOf(current ?? previous)
      let slices = this.#services.get(service)
      if (slices === undefined) {
        slices = new Map()
        this.#services.set(service, slices)
      }
      if (current === undefined) slices.delete(key)
      else slices.set(key, this.#readyIn(current, slices.get(key)))
    })
  }

  /** Whether a ready endpoint, on that node if one is named, has been listed for so long. */
  hasOneFor(service: string, micros: Micros, node?: string): boolean {
    const latest = this.#cluster.kernel.now - micros
    for (const listed of this.#services.get(service)?.values() ?? []) {
      for (const { since, nodeName } of listed.values()) {
        if (since <= latest && (node === undefined || node === nodeName)) return true
      }
    }
    return false
  }

  #readyIn(slice: EndpointSlice, before: ReadonlyMap<string, Listed> | undefined): Map<string, Listed> {
    const ready = new Map<string, Listed>()
    for (const { addresses, conditions, nodeName } of slice.endpoints) {
      if (conditions?.ready === false) continue
      for (const address of addresses)
        ready.set(address, before?.get(address) ?? { since: this.#cluster.kernel.now, nodeName })
    }
    return ready
  }
}

function serviceOf(slice: EndpointSlice | undefined): string {
  return `${slice?.metadata.namespace}/${slice?.metadata.labels?.['kubernetes.io/service-name'] ?? ''}`
}
