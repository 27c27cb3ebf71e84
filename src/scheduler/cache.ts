/**
 * The scheduler's picture of the cluster: every node with the pods that are bound to it, or assumed to be while their binding
 * is on its way. Models kubernetes pkg/scheduler/backend/cache, v1.33. A pod is in one place only; an assumed pod leaves when
 * it is forgotten, removed or seen bound.
 */
import { invariant } from '../kernel/invariant.ts'
import type { Node, Pod } from '../objects/index.ts'
import type { SchedulerDecisions } from './decisions.ts'
import { type NodeInfo, unknownNode, withNode, withoutPod, withPod } from './nodeinfo.ts'
import { type PodInfo, podId, podInfoOf } from './podinfo.ts'

interface PodState {
  readonly info: PodInfo
  readonly nodeName: string
  readonly assumed: boolean
}

export class SchedulerCache {
  readonly #decisions: SchedulerDecisions
  readonly #nodes = new Map<string, NodeInfo>()
  readonly #pods = new Map<string, PodState>()
  /** Nodes that changed since the last snapshot. */
  readonly #changed = new Set<string>()
  #lastGeneration = 0
  #assumed = 0

  constructor(decisions: SchedulerDecisions) {
    this.#decisions = decisions
  }

  /** Pods that are counted somewhere, assumed ones included. */
  get podCount(): number {
    return this.#pods.size
  }

  get assumedCount(): number {
    return this.#assumed
  }

  node(name: string): NodeInfo | undefined {
    return this.#nodes.get(name)
  }

  nodes(): Iterable<NodeInfo> {
    return this.#nodes.values()
  }

  hasPod(id: string): boolean {
    return this.#pods.has(id)
  }

  isAssumed(id: string): boolean {
    return this.#pods.get(id)?.assumed === true
  }

  /** Where the pod is counted. */
  nodeOf(id: string): string | undefined {
    return this.#pods.get(id)?.nodeName
  }

  /** Counts the pod on the node before the API server has agreed. */
  assume(pod: PodInfo, nodeName: string): void {
    invariant(!this.#pods.has(pod.id), 'scheduler: a pod that is counted is not assumed again', { pod: pod.key })
    this.#put({ info: pod, nodeName, assumed: true })
    this.#assumed++
  }

  /** Gives an assumed pod's place back. Nothing when it is not assumed (any more). */
  forget(id: string): void {
    if (this.isAssumed(id)) this.#take(id)
  }

  /** A bound pod as seen: confirms an assumed one, moves or replaces what was known of it. */
  setPod(pod: Pod): void {
    const info = podInfoOf(pod)
    this.#take(info.id)
    this.#put({ info, nodeName: pod.spec.nodeName as string, assumed: false })
  }

  /** The pod is gone or has ended. Nothing when it is not counted. Answers whether it was. */
  removePod(pod: Pod): boolean {
    return this.#take(podId(pod)) !== undefined
  }

  /** A node as seen, new or changed. */
  setNode(node: Node): NodeInfo {
    return this.#change(node.metadata.name, (info, generation) => withNode(info, node, generation))
  }

  /** The node object is gone; pods that are still bound to it stay counted until they are gone themselves. */
  removeNode(name: string): void {
    const info = this.#nodes.get(name)
    if (info === undefined) return
    if (info.pods.length === 0) this.#drop(name)
    else this.#change(name, (before, generation) => withNode(before, undefined, generation))
  }

  /** Hands each node that changed since the last call to `visit`: its record, or undefined when it is gone. */
  takeChanges(visit: (name: string, info: NodeInfo | undefined) => void): void {
    for (const name of this.#changed) visit(name, this.#nodes.get(name))
    this.#changed.clear()
  }

  #put(state: PodState): void {
    this.#pods.set(state.info.id, state)
    this.#change(state.nodeName, (info, generation) => withPod(info, state.info, generation))
  }

  #take(id: string): PodState | undefined {
    const state = this.#pods.get(id)
    if (state === undefined) return undefined
    this.#pods.delete(id)
    if (state.assumed) this.#assumed--
    const after = this.#change(state.nodeName, (info, generation) => withoutPod(info, state.info, generation))
    if (after.node === undefined && after.pods.length === 0) this.#drop(state.nodeName)
    return state
  }

  #change(name: string, apply: (info: NodeInfo, generation: number) => NodeInfo): NodeInfo {
    const before = this.#nodes.get(name) ?? unknownNode(name)
    const generation = this.#decisions.nextGeneration(before.generation, this.#lastGeneration)
    this.#lastGeneration = Math.max(this.#lastGeneration, generation)
    const after = apply(before, generation)
    this.#nodes.set(name, after)
    this.#changed.add(name)
    return after
  }

  #drop(name: string): void {
    this.#nodes.delete(name)
    this.#changed.add(name)
  }
}
