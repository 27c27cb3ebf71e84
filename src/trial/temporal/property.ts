/** A property made of temporal claims: a definition like any other, whose monitor follows from its formulas. */
import type { Cluster } from '../../cluster/index.ts'
import type { Micros } from '../../kernel/index.ts'
import type { Monitor, PropertyDefinition, Reporter } from '../registry.ts'
import { UserError } from '../user-error.ts'
import type { Claim } from './claim.ts'
import { type Compiled, compile } from './compile.ts'
import { type Finding, findingOf, sawOf, subjectOf } from './finding.ts'
import { PropertyError } from './predicate.ts'
import { Watch } from './watch.ts'

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
class TemporalMonitor implements Monitor {
  readonly #watches: readonly Watch[]
  readonly #report: Reporter
  /** By claim, what it still waits for; a claim whose set is empty has been reached. */
  readonly #unmet: readonly Set<number>[]
  readonly #held = new Set<Compiled>()
  readonly #checked: Checked
  #isReached = false

  constructor(checked: Checked, cluster: Cluster, report: Reporter) {
    const { id, compiled } = checked
    this.#checked = checked
    this.#report = report
    this.#unmet = compiled.map(({ waitsFor }) => new Set(waitsFor.keys()))
    const watches: Watch[] = []
    this.#watches = watches
    for (const each of compiled)
      watches.push(
        new Watch(id, cluster, each, {
          onFailure: (watch, instance, left, moment) => {
            if (each.role !== 'claim') return
            const { finding, sentence } = findingOf(watch, instance, left, moment)
            this.#fail(finding, sentence, subjectOf(each, instance.key))
          },
          onMet: (_watch, index) => this.#onMet(each, index),
          onHeld: () => this.#onHeld(each),
        }),
      )
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

  #onMet(compiled: Compiled, index: number): void {
    this.#report.met?.(compiled.waitsFor[index] as string)
    const unmet = this.#unmet[this.#checked.compiled.indexOf(compiled)]
    unmet?.delete(index)
    if (unmet?.size === 0 && compiled.role !== 'reach') this.#reach()
  }

  #onHeld(compiled: Compiled): void {
    if (compiled.role === 'claim') return
    this.#held.add(compiled)
    if (compiled.role === 'hope') this.#report.seen()
    else this.#reach()
  }

  /** It is reached when one of its claims is, and whatever it names with `reached` has held. */
  #reach(): void {
    if (this.#isReached) return
    const { compiled } = this.#checked
    const isMet = compiled.some(({ role }, index) => role !== 'reach' && this.#unmet[index]?.size === 0)
    if (!isMet || compiled.some((each) => each.role === 'reach' && !this.#held.has(each))) return
    this.#isReached = true
    this.#report.reached()
  }
}

function slug(text: string): string {
  const words = text.toLowerCase().match(/[a-z]+/g) ?? []
  return words.slice(0, 6).join('-')
}
