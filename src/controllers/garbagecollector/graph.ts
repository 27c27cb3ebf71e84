/**
 * Who owns whom, by uid. An owner that is referenced but was not seen yet is a virtual node: a guess at its coordinates, to be
 * checked by a live read before anything is concluded. Models kubernetes pkg/controller/garbagecollector graph_builder.go, v1.33.
 * The graph only says what should be looked at (`Attempt`s); it deletes nothing.
 */
import { invariant } from '../../kernel/index.ts'
import type { KubeObject, OwnerReference } from '../../objects/index.ts'
import type { Coordinates, GarbageCollectorDecisions } from './decisions.ts'

export const FOREGROUND_FINALIZER = 'foregroundDeletion'
export const ORPHAN_FINALIZER = 'orphan'

export interface GraphNode {
  readonly uid: string
  coordinates: Coordinates
  owners: readonly OwnerReference[]
  readonly dependents: Set<GraphNode>
  /** True until an informer has shown the object. */
  virtual: boolean
  beingDeleted: boolean
  /** Has the foreground finalizer and is being deleted: its dependents go first. */
  deletingDependents: boolean
}

/** Something to look at. `verify` is a virtual node's existence; `delete` an object whose owners may be gone; `orphan` an owner. */
export interface Attempt {
  readonly kind: 'verify' | 'delete' | 'orphan'
  readonly uid: string
}

const NO_OWNERS: readonly OwnerReference[] = Object.freeze([])

export class OwnerGraph {
  readonly #nodes = new Map<string, GraphNode>()
  readonly #decisions: GarbageCollectorDecisions
  /** Coordinates proved absent by a live read. A uid is never born twice, so an absence stays true. */
  readonly #absent = new Set<string>()

  constructor(decisions: GarbageCollectorDecisions) {
    this.#decisions = decisions
  }

  get size(): number {
    return this.#nodes.size
  }

  node(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid)
  }

  /** An informer shows an object, new or changed. `attempts` is appended to. */
  observe(object: KubeObject, attempts: Attempt[]): void {
    const uid = object.metadata.uid
    invariant(uid !== undefined, 'controllers: an object from the server has a uid', { name: object.metadata.name })
    let node = this.#nodes.get(uid)
    if (node === undefined) {
      node = this.#insert(uid, coordinatesOf(object), false)
    } else if (node.virtual) {
      node.virtual = false
      this.#correct(node, coordinatesOf(object), attempts)
    }
    this.#updateOwners(node, object.metadata.ownerReferences ?? NO_OWNERS, attempts)
    if (object.metadata.deletionTimestamp !== undefined) this.#updateDeletion(node, object, attempts)
  }

  /** An informer says that the object is gone: its dependents must be looked at. */
  remove(uid: string, attempts: Attempt[]): void {
    const node = this.#nodes.get(uid)
    if (node === undefined) return
    this.#absent.add(this.#decisions.gcAbsenceKey(uid, node.coordinates))
    this.#detach(node, attempts)
  }

  /**
   * A live read found nothing with that uid at those coordinates. Only dependents that mean exactly these coordinates have lost
   * their owner; when others mean another place, the virtual node lives on under their coordinates.
   */
  provedAbsent(uid: string, coordinates: Coordinates, attempts: Attempt[]): void {
    this.#absent.add(this.#decisions.gcAbsenceKey(uid, coordinates))
    const node = this.#nodes.get(uid)
    if (node === undefined) return
    if (!node.virtual) {
      if (sameCoordinates(node.coordinates, coordinates)) this.#detach(node, attempts)
      return
    }
    let other: Coordinates | undefined
    for (const dependent of node.dependents) {
      const meant = this.#meantBy(dependent, uid)
      if (this.#decisions.gcAbsenceConcerns(coordinates, meant)) attempts.push({ kind: 'delete', uid: dependent.uid })
      else other ??= meant
    }
    if (other === undefined) this.#detach(node, [])
    else if (sameCoordinates(node.coordinates, coordinates)) {
      node.coordinates = other
      attempts.push({ kind: 'verify', uid })
    }
  }

  /** A live read showed that an owner is not there. */
  recordAbsent(uid: string, coordinates: Coordinates): void {
    this.#absent.add(this.#decisions.gcAbsenceKey(uid, coordinates))
  }

  /** True when an earlier live read proved that there is no such object. */
  isAbsent(uid: string, coordinates: Coordinates): boolean {
    return this.#absent.has(this.#decisions.gcAbsenceKey(uid, coordinates))
  }

  /** The dependents that hold up the foreground deletion of this node. */
  blockingDependents(node: GraphNode): readonly GraphNode[] {
    const blocking: GraphNode[] = []
    for (const dependent of node.dependents) {
      const reference = dependent.owners.find((owner) => owner.uid === node.uid)
      if (reference?.blockOwnerDeletion === true) blocking.push(dependent)
    }
    return blocking
  }

  #insert(uid: string, coordinates: Coordinates, virtual: boolean): GraphNode {
    const node: GraphNode = {
      uid,
      coordinates,
      owners: NO_OWNERS,
      dependents: new Set(),
      virtual,
      beingDeleted: false,
      deletingDependents: false,
    }
    this.#nodes.set(uid, node)
    return node
  }

  #updateOwners(node: GraphNode, owners: readonly OwnerReference[], attempts: Attempt[]): void {
    const before = node.owners
    if (before === owners) return
    node.owners = owners
    for (const owner of before) {
      const after = owners.find((entry) => entry.uid === owner.uid)
      if (after !== undefined && (after.blockOwnerDeletion === true || owner.blockOwnerDeletion !== true)) continue
      const ownerNode = this.#nodes.get(owner.uid)
      if (after === undefined) ownerNode?.dependents.delete(node)
      if (ownerNode?.deletingDependents === true) attempts.push({ kind: 'delete', uid: owner.uid })
    }
    for (const owner of owners)
      if (!before.some((entry) => entry.uid === owner.uid)) this.#attach(node, owner, attempts)
  }

  #attach(node: GraphNode, reference: OwnerReference, attempts: Attempt[]): void {
    const meant = this.#decisions.gcOwnerCoordinates(reference, node.coordinates.namespace)
    let owner = this.#nodes.get(reference.uid)
    if (owner === undefined) {
      owner = this.#insert(reference.uid, meant, true)
      attempts.push({ kind: 'verify', uid: owner.uid })
    } else if (!sameCoordinates(owner.coordinates, meant)) {
      attempts.push({ kind: 'delete', uid: node.uid })
    }
    owner.dependents.add(node)
  }

  /** The first sight of a node that was guessed: dependents that meant another place are to be looked at. */
  #correct(node: GraphNode, seen: Coordinates, attempts: Attempt[]): void {
    node.coordinates = seen
    for (const dependent of node.dependents) {
      if (!sameCoordinates(this.#meantBy(dependent, node.uid), seen))
        attempts.push({ kind: 'delete', uid: dependent.uid })
    }
  }

  #updateDeletion(node: GraphNode, object: KubeObject, attempts: Attempt[]): void {
    const starts = !node.beingDeleted
    node.beingDeleted = true
    const finalizers = object.metadata.finalizers
    if (finalizers === undefined) return
    if (starts && finalizers.includes(ORPHAN_FINALIZER)) {
      attempts.push({ kind: 'orphan', uid: node.uid })
    } else if (!node.deletingDependents && finalizers.includes(FOREGROUND_FINALIZER)) {
      node.deletingDependents = true
      for (const dependent of node.dependents) attempts.push({ kind: 'delete', uid: dependent.uid })
      attempts.push({ kind: 'delete', uid: node.uid })
    }
  }

  #detach(node: GraphNode, attempts: Attempt[]): void {
    this.#nodes.delete(node.uid)
    for (const dependent of node.dependents) attempts.push({ kind: 'delete', uid: dependent.uid })
    for (const reference of node.owners) {
      const owner = this.#nodes.get(reference.uid)
      if (owner === undefined) continue
      owner.dependents.delete(node)
      if (owner.deletingDependents) attempts.push({ kind: 'delete', uid: owner.uid })
      if (owner.virtual && owner.dependents.size === 0) this.#nodes.delete(owner.uid)
    }
  }

  #meantBy(dependent: GraphNode, uid: string): Coordinates {
    const reference = dependent.owners.find((owner) => owner.uid === uid)
    invariant(reference !== undefined, 'controllers: a dependent refers to its owner', {
      dependent: dependent.uid,
      uid,
    })
    return this.#decisions.gcOwnerCoordinates(reference, dependent.coordinates.namespace)
  }
}

/** Where an object is, as seen. */
export function coordinatesOf(object: KubeObject): Coordinates {
  const { namespace, name } = object.metadata
  return { apiVersion: object.apiVersion, kind: object.kind, namespace: namespace ?? '', name }
}

export function sameCoordinates(a: Coordinates, b: Coordinates): boolean {
  return a.name === b.name && a.kind === b.kind && a.namespace === b.namespace && a.apiVersion === b.apiVersion
}
