/**
 * The search for the first commit at which something fails, between one that passes and one that fails: by halves, as
 * `git bisect` does, on a straight line of commits. What cannot be judged is passed over, and the answer says so.
 */

/** What trying a commit came to. */
export type Judgement =
  | { readonly judgement: 'passes' }
  | { readonly judgement: 'fails' }
  | { readonly judgement: 'skipped'; readonly because: string }

export interface Bisection {
  /** The first that fails; several, oldest first, where those before the last of them could not be judged. */
  readonly commits: readonly string[]
  /** Commits that were tried. */
  readonly tried: number
}

/**
 * @param line - commits from old to new; what comes before the first passes, the last fails
 * @param judge - tries a commit
 */
export function bisect(line: readonly string[], judge: (commit: string) => Judgement): Bisection {
  let low = -1
  let high = line.length - 1
  let tried = 0
  const skipped = new Set<number>()
  for (;;) {
    const next = nearestToMiddle(low, high, skipped)
    if (next === undefined) return { commits: line.slice(low + 1, high + 1), tried }
    tried++
    const { judgement } = judge(line[next] as string)
    if (judgement === 'passes') low = next
    else if (judgement === 'fails') high = next
    else skipped.add(next)
  }
}

/** The place between `low` and `high`, both left out, that is nearest to their middle and was not skipped. */
function nearestToMiddle(low: number, high: number, skipped: ReadonlySet<number>): number | undefined {
  const middle = low + Math.floor((high - low) / 2)
  for (let away = 0; away <= high - low; away++) {
    for (const place of [middle - away, middle + away]) {
      if (place > low && place < high && !skipped.has(place)) return place
    }
  }
  return undefined
}

/** What `lastGood` found, as places in the line. */
export interface Reach {
  /** A commit that passes. */
  readonly good: number | undefined
  /** The oldest that was tried and fails. */
  readonly bad: number
  /** The nearest older one that could not be judged: it may know nothing of what the scenario is about. */
  readonly skipped: number | undefined
}

/** Looks for a commit that passes among the ancestors, further back each time. */
export function lastGood(line: readonly string[], judge: (commit: string) => Judgement): Reach {
  let bad = line.length - 1
  let skipped: number | undefined
  for (let back = 1; ; back *= 2) {
    const place = Math.max(0, line.length - 1 - back)
    const { judgement } = judge(line[place] as string)
    if (judgement === 'passes') return { good: place, bad, skipped }
    if (judgement === 'fails') {
      bad = place
      skipped = undefined
    } else skipped ??= place
    if (place === 0) return { good: undefined, bad, skipped }
  }
}

/** The first commit after place `from`, which cannot be judged, that fails; what cannot be judged lies before it. */
export function firstJudged(
  line: readonly string[],
  from: number,
  bad: number,
  judge: (commit: string) => Judgement,
): readonly string[] {
  return bisect(line.slice(from + 1, bad + 1), (commit) => {
    const judged = judge(commit)
    return judged.judgement === 'skipped' ? { judgement: 'passes' } : judged
  }).commits
}
