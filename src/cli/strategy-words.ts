/** What `fuzz` says of strategies: what PCT promises, and what each member of a portfolio was given and brought. */
import { textTable } from '../report/index.ts'
import { pctBounds, scenariosFrom, suiteArbitrary } from '../trial/index.ts'
import type { JournalHead } from './journal.ts'
import type { StrategyRow } from './portfolio-blocks.ts'
import type { Session } from './session.ts'

/** The bound for the first suite: it depends on the number of processes and the time that they have. */
export function pctInWords({ registry }: Session, { suites, seed }: Pick<JournalHead, 'suites' | 'seed'>): string {
  const [suite = ''] = suites
  const [scenario] = scenariosFrom(suiteArbitrary(registry, suite), seed, 0, 1)
  const bounds = scenario === undefined ? [] : pctBounds(scenario)
  const [{ processes, places } = { processes: 0, places: 0 }] = bounds
  const parts = bounds.map(({ depth, oneIn }) => `${depth}: 1 in ${grouped(oneIn)}`)
  return `PCT on ${suite}: ${processes} processes (n), ${grouped(places)} places of change (k); a trial of depth d finds a bug of that depth with a chance of at least 1/(n k^(d-1)): ${parts.join(', ')}`
}

function grouped(number: number): string {
  return String(number).replaceAll(/\B(?=(\d{3})+$)/g, ',')
}

/** A table, or a line of JSON for each strategy. */
export function strategiesInWords(rows: readonly StrategyRow[], json: boolean): string {
  if (json) return rows.map((row) => `${JSON.stringify({ type: 'strategy', ...row })}\n`).join('')
  const cells = rows.map(({ strategy, lanes, features, failures, events }) => [
    strategy,
    ...[lanes, features, failures, events].map(String),
  ])
  return `${textTable(['STRATEGY', 'LANES', 'NEW STATES AND WAYS', 'NEW FAILURES', 'EVENTS'], cells)}\n\n`
}
