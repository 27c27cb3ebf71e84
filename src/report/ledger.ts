/** The effect ledger of a trial in words: what each fault did, and why a trial in which nothing came about is vacuous. */
import type { TrialResult } from '../trial/index.ts'
import { listed } from './names.ts'

type Told = Pick<TrialResult, 'verdict' | 'ledger' | 'reached'>

/** A line for each fault, and one for a trial that is vacuous. */
export function printLedger({ verdict, ledger, reached }: Told): string {
  const lines = ledger.map(({ fault, kind, injected, evidence }) => {
    const effects = evidence.filter(({ count }) => count > 0).map(({ what, count }) => `${count} ${what}`)
    const effect = effects.length > 0 ? listed(effects) : injected ? 'no effect' : 'its moment did not come'
    return `    ${fault} ${kind}: ${effect}`
  })
  if (verdict === 'vacuous')
    lines.push(
      reached.length === 0
        ? '    vacuous: what its properties wait for never came up'
        : '    vacuous: none of its faults had an effect',
    )
  return lines.join('\n')
}
