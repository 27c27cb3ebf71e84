/**
 * A trial within a limit of real time, in this thread: a property that loops for ever is broken off and named. Node's vm does
 * it, which can end a synchronous call; no `finally` runs in what is broken off, so the guard is put up out here.
 */
import { createContext, Script } from 'node:vm'
import { lostResult } from '../cli/drive.ts'
import { WorkerLost } from '../cli/pool.ts'
import { guarded } from '../kernel/index.ts'
import { type Registry, runScenario, type Scenario, type TrialOptions, type TrialResult } from '../trial/index.ts'

const CALL = new Script('body()')

/** What `body` gives, or undefined if it did not come to an end in time. */
function within<T>(millis: number, body: () => T): { readonly value: T } | undefined {
  let value: { readonly value: T } | undefined
  const context = createContext({
    body: () => {
      value = { value: body() }
    },
  })
  try {
    guarded(() => CALL.runInContext(context, { timeout: millis }))
  } catch (error) {
    if ((error as { readonly code?: string }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
    return undefined
  }
  return value
}

/** Runs a scenario; one that takes longer than `millis` is run once more to learn whose code hangs. */
export function runBounded(
  scenario: Scenario,
  registry: Registry,
  millis: number,
  options: TrialOptions = {},
): TrialResult {
  const first = within(millis, () => runScenario(scenario, registry, options))
  if (first !== undefined) return first.value
  let speaking = ''
  const onActivity = (speaker: string) => {
    speaking = speaker
  }
  const again = within(millis, () => runScenario(scenario, registry, { ...options, onActivity }))
  if (again !== undefined) return again.value
  const speaker = speaking === '' ? undefined : speaking
  return lostResult(scenario, new WorkerLost(`no trial ended within ${millis / 1_000} s`, true, speaker), speaker)
}

/** It was broken off. */
export function isHung({ signature }: TrialResult): boolean {
  return signature?.includes('/hung/') === true
}
