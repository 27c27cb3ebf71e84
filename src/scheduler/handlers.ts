/**
 * What the informers' news mean for cache and queue. Models kubernetes pkg/scheduler/eventhandlers.go, v1.33. Ended pods are
 * told apart here, where upstream leaves them out of its watch.
 */
import { type Handler, isTombstone, type Tombstone, unwrapped } from '../client/index.ts'
import type { Out } from '../kernel/machine.ts'
import { isPodTerminal, type Node, type Pod, sameValue } from '../objects/index.ts'
import type { Binder } from './binder.ts'
import type { SchedulerCache } from './cache.ts'
import { nodeChange } from './hints.ts'
import type { CompleteSchedulerOptions } from './options.ts'
import { podId, podInfoOf } from './podinfo.ts'
import type { SchedulingQueue } from './queue.ts'

export class ClusterHandlers {
  readonly pods: Handler<Pod>
  readonly nodes: Handler<Node>
  readonly #options: CompleteSchedulerOptions
  readonly #queue: SchedulingQueue
  readonly #binder: Binder
  #cache: SchedulerCache

  constructor(options: CompleteSchedulerOptions, cache: SchedulerCache, queue: SchedulingQueue, binder: Binder) {
    this.#options = options
    this.#cache = cache
    this.#queue = queue
    this.#binder = binder
    this.pods = {
      onAdd: (pod, _isInitial, out) => this.#addPod(pod, out),
      onUpdate: (before, pod, out) => this.#updatePod(before, pod, out),
      onDelete: (pod, out) => this.#deletePod(pod, out),
    }
    this.nodes = {
      onAdd: (node, _isInitial, out) => this.#addNode(node, out),
      onUpdate: (before, node, out) => this.#updateNode(before, node, out),
      onDelete: (node) => this.#cache.removeNode(unwrapped(node).metadata.name),
    }
  }

  /** Goes on with a new, empty cache, filled from what the informers hold. */
  refill(cache: SchedulerCache, nodes: Iterable<Node>, pods: Iterable<Pod>, out: Out): void {
    this.#cache = cache
    for (const node of nodes) this.#addNode(node, out)
    for (const pod of pods) this.#addPod(pod, out)
  }

  #addNode(node: Node, out: Out): void {
    this.#queue.onEvent({ kind: 'node-added', node: this.#cache.setNode(node) }, out)
  }

  #updateNode(before: Node, node: Node, out: Out): void {
    // A node that was deleted and made anew between two looks is a new one.
    if (before.metadata.uid !== node.metadata.uid) {
      this.#cache.removeNode(node.metadata.name)
      this.#addNode(node, out)
      return
    }
    const known = this.#cache.node(node.metadata.name)
    if (known?.node !== undefined && nodeChange(before, node, known) === undefined) return
    const event = nodeChange(before, node, this.#cache.setNode(node))
    if (event !== undefined) this.#queue.onEvent(event, out)
  }

  #addPod(pod: Pod, out: Out): void {
    if (isAssigned(pod)) this.#seeAssigned(pod, out)
    else if (this.#isResponsible(pod)) this.#queue.add(podInfoOf(pod), out)
  }

  #updatePod(before: Pod, pod: Pod, out: Out): void {
    if (podId(before) !== podId(pod)) {
      this.#deletePod(before, out)
      this.#addPod(pod, out)
    } else if (isAssigned(pod)) {
      if (!this.#isOldNews(before, pod)) this.#seeAssigned(pod, out)
    } else if (this.#isResponsible(pod) && !this.#cache.isAssumed(podId(pod))) {
      this.#queue.update(podInfoOf(pod), !sameForScheduling(before, pod), out)
    }
  }

  /** A status update of a bound pod that is counted as it is. */
  #isOldNews(before: Pod, pod: Pod): boolean {
    const id = podId(pod)
    if (this.#cache.isAssumed(id) || this.#cache.nodeOf(id) !== pod.spec.nodeName) return false
    return this.#options.decisions.countsPod(pod) && sameForScheduling(before, pod)
  }

  #seeAssigned(pod: Pod, out: Out): void {
    const id = podId(pod)
    this.#queue.delete(id)
    if (this.#options.decisions.countsPod(pod)) {
      this.#cache.setPod(pod)
      this.#binder.seenBound(id, pod.spec.nodeName as string, out)
      this.#queue.onEvent({ kind: 'pod-bound' }, out)
    } else {
      this.#binder.seenBound(id, pod.spec.nodeName as string, out)
      this.#remove(pod, out)
    }
  }

  #deletePod(object: Pod | Tombstone<Pod>, out: Out): void {
    const pod = unwrapped(object)
    const id = podId(pod)
    const forgets = this.#options.decisions.forgetsDeleted(pod, isTombstone(object))
    if (forgets.queue) this.#queue.delete(id)
    this.#binder.drop(id)
    if (forgets.cache) this.#remove(pod, out)
  }

  #remove(pod: Pod, out: Out): void {
    if (this.#cache.removePod(pod)) this.#queue.onEvent({ kind: 'pod-gone', pod: podInfoOf(pod) }, out)
  }

  #isResponsible(pod: Pod): boolean {
    return (pod.spec.schedulerName ?? 'default-scheduler') === this.#options.schedulerName && !isPodTerminal(pod)
  }
}

function isAssigned(pod: Pod): boolean {
  return pod.spec.nodeName !== undefined && pod.spec.nodeName !== ''
}

/** True when nothing changed that filters read. */
function sameForScheduling(before: Pod, pod: Pod): boolean {
  const { labels } = before.metadata
  const same = before.spec === pod.spec || sameValue(before.spec, pod.spec)
  return same && (labels === pod.metadata.labels || sameValue(labels, pod.metadata.labels))
}
