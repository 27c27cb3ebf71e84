/**
 * Keeps as many pods as a ReplicaSet wants. Models kubernetes pkg/controller/replicaset, v1.33. The cores are in this folder's other
 * files; here are the handlers, which wake the right set, and the reconcile, which waits. Left out: events, ReplicationControllers.
 */
import {
  all,
  type ControllerLoop,
  createRequest,
  get,
  type Handler,
  isSuccess,
  must,
  type Script,
  ScriptError,
  type Tombstone,
  updateStatus,
} from '../../client/index.ts'
import { invariant, type Out } from '../../kernel/index.ts'
import {
  type ApiRequest,
  type CoreEvent,
  findCondition,
  isPodActive,
  keyOf,
  type Pod,
  type ReplicaSet,
  type Status,
  sameValue,
  selectorMatches,
} from '../../objects/index.ts'
import { BY_NAMESPACE, BY_OWNER, type Controller, type ControllerContext } from '../context.ts'
import { controllerOf, controllerReference, orphanIndexValue } from '../owners.ts'
import { adoptedReferences, computePodClaims, releasedReferences } from './claim.ts'
import { Expectations } from './expectations.ts'
import {
  computeReplicaSetStatus,
  type ReplicaFailure,
  type ReplicaSetStatus,
  replicaSetStatusOf,
  sameReplicaSetStatus,
} from './status.ts'
import { PodTally } from './tally.ts'

const NAME = 'replicaset'
const KIND = 'ReplicaSet'
const NO_PODS = new PodTally()
const NONE: readonly Pod[] = Object.freeze([])

export class ReplicaSetController implements Controller {
  readonly name = NAME
  readonly expectations = new Expectations()
  readonly #context: ControllerContext
  readonly #loop: ControllerLoop
  readonly #tallyOf: (owner: string) => PodTally | undefined

  constructor(context: ControllerContext) {
    this.#context = context
    this.#loop = context.loop(NAME, context.options.replicaSet.workers, (key, out) => this.#sync(key, out))
    this.#tallyOf = context.informers.pods.addTally(BY_OWNER, () => new PodTally())
    context.informers.replicaSets.addHandler(new SetHandler(this))
    context.informers.pods.addHandler(new PodHandler(this, context))
  }

  start(out: Out): void {
    this.#loop.start(out)
  }

  stop(out: Out): void {
    this.#loop.stop(out)
  }

  enqueue(key: string, out: Out): void {
    this.#loop.enqueue(key, out)
  }

  onSetDeleted(set: ReplicaSet, out: Out): void {
    this.expectations.forget(keyOf(set))
    this.#loop.enqueue(keyOf(set), out)
  }

  *#sync(key: string, out: Out): Script {
    const { informers, decisions } = this.#context
    const set = informers.replicaSets.get(key)
    if (set === undefined) {
      this.expectations.forget(key)
      return
    }
    const mayAct = decisions.replicaSetMayAct(this.expectations.satisfied(key, out.now))
    const expiresAt = this.expectations.expiresAt(key)
    if (!mayAct && expiresAt !== undefined) this.#loop.enqueueAfter(key, expiresAt - out.now + 1, out)
    const manages = mayAct && set.metadata.deletionTimestamp === undefined
    const orphans = informers.pods.byIndex(BY_OWNER, orphanIndexValue(set.metadata.namespace)).filter(isPodActive)
    const counts =
      orphans.length > 0 ? undefined : (this.#tallyOf(set.metadata.uid as string) ?? NO_PODS).countsFor(set)
    if (counts !== undefined && !(manages && counts.replicas > (set.spec.replicas ?? 1))) {
      const failure = manages ? yield* this.#manage(key, set, counts.replicas, NONE) : undefined
      yield* this.#writeStatus(set, replicaSetStatusOf(set, counts, failure, this.#context.out.wall), failure)
      return
    }
    const controlled = informers.pods.byIndex(BY_OWNER, set.metadata.uid as string).filter(isPodActive)
    const claims = computePodClaims(set, controlled, orphans)
    const moved = claims.adoptable.length > 0 || claims.releasable.length > 0
    const pods = moved ? yield* this.#claim(set, claims.owned, claims.adoptable, claims.releasable) : claims.owned
    const failure = manages ? yield* this.#manage(key, set, pods.length, pods) : undefined
    const { wall } = this.#context.out
    const { status, nextAvailableMicros } = computeReplicaSetStatus(set, pods, failure, wall)
    if (nextAvailableMicros !== undefined) this.#loop.enqueueAfter(key, nextAvailableMicros, this.#context.out)
    yield* this.#writeStatus(set, status, failure)
  }

  /** Lets go of what is no longer selected, takes on orphans; answers the pods that are then owned. */
  *#claim(
    set: ReplicaSet,
    owned: readonly Pod[],
    adoptable: readonly Pod[],
    releasable: readonly Pod[],
  ): Script<readonly Pod[]> {
    const requests: ApiRequest[] = releasable.map((pod) => referencePatch(pod, releasedReferences(pod, set)))
    if (adoptable.length > 0) {
      const live = must(yield* get('replicasets', set.metadata.namespace, set.metadata.name))
      if (live.metadata.uid !== set.metadata.uid) throw new ScriptError('the original ReplicaSet is gone')
      if (live.metadata.deletionTimestamp !== undefined) throw new ScriptError('the ReplicaSet has just been deleted')
      for (const pod of adoptable) requests.push(referencePatch(pod, adoptedReferences(pod, set)))
    }
    const answers = yield* all(requests)
    let failed: Status | undefined
    const pods = [...owned]
    answers.forEach((answer, index) => {
      if (isSuccess(answer)) {
        if (index >= releasable.length) pods.push(answer.body as Pod)
      } else if (answer.code !== 404) failed ??= answer.body as Status
    })
    if (failed !== undefined) throw new ScriptError(`claiming pods: ${failed.message ?? failed.reason ?? ''}`)
    return pods
  }

  /**
   * Creates what is missing or deletes what is too much, having written down beforehand what must then be seen. `pods` are the
   * `present` ones; they are only looked at when there are too many.
   */
  *#manage(key: string, set: ReplicaSet, present: number, pods: readonly Pod[]): Script<ReplicaFailure | undefined> {
    const { options, decisions, informers } = this.#context
    const surplus = present - (set.spec.replicas ?? 1)
    if (surplus === 0) return undefined
    const count = Math.min(Math.abs(surplus), options.replicaSet.burstReplicas)
    const out = this.#context.out
    if (surplus < 0) {
      this.expectations.expectCreations(key, count, out.now)
      return yield* this.#create(key, set, count)
    }
    const owner = controllerOf(set)
    const related: Pod[] = []
    if (owner === undefined) related.push(...pods)
    else {
      for (const sibling of informers.replicaSets.byIndex(BY_OWNER, owner.uid)) {
        related.push(...informers.pods.byIndex(BY_OWNER, sibling.metadata.uid as string))
      }
    }
    const going = decisions.replicaSetPodsToDelete(pods, related, count, out.wall)
    invariant(going.length === count, 'controllers: as many pods go as are too many', {
      key,
      count,
      going: going.length,
    })
    this.expectations.expectDeletions(key, going.map(keyOf), out.now)
    return yield* this.#delete(key, set, going)
  }

  /** In batches of 1, 2, 4 ...: when the first fails, the rest would too. */
  *#create(key: string, set: ReplicaSet, count: number): Script<ReplicaFailure | undefined> {
    const request = createRequest('pods', podOf(set))
    let left = count
    let batch = 1
    while (left > 0) {
      const answers = yield* all(new Array<ApiRequest>(Math.min(batch, left)).fill(request))
      let failure: string | undefined
      for (const answer of answers) {
        if (isSuccess(answer)) {
          this.#noteChange('controller-created-pod', key, keyOf(answer.body as Pod))
          this.#tell(set, 'Normal', 'SuccessfulCreate', `Created pod: ${(answer.body as Pod).metadata.name}`)
        } else {
          this.expectations.creationObserved(key)
          if (!isNamespaceTerminating(answer.body as Status)) failure ??= (answer.body as Status).message ?? 'no answer'
        }
      }
      left -= answers.length
      batch *= 2
      if (failure !== undefined) {
        for (let i = 0; i < left; i++) this.expectations.creationObserved(key)
        this.#tell(set, 'Warning', 'FailedCreate', `Error creating: ${failure}`)
        return { reason: 'FailedCreate', message: failure }
      }
    }
    return undefined
  }

  *#delete(key: string, set: ReplicaSet, pods: readonly Pod[]): Script<ReplicaFailure | undefined> {
    const answers = yield* all(
      pods.map((pod): ApiRequest => {
        const { namespace, name, uid } = pod.metadata
        return { verb: 'delete', resource: 'pods', namespace, name, options: { preconditions: { uid } } }
      }),
    )
    let failure: string | undefined
    answers.forEach((answer, index) => {
      const podKey = keyOf(pods[index] as Pod)
      if (isSuccess(answer)) {
        this.#noteChange('controller-deleted-pod', key, podKey)
        this.#tell(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${(pods[index] as Pod).metadata.name}`)
        return
      }
      this.expectations.deletionObserved(key, podKey)
      if (answer.code !== 404) failure ??= (answer.body as Status).message ?? 'no answer'
    })
    return failure === undefined ? undefined : { reason: 'FailedDelete', message: failure }
  }

  /** Writes the status where it says something new, then fails if the pods could not be made or deleted. */
  *#writeStatus(set: ReplicaSet, status: ReplicaSetStatus, failure: ReplicaFailure | undefined): Script {
    if (!sameReplicaSetStatus(set.status, status)) yield* this.#putStatus(set, status)
    if (failure !== undefined) throw new ScriptError(failure.message)
  }

  *#putStatus(set: ReplicaSet, status: ReplicaSetStatus): Script {
    let result = yield* updateStatus('replicasets', { ...set, status })
    if (!result.ok && result.code === 409) {
      // Once more on top of the live object, as upstream; nobody else writes this status.
      const live = yield* get('replicasets', set.metadata.namespace, set.metadata.name)
      if (!live.ok || live.value.metadata.uid !== set.metadata.uid) return
      result = yield* updateStatus('replicasets', { ...live.value, status })
    }
    if (!result.ok && result.code !== 404) must(result)
  }

  #tell(set: ReplicaSet, type: CoreEvent['type'], reason: string, message: string): void {
    this.#context.tell('replicaset-controller', set, type, reason, message)
  }

  #noteChange(type: 'controller-created-pod' | 'controller-deleted-pod', owner: string, pod: string): void {
    this.#context.note({ type, controller: KIND, owner, pod })
  }
}

/** Wakes a set when it changes. */
class SetHandler implements Handler<ReplicaSet> {
  readonly #controller: ReplicaSetController

  constructor(controller: ReplicaSetController) {
    this.#controller = controller
  }

  onAdd(set: ReplicaSet, _isInitial: boolean, out: Out): void {
    this.#controller.enqueue(keyOf(set), out)
  }

  onUpdate(before: ReplicaSet, set: ReplicaSet, out: Out): void {
    if (before.metadata.uid !== set.metadata.uid) this.#controller.onSetDeleted(before, out)
    this.#controller.enqueue(keyOf(set), out)
  }

  onDelete(deleted: ReplicaSet | Tombstone<ReplicaSet>, out: Out): void {
    this.#controller.onSetDeleted('tombstone' in deleted ? deleted.object : deleted, out)
  }
}

/** Wakes the set of a pod and writes down what has been seen. */
class PodHandler implements Handler<Pod> {
  readonly #controller: ReplicaSetController
  readonly #context: ControllerContext

  constructor(controller: ReplicaSetController, context: ControllerContext) {
    this.#controller = controller
    this.#context = context
  }

  onAdd(pod: Pod, _isInitial: boolean, out: Out): void {
    if (pod.metadata.deletionTimestamp !== undefined) {
      this.#gone(pod, out)
      return
    }
    const reference = controllerOf(pod)
    if (reference === undefined) {
      this.#wakeSelecting(pod, out)
      return
    }
    const key = this.#ownerKey(pod)
    if (key === undefined) return
    this.#controller.expectations.creationObserved(key)
    this.#controller.enqueue(key, out)
  }

  onUpdate(before: Pod, pod: Pod, out: Out): void {
    if (before.metadata.resourceVersion === pod.metadata.resourceVersion) return
    if (before.metadata.uid !== pod.metadata.uid) {
      this.#gone(before, out)
      this.onAdd(pod, false, out)
      return
    }
    if (pod.metadata.deletionTimestamp !== undefined) {
      this.#gone(pod, out)
      return
    }
    const sameReferences = sameValue(before.metadata.ownerReferences, pod.metadata.ownerReferences)
    if (!sameReferences) {
      const previous = this.#ownerKey(before)
      if (previous !== undefined) this.#controller.enqueue(previous, out)
    }
    const sameLabels = sameValue(before.metadata.labels, pod.metadata.labels)
    if (controllerOf(pod) === undefined) {
      if (!sameReferences || !sameLabels) this.#wakeSelecting(pod, out)
      return
    }
    if (sameReferences && sameLabels && !matters(before, pod)) return
    const key = this.#ownerKey(pod)
    if (key !== undefined) this.#controller.enqueue(key, out)
  }

  onDelete(deleted: Pod | Tombstone<Pod>, out: Out): void {
    const pod = this.#context.decisions.deletedObject(deleted)
    if (pod !== undefined) this.#gone(pod, out)
  }

  #gone(pod: Pod, out: Out): void {
    const key = this.#ownerKey(pod)
    if (key === undefined) return
    this.#controller.expectations.deletionObserved(key, keyOf(pod))
    this.#controller.enqueue(key, out)
  }

  /** The key of the pod's set, if that very set (by uid) is in the cache. */
  #ownerKey(pod: Pod): string | undefined {
    const reference = controllerOf(pod)
    if (reference === undefined || reference.kind !== KIND) return undefined
    const key = `${pod.metadata.namespace}/${reference.name}`
    return this.#context.informers.replicaSets.get(key)?.metadata.uid === reference.uid ? key : undefined
  }

  #wakeSelecting(pod: Pod, out: Out): void {
    for (const set of this.#context.informers.replicaSets.byIndex(BY_NAMESPACE, pod.metadata.namespace ?? '')) {
      if (selectorMatches(set.spec.selector, pod.metadata.labels)) this.#controller.enqueue(keyOf(set), out)
    }
  }
}

/** True when a pod's change can show in its set: upstream wakes the set for every change; most cannot matter. */
function matters(before: Pod, after: Pod): boolean {
  if (before.status?.phase !== after.status?.phase) return true
  const readyBefore = findCondition(before.status?.conditions, 'Ready')
  const readyAfter = findCondition(after.status?.conditions, 'Ready')
  return (
    readyBefore?.status !== readyAfter?.status || readyBefore?.lastTransitionTime !== readyAfter?.lastTransitionTime
  )
}

/** The pod to create: the template, named after the set, owned by it. Its spec is the template's own, shared. */
function podOf(set: ReplicaSet): Pod {
  const { metadata, spec } = set.spec.template
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: '',
      generateName: `${set.metadata.name}-`,
      namespace: set.metadata.namespace,
      labels: metadata?.labels,
      annotations: metadata?.annotations,
      finalizers: metadata?.finalizers,
      ownerReferences: [controllerReference(set)],
    },
    spec,
  }
}

/** Carries the version: of two that change a pod's references at once, one is refused. */
function referencePatch(pod: Pod, ownerReferences: NonNullable<Pod['metadata']['ownerReferences']>): ApiRequest {
  const { namespace, name, uid, resourceVersion } = pod.metadata
  return {
    verb: 'patch',
    resource: 'pods',
    namespace,
    name,
    patch: { metadata: { uid, resourceVersion, ownerReferences } },
  }
}

function isNamespaceTerminating(status: Status): boolean {
  return status.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating') ?? false
}
