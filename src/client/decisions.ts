/**
 * What the client library decides where historical bugs decided otherwise. Each function here is right; a defect is a
 * `Partial<ClientDecisions>` laid over it. Nothing else in this folder knows that defects exist.
 */

/** What a leader elector knows when its lease may be lost. */
export type LeadershipLoss = 'renew-deadline-passed' | 'lease-taken'

export interface ClientDecisions {
  /**
   * The resourceVersion of the very first list of a reflector. `configured` is the informer's option: "0" (any version, the
   * default, as upstream) or "" (the most recent, read through etcd). Seam of informer-stale-list-time-travel: the bug is to
   * answer "0" whatever was configured.
   */
  firstListVersion(configured: '0' | ''): '0' | ''
  /**
   * The resourceVersion of every later list. Right: what this client has seen last, so that it never goes back. The bug of old
   * reflectors was to ask for "0" again.
   */
  relistVersion(lastVersion: string): string
  /**
   * The resourceVersion of the list that follows a server's "too large resource version" (the server lags behind what this
   * client has seen). Right: "" (the most recent). Seam of reflector-too-large-rv-stuck: the bug is to ask for the same again.
   */
  listVersionAfterTooLarge(lastVersion: string): string
  /**
   * The keys that a Replace must report as deleted. Right: what is in the store or still in the queue, and not in the list.
   * Seam of informer-relist-drops-queued-delete: the bug is to look at the store only.
   */
  keysDeletedByReplace(
    listed: { has(key: string): boolean },
    queued: Iterable<string>,
    stored: Iterable<string>,
  ): readonly string[]
  /** Whether a leader stops acting at once. Right: always. Seam of leader-keeps-acting-after-losing-lease. */
  stopsLeading(loss: LeadershipLoss): boolean
}

export const CLIENT_DECISIONS: ClientDecisions = {
  firstListVersion: (configured) => configured,
  relistVersion: (lastVersion) => lastVersion,
  listVersionAfterTooLarge: () => '',
  keysDeletedByReplace: (listed, queued, stored) => {
    const deleted: string[] = []
    const seen = new Set<string>()
    for (const key of queued) {
      if (listed.has(key)) continue
      seen.add(key)
      deleted.push(key)
    }
    for (const key of stored) if (!listed.has(key) && !seen.has(key)) deleted.push(key)
    return deleted
  },
  stopsLeading: () => true,
}
