/**
 * A property's listeners, wrapped while it subscribes: each call announces whose it is, and what it is given is frozen, so
 * that one that changes what it should only read throws at that very place. Used where somebody wants to know who hangs or
 * throws, and in the trials of a campaign that are run a second time; it costs too much for all.
 */
import type { Cluster } from '../cluster/index.ts'

type Listener = (given: object, ...more: unknown[]) => void

/** What a property subscribes to: facts by their type, objects by their resource. */
interface Source {
  readonly name: 'subscribe' | 'onChange'
  readonly object: Readonly<Record<string, (what: string, listener: Listener) => unknown>>
}

/** Runs `subscribe`; all that it subscribes to meanwhile goes through `call`. */
export function withListenersWrapped<T>(cluster: Cluster, call: (listener: () => void) => void, subscribe: () => T): T {
  const sources = [
    { name: 'subscribe', object: cluster.kernel },
    { name: 'onChange', object: cluster.truth },
  ] as unknown as readonly Source[]
  // A double for tests may have no objects.
  const present = sources.filter(({ object }) => object !== undefined)
  for (const { name, object } of present) {
    const original = object[name]
    // Objects of the cluster are frozen throughout; a fact may point into the machine that noted it, and that goes on.
    const value = (what: string, listener: Listener) =>
      original?.call(object, what, (given, ...more) => call(() => listener(Object.freeze(given), ...more)))
    Object.defineProperty(object, name, { value, configurable: true, writable: true })
  }
  try {
    return subscribe()
  } finally {
    for (const { name, object } of present) Reflect.deleteProperty(object, name)
  }
}
