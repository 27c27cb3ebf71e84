/** `seatrial explain`: why a scenario fails. What it needs, how it came about, when it was certain, what would have passed. */
import { explanationLine, printExplanation } from '../../report/index.ts'
import { assertRunnable, exitStatusOf, UserError } from '../../trial/index.ts'
import { findScenario, readScenarioFile } from '../find-scenario.ts'
import type { Io } from '../io.ts'
import { parseCount } from '../parse-flags.ts'
import { startProgress } from '../progress.ts'
import { openSession, type SessionFlags } from '../session.ts'

export interface ExplainFlags extends SessionFlags {
  readonly branches?: string
  /** commander's `--no-certainty`. */
  readonly certainty?: boolean
}

const DEFAULT_BRANCHES = 10
const BRANCHES_MAXIMUM = 1_000
/** More than this is seldom needed; it only sets the length of the progress bar. */
const EXPECTED_EXECUTIONS = 250

export async function explainCommand(io: Io, what: string, flags: ExplainFlags): Promise<number> {
  const asked =
    flags.branches === undefined ? DEFAULT_BRANCHES : parseCount(flags.branches, '--branches', BRANCHES_MAXIMUM)
  if (flags.certainty === false && flags.branches !== undefined)
    throw new UserError({
      what: 'without the question when it was certain there are no branches',
      where: '--branches',
      mend: 'leave out --no-certainty',
    })
  const early = readScenarioFile(io, what)
  const session = await openSession(io, { ...flags, workers: '1' })
  try {
    const { scenario } = early ?? findScenario(session, what)
    assertRunnable(scenario, session.registry, what)
    const progress = startProgress(io, 'explaining')
    const branches = flags.certainty === false ? 0 : asked
    const { result, explanation } = await session.pool
      .run({ kind: 'explain', scenario, branches }, (news) => {
        if (news.kind === 'explaining')
          progress.update(
            news.executions,
            Math.max(EXPECTED_EXECUTIONS, news.executions),
            `execution ${news.executions}`,
          )
      })
      .finally(() => progress.end())
    if (explanation === undefined) {
      const { verdict, scenarioId } = result
      if (session.json) io.out(`${JSON.stringify({ type: 'explanation', verdict, scenario: scenarioId })}\n`)
      else io.out(`${verdict}; scenario ${scenarioId}. It does not fail: there is nothing to explain.\n`)
    } else if (session.json) io.out(`${explanationLine(explanation)}\n`)
    else io.out(`${printExplanation(explanation, scenario, session.registry)}\n`)
    const none = { passed: 0, failed: 0, vacuous: 0, diverged: 0, exhausted: 0, error: 0 }
    return session.settle(exitStatusOf({ ...none, [result.verdict]: 1 }))
  } finally {
    await session.close()
  }
}
