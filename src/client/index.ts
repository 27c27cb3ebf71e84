/** The client library: how components talk to the API. What other floors may import. */
export {
  ApiClient,
  type CallId,
  type ReplyReceiver,
  type WatchId,
  type WatchReceiver,
  type WatchRequest,
} from './apiclient.ts'
export { Backoff, type BackoffOptions, doubled } from './backoff.ts'
export { TokenBucket } from './bucket.ts'
export { ControllerLoop, type ControllerLoopOptions } from './controllerloop.ts'
export { CLIENT_DECISIONS, type ClientDecisions, type LeadershipLoss } from './decisions.ts'
export {
  type Delta,
  DeltaFifo,
  type DeltaType,
  isTombstone,
  type Popped,
  type Tombstone,
  unwrapped,
} from './deltafifo.ts'
export { EventRecorder } from './eventrecorder.ts'
export { InformerFactory } from './factory.ts'
export type * from './facts.ts'
export { KeyedHeap } from './heap.ts'
export { Indexer, type IndexFunction, type Tally } from './indexer.ts'
export { type Handler, Informer, type InformerOptions } from './informer.ts'
export { type LeaderCallbacks, LeaderElector } from './leaderelector.ts'
export {
  type ApiClientOptions,
  CLIENT_RATES,
  type InformerFactoryOptions,
  type LeaderElectionOptions,
} from './options.ts'
export { DefaultRateLimiter, type RateLimiter, type RateLimiterOptions } from './ratelimiter.ts'
export { Reflector, type ReflectorOptions, type ReflectorTarget, type WatchFate } from './reflector.ts'
export { type ScriptDone, ScriptRunner, Task } from './runner.ts'
export * from './script.ts'
export { WorkQueue, type WorkQueueListener, type WorkQueueOptions } from './workqueue.ts'
