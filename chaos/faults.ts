/** The built-in kinds of fault, registered. */
import type { FaultKind, Registry } from '../src/trial/registry.ts'
import { brokenCache, closedWatches, compaction, laggingCache, lostReplies } from './faults/api.ts'
import { containerCrash, failedRestore, imagePullFailure, probeFlap, slowPreStop } from './faults/containers.ts'
import { crashAtVote } from './faults/crash-at-vote.ts'
import { partition } from './faults/partition.ts'
import { clockSkew, crashNode, crashProcess, diskTrouble, pauseProcess } from './faults/processes.ts'
import { slowConsumer } from './faults/slow-consumer.ts'
import { duplicateMessages, lossBurst, reorderMessages, slowLink, thinLink } from './faults/slow-network.ts'

export const FAULTS: readonly FaultKind[] = [
  partition,
  slowLink,
  lossBurst,
  duplicateMessages,
  reorderMessages,
  thinLink,
  crashProcess,
  crashNode,
  crashAtVote,
  pauseProcess,
  clockSkew,
  diskTrouble,
  laggingCache,
  closedWatches,
  brokenCache,
  compaction,
  lostReplies,
  slowConsumer,
  containerCrash,
  probeFlap,
  slowPreStop,
  imagePullFailure,
  failedRestore,
]

/** Adds every built-in kind of fault. */
export function registerFaults(registry: Registry): void {
  for (const kind of FAULTS) registry.fault(kind)
}
