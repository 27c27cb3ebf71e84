/** A trial within a limit of real time, in this thread: a property or fault that loops for ever is broken off and named. */
import { within } from '../cli/bounded.ts'
import { lostResult } from '../cli/drive.ts'
import { WorkerLost } from '../cli/pool.ts'
import { type Registry, runScenario, type Scenario, type TrialOptions, type TrialResult } from '../trial/index.ts'

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
