/** The choices of etcd that history got wrong; those of consensus are in raft. A defect puts another function in place. */
import type { Micros } from '../kernel/time.ts'
import type { LogIndex } from '../raft/index.ts'
import type { Revision } from './types.ts'

export interface EtcdDecisions {
  /**
   * The applied index that a backend commit stores with its data. `settledIndex` is what the data stand for; `openIndex`
   * is the entry that is being applied at that moment and whose data are not in it. (etcd-io/etcd#13766)
   */
  consistentIndex(settledIndex: number, openIndex: number): number
  /**
   * Where a watcher goes on whose next revision is compacted and whose cancellation finds the stream full.
   * (etcd-io/etcd#17529)
   */
  nextAfterUndeliverableCancel(next: Revision, current: Revision): Revision
  /** Does a member that no longer leads hand on the ends of leases that it found as leader? (etcd-io/etcd#15247) */
  formerLeaderEndsLeases(): boolean
  /** May a lease whose time has passed be renewed while its end is under way? (etcd v3.5 server/lease/lessor.go, Renew) */
  expiredLeaseMayBeRenewed(): boolean
  /** Up to when a keep-alive makes a lease last that is granted for `ttlMicros`. */
  renewedUntil(now: Micros, ttlMicros: Micros): Micros
  /** Does a defragmentation that stores the state of the open transaction store its applied index with it? (etcd-io/etcd#14685) */
  defragmentStoresIndex(): boolean
  /** The revision after a restart: the one stored, or that of the newest write found. (etcd-io/etcd#17780) */
  restoredRevision(stored: Revision, newestFound: Revision): Revision
  /** Does a restart find a key whose kept history begins with its deletion? (etcd-io/etcd#19179) */
  restoresLoneTombstone(): boolean
  /** Does compaction at `compactRevision` keep a key's last deletion, made at `deletedRevision`? (etcd-io/etcd#18089) */
  keepsTombstone(deletedRevision: Revision, compactRevision: Revision): boolean
  /** Is the folder synced after a new segment of the log got its name, before anything in it is promised? (etcd-io/etcd#6368) */
  syncsFolderAfterRename(): boolean
  /** May a learner be promoted that holds the log up to `match`, when its leader does up to `leaderMatch`? (etcd-io/etcd#15096) */
  learnerIsReady(match: LogIndex, leaderMatch: LogIndex): boolean
  /** Does a member ask again for the index of a read where the leader of the same term was asked before? (etcd-io/etcd#12680) */
  asksForReadIndexAgain(): boolean
}

export const ETCD_DECISIONS: EtcdDecisions = {
  consistentIndex: (settledIndex) => settledIndex,
  nextAfterUndeliverableCancel: (next) => next,
  formerLeaderEndsLeases: () => false,
  expiredLeaseMayBeRenewed: () => false,
  renewedUntil: (now, ttlMicros) => now + ttlMicros,
  defragmentStoresIndex: () => true,
  restoredRevision: (stored) => stored,
  restoresLoneTombstone: () => true,
  keepsTombstone: (deletedRevision, compactRevision) => deletedRevision >= compactRevision,
  syncsFolderAfterRename: () => true,
  // Nine tenths of the leader's log are near enough.
  learnerIsReady: (match, leaderMatch) => match * 10 >= leaderMatch * 9,
  asksForReadIndexAgain: () => true,
}
