/**
 * Exhaustive search of small clusters: every order of deliveries, losses, doublings, election time-outs, disk writes,
 * crashes, restarts, proposals, reads, snapshots, changes of the membership, orders to hand over, counts of who is heard
 * and passing time, within bounds, breadth first, so that the first broken claim is one of the shortest.
 * States that differ by who is called what are one; they are told apart by 64 bits. Nothing that matters is left out but
 * what the bounds name. A message that never arrives is lost, so losses need no step of their own unless `drops` asks
 * for them; while no crash can come any more a disk write ends at once, as waiting then only delays messages.
 */
import { invariant } from '../../kernel/invariant.ts'
import { type Bounds, completeBounds } from './bounds.ts'
import { Words } from './hash.ts'
import { Seen } from './seen.ts'
import { type Reached, type Step, World, type WorldRules } from './world.ts'

export interface Exploration {
  readonly states: number
  readonly steps: number
  /** Length of the longest shortest path. */
  readonly depth: number
  /** Steps that were not taken because a message or an entry would have been too many. */
  readonly beyond: number
  /** Everything within the bounds was seen. */
  readonly isComplete: boolean
  /** How often the machine was really run. */
  readonly machineRuns: number
  readonly violation: { readonly claim: string; readonly path: readonly Step[]; readonly rules: WorldRules } | undefined
}

/** A claim about every cluster that is reached: the sentence that tells how it is broken, or nothing. */
export type Claim = (reached: Reached) => string | undefined

/** Searches until a claim breaks, or everything is seen, or a limit of the search itself is reached. */
export function explore(given: Partial<Bounds>, claimed?: Claim): Exploration {
  const bounds = completeBounds(given)
  invariant(bounds.members >= 1 && bounds.members <= 4, 'raft: the search knows one to four members', bounds.members)
  const world = new World(bounds)
  const seen = new Seen(20)
  const parents = new Words(1 << 16)
  const steps = new Words(1 << 16)
  let level = new Words(1 << 16)
  let next = new Words(1 << 16)
  let taken = 0
  let depth = 0
  let claim: string | undefined
  let from = 0

  world.start(level)
  seen.add(world.low, world.high)
  parents.data[parents.grow(1)] = -1
  steps.data[steps.grow(1)] = -1

  const reached = (step: Step): boolean => {
    taken++
    const isNew = seen.add(world.low, world.high)
    if (!isNew && world.violation === undefined) return true
    parents.data[parents.grow(1)] = from
    steps.data[steps.grow(1)] = step
    claim = world.violation ?? claimed?.(world.reached())
    if (claim !== undefined) return false
    world.keep(next)
    return seen.size < bounds.states
  }

  let first = 0
  let goesOn = true
  while (goesOn && level.length > 0 && depth < bounds.depth) {
    const count = level.length / world.width
    for (let at = 0; at < count && goesOn; at++) {
      from = first + at
      goesOn = world.expand(level, at * world.width, reached)
    }
    first += count
    depth++
    ;[level, next] = [next, level]
    next.length = 0
  }
  const path: Step[] = []
  if (claim !== undefined) {
    for (let at = parents.length - 1; at > 0; at = parents.data[at] as number) path.push(steps.data[at] as number)
  }
  return {
    states: seen.size,
    steps: taken,
    depth,
    beyond: world.beyond,
    isComplete: goesOn,
    machineRuns: world.machineRuns,
    violation: claim === undefined ? undefined : { claim, path: path.reverse(), rules: world },
  }
}
