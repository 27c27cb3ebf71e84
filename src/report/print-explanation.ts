/** An explanation for people, in four parts, and as one line of JSON. */
import type { Micros } from '../kernel/index.ts'
import type { Certainty, Item, Neighbour, Registry, Scenario } from '../trial/index.ts'
import { describeItem } from './chain.ts'
import type { Differences, Explanation } from './explain.ts'
import { counted, listed } from './names.ts'
import { printStory, type StoryLine } from './story.ts'
import { duration, moment } from './time.ts'

const CHART_WIDTH = 20

/** The explanation as text. `scenario` is the one that was to be explained. */
export function printExplanation(explanation: Explanation, scenario: Scenario, registry: Registry): string {
  const { signature, result, chain, certainty, neighbour, differences, executions } = explanation
  const message = result.violation?.message ?? result.error?.message ?? ''
  return [
    `${signature}: ${message}`,
    '',
    'WHAT IT NEEDS',
    ...needs(explanation, scenario, registry),
    '',
    'HOW IT CAME ABOUT',
    printStory(chain.map(({ atMicros, text, reason }) => ({ atMicros, text: reason === 'so' ? `so ${text}` : text }))),
    ...(certainty === undefined ? [] : ['', 'WHEN IT WAS CERTAIN', ...chart(certainty, chain.at(-1)?.atMicros ?? 0)]),
    '',
    'WHAT WOULD HAVE BEEN ENOUGH',
    ...enough(neighbour, differences, explanation.ablation.scenario, registry),
    '',
    `(${counted(executions, 'execution')})`,
  ].join('\n')
}

/** The explanation as one line of JSON; times are in microseconds. */
export function explanationLine(explanation: Explanation): string {
  const { signature, result, ablation, chain, neighbour, differences, certainty, executions } = explanation
  return JSON.stringify({
    type: 'explanation',
    signature,
    violation: result.violation,
    error: result.error,
    needed: ablation.needed,
    unneeded: ablation.unneeded,
    subsets: { tried: ablation.subsetsTried, failing: ablation.subsetsFailing, exhaustive: ablation.exhaustive },
    minimal: ablation.scenario,
    chain,
    certainty: certainty && {
      points: certainty.points,
      certainFromMicros: certainty.certainFromMicros,
      withinMicros: certainty.withinMicros,
    },
    neighbour: neighbour && {
      item: neighbour.item,
      field: neighbour.field,
      from: neighbour.from,
      to: neighbour.to,
      scenario: neighbour.scenario,
    },
    differences,
    executions,
  })
}

function needs({ ablation }: Explanation, scenario: Scenario, registry: Registry): string[] {
  const { needed, unneeded, subsetsTried, exhaustive } = ablation
  if (needed.length === 0)
    return ['  no fault and no step: the cluster and its objects are enough', ...needless(unneeded)]
  const lines = needed.map(({ item, failsAlone, passesWithout }) => {
    const alone = needed.length > 1 && failsAlone ? '; it alone is enough' : ''
    const without = passesWithout ? '' : '; it fails without it too'
    return `  ${moment(item.atMicros)}  ${describeItem(item, scenario, registry)}${alone}${without}`
  })
  const verdict =
    needed.length === 1
      ? '  Without it the trial does not fail so.'
      : exhaustive
        ? `  Together: none of the ${subsetsTried} smaller choices of them fails so.`
        : `  Together: without any one of them the trial does not fail so (${subsetsTried} smaller choices tried).`
  return [...lines, verdict, ...needless(unneeded)]
}

function needless(items: readonly Item[]): string[] {
  if (items.length === 0) return []
  const kinds = new Map<string, number>()
  for (const { kind } of items) kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  const names = [...kinds].map(([kind, count]) => (count === 1 ? kind : `${count} ${kind}`))
  return [`  Not needed: ${listed(names)}.`]
}

/** The share of failing branches at each point, as bars. */
function chart({ points, certainFromMicros, withinMicros }: Certainty, endMicros: Micros): string[] {
  const lines = points.map(({ atMicros, failing, branches }) => {
    const filled = Math.round((CHART_WIDTH * failing) / branches)
    const bar = '#'.repeat(filled) + '.'.repeat(CHART_WIDTH - filled)
    return `  ${moment(atMicros)}  ${bar}  ${Math.round((100 * failing) / branches)} %`
  })
  const branches = points[0]?.branches ?? 0
  const from = `of ${counted(branches, 'run')} that go on from there with other randomness`
  if (certainFromMicros === undefined) return [...lines, `  Never: even shortly before the end not all ${from} fail.`]
  if (certainFromMicros === 0) return [...lines, `  From the beginning: all ${from} fail, so no chance is involved.`]
  return [
    ...lines,
    `  From ${moment(certainFromMicros)} on all ${from} fail; ${duration(withinMicros)} earlier some still passed.`,
    `  That is ${duration(Math.max(0, endMicros - certainFromMicros))} before it showed.`,
  ]
}

function enough(
  neighbour: Neighbour | undefined,
  differences: Differences | undefined,
  scenario: Scenario,
  registry: Registry,
): string[] {
  if (neighbour === undefined) return ['  No small change of the scenario passes.']
  const what = describeItem(neighbour.item, scenario, registry)
  const lines = [
    neighbour.field === undefined || neighbour.from === undefined || neighbour.to === undefined
      ? `  It passes without "${what}"; no time or amount moved by up to 30 s is enough.`
      : `  It passes when ${fieldInWords(neighbour.field)} of "${what}" is ${exact(neighbour.to)} instead of ${exact(neighbour.from)}.`,
  ]
  if (differences === undefined) return lines
  const { atMicros, failing, passing, onlyFailing, onlyPassing } = differences
  return [
    ...lines,
    `  The two runs are the same up to ${moment(atMicros)}. The next event is:`,
    `    failing: ${failing}`,
    `    passing: ${passing}`,
    ...facts('only in the failing run', onlyFailing),
    ...facts('only in the passing run', onlyPassing),
  ]
}

function facts(heading: string, lines: readonly StoryLine[]): string[] {
  if (lines.length === 0) return []
  return [`  ${heading}:`, ...lines.map(({ atMicros, text }) => `    ${moment(atMicros)}  ${text}`)]
}

function fieldInWords(field: string): string {
  if (field === 'atMicros') return 'the moment'
  if (field === 'durationMicros') return 'the duration'
  return `the ${field.replace(/Micros$/, '').replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}`
}

/** Seconds with every microsecond that is there. */
function exact(micros: Micros): string {
  return `${micros / 1_000_000} s`
}
