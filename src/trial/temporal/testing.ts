/** A stage for tests of properties: a cluster that is only a kernel, a store and its calm; the test writes what happens, and when. */
import { Calm } from '../../cluster/calm.ts'
import { type Cluster, Truth } from '../../cluster/index.ts'
import { type Fact, Kernel, type Micros } from '../../kernel/index.ts'
import { deepFreeze, type KubeObject, type Resource } from '../../objects/index.ts'
import type { Monitor, PropertyDefinition, Violation } from '../registry.ts'

export class Stage {
  readonly kernel = new Kernel({ seed: 1 })
  readonly truth = new Truth(this.kernel)
  readonly calm = new Calm(this.kernel)
  readonly violations: (Violation & { readonly at: Micros })[] = []
  readonly met: string[] = []
  isReached = false
  isSeen = false
  readonly #monitor: Monitor
  readonly #uids = new Map<string, string>()
  #revision = 0
  #made = 0

  constructor(definition: PropertyDefinition) {
    this.#monitor = definition.monitor(this as unknown as Cluster, {
      fail: (violation) => this.violations.push({ ...violation, at: this.kernel.now }),
      reached: () => {
        this.isReached = true
      },
      seen: () => {
        this.isSeen = true
      },
      met: (trigger) => this.met.push(trigger),
    })
  }

  /** Lets virtual time pass until the moment. */
  at(moment: Micros): this {
    this.kernel.run({ until: moment })
    return this
  }

  /** Stores an object: `parts` are laid over its last version. A new one gets a uid. */
  put(kind: Resource, name: string, parts: object = {}): this {
    const key = `default/${name}`
    const before = this.truth.get(kind, key) as KubeObject | undefined
    const uid = before?.metadata.uid ?? `uid-${++this.#made}`
    this.#uids.set(`${kind} ${key}`, uid)
    const { metadata, ...rest } = parts as { readonly metadata?: object }
    const value = {
      ...before,
      ...rest,
      metadata: { ...before?.metadata, name, namespace: 'default', uid, ...metadata },
    }
    return this.#apply({ type: 'put', key: `/registry/${kind}/${key}`, value: deepFreeze(value) })
  }

  remove(kind: Resource, name: string): this {
    return this.#apply({ type: 'delete', key: `/registry/${kind}/default/${name}` })
  }

  note(fact: Fact & Readonly<Record<string, unknown>>): this {
    this.kernel.note(fact)
    return this
  }

  uidOf(kind: Resource, name: string): string {
    return this.#uids.get(`${kind} default/${name}`) ?? ''
  }

  /** The quiet phase begins. */
  quiet(): this {
    this.#monitor.onQuiet?.()
    return this
  }

  isWaiting(limit: Micros): boolean {
    return this.#monitor.isWaiting?.(limit) === true
  }

  /** The trial ends at that moment. */
  end(moment: Micros): this {
    this.at(moment)
    this.#monitor.onEnd?.()
    return this
  }

  #apply(event: object): this {
    this.note({ type: 'etcd-applied', member: 'etcd-0', revision: ++this.#revision, events: [event] })
    return this
  }
}
