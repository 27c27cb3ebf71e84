/** What a campaign covered, in a few lines: the new-state curve, what is to be expected of more trials, what was struck when. */
import type { CoverageSummary, Estimate, LedgerRow } from '../trial/index.ts'
import { counted } from './names.ts'
import { textTable } from './text-table.ts'

const BARS = '▁▂▃▄▅▆▇█'
const CURVE_WIDTH = 32
/** Where nothing struck, or what struck was not felt. */
const HOLE = '.'

/** Curve and estimates. `all`: the trials of the campaign, those included that were not drawn by chance. */
export function printDiscovery(coverage: CoverageSummary, all = coverage.trials): string {
  const { trials, features, chanceOfNews, newFeaturesExpected, featuresThereAre, ways } = coverage
  const drawn = all > trials ? `, ${trials} of them drawn by chance` : ''
  const lines = [
    `states: ${features} distinct ones in ${counted(all, 'trial')}${drawn}  ${sparkline(coverage)}`.trimEnd(),
  ]
  if (trials > 0) {
    lines.push(
      `the next trial shows a new one with a chance of ${inWords(chanceOfNews)}, ${round(newFeaturesExpected)} on average`,
      `there are at least ${Math.round(featuresThereAre.value)} (${Math.round(featuresThereAre.low)} to ${Math.round(featuresThereAre.high)}) that these suites can show`,
      `ways: ${ways.features} distinct steps, orders and strikes; the next trial shows a new one with a chance of ${inWords(ways.chanceOfNews)}`,
    )
  }
  return lines.join('\n')
}

/** For each kind of fault how often it was injected, how often it bit, and in which phases of the cluster. */
export function printFaults(faults: readonly LedgerRow[], coverage: CoverageSummary | undefined): string {
  const header = ['FAULT', 'INJECTED', 'BIT', '']
  const rows = faults.map(({ kind, injected, bit }) => [
    kind,
    `${injected}`,
    `${bit}`,
    injected === 0 ? '' : percent(bit / injected),
  ])
  if (coverage === undefined || coverage.matrix.length === 0) return textTable(header, rows)
  const { phases, faultsByPhase } = coverage
  const bites = rows.map(([kind = '']) =>
    phases.map((phase) => faultsByPhase.find((cell) => cell.kind === kind && cell.phase === phase)?.bit ?? 0),
  )
  return [
    textTable(
      [...header, ...phases.map((phase) => phase.toUpperCase())],
      rows.map((row, index) => [...row, ...(bites[index] ?? []).map((count) => (count === 0 ? HOLE : `${count}`))]),
    ),
    holesInWords(coverage),
  ].join('\n')
}

/** Fault kind x component x phase, a row for each kind and component: bites of injections. */
export function printMatrix({ matrix, phases }: CoverageSummary): string {
  const rows = new Map<string, { kind: string; component: string; cells: string[] }>()
  for (const { kind, component, phase, injected, bit } of matrix) {
    const key = `${kind}\n${component}`
    const row = rows.get(key) ?? { kind, component, cells: phases.map(() => HOLE) }
    row.cells[phases.indexOf(phase)] = bit === injected ? `${bit}` : `${bit} of ${injected}`
    rows.set(key, row)
  }
  return textTable(
    ['FAULT', 'STRUCK', ...phases.map((phase) => phase.toUpperCase())],
    [...rows.values()].map(({ kind, component, cells }) => [kind, component, ...cells]),
  )
}

function holesInWords({ matrix, holes, phases }: CoverageSummary): string {
  const pairs = new Set(matrix.map(({ kind, component }) => `${kind}\n${component}`)).size
  const open = holes.reduce((sum, hole) => sum + hole.phases.length, 0)
  return `bites by what the cluster was doing; of ${pairs * phases.length} combinations of fault, component and phase ${open} were never felt (--coverage shows them)`
}

/** From the first trial to the last, as high as there are states. */
function sparkline({ curve, features }: CoverageSummary): string {
  if (curve.length < 2 || features === 0) return ''
  const last = curve.at(-1)?.trials ?? 1
  const width = Math.min(CURVE_WIDTH, curve.length)
  return Array.from({ length: width }, (_, place) => {
    const upTo = (last * (place + 1)) / width
    const point = curve.findLast(({ trials }) => trials <= upTo) ?? curve[0]
    const height = Math.ceil(((point?.features ?? 0) * BARS.length) / features)
    return BARS[Math.max(0, height - 1)]
  }).join('')
}

function inWords({ value, low, high }: Estimate): string {
  return `${percent(value)} (${percent(low)} to ${percent(high)})`
}

/** "71 %", "0.4 %". */
export function percent(share: number): string {
  const hundredths = 100 * share
  return `${hundredths > 0 && hundredths < 1 ? round(hundredths) : Math.round(hundredths)} %`
}

function round(value: number): string {
  return `${value >= 10 ? Math.round(value) : Number(value.toFixed(value >= 1 ? 1 : 2))}`
}
