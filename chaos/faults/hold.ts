/**
 * Switches that several faults may hold at once: the speed of a disk, the clock of a host, the lag of a process's informers.
 * The fault that took hold last has its way; when it lets go, the one before it that still holds on; and when nobody holds
 * the switch any more, all is well.
 */
import type { Cluster } from '../../src/cluster/index.ts'

interface Grip {
  readonly set: () => void
}

const gripsOf = new WeakMap<Cluster, Map<string, Grip[]>>()

/** Sets the switch of that name by `set`; the answer lets go of it. `clear` makes all well. */
export function hold(cluster: Cluster, name: string, set: () => void, clear: () => void): () => void {
  const all = gripsOf.get(cluster) ?? new Map<string, Grip[]>()
  gripsOf.set(cluster, all)
  const grips = all.get(name) ?? []
  all.set(name, grips)
  const grip: Grip = { set }
  grips.push(grip)
  set()
  return () => {
    const place = grips.indexOf(grip)
    if (place < 0) return
    grips.splice(place, 1)
    // Who does not have its way lets go unnoticed.
    if (place < grips.length) return
    const before = grips[place - 1]
    if (before === undefined) clear()
    else before.set()
  }
}
