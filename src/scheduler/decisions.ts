/**
 * What the scheduler decides where historical bugs decided otherwise. Each function is right; a defect is a
 * `Partial<SchedulerDecisions>` laid over it.
 */
import type { Micros } from '../kernel/time.ts'
import { isPodTerminal, type Pod } from '../objects/index.ts'

export interface SchedulerDecisions {
  /**
   * How long an assumed pod that nobody has seen bound keeps its place. Right: for ever; a binding ends in being seen or
   * refused. Seam of scheduler-assumed-pod-expires: the bug is 30 s whether or not the binding has finished.
   */
  assumedPodTtlMicros(bindingFinished: boolean): Micros | 'never'
  /**
   * The generation of a node's record after a change. Right: one counter over all nodes, never repeated. Seam of
   * scheduler-generation-collision: the bug is to count each node's own changes from zero.
   */
  nextGeneration(nodeGeneration: number, lastGeneration: number): number
  /**
   * Where a deleted pod is forgotten. Right: a tombstone's copy may be old, so everywhere. Seam of
   * scheduler-ghost-pod-after-missed-delete: the bug is to go by the copy's node name alone.
   */
  forgetsDeleted(lastKnown: Pod, isTombstone: boolean): { readonly cache: boolean; readonly queue: boolean }
  /**
   * Whether a bound pod takes up its node's resources. Right: until it has ended. Seam of scheduler-counts-deleted-pods:
   * the bug is to count ended pods until they are deleted.
   */
  countsPod(pod: Pod): boolean
  /**
   * What follows a binding without an answer, which may have taken effect. Right: `confirm`, ask again until it is known; the
   * pod keeps its place. Upstream does `forget` (its place is free, the pod is tried anew), which can overcommit a node.
   */
  afterUnknownBinding(): 'confirm' | 'forget'
}

export const SCHEDULER_DECISIONS: SchedulerDecisions = {
  assumedPodTtlMicros: () => 'never',
  nextGeneration: (_nodeGeneration, lastGeneration) => lastGeneration + 1,
  forgetsDeleted: () => ({ cache: true, queue: true }),
  countsPod: (pod) => !isPodTerminal(pod),
  afterUnknownBinding: () => 'confirm',
}
