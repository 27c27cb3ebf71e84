/**
 * What a controller has asked for and not yet seen in its cache. While something is outstanding, the difference between desired and
 * cached pods means nothing and must not be acted on. Models kubernetes pkg/controller UIDTrackingControllerExpectations, v1.33
 * (which, despite its name, tracks deletions by namespace/name). Invariant: counts never go below zero.
 */
import { invariant, MINUTE, type Micros } from '../../kernel/index.ts'

/** Outstanding expectations are given up after so long: a lost watch event must not stop a controller for ever. */
export const EXPECTATION_LIFETIME_MICROS: Micros = 5 * MINUTE

interface Expectation {
  creations: number
  readonly deletions: Set<string>
  readonly since: Micros
}

export class Expectations {
  readonly #byKey = new Map<string, Expectation>()

  /** `count` pods were asked for. Replaces what was expected before for this owner. */
  expectCreations(key: string, count: number, now: Micros): void {
    invariant(count >= 0, 'controllers: an expected number of creations is not negative', { key, count })
    this.#byKey.set(key, { creations: count, deletions: new Set(), since: now })
  }

  /** These pods were asked to go. Replaces what was expected before for this owner. */
  expectDeletions(key: string, podKeys: Iterable<string>, now: Micros): void {
    this.#byKey.set(key, { creations: 0, deletions: new Set(podKeys), since: now })
  }

  /** A pod of this owner appeared, or its creation failed. */
  creationObserved(key: string): void {
    const expectation = this.#byKey.get(key)
    if (expectation !== undefined && expectation.creations > 0) expectation.creations--
  }

  /** A pod of this owner is going or gone, or its deletion failed. Counted once a pod. */
  deletionObserved(key: string, podKey: string): void {
    this.#byKey.get(key)?.deletions.delete(podKey)
  }

  /** True when nothing is outstanding, or what is has waited for too long. */
  satisfied(key: string, now: Micros): boolean {
    const expectation = this.#byKey.get(key)
    if (expectation === undefined) return true
    if (expectation.creations === 0 && expectation.deletions.size === 0) return true
    return now - expectation.since > EXPECTATION_LIFETIME_MICROS
  }

  /** When the outstanding expectation of this owner is given up; undefined when nothing is outstanding. */
  expiresAt(key: string): Micros | undefined {
    const expectation = this.#byKey.get(key)
    if (expectation === undefined || (expectation.creations === 0 && expectation.deletions.size === 0)) return undefined
    return expectation.since + EXPECTATION_LIFETIME_MICROS
  }

  /** The owner is gone; a new one of the same name starts clean. */
  forget(key: string): void {
    this.#byKey.delete(key)
  }
}
