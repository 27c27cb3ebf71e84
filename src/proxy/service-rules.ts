/** What one service adds to the tables of iptables mode, and where a plan keeps it for all nodes. */
import type { Chain, Rule } from '../dataplane/index.ts'
import type { ProxyDecisions } from './decisions.ts'

export interface ServiceRules {
  readonly natServices: readonly Rule[]
  readonly natNodePorts: readonly Rule[]
  readonly filterServices: readonly Rule[]
  readonly filterExternal: readonly Rule[]
  readonly natChains: readonly Chain[]
  readonly ruleCount: number
}

/** Rules made so far, by what they depend on besides the service. Filled by `serviceRules` only; other decisions empty it. */
export class RulesMemo {
  #decisions: ProxyDecisions | undefined
  readonly #byKey = new Map<string, ServiceRules>()

  get(decisions: ProxyDecisions, key: string): ServiceRules | undefined {
    return this.#decisions === decisions ? this.#byKey.get(key) : undefined
  }

  set(decisions: ProxyDecisions, key: string, rules: ServiceRules): void {
    if (this.#decisions !== decisions) this.#byKey.clear()
    this.#decisions = decisions
    this.#byKey.set(key, rules)
  }
}
