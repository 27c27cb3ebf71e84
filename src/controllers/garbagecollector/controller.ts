/**
 * Deletes objects whose owners are all gone, in the background or before their owner goes, and orphans them when asked. Models
 * kubernetes pkg/controller/garbagecollector, v1.33. Nothing is deleted on the word of a cache: object and owners are read live.
 * Left out: discovery of resources, metadata-only watches, leases other than those of nodes.
 */
import {
  all,
  type ControllerLoop,
  call,
  type Handler,
  isSuccess,
  must,
  resultOf,
  type Script,
  ScriptError,
  type Tombstone,
} from '../../client/index.ts'
import type { Out } from '../../kernel/index.ts'
import {
  type ApiRequest,
  type ApiResponse,
  type DeleteOptions,
  type KubeObject,
  keyOf,
  type OwnerReference,
  type Resource,
  resourceOfKind,
} from '../../objects/index.ts'
import { type Controller, type ControllerContext, informerEntries } from '../context.ts'
import type { Coordinates } from './decisions.ts'
import {
  type Attempt,
  coordinatesOf,
  FOREGROUND_FINALIZER,
  type GraphNode,
  ORPHAN_FINALIZER,
  OwnerGraph,
} from './graph.ts'

const NAME = 'garbage-collector'

/** An owner reference after a look at the server. */
type OwnerState = 'solid' | 'dangling' | 'waiting'

export class GarbageCollector implements Controller {
  readonly name = NAME
  readonly graph: OwnerGraph
  readonly #context: ControllerContext
  readonly #deletions: ControllerLoop
  readonly #orphans: ControllerLoop
  readonly #attempts: Attempt[] = []

  constructor(context: ControllerContext) {
    this.#context = context
    this.graph = new OwnerGraph(context.decisions)
    const { workers } = context.options.garbageCollector
    this.#deletions = context.loop(NAME, workers, (key) => this.#attempt(key))
    this.#orphans = context.loop(NAME, workers, (key) => this.#orphan(key), { name: 'garbage-collector-orphan' })
    const handler = new ObjectHandler(this)
    for (const [, informer] of informerEntries(context.informers)) informer.addHandler(handler)
  }

  start(out: Out): void {
    this.#deletions.start(out)
    this.#orphans.start(out)
  }

  stop(out: Out): void {
    this.#deletions.stop(out)
    this.#orphans.stop(out)
  }

  onObserved(object: KubeObject, out: Out): void {
    this.graph.observe(object, this.#attempts)
    this.#queueAttempts(out)
  }

  onGone(object: KubeObject, out: Out): void {
    this.graph.remove(object.metadata.uid as string, this.#attempts)
    this.#queueAttempts(out)
  }

  #queueAttempts(out: Out): void {
    if (this.#attempts.length === 0) return
    for (const attempt of this.#attempts) {
      if (attempt.kind === 'orphan') this.#orphans.enqueue(attempt.uid, out)
      else this.#deletions.enqueue(`${attempt.kind}:${attempt.uid}`, out)
    }
    this.#attempts.length = 0
  }

  *#attempt(key: string): Script {
    const colon = key.indexOf(':')
    const node = this.graph.node(key.slice(colon + 1))
    if (node === undefined) return
    // A guessed owner that has been seen meanwhile needs no proof.
    if (key.startsWith('verify') && !node.virtual) return
    if (node.beingDeleted && !node.deletingDependents) return
    const live = yield* this.#read(node.coordinates)
    if (live === undefined || live.metadata.uid !== node.uid) {
      this.#provedAbsent(node)
      return
    }
    if (node.virtual) throw new ScriptError(`${node.uid} exists but no informer has shown it yet`)
    if (node.deletingDependents) yield* this.#finishForeground(node, live)
    else if (live.metadata.ownerReferences?.length) yield* this.#judge(node, live)
  }

  /** Deletes the object if every owner is gone; else takes the references to the gone ones out. */
  *#judge(node: GraphNode, live: KubeObject): Script {
    const references = live.metadata.ownerReferences as readonly OwnerReference[]
    const states: OwnerState[] = []
    for (const reference of references) states.push(yield* this.#stateOf(reference, node))
    const solid = references.filter((_reference, index) => states[index] === 'solid')
    if (solid.length === references.length) return
    if (solid.length > 0) {
      must(resultOf(yield* call(referencesPatch(live, solid))))
      return
    }
    const waiting = states.includes('waiting')
    if (waiting && node.dependents.size > 0) {
      yield* this.#breakCycle(node, live, references)
      yield* this.#remove(live, references, 'Foreground')
      return
    }
    const finalizers = live.metadata.finalizers ?? []
    const policy = finalizers.includes(ORPHAN_FINALIZER)
      ? 'Orphan'
      : finalizers.includes(FOREGROUND_FINALIZER)
        ? 'Foreground'
        : 'Background'
    yield* this.#remove(live, references, policy)
  }

  *#stateOf(reference: OwnerReference, node: GraphNode): Script<OwnerState> {
    const { decisions } = this.#context
    const coordinates = decisions.gcOwnerCoordinates(reference, node.coordinates.namespace)
    if (this.graph.isAbsent(reference.uid, coordinates)) return 'dangling'
    const info = resourceOfKind(reference.apiVersion, reference.kind)
    if (info === undefined) throw new ScriptError(`no resource for ${reference.apiVersion} ${reference.kind}`)
    // A cluster-scoped object cannot have a namespaced owner: nothing can be concluded, so nothing is deleted.
    if (info.namespaced && node.coordinates.namespace === '') return 'solid'
    const owner = yield* this.#read(coordinates)
    if (owner === undefined || owner.metadata.uid !== reference.uid) {
      this.graph.recordAbsent(reference.uid, coordinates)
      return 'dangling'
    }
    const waits =
      owner.metadata.deletionTimestamp !== undefined && owner.metadata.finalizers?.includes(FOREGROUND_FINALIZER)
    return waits ? 'waiting' : 'solid'
  }

  /** Owners that wait for each other's dependents would wait for ever: this object's references stop blocking. */
  *#breakCycle(node: GraphNode, live: KubeObject, references: readonly OwnerReference[]): Script {
    for (const dependent of node.dependents) {
      if (!dependent.deletingDependents) continue
      const unblocked = references.map((reference) => ({ ...reference, blockOwnerDeletion: false }))
      must(resultOf(yield* call(referencesPatch(live, unblocked))))
      return
    }
  }

  /** The last blocking dependent has gone: the owner may go. */
  *#finishForeground(node: GraphNode, live: KubeObject): Script {
    const blocking = this.graph.blockingDependents(node)
    if (blocking.length === 0) {
      yield* this.#removeFinalizer(live, FOREGROUND_FINALIZER)
      return
    }
    const { out } = this.#context
    for (const dependent of blocking) {
      if (!dependent.deletingDependents) this.#deletions.enqueue(`delete:${dependent.uid}`, out)
    }
  }

  *#remove(
    live: KubeObject,
    references: readonly OwnerReference[],
    propagationPolicy: DeleteOptions['propagationPolicy'],
  ): Script {
    const { uid, resourceVersion } = live.metadata
    const preconditions = { uid, resourceVersion }
    const coordinates = coordinatesOf(live)
    const request = requestFor(coordinates)
    const answer = yield* call({ ...request, verb: 'delete', options: { propagationPolicy, preconditions } })
    if (answer.code === 404) {
      const node = this.graph.node(uid as string)
      if (node !== undefined) this.#provedAbsent(node)
      return
    }
    must(resultOf(answer))
    const owners = references.map((reference) => reference.uid)
    this.#context.note({ type: 'gc-deleted', resource: request.resource, key: keyOf(live), owners })
  }

  /** Takes the owner's reference out of every dependent, then lets the owner go. */
  *#orphan(uid: string): Script {
    const node = this.graph.node(uid)
    if (node === undefined) return
    const dependents = [...node.dependents]
    const reads = yield* all(
      dependents.map((dependent): ApiRequest => ({ verb: 'get', ...requestFor(dependent.coordinates) })),
    )
    const patches: ApiRequest[] = []
    reads.forEach((answer, index) => {
      if (answer.code === 404) return
      const live = must(resultOf<KubeObject>(answer))
      if (live.metadata.uid !== dependents[index]?.uid) return
      const kept = (live.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== uid)
      patches.push(referencesPatch(live, kept))
    })
    for (const answer of yield* all(patches)) if (answer.code !== 404) must(resultOf(answer))
    const live = yield* this.#read(node.coordinates)
    if (live?.metadata.uid === uid) yield* this.#removeFinalizer(live, ORPHAN_FINALIZER)
  }

  *#removeFinalizer(live: KubeObject, finalizer: string): Script {
    const finalizers = (live.metadata.finalizers ?? []).filter((entry) => entry !== finalizer)
    if (finalizers.length === live.metadata.finalizers?.length) return
    const { uid, resourceVersion } = live.metadata
    const request = requestFor(coordinatesOf(live))
    const answer = yield* call({ ...request, verb: 'patch', patch: { metadata: { uid, resourceVersion, finalizers } } })
    if (answer.code !== 404) must(resultOf(answer))
  }

  /** The object that is there now, whatever its uid; undefined for none. */
  *#read(coordinates: Coordinates): Script<KubeObject | undefined> {
    const answer: ApiResponse = yield* call({ verb: 'get', ...requestFor(coordinates) })
    if (answer.code === 404) return undefined
    if (!isSuccess(answer)) must(resultOf(answer))
    return answer.body as KubeObject
  }

  #provedAbsent(node: GraphNode): void {
    this.graph.provedAbsent(node.uid, node.coordinates, this.#attempts)
    this.#queueAttempts(this.#context.out)
  }
}

/** Feeds the graph. */
class ObjectHandler implements Handler<KubeObject> {
  readonly #collector: GarbageCollector

  constructor(collector: GarbageCollector) {
    this.#collector = collector
  }

  onAdd(object: KubeObject, _isInitial: boolean, out: Out): void {
    this.#collector.onObserved(object, out)
  }

  onUpdate(before: KubeObject, object: KubeObject, out: Out): void {
    const { metadata } = object
    if (before.metadata.uid !== metadata.uid) this.#collector.onGone(before, out)
    else if (
      before.metadata.ownerReferences === metadata.ownerReferences &&
      before.metadata.finalizers === metadata.finalizers &&
      before.metadata.deletionTimestamp === metadata.deletionTimestamp
    ) {
      return
    }
    this.#collector.onObserved(object, out)
  }

  onDelete(deleted: KubeObject | Tombstone<KubeObject>, out: Out): void {
    this.#collector.onGone('tombstone' in deleted ? deleted.object : deleted, out)
  }
}

function requestFor(coordinates: Coordinates): {
  readonly resource: Resource
  readonly namespace: string | undefined
  readonly name: string
} {
  const info = resourceOfKind(coordinates.apiVersion, coordinates.kind)
  if (info === undefined) throw new ScriptError(`no resource for ${coordinates.apiVersion} ${coordinates.kind}`)
  const namespace = coordinates.namespace === '' ? undefined : coordinates.namespace
  return { resource: info.resource, namespace, name: coordinates.name }
}

function referencesPatch(live: KubeObject, ownerReferences: readonly OwnerReference[]): ApiRequest {
  const { uid, resourceVersion } = live.metadata
  return {
    verb: 'patch',
    ...requestFor(coordinatesOf(live)),
    patch: { metadata: { uid, resourceVersion, ownerReferences } },
  }
}
