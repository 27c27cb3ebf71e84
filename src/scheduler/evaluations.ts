/**
 * Remembered judgements of nodes for pods of one shape: same requests, same tolerations, nothing else that filters or scores
 * read. A judgement holds as long as the node's record is the same value, so after a placement one node is judged anew, not
 * a thousand. Upstream has no such memory in v1.33; the outcome is the same, which a test holds.
 */
import { type Rejection, rejectionOf } from './filters.ts'
import type { NodeInfo } from './nodeinfo.ts'
import type { PodInfo } from './podinfo.ts'
import { ownScore } from './scores.ts'

/** The memory is dropped whole when it knows more shapes. */
const SHAPES_MAX = 64

/** By position in the snapshot. */
export interface Evaluations {
  readonly nodes: (NodeInfo | undefined)[]
  readonly rejections: (Rejection | undefined)[]
  readonly scores: number[]
}

export class EvaluationMemory {
  readonly #byShape = new Map<string, Evaluations>()

  /** What is remembered for the shape; empty at first. */
  of(shape: string): Evaluations {
    let known = this.#byShape.get(shape)
    if (known === undefined) {
      if (this.#byShape.size >= SHAPES_MAX) this.#byShape.clear()
      known = { nodes: [], rejections: [], scores: [] }
      this.#byShape.set(shape, known)
    }
    return known
  }
}

/** Judges the node at a position unless that is remembered for this very record. */
export function evaluate(memory: Evaluations, pod: PodInfo, node: NodeInfo, position: number): Rejection | undefined {
  if (memory.nodes[position] !== node) {
    memory.nodes[position] = node
    const rejection = rejectionOf(pod, node, undefined)
    memory.rejections[position] = rejection
    memory.scores[position] = rejection === undefined ? ownScore(pod, node) : 0
  }
  return memory.rejections[position]
}
