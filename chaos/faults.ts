/** The built-in kinds of fault, registered. */
import type { FaultKind, Registry } from '../src/trial/registry.ts'
import {
  brokenCache,
  brokenCacheAfterWrite,
  closedWatches,
  compaction,
  laggingCache,
  lostReplies,
} from './faults/api.ts'
import { bitRot } from './faults/bit-rot.ts'
import {
  containerCrash,
  containerPrune,
  failedRestore,
  imagePullFailure,
  probeFlap,
  slowPreStop,
} from './faults/containers.ts'
import { crashAtVote } from './faults/crash-at-vote.ts'
import { crashLoop } from './faults/crash-loop.ts'
import { lostContact } from './faults/lost-contact.ts'
import { crashAfterMemberChange, cutOffMembers } from './faults/members.ts'
import { partition } from './faults/partition.ts'
import { clockSkew, crashNode, crashProcess, diskTrouble, pauseProcess } from './faults/processes.ts'
import { replacedNode } from './faults/replaced-node.ts'
import { shortReigns } from './faults/short-reigns.ts'
import { slowConsumer } from './faults/slow-consumer.ts'
import { duplicateMessages, lossBurst, reorderMessages, slowLink, thinLink } from './faults/slow-network.ts'
import { blindAfterWrite, crashAfterWrite, deafAfterWrite } from './faults/struck-after-write.ts'
import { struckAtPhase } from './faults/struck-at-phase.ts'
import { stalledWatch, starvedProcess } from './faults/watches.ts'

export const FAULTS: readonly FaultKind[] = [
  partition,
  lostContact,
  slowLink,
  lossBurst,
  duplicateMessages,
  reorderMessages,
  thinLink,
  crashProcess,
  crashNode,
  replacedNode,
  crashAtVote,
  shortReigns,
  crashLoop,
  cutOffMembers,
  crashAfterMemberChange,
  crashAfterWrite,
  deafAfterWrite,
  blindAfterWrite,
  struckAtPhase,
  pauseProcess,
  clockSkew,
  diskTrouble,
  bitRot,
  laggingCache,
  closedWatches,
  brokenCache,
  brokenCacheAfterWrite,
  compaction,
  lostReplies,
  slowConsumer,
  stalledWatch,
  starvedProcess,
  containerCrash,
  containerPrune,
  probeFlap,
  slowPreStop,
  imagePullFailure,
  failedRestore,
]

/** Adds every built-in kind of fault. */
export function registerFaults(registry: Registry): void {
  for (const kind of FAULTS) registry.fault(kind)
}
