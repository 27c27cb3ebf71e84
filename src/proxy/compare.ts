/**
 * Asks iptables mode, IPVS mode and the naive model about every class of packets and says in words where they differ.
 * The objects given must be those that were installed last: the question is whether the rules say what the objects say,
 * not whether the node has heard of the newest ones.
 */
import { add, approximate, type Fraction, isOne, NEVER } from '../dataplane/index.ts'
import { keyOf } from '../objects/index.ts'
import { type Agreement, agreementOn } from './agreed.ts'
import { classesOf, type FlowClass, flowClasses, strayClasses } from './classes.ts'
import { expectedOf } from './differences.ts'
import { type EndpointMemo, type Expectation, naive, type ServiceObjects } from './naive.ts'
import type { NodeNetwork, ProxyMode } from './network.ts'
import type { Outcome } from './outcome.ts'
import { isProxied, type PortPlan, planService, type ServicePlan } from './plan.ts'

export interface Disagreement {
  readonly flowClass: string
  readonly mode: ProxyMode
  /** `default/web:http: pod -> cluster 10.96.0.10:80: iptables drops, but should reach 10.244.0.5:8080` */
  readonly text: string
}

/** Where the modes of a node differ from what `services` say. Empty: all agree. `classesAsked` counts for vacuity;
 * `only`: ask about these services alone (`namespace/name`), as after a sync that changed nothing else. `differencesMet` names the known differences of a mode that mattered. */
export function compare(
  network: NodeNetwork,
  services: Iterable<ServiceObjects>,
  only?: ReadonlySet<string>,
): {
  readonly disagreements: readonly Disagreement[]
  readonly classesAsked: number
  readonly differencesMet: ReadonlySet<string>
} {
  const plans = new Map<string, ServicePlan>()
  for (const { service, slices } of services) {
    if (!isProxied(service) || (only !== undefined && !only.has(keyOf(service)))) continue
    const plan = planService(service, slices)
    plans.set(plan.key, plan)
  }
  const inquiry = new Comparison(network, plans)
  inquiry.askQuickly(only === undefined)
  if (inquiry.disagreements.length > 0) {
    // Something is wrong: from the beginning, so that what is found comes in the order of the classes.
    inquiry.begin()
    inquiry.askAll(flowClasses(plans.values(), network.options, only))
  }
  return inquiry
}

class Comparison {
  disagreements: Disagreement[] = []
  differencesMet = new Set<string>()
  classesAsked = 0
  readonly #network: NodeNetwork
  readonly #plans: ReadonlyMap<string, ServicePlan>
  readonly #memo: EndpointMemo = new Map()

  constructor(network: NodeNetwork, plans: ReadonlyMap<string, ServicePlan>) {
    this.#network = network
    this.#plans = plans
  }

  begin(): void {
    this.disagreements = []
    this.differencesMet = new Set()
    this.classesAsked = 0
  }

  /**
   * Asks about the services, but not again what agreed before and must agree still; and about packets that no service has.
   * What a backend on the node itself sends is asked each time: few of those questions come twice.
   */
  askQuickly(straysToo: boolean): void {
    const { options } = this.#network
    const rules = this.#network.rules()
    for (const plan of this.#plans.values()) {
      const agreement = agreementOn(plan, rules, () => this.#askFromEverywhere(plan))
      if (agreement !== undefined) {
        this.classesAsked += agreement.classes
        for (const difference of agreement.differences) this.differencesMet.add(difference)
      }
      this.askAll(classesOf(plan, options, 'backends'))
    }
    if (straysToo) this.askAll(strayClasses(this.#plans.values(), options))
  }

  askAll(classes: readonly FlowClass[]): void {
    for (const flowClass of classes) this.#ask(flowClass, this.differencesMet)
    this.classesAsked += classes.length
  }

  #askFromEverywhere(plan: ServicePlan): Agreement | undefined {
    const classes = classesOf(plan, this.#network.options, 'everywhere')
    const differences = new Set<string>()
    for (const flowClass of classes) this.#ask(flowClass, differences)
    return this.disagreements.length === 0 ? { classes: classes.length, differences } : undefined
  }

  #ask(flowClass: FlowClass, differences: Set<string>): void {
    const network = this.#network
    const plan = this.#plans.get(flowClass.service)
    const expected = naive(flowClass, plan, network.options, this.#memo)
    const port = portOf(plan, flowClass)
    for (const mode of MODES) {
      const its = expectedOf(mode, flowClass, port, expected, network.options)
      for (const difference of its.differences) differences.add(difference)
      ask(network, flowClass, mode, its.expected, this.disagreements)
    }
  }
}

const MODES = ['iptables', 'ipvs'] as const

function portOf(plan: ServicePlan | undefined, { flow, to }: FlowClass): PortPlan | undefined {
  const { protocol, destinationPort } = flow
  if (to === 'unknown') return plan?.ports[0]
  const byNode = to === 'node' || to === 'loopback'
  return plan?.ports.find(
    (port) => port.protocol === protocol && (byNode ? port.nodePort : port.port) === destinationPort,
  )
}

function ask(
  network: NodeNetwork,
  flowClass: FlowClass,
  mode: ProxyMode,
  expected: Expectation,
  found: Disagreement[],
): void {
  const shares = mode === 'iptables' && asksForShares(flowClass)
  const outcome = network.outcomes(flowClass.flow, mode, shares)
  if (!agree(outcome, expected)) {
    const seen = describeOutcome(outcome)
    const wanted = describeExpectation(expected)
    found.push({
      flowClass: flowClass.name,
      mode,
      text: `${flowClass.name}: ${mode} ${seen}, but should be: ${wanted}`,
    })
  }
  if (shares && outcome.verdict === 'dnat') checkShares(flowClass, outcome, found)
}

/** One class for each chain that balances. */
function asksForShares({ from, to }: FlowClass): boolean {
  return (from === 'pod' && to === 'cluster') || from === 'outside'
}

function agree({ verdict, backends, affinitySeconds, mixed }: Outcome, expected: Expectation): boolean {
  if (mixed || verdict !== expected.verdict) return false
  if (verdict !== 'dnat') return true
  if (backends.size !== expected.backends.size || affinitySeconds !== expected.affinitySeconds) return false
  for (const [text, { masqueraded }] of backends) {
    if (!expected.backends.has(text) || masqueraded !== expected.masqueraded.has(text)) return false
  }
  return true
}

/** The shares of n backends add up to exactly 1, and each is 1/n but for what ten digits round away. */
function checkShares(flowClass: FlowClass, { backends }: Outcome, found: Disagreement[]): void {
  let sum: Fraction = NEVER
  for (const { share } of backends.values()) sum = add(sum, share)
  if (!isOne(sum))
    found.push({
      flowClass: flowClass.name,
      mode: 'iptables',
      text: `${flowClass.name}: shares add up to ${approximate(sum)}`,
    })
  for (const [text, { share }] of backends) {
    const off = Math.abs(approximate(share) * backends.size - 1)
    if (off > SHARE_ERROR)
      found.push({
        flowClass: flowClass.name,
        mode: 'iptables',
        text: `${flowClass.name}: ${text} has a share off by ${off}`,
      })
  }
}
const SHARE_ERROR = 1e-6

function describeOutcome({ verdict, backends, affinitySeconds, mixed }: Outcome): string {
  if (mixed) return 'answers in different ways'
  if (verdict !== 'dnat') return WORDS[verdict]
  const texts = [...backends].map(([text, { masqueraded }]) => (masqueraded ? `${text} masqueraded` : text))
  return describe(texts, affinitySeconds)
}

function describeExpectation({ verdict, backends, masqueraded, affinitySeconds }: Expectation): string {
  if (verdict !== 'dnat') return WORDS[verdict]
  return describe(
    [...backends].map((text) => (masqueraded.has(text) ? `${text} masqueraded` : text)),
    affinitySeconds,
  )
}

function describe(texts: readonly string[], affinitySeconds: number): string {
  return `to ${[...texts].sort().join(' or ')}${affinitySeconds > 0 ? ` for ${affinitySeconds} s` : ''}`
}

const WORDS = { reject: 'refused', drop: 'dropped', direct: 'left as it is' } as const
