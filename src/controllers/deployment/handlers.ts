/** What wakes a deployment: itself, its sets, and with Recreate the end of its last old pod. Models deployment_controller.go, v1.33. */
import type { ControllerLoop, Handler, Tombstone } from '../../client/index.ts'
import type { Out } from '../../kernel/index.ts'
import { type Deployment, keyOf, type Pod, type ReplicaSet, sameValue, selectorMatches } from '../../objects/index.ts'
import type { ControllerContext } from '../context.ts'
import { controllerOf } from '../owners.ts'
import { isRollingUpdate } from './fenceposts.ts'

export class DeploymentHandler implements Handler<Deployment> {
  readonly #loop: ControllerLoop

  constructor(loop: ControllerLoop) {
    this.#loop = loop
  }

  onAdd(deployment: Deployment, _isInitial: boolean, out: Out): void {
    this.#loop.enqueue(keyOf(deployment), out)
  }

  onUpdate(_before: Deployment, deployment: Deployment, out: Out): void {
    this.#loop.enqueue(keyOf(deployment), out)
  }
}

export class SetHandler implements Handler<ReplicaSet> {
  readonly #loop: ControllerLoop
  readonly #context: ControllerContext

  constructor(loop: ControllerLoop, context: ControllerContext) {
    this.#loop = loop
    this.#context = context
  }

  onAdd(set: ReplicaSet, _isInitial: boolean, out: Out): void {
    if (!this.#wakeOwner(set, out)) this.#wakeSelecting(set, out)
  }

  onUpdate(before: ReplicaSet, set: ReplicaSet, out: Out): void {
    if (before.metadata.resourceVersion === set.metadata.resourceVersion) return
    const sameOwner = sameValue(controllerOf(before), controllerOf(set))
    if (!sameOwner) this.#wakeOwner(before, out)
    if (this.#wakeOwner(set, out)) return
    if (!sameOwner || !sameValue(before.metadata.labels, set.metadata.labels)) this.#wakeSelecting(set, out)
  }

  onDelete(deleted: ReplicaSet | Tombstone<ReplicaSet>, out: Out): void {
    const set = this.#context.decisions.deletedObject(deleted)
    if (set !== undefined) this.#wakeOwner(set, out)
  }

  /** False for an orphan. */
  #wakeOwner(set: ReplicaSet, out: Out): boolean {
    const reference = controllerOf(set)
    if (reference === undefined) return false
    const key = `${set.metadata.namespace}/${reference.name}`
    const deployment = reference.kind === 'Deployment' ? this.#context.informers.deployments.get(key) : undefined
    if (deployment?.metadata.uid === reference.uid) this.#loop.enqueue(key, out)
    return true
  }

  /** Orphans are rare: all deployments are asked. */
  #wakeSelecting(set: ReplicaSet, out: Out): void {
    for (const deployment of this.#context.informers.deployments.list()) {
      const near = deployment.metadata.namespace === set.metadata.namespace
      if (near && selectorMatches(deployment.spec.selector, set.metadata.labels))
        this.#loop.enqueue(keyOf(deployment), out)
    }
  }
}

/** A Recreate deployment waits for its old pods to be gone. */
export class RecreatePodHandler implements Handler<Pod> {
  readonly #loop: ControllerLoop
  readonly #context: ControllerContext

  constructor(loop: ControllerLoop, context: ControllerContext) {
    this.#loop = loop
    this.#context = context
  }

  onDelete(deleted: Pod | Tombstone<Pod>, out: Out): void {
    const pod = this.#context.decisions.deletedObject(deleted)
    const reference = pod === undefined ? undefined : controllerOf(pod)
    if (reference === undefined || reference.kind !== 'ReplicaSet') return
    const { replicaSets, deployments } = this.#context.informers
    const namespace = pod?.metadata.namespace
    const set = replicaSets.get(`${namespace}/${reference.name}`)
    const owner = set === undefined ? undefined : controllerOf(set)
    if (owner === undefined) return
    const key = `${namespace}/${owner.name}`
    const deployment = deployments.get(key)
    if (deployment !== undefined && !isRollingUpdate(deployment)) this.#loop.enqueue(key, out)
  }
}
