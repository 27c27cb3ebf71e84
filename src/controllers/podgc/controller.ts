/**
 * Removes pods that nobody else will: bound to a node that is gone, ended in too great a number, being deleted and never scheduled,
 * or on a node declared out of service. Models kubernetes pkg/controller/podgc, v1.33. Upstream looks at all pods every 20 s; here
 * the events say when there is anything to look for, and only then a pass runs, at the same period.
 */
import {
  type ControllerLoop,
  get,
  type Handler,
  must,
  patch,
  remove,
  type Script,
  type Tombstone,
} from '../../client/index.ts'
import type { Micros, Out, TimerTarget } from '../../kernel/index.ts'
import {
  type Condition,
  isPodTerminal,
  keyOf,
  type Node,
  type Pod,
  timestamp,
  withCondition,
} from '../../objects/index.ts'
import { BY_NODE, type Controller, type ControllerContext } from '../context.ts'
import type { PodCollectedFact } from '../facts.ts'
import { readyCondition } from '../nodelifecycle/health.ts'
import { computeSurplusTerminated } from './terminated.ts'

const NAME = 'pod-garbage-collector'
const PASS = 'pass'
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service'
const ORPHANED: Condition = {
  type: 'DisruptionTarget',
  status: 'True',
  reason: 'DeletionByPodGC',
  message: 'PodGC: node no longer exists',
}

export class PodGarbageCollector implements Controller, TimerTarget {
  readonly name = NAME
  readonly #context: ControllerContext
  readonly #loop: ControllerLoop
  /** Nodes that pods are bound to and that the cache does not have, and since when. */
  readonly #missing = new Map<string, Micros>()
  readonly #terminated = new Set<string>()
  /** Pods being deleted: those without a node, or on a node out of service, are removed. */
  readonly #terminating = new Set<string>()
  #running = false
  #armed = false

  constructor(context: ControllerContext) {
    this.#context = context
    this.#loop = context.loop(NAME, 1, (_key, out) => this.#pass(out))
    context.informers.pods.addHandler(new PodHandler(this, context))
    context.informers.nodes.addHandler(new NodeHandler(this, context))
  }

  start(out: Out): void {
    this.#running = true
    this.#loop.start(out)
    for (const pod of this.#context.informers.pods.list()) this.see(pod, out)
  }

  stop(out: Out): void {
    this.#running = false
    this.#loop.stop(out)
  }

  onTimer(_kind: number, _a: number, out: Out): void {
    this.#armed = false
    if (!this.#running) return
    this.#loop.enqueue(PASS, out)
    this.arm(out)
  }

  /** Keeps account of a pod; cheap for one that is of no interest. */
  see(pod: Pod, out: Out): void {
    const key = keyOf(pod)
    const node = pod.spec.nodeName
    if (node !== undefined && node !== '' && this.#context.informers.nodes.get(node) === undefined)
      this.nodeMissing(node, out)
    if (isPodTerminal(pod)) this.#terminated.add(key)
    if (pod.metadata.deletionTimestamp !== undefined) this.#terminating.add(key)
    this.arm(out)
  }

  forget(key: string): void {
    this.#terminated.delete(key)
    this.#terminating.delete(key)
  }

  nodeMissing(name: string, out: Out): void {
    if (!this.#running || this.#missing.has(name)) return
    this.#missing.set(name, out.now)
    this.arm(out)
  }

  nodeFound(name: string): void {
    this.#missing.delete(name)
  }

  /** A pass is due at the next multiple of the period, if there is anything to look for. */
  arm(out: Out): void {
    if (this.#armed || !this.#running || !this.#hasWork()) return
    this.#armed = true
    const { periodMicros } = this.#context.options.podGarbageCollector
    out.after(periodMicros - (out.now % periodMicros), this, 0)
  }

  #hasWork(): boolean {
    const { terminatedPodThreshold } = this.#context.options.podGarbageCollector
    const tooMany = terminatedPodThreshold > 0 && this.#terminated.size > terminatedPodThreshold
    return this.#missing.size > 0 || this.#terminating.size > 0 || tooMany
  }

  *#pass(out: Out): Script {
    const { informers, options } = this.#context
    const { terminatedPodThreshold, quarantineMicros } = options.podGarbageCollector
    const now = out.now
    for (const pod of computeSurplusTerminated(this.#terminated, terminatedPodThreshold, (key) =>
      informers.pods.get(key),
    )) {
      yield* this.#remove(pod, 'terminated')
    }
    for (const key of [...this.#terminating]) {
      const pod = informers.pods.get(key)
      if (pod === undefined) continue
      const node = pod.spec.nodeName
      if (node === undefined || node === '') yield* this.#remove(pod, 'unscheduled-terminating')
      else if (isOutOfService(informers.nodes.get(node))) yield* this.#remove(pod, 'out-of-service')
    }
    for (const [name, since] of [...this.#missing]) {
      if (informers.nodes.get(name) !== undefined || informers.pods.byIndex(BY_NODE, name).length === 0) {
        this.#missing.delete(name)
      } else if (now - since >= quarantineMicros) yield* this.#removeOrphans(name)
    }
  }

  /** The cache says that the node is gone; the server has the last word. */
  *#removeOrphans(name: string): Script {
    const live = yield* get('nodes', undefined, name)
    if (live.ok || live.code !== 404) return
    for (const pod of this.#context.informers.pods.byIndex(BY_NODE, name)) yield* this.#remove(pod, 'orphaned')
  }

  /** Marks the pod failed, for no kubelet will, and removes it without grace. */
  *#remove(pod: Pod, reason: PodCollectedFact['reason']): Script {
    const { namespace, name, uid } = pod.metadata
    if (!isPodTerminal(pod)) {
      const stamp = timestamp(this.#context.out.wall)
      const conditions =
        reason === 'orphaned' ? withCondition(pod.status?.conditions, ORPHANED, stamp) : pod.status?.conditions
      const status = { phase: 'Failed', ...(conditions === undefined ? undefined : { conditions }) }
      const marked = yield* patch('pods', namespace, name, { metadata: { uid }, status }, 'status')
      if (!marked.ok && marked.code === 404) return
      must(marked)
    }
    const result = yield* remove('pods', namespace, name, { gracePeriodSeconds: 0, preconditions: { uid } })
    if (!result.ok && result.code === 404) return
    must(result)
    this.#context.note({ type: 'podgc-deleted', pod: keyOf(pod), reason })
  }
}

function isOutOfService(node: Node | undefined): boolean {
  if (node === undefined || readyCondition(node)?.status === 'True') return false
  return node.spec.taints?.some((taint) => taint.key === OUT_OF_SERVICE) ?? false
}

class PodHandler implements Handler<Pod> {
  readonly #collector: PodGarbageCollector
  readonly #context: ControllerContext

  constructor(collector: PodGarbageCollector, context: ControllerContext) {
    this.#collector = collector
    this.#context = context
  }

  onAdd(pod: Pod, _isInitial: boolean, out: Out): void {
    this.#collector.see(pod, out)
  }

  onUpdate(before: Pod, pod: Pod, out: Out): void {
    if (before.metadata.uid !== pod.metadata.uid) this.#collector.forget(keyOf(before))
    const same =
      before.status?.phase === pod.status?.phase &&
      before.spec.nodeName === pod.spec.nodeName &&
      before.metadata.deletionTimestamp === pod.metadata.deletionTimestamp
    if (!same) this.#collector.see(pod, out)
  }

  onDelete(deleted: Pod | Tombstone<Pod>): void {
    const pod = this.#context.decisions.deletedObject(deleted)
    if (pod !== undefined) this.#collector.forget(keyOf(pod))
  }
}

class NodeHandler implements Handler<Node> {
  readonly #collector: PodGarbageCollector
  readonly #context: ControllerContext

  constructor(collector: PodGarbageCollector, context: ControllerContext) {
    this.#collector = collector
    this.#context = context
  }

  onAdd(node: Node): void {
    this.#collector.nodeFound(node.metadata.name)
  }

  onDelete(deleted: Node | Tombstone<Node>, out: Out): void {
    const name = keyOf('tombstone' in deleted ? deleted.object : deleted)
    if (this.#context.informers.pods.byIndex(BY_NODE, name).length > 0) this.#collector.nodeMissing(name, out)
  }
}
