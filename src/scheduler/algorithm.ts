/**
 * Chooses a node for a pod: filters nodes until enough are feasible, scores those, draws among the best. Models kubernetes
 * pkg/scheduler/schedule_one.go (schedulePod, findNodesThatPassFilters, numFeasibleNodesToFind, selectHost), v1.33.
 */
import { addressOf, type Rand } from '../kernel/random.ts'
import { EvaluationMemory, evaluate } from './evaluations.ts'
import { type FilterName, type Rejection, rejectionOf } from './filters.ts'
import type { NodeInfo } from './nodeinfo.ts'
import { podAffinityStateOf } from './podaffinity.ts'
import type { PodInfo } from './podinfo.ts'
import { scoreAll } from './scores.ts'
import type { Snapshot } from './snapshot.ts'

export type Choice =
  | { readonly node: string; readonly evaluated: number; readonly feasible: number }
  /** `rejectedBy`: the filters that ruled nodes out; an event that changes their mind may help. */
  | { readonly node: undefined; readonly message: string; readonly rejectedBy: ReadonlySet<FilterName> }

const FEASIBLE_MIN = 100
const PERCENTAGE_MIN = 5

/** How many feasible nodes are enough. All in a cluster of up to 100; `percentage` 0 adapts to the size. */
export function feasibleNodesToFind(nodes: number, percentage: number): number {
  if (nodes < FEASIBLE_MIN) return nodes
  let share = percentage
  if (share === 0) share = Math.max(PERCENTAGE_MIN, 50 - Math.floor(nodes / 125))
  if (share >= 100) return nodes
  return Math.max(FEASIBLE_MIN, Math.floor((nodes * share) / 100))
}

export class Algorithm {
  readonly #rand: Rand
  readonly #percentage: number
  /** Where the next search begins, so that every node has its turn. */
  #start = 0
  // Kept between calls so that a cycle allocates nothing per node.
  readonly #feasible: NodeInfo[] = []
  readonly #totals: number[] = []
  readonly #memory = new EvaluationMemory()

  constructor(rand: Rand, percentageOfNodesToScore: number) {
    this.#rand = rand
    this.#percentage = percentageOfNodesToScore
  }

  /** Finds the pod's node. `attempt` addresses the draw among equals. */
  choose(pod: PodInfo, attempt: number, snapshot: Snapshot): Choice {
    const { nodes } = snapshot
    if (nodes.length === 0)
      return { node: undefined, message: 'no nodes available to schedule pods', rejectedBy: new Set() }
    const affinity = podAffinityStateOf(pod, snapshot)
    const enough = feasibleNodesToFind(nodes.length, this.#percentage)
    const feasible = this.#feasible
    feasible.length = 0
    const alike = affinity === undefined && snapshot.softTaints === 0 ? pod.shape : undefined
    const known = alike === undefined ? undefined : this.#memory.of(alike)
    let rejections: Map<Rejection, number> | undefined
    let evaluated = 0
    let index = this.#start % nodes.length
    while (evaluated < nodes.length && feasible.length < enough) {
      const node = nodes[index] as NodeInfo
      const rejection = known === undefined ? rejectionOf(pod, node, affinity) : evaluate(known, pod, node, index)
      if (rejection === undefined) {
        if (known !== undefined) this.#totals[feasible.length] = known.scores[index] as number
        feasible.push(node)
      } else {
        rejections ??= new Map()
        rejections.set(rejection, (rejections.get(rejection) ?? 0) + 1)
      }
      evaluated++
      index = index + 1 === nodes.length ? 0 : index + 1
    }
    this.#start = index
    if (feasible.length === 0) return refusal(nodes.length, rejections ?? new Map())
    if (feasible.length === 1) return { node: (feasible[0] as NodeInfo).name, evaluated, feasible: 1 }
    if (known === undefined) scoreAll(pod, feasible, snapshot.softTaints > 0, this.#totals)
    return { node: this.#best(pod, attempt), evaluated, feasible: feasible.length }
  }

  #best(pod: PodInfo, attempt: number): string {
    const totals = this.#totals
    let best = -1
    let ties = 0
    for (let index = 0; index < this.#feasible.length; index++) {
      const total = totals[index] as number
      if (total > best) {
        best = total
        ties = 1
      } else if (total === best) ties++
    }
    let skip = ties === 1 ? 0 : this.#rand.intAt(0, ties - 1, addressOf(pod.key), attempt)
    for (let index = 0; index < this.#feasible.length; index++) {
      if (totals[index] === best && skip-- === 0) return (this.#feasible[index] as NodeInfo).name
    }
    return (this.#feasible[0] as NodeInfo).name
  }
}

/** `0/3 nodes are available: 2 Insufficient cpu, 1 node(s) were unschedulable.` */
function refusal(nodes: number, rejections: ReadonlyMap<Rejection, number>): Choice {
  const reasons = [...rejections].map(([{ reason }, count]) => `${count} ${reason}`).sort()
  const rejectedBy = new Set([...rejections.keys()].map(({ filter }) => filter))
  return { node: undefined, message: `0/${nodes} nodes are available: ${reasons.join(', ')}.`, rejectedBy }
}
