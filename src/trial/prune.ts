/** Which entries of a corpus still earn their place, once each has been run again. Decides only; nothing is removed here. */
import { groupOf } from './about.ts'
import { type CorpusEntry, compareKept, isExample } from './corpus.ts'
import { scenarioIdOf } from './parse.ts'
import type { TrialResult } from './result.ts'

export interface Rerun {
  readonly entry: CorpusEntry
  readonly result: TrialResult
}

export interface Judgement {
  readonly entry: CorpusEntry
  /** Why it may go; left out: it stays. */
  readonly because?: string
  /** It stays, and this should be known. */
  readonly but?: string
}

/**
 * An entry goes when it failed once and does not fail in that way any more, when it is the very scenario of another, or
 * when another of its group is smaller. What somebody has explained, or what was kept because it passes, never goes.
 */
export function judgeCorpus(reruns: readonly Rerun[]): readonly Judgement[] {
  const best = new Map<string, CorpusEntry>()
  for (const { entry, result } of reruns) {
    if (!isExample(entry) || result.signature !== entry.about.signature) continue
    const group = groupOf(entry.scenario, entry.about)
    const rival = best.get(group)
    if (rival === undefined || compareKept(entry, rival) < 0) best.set(group, entry)
  }
  const seen = new Map<string, CorpusEntry>()
  return reruns.map(({ entry, result }) => {
    const id = scenarioIdOf(entry.scenario)
    const twin = seen.get(id)
    if (twin === undefined) seen.set(id, entry)
    if (!isExample(entry)) {
      if (twin !== undefined && entry.about?.tells === undefined)
        return { entry, because: `it is the scenario of ${twin.id}` }
      const passed = entry.about?.verdict === 'passed' || entry.about === undefined
      const fails = result.verdict !== 'passed' && result.verdict !== 'vacuous'
      return passed && fails && entry.scenario.defects.length === 0
        ? { entry, but: `it fails: ${result.violation?.message ?? result.error?.message ?? result.verdict}` }
        : { entry }
    }
    if (result.signature !== entry.about.signature) {
      const now = result.signature === undefined ? `ends as ${result.verdict}` : `fails as ${result.signature}`
      return { entry, because: `it failed as ${entry.about.signature} and ${now} now` }
    }
    const example = best.get(groupOf(entry.scenario, entry.about))
    return example === undefined || example.file === entry.file
      ? { entry }
      : { entry, because: `${example.id} is a smaller example of the same failure` }
  })
}
