/** Orders of ReplicaSets. Models kubernetes pkg/controller ReplicaSetsByCreationTimestamp, BySizeOlder and BySizeNewer, v1.33. */
import type { ReplicaSet } from '../../objects/index.ts'
import { desiredReplicas } from './fenceposts.ts'

/** Oldest first; equal stamps (they have whole seconds) by name. */
export function compareByCreation(a: ReplicaSet, b: ReplicaSet): number {
  return compareText(a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '') || byName(a, b)
}

/** Largest first, older before newer. */
export function compareBySizeOlder(a: ReplicaSet, b: ReplicaSet): number {
  return desiredReplicas(b) - desiredReplicas(a) || compareByCreation(a, b)
}

/** Largest first, newer before older. */
export function compareBySizeNewer(a: ReplicaSet, b: ReplicaSet): number {
  return desiredReplicas(b) - desiredReplicas(a) || compareByCreation(b, a)
}

function byName(a: ReplicaSet, b: ReplicaSet): number {
  return compareText(a.metadata.name, b.metadata.name)
}

/** By code units; RFC 3339 stamps of one form sort by time this way. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
