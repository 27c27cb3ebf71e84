/** A property made of temporal claims: a definition like any other, whose monitor follows from its formulas. */
import type { Cluster } from '../../cluster/index.ts'
import type { Micros } from '../../kernel/index.ts'
import type { Monitor, PropertyDefinition, Reporter } from '../registry.ts'
import { UserError } from '../user-error.ts'
import type { Claim } from './claim.ts'
import { type Compiled, compile } from './compile.ts'
import type { Moment } from './explain.ts'
import { type Finding, findingOf, sawOf, subjectOf } from './finding.ts'
import type { Instance } from './instance.ts'
import { PropertyError } from './predicate.ts'
import type { Residual } from './residual.ts'
import { Watch, type WatchListener } from './watch.ts'
import { assertWellFormed } from './well-formed.ts'

export interface PropertyOptions {
  readonly id: string
  /** One line. */
  readonly claim: string
  /** All of them must hold. `sometimes` makes it a hope, which some trial of a campaign must see come true. */
  readonly formula: Claim | readonly Claim[]
  /** Where the claim comes from. Default: ours. */
  readonly source?: string
  /** In words, what must come up for it to have looked at something. Default: read off the formulas. */
  readonly trigger?: string
  readonly catches?: readonly string[]
  readonly onlyByName?: boolean
  /** The kind of failure, for the signature. Default: read off the sub-formula that failed. */
  readonly shape?: string
  /** A sentence of your own about a failure. Default: what was expected, because of what, and what came. */
  readonly says?: (finding: Finding) => string
}

/** @throws UserError for a mixture of hopes and claims, or for no formula at all. */
export function property(options: PropertyOptions): PropertyDefinition {
  const { id, claim, formula, source = 'ours', trigger, catches = [], onlyByName, shape, says } = options
  const claims = (Array.isArray(formula) ? formula : [formula]) as readonly Claim[]
  for (const each of claims) assertWellFormed(id, each)
  const compiled = claims.map(compile)
  const hopes = compiled.filter(({ role }) => role === 'hope')
  const firm = compiled.filter(({ role }) => role === 'claim')
  if (hopes.length + firm.length === 0)
    throw new UserError({ what: `the property "${id}" claims nothing`, mend: 'give it a formula' })
  if (hopes.length > 0 && firm.length > 0)
    throw new UserError({
      what: `the property "${id}" both hopes and claims`,
      mend: 'put what is wrapped in sometimes(…) into a property of its own',
    })
  const triggers = [...new Set(compiled.flatMap(({ waitsFor }) => waitsFor))]
  return {
    id,
    mode: hopes.length > 0 ? 'sometimes' : 'always',
    ...(onlyByName === undefined ? {} : { onlyByName }),
    claim,
    source,
    trigger: trigger ?? triggers.join('; '),
    catches,
    formulas: compiled.map(({ text }) => text),
    triggers,
    monitor: (cluster, report) => new TemporalMonitor({ id, compiled, shape, says }, cluster, report),
  }
}

interface Checked {
  readonly id: string
  readonly compiled: readonly Compiled[]
  readonly shape: string | undefined
  readonly says: ((finding: Finding) => string) | undefined
}

/** The claims of a property in one trial. */
class TemporalMonitor implements Monitor, WatchListener {
  readonly #watches: readonly Watch[]
  readonly #report: Reporter
  /** The hopes that have come true, and what is named with `reached` and has held. */
  #held: Set<Compiled> | undefined
  /** One of its claims has seen everything that it waits for. */
  #isMet = false
  readonly #checked: Checked
  #isReached = false

  constructor(checked: Checked, cluster: Cluster, report: Reporter) {
    const { id, compiled } = checked
    this.#checked = checked
    this.#report = report
    this.#watches = compiled.map((each) => new Watch(id, cluster, each, this))
  }

  onFailure(watch: Watch, instance: Instance, left: Residual | undefined, moment: Moment): void {
    const { compiled } = watch
    if (compiled.role !== 'claim') return
    const { finding, sentence } = findingOf(watch, instance, left, moment)
    this.#fail(finding, sentence, subjectOf(compiled, instance.key))
  }

  onMet(watch: Watch, index: number): void {
    const { compiled } = watch
    this.#report.met?.(compiled.waitsFor[index] as string)
    if (compiled.role === 'reach' || !watch.isMet) return
    this.#isMet = true
    this.#reach()
  }

  onHeld({ compiled }: Watch): void {
    if (compiled.role === 'claim') return
    this.#held ??= new Set()
    this.#held.add(compiled)
    if (compiled.role === 'hope') this.#report.seen()
    else this.#reach()
  }

  onQuiet(): void {
    for (const watch of this.#watches) watch.onQuiet()
  }

  onEnd(): void {
    for (const watch of this.#watches) watch.onEnd()
  }

  isWaiting(limit: Micros): boolean {
    return this.#watches.some((watch) => watch.compiled.role !== 'reach' && watch.isWaiting(limit))
  }

  #fail(finding: Finding, sentence: string, subject: string): void {
    const { shape, says } = this.#checked
    const saw = sawOf(finding)
    this.#report.fail({
      subject,
      message: says === undefined ? `${subject}: ${sentence}` : this.#said(says, finding),
      shape: shape ?? `${finding.how}-${slug(finding.failed)}`,
      ...(saw === undefined ? {} : { saw }),
      details: finding,
    })
  }

  #said(says: (finding: Finding) => string, finding: Finding): string {
    try {
      return says(finding)
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error)
      throw new PropertyError(
        this.#checked.id,
        `its sentence about a failure of "${finding.formula}" threw: ${what}`,
        error,
      )
    }
  }

  /** It is reached when one of its claims is, and whatever it names with `reached` has held. */
  #reach(): void {
    if (this.#isReached || !this.#isMet) return
    const { compiled } = this.#checked
    if (compiled.some((each) => each.role === 'reach' && this.#held?.has(each) !== true)) return
    this.#isReached = true
    this.#report.reached()
  }
}

function slug(text: string): string {
  const words = text.toLowerCase().match(/[a-z]+/g) ?? []
  return words.slice(0, 6).join('-')
}
