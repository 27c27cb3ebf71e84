/**
 * What was compared already and agreed. Nodes that hold the same rules, and a node whose rules a change left as they were,
 * would be asked the same questions once more. An agreement holds as long as all that it depends on is the same: the tables of
 * iptables mode and the Service, which are the same objects then, what the slices say, and what the marks tell of the rest.
 */
import type { Tables } from '../dataplane/index.ts'
import type { Service } from '../objects/index.ts'
import { Marks, type NodeRules } from './alike.ts'
import { tellEnds } from './classes.ts'
import { whatSlicesSay } from './naive.ts'
import type { ServicePlan } from './plan.ts'

/** The classes of a service from sources that every node has alike, when they fared rightly in both modes. */
export interface Agreement {
  readonly classes: number
  /** The known differences of a mode that mattered. */
  readonly differences: ReadonlySet<string>
}

/** An agreement with all that it depends on. */
interface Kept {
  readonly marks: readonly number[]
  readonly agreement: Agreement
}

/** By what the slices say. Where a policy is Local much depends on which endpoint is where: every plan stands for itself then. */
type Scopes = WeakMap<Service | ServicePlan, Map<string, Kept[]>>

const scopesOf = new WeakMap<Tables, Scopes>()
const sayings = new WeakMap<ServicePlan, string>()

/** Filled anew for every question. */
const marks = new Marks()

/**
 * The agreement about a service that still holds on a node. If there is none, `compareNow` is asked, and what it agrees on is
 * kept (undefined: it did not).
 */
export function agreementOn(
  plan: ServicePlan,
  rules: NodeRules,
  compareNow: () => Agreement | undefined,
): Agreement | undefined {
  const scope = scopeOf(plan, rules)
  const isSayable = mark(plan, rules)
  if (isSayable)
    for (let i = 0; i < scope.length; i++)
      if (marks.areLike((scope[i] as Kept).marks)) return (scope[i] as Kept).agreement
  const agreement = compareNow()
  // Comparing asks and changes nothing, so the marks are still those of this question.
  if (agreement !== undefined && isSayable) scope.push({ marks: marks.copy(), agreement })
  return agreement
}

function mark(plan: ServicePlan, rules: NodeRules): boolean {
  marks.begin(rules)
  tellEnds(plan, rules.options, marks)
  return marks.isSayable
}

function scopeOf(plan: ServicePlan, { iptables, options }: NodeRules): Kept[] {
  let scopes = scopesOf.get(iptables)
  if (scopes === undefined) {
    scopes = new WeakMap()
    scopesOf.set(iptables, scopes)
  }
  const { service } = plan
  const { internalTrafficPolicy, externalTrafficPolicy } = service.spec
  const isLocal = plan.usesLocal || internalTrafficPolicy === 'Local' || externalTrafficPolicy === 'Local'
  const owner = isLocal ? plan : service
  let byText = scopes.get(owner)
  if (byText === undefined) {
    byText = new Map()
    scopes.set(owner, byText)
  }
  const text = isLocal ? options.nodeName : sayingsOf(plan)
  let scope = byText.get(text)
  if (scope === undefined) {
    scope = []
    byText.set(text, scope)
  }
  return scope
}

function sayingsOf(plan: ServicePlan): string {
  let text = sayings.get(plan)
  if (text === undefined) {
    text = whatSlicesSay(plan)
    sayings.set(plan, text)
  }
  return text
}
