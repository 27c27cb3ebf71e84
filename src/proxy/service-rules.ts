/** What one service adds to the tables of iptables mode, and where a plan keeps it for all nodes. */
import type { Chain, Rule } from '../dataplane/index.ts'
import { sameValue } from '../objects/index.ts'
import type { ProxyDecisions } from './decisions.ts'

export interface ServiceRules {
  readonly natServices: readonly Rule[]
  readonly natNodePorts: readonly Rule[]
  readonly filterServices: readonly Rule[]
  readonly filterExternal: readonly Rule[]
  readonly natChains: readonly Chain[]
  readonly ruleCount: number
}

/** The rules that were made last for a Service, by what they depend on besides it, whatever slices it had. */
type LatestRules = Map<string, ServiceRules>

/** Rules made so far, by what they depend on besides the service. Filled by `serviceRules` only; other decisions empty it. */
export class RulesMemo {
  #decisions: ProxyDecisions | undefined
  readonly #byKey = new Map<string, ServiceRules>()
  readonly #latest: LatestRules

  /** `before`: the memo of the same Service with the slices that it had before. */
  constructor(before: RulesMemo | undefined) {
    this.#latest = before === undefined ? new Map() : before.#latest
  }

  get(decisions: ProxyDecisions, key: string): ServiceRules | undefined {
    return this.#decisions === decisions ? this.#byKey.get(key) : undefined
  }

  /** Keeps the rules and answers with them; or with the ones before them if they say the same, so that whoever compares sees it at once. */
  add(decisions: ProxyDecisions, key: string, rules: ServiceRules): ServiceRules {
    if (this.#decisions !== decisions) this.#byKey.clear()
    this.#decisions = decisions
    const latest = this.#latest.get(key)
    const kept = latest !== undefined && sameValue(latest, rules) ? latest : rules
    this.#byKey.set(key, kept)
    this.#latest.set(key, kept)
    return kept
  }
}
