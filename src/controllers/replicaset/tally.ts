/**
 * What a ReplicaSet's sync wants to know of the pods that it controls, counted change by change. Most syncs only look at these
 * numbers; upstream walks over all pods of the set for each change of one, which a set of some hundred pods makes dear.
 * Which pods there are is asked of the informer, where somebody has to be claimed, let go or deleted.
 */
import type { Tally } from '../../client/index.ts'
import { invariant } from '../../kernel/index.ts'
import { isPodActive, isPodReady, type Labels, type Pod, type ReplicaSet } from '../../objects/index.ts'
import { matcherOf } from '../../objects/selector.ts'
import { carries, type PodCounts } from './status.ts'

export class PodTally implements Tally<Pod> {
  #active = 0
  #ready = 0
  /** Active pods by their labels: those of one template share them. */
  readonly #byLabels = new Map<Labels | undefined, number>()

  add(pod: Pod): void {
    this.#count(pod, 1)
  }

  remove(pod: Pod): void {
    this.#count(pod, -1)
  }

  get active(): number {
    return this.#active
  }

  /** The counts of the set's status; undefined when they take a look at each pod: one is to be let go, or becomes available later. */
  countsFor(set: ReplicaSet): PodCounts | undefined {
    if ((set.spec.minReadySeconds ?? 0) > 0) return undefined
    const matches = matcherOf(set.spec.selector)
    let fullyLabeled = 0
    for (const [labels, count] of this.#byLabels) {
      if (!matches(labels)) return undefined
      if (carries(labels, set.spec.template.metadata?.labels)) fullyLabeled += count
    }
    return { replicas: this.#active, fullyLabeled, ready: this.#ready, available: this.#ready }
  }

  #count(pod: Pod, one: 1 | -1): void {
    if (!isPodActive(pod)) return
    this.#active += one
    if (isPodReady(pod)) this.#ready += one
    const { labels } = pod.metadata
    const alike = (this.#byLabels.get(labels) ?? 0) + one
    invariant(alike >= 0 && this.#ready >= 0, 'controllers: only a pod that was counted is taken off', {
      pod: pod.metadata.name,
    })
    if (alike === 0) this.#byLabels.delete(labels)
    else this.#byLabels.set(labels, alike)
  }
}
