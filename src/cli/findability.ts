/**
 * How many quiet trials it takes to believe that a failure is gone. A failure that came in a share `p` of all trials stays
 * away from `n` trials by mere luck with a chance of (1-p)^n; at 95 % that is believed no longer. Where it was never met,
 * `n` quiet trials say that the share is below 3/n (the rule of three).
 */

const CONFIDENCE = 0.95

/** Quiet trials in a row after which "fixed" holds at 95 %, for a failure that came in `failed` of `of` trials. */
export function quietTrialsFor(failed: number, of: number): number {
  const share = Math.min(1, failed / of)
  if (share === 1) return 1
  return Math.ceil(Math.log(1 - CONFIDENCE) / Math.log1p(-share))
}

/** A sentence for people. `quiet`: trials that were quiet so far. */
export function findabilityWords(failed: number, of: number, quiet = 0): string {
  const needed = quietTrialsFor(failed, of)
  const rate = `it failed in ${failed} of ${of} trials`
  if (quiet >= needed) return `${rate}; after ${quiet} quiet ones "fixed" holds at 95 %`
  const more = needed - quiet
  return `${rate}; "fixed" holds at 95 % after ${more} ${quiet === 0 ? '' : 'more '}quiet ${more === 1 ? 'trial' : 'trials'}`
}

/** A failing share that `quiet` quiet trials leave possible at 95 %: the rule of three. */
export function shareLeft(quiet: number): number {
  return quiet < 3 ? 1 : 3 / quiet
}
