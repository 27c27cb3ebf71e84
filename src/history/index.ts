/** Floor 1: histories and what they must satisfy. What other floors may import. */

export { drawSvg, drawText } from './drawing.ts'
export { type History, HistoryRecorder, malformed, type Operation } from './history.ts'
export {
  type CheckOptions,
  checkLinearizability,
  type LinearizabilityVerdict,
  type Linearizable,
  type NotLinearizable,
  partitionBy,
  type Undecided,
} from './linearizability.ts'
export { type Model, type Partition, REFUSED, type Step } from './model.ts'
export { type Seen, seenByReads, settled } from './models/evidence.ts'
export { KEY_REVISIONS, KEY_VALUES, revisionedStore, type StoreModel } from './models/keyvalue.ts'
export { LOCK, type LockInput, type LockOutput } from './models/lock.ts'
export { QUEUE, type QueueInput, type QueueOutput } from './models/queue.ts'
export { REGISTER, type RegisterInput, type RegisterOutput } from './models/register.ts'
export { describeStore, type Found, type StoreInput, type StoreOutput, storeOutput } from './models/store.ts'
export { type RevisionFault, revisionGoesBack } from './revisions.ts'
export {
  atomic,
  bookmarkable,
  type Guarantee,
  type GuaranteeCheck,
  type GuaranteeVerdict,
  ordered,
  reliable,
  resumable,
  unique,
  WATCH_GUARANTEES,
} from './watch.ts'
export type { LoggedEvent, WatchFilter, WatchRecord, WatchResponse, WatchStream } from './watchlog.ts'
export { type Witness, witnessOf } from './witness.ts'
