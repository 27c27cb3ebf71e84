/** Floor 1: etcd. What other folders may import: the member, the client, their words. */
export { EtcdClient, type EtcdClientOptions, type EtcdReceiver } from './client.ts'
export type { EtcdWatchReceiver, WatchRequest } from './clientwatch.ts'
export { ETCD_DECISIONS, type EtcdDecisions } from './decisions.ts'
export type { EtcdFailure } from './errors.ts'
export type {
  EtcdApplied,
  EtcdApplyBatch,
  EtcdCompacted,
  EtcdFact,
  EtcdRefused,
  EtcdRestored,
  EtcdSnapshotSaved,
  EtcdSnapshotSent,
  EtcdStarted,
  EtcdTimedOut,
  EtcdWatchSent,
} from './facts.ts'
export { passesForTorn } from './frames.ts'
export { EtcdMember, type EtcdView } from './member.ts'
export { memberOf } from './members.ts'
export type { EtcdResult, LoggedRequest, WatchId } from './messages.ts'
export { completeEtcdOptions, type EtcdOptions, type EtcdOptionsInput } from './options.ts'
export type { Compare, CompareResult, EtcdRequest, Operation, RangeRequest, TxnRequest } from './requests.ts'
export type {
  DeleteResponse,
  EtcdResponse,
  LeaseResponse,
  OperationResponse,
  PutResponse,
  RangeResponse,
  TxnResponse,
} from './responses.ts'
export { isSnapshotFile } from './saves.ts'
export {
  FROM_KEY,
  type KeyValue,
  type LeaseId,
  prefixEnd,
  type Revision,
  type StoreEvent,
  type WatchEvent,
} from './types.ts'
export { isSegment } from './wal.ts'
