/**
 * The handlers of a controller whose objects select pods by labels (Services, budgets): what an object selects is kept in
 * `Selections`, and a pod that comes, changes or goes wakes the objects that select it or did so before.
 * Models the event handlers of kubernetes pkg/controller/endpointslice and pkg/controller/disruption, v1.33.
 */
import type { ControllerLoop, Handler, Tombstone } from '../client/index.ts'
import type { Out } from '../kernel/index.ts'
import { type KubeObject, keyOf, type Pod, sameValue } from '../objects/index.ts'
import type { LabelMatcher } from '../objects/selector.ts'
import type { ControllerContext } from './context.ts'
import type { Anchor, Selections } from './selections.ts'

/** How objects of a kind select pods. */
export interface Selector<T> {
  /** As it stands in the object: as long as it is the same, the same pods are selected. */
  written(object: T): unknown
  /** Undefined: the object selects nothing. */
  compiled(object: T): { readonly anchor: Anchor; readonly matches: LabelMatcher } | undefined
}

/** Files what objects select, and has them synced. */
export class SelectorHandler<T extends KubeObject> implements Handler<T> {
  readonly #loop: ControllerLoop
  readonly #selections: Selections
  readonly #selector: Selector<T>

  constructor(loop: ControllerLoop, selections: Selections, selector: Selector<T>) {
    this.#loop = loop
    this.#selections = selections
    this.#selector = selector
  }

  onAdd(object: T, _isInitial: boolean, out: Out): void {
    const key = keyOf(object)
    const compiled = this.#selector.compiled(object)
    if (compiled === undefined) this.#selections.removeSelector(key)
    else this.#selections.setSelector(key, object.metadata.namespace ?? '', compiled.anchor, compiled.matches)
    this.#loop.enqueue(key, out)
  }

  onUpdate(before: T, object: T, out: Out): void {
    if (sameValue(this.#selector.written(before), this.#selector.written(object)))
      this.#loop.enqueue(keyOf(object), out)
    else this.onAdd(object, false, out)
  }

  onDelete(deleted: T | Tombstone<T>, out: Out): void {
    const key = keyOf('tombstone' in deleted ? deleted.object : deleted)
    this.#selections.removeSelector(key)
    this.#loop.enqueue(key, out)
  }
}

/** Which news of a pod matter to those who select it, and what is done then. */
export interface PodInterest {
  /** A new pod. */
  matters(pod: Pod): boolean
  /** A pod whose labels stayed the same. */
  changed(before: Pod, pod: Pod): boolean
  /** `key`: of an object that selects the pod. */
  wake(key: string, out: Out): void
}

/** Keeps the pods that can be selected, and wakes the objects that select one. */
export class SelectedPodHandler implements Handler<Pod> {
  readonly #selections: Selections
  readonly #context: ControllerContext
  readonly #interest: PodInterest

  constructor(selections: Selections, context: ControllerContext, interest: PodInterest) {
    this.#selections = selections
    this.#context = context
    this.#interest = interest
  }

  onAdd(pod: Pod, _isInitial: boolean, out: Out): void {
    const key = keyOf(pod)
    this.#selections.setMember(key, pod.metadata.namespace ?? '', pod.metadata.labels)
    if (this.#interest.matters(pod)) this.#wake(key, out)
  }

  /** With other labels it may be selected by others: those from before and those from now are woken. */
  onUpdate(before: Pod, pod: Pod, out: Out): void {
    const key = keyOf(pod)
    if (!sameValue(before.metadata.labels, pod.metadata.labels)) {
      this.#wake(key, out)
      this.#selections.setMember(key, pod.metadata.namespace ?? '', pod.metadata.labels)
    } else if (!this.#interest.changed(before, pod)) return
    this.#wake(key, out)
  }

  onDelete(deleted: Pod | Tombstone<Pod>, out: Out): void {
    const pod = this.#context.decisions.deletedObject(deleted)
    if (pod === undefined) return
    const key = keyOf(pod)
    this.#wake(key, out)
    this.#selections.removeMember(key, pod.metadata.namespace ?? '')
  }

  #wake(podKey: string, out: Out): void {
    this.#selections.forEachSelecting(podKey, (key) => this.#interest.wake(key, out))
  }
}
