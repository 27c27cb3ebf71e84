/** Which inputs a member may get next, within the bounds. What is bounded is counted over all members. */
import { isJoint, votes } from '../membership.ts'
import type { MemberId } from '../types.ts'
import type { Bounds, Counted } from './bounds.ts'
import { PAUSE_MICROS } from './clock.ts'
import { ADD, ALONE, ALONE_EXPLICIT, DEMOTE, EVERYBODY, EVERYBODY_EXPLICIT, LEAVE, REMOVE } from './codes.ts'
import {
  CHANGE,
  CHECK,
  CRASH,
  HEARTBEAT,
  LAPSE,
  MOMENT,
  PROPOSE,
  READ,
  RESTART,
  SNAPSHOT,
  SYNC,
  TICK,
  TRANSFER,
} from './inputs.ts'
import type { Facts } from './turns.ts'

/** What was counted so far. */
export interface Budget {
  spent(what: Counted): number
  /** May there be another one? */
  left(what: Counted): boolean
}

/** Fills `inputs`, so that nothing is allocated. */
export function choices(facts: Facts, bounds: Bounds, budget: Budget, reads: number, inputs: number[]): void {
  inputs.length = 0
  if (!facts.alive) {
    inputs.push(RESTART)
    return
  }
  if (facts.writes > 0) inputs.push(SYNC)
  if (mayTick(facts, bounds)) inputs.push(TICK)
  if (budget.left('crashes')) inputs.push(CRASH)
  if (budget.left('reads')) inputs.push(READ + reads)
  if (bounds.drift && budget.left('moments')) inputs.push(MOMENT)
  if (facts.role === 'follower' && facts.hearsLeader && budget.left('lapses')) inputs.push(LAPSE)
  if (facts.role === 'leader') {
    if (budget.left('heartbeats')) inputs.push(HEARTBEAT)
    if (budget.left('proposals')) inputs.push(PROPOSE + budget.spent('proposals') + 1)
    if (budget.left('changes')) pushChanges(facts, bounds, inputs)
    if (budget.left('joint')) pushJoint(facts, bounds, inputs)
    if (budget.left('transfers')) pushTransfers(facts, bounds, inputs)
    if (budget.left('checks')) inputs.push(CHECK)
  }
  if (facts.applied > facts.compacted && facts.writes === 0 && budget.left('snapshots')) inputs.push(SNAPSHOT)
}

function mayTick({ role, term, log, pausedFor }: Facts, { terms, logLength, moments }: Bounds): boolean {
  if (role === 'leader' || term >= terms || log.length - 1 >= logLength) return false
  return moments === 0 || pausedFor >= PAUSE_MICROS
}

function pushChanges({ membership }: Facts, { members, learners }: Bounds, inputs: number[]): void {
  if (membership === undefined) return
  for (let other = 1; other <= members; other++) {
    const votesNow = votes(membership, other)
    const belongs = votesNow || membership.learners.includes(other)
    inputs.push(CHANGE + (belongs ? REMOVE : ADD) + other)
    if (belongs && !votesNow) inputs.push(CHANGE + ADD + other)
    if (learners > 0 && votesNow) inputs.push(CHANGE + DEMOTE + other)
  }
}

function pushJoint({ membership }: Facts, { members }: Bounds, inputs: number[]): void {
  if (membership === undefined) return
  if (isJoint(membership)) {
    inputs.push(CHANGE + LEAVE)
    return
  }
  if (membership.voters.length < members) inputs.push(CHANGE + EVERYBODY, CHANGE + EVERYBODY_EXPLICIT)
  else for (let one = 1; one <= members; one++) inputs.push(CHANGE + ALONE + one, CHANGE + ALONE_EXPLICIT + one)
}

function pushTransfers({ id, membership }: Facts, { members }: Bounds, inputs: number[]): void {
  for (let other: MemberId = 1; other <= members; other++) {
    if (other !== id && membership !== undefined && votes(membership, other)) inputs.push(TRANSFER + other)
  }
}
