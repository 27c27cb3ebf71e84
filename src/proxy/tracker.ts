/**
 * What the proxy has been told, and which services changed since the last sync that worked. Slices are kept by the service
 * they name. Models pkg/proxy (ServiceChangeTracker, EndpointsChangeTracker, EndpointSliceCache), v1.33.
 */
import type { EndpointSlice, Service } from '../objects/index.ts'
import type { ServiceObjects } from './naive.ts'
import { isProxied, planService, type ServicePlan } from './plan.ts'

const SERVICE_NAME = 'kubernetes.io/service-name'

export class ChangeTracker {
  readonly #services = new Map<string, Service>()
  readonly #slices = new Map<string, Map<string, EndpointSlice>>()
  #changed = new Set<string>()

  /** Services whose rules may have to change: `namespace/name`. */
  get changed(): ReadonlySet<string> {
    return this.#changed
  }

  /** A service as it is now, or undefined: it is gone. True if there is something to sync. */
  onService(key: string, service: Service | undefined): boolean {
    const known = this.#services.get(key)
    const proxied = service !== undefined && isProxied(service)
    if (proxied) this.#services.set(key, service)
    else this.#services.delete(key)
    if (!proxied && known === undefined) return false
    if (proxied && known !== undefined && known.spec === service.spec && known.status === service.status) return false
    this.#changed.add(key)
    return true
  }

  /** A slice as it is now, or gone. */
  onSlice(slice: EndpointSlice, present: boolean): boolean {
    const name = slice.metadata.labels?.[SERVICE_NAME]
    if (name === undefined) return false
    const key = `${slice.metadata.namespace}/${name}`
    let slices = this.#slices.get(key)
    if (present) {
      if (slices === undefined) {
        slices = new Map()
        this.#slices.set(key, slices)
      }
      slices.set(slice.metadata.name, slice)
    } else {
      if (slices === undefined || !slices.delete(slice.metadata.name)) return false
      if (slices.size === 0) this.#slices.delete(key)
    }
    if (!this.#services.has(key)) return false
    this.#changed.add(key)
    return true
  }

  /** What a service is now: its plan, or undefined if it is gone. */
  plan(key: string): ServicePlan | undefined {
    const service = this.#services.get(key)
    return service === undefined ? undefined : planService(service, this.#slicesOf(key))
  }

  keys(): Iterable<string> {
    return this.#services.keys()
  }

  /** The changes are dealt with but for these. */
  settle(pending: Iterable<string>): void {
    this.#changed = new Set(pending)
  }

  /** Everything the proxy believes, for comparisons. */
  objects(): readonly ServiceObjects[] {
    const objects: ServiceObjects[] = []
    for (const [key, service] of this.#services) objects.push({ service, slices: this.#slicesOf(key) })
    return objects
  }

  #slicesOf(key: string): readonly EndpointSlice[] {
    const slices = this.#slices.get(key)
    return slices === undefined ? [] : [...slices.values()]
  }
}
