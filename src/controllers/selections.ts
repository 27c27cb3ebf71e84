/**
 * Who selects whom: selectors (of Services, budgets, ReplicaSets) against the labels of pods, indexed from both sides, so that a pod
 * event never scans all selectors and a sync never scans all pods. Models the purpose of endpointslice util GetPodServiceMemberships
 * (v1.33), not its scan. Invariant: a pod is a member of a selector if and only if both are known, share the namespace and match.
 */
import { invariant } from '../kernel/index.ts'
import type { Labels } from '../objects/index.ts'
import type { LabelMatcher } from '../objects/selector.ts'

/** A label that every match must carry, by which a selector is filed. Undefined: the selector is asked for every pod of its namespace. */
export type Anchor = readonly [key: string, value: string] | undefined

interface Selecting {
  readonly key: string
  readonly namespace: string
  readonly bucket: string
  readonly matches: LabelMatcher
  readonly members: Set<string>
}

interface Member {
  labels: Labels | undefined
  selectedBy: readonly Selecting[]
}

const NONE: readonly Selecting[] = Object.freeze([])

export class Selections {
  readonly #selectors = new Map<string, Selecting>()
  readonly #buckets = new Map<string, Set<Selecting>>()
  readonly #members = new Map<string, Member>()
  readonly #byNamespace = new Map<string, Set<string>>()

  /** Files or replaces a selector under `key` and finds its members among the pods known so far in its namespace. */
  setSelector(key: string, namespace: string, anchor: Anchor, matches: LabelMatcher): void {
    this.removeSelector(key)
    const bucket = bucketName(namespace, anchor)
    const selecting: Selecting = { key, namespace, bucket, matches, members: new Set() }
    this.#selectors.set(key, selecting)
    let others = this.#buckets.get(bucket)
    if (others === undefined) {
      others = new Set()
      this.#buckets.set(bucket, others)
    }
    others.add(selecting)
    for (const podKey of this.#byNamespace.get(namespace) ?? []) {
      const member = this.#members.get(podKey)
      if (member === undefined || !matches(member.labels)) continue
      selecting.members.add(podKey)
      member.selectedBy = [...member.selectedBy, selecting]
    }
  }

  removeSelector(key: string): void {
    const selecting = this.#selectors.get(key)
    if (selecting === undefined) return
    this.#selectors.delete(key)
    const others = this.#buckets.get(selecting.bucket)
    others?.delete(selecting)
    if (others?.size === 0) this.#buckets.delete(selecting.bucket)
    for (const podKey of selecting.members) {
      const member = this.#members.get(podKey)
      invariant(member !== undefined, 'controllers: a selector holds only known pods', { key, podKey })
      member.selectedBy = member.selectedBy.filter((other) => other !== selecting)
    }
  }

  /** A pod was seen. Costs one map lookup when its labels are the ones known already. */
  setMember(podKey: string, namespace: string, labels: Labels | undefined): void {
    const known = this.#members.get(podKey)
    if (known !== undefined && known.labels === labels) return
    const selectedBy = this.#selecting(namespace, labels)
    if (known === undefined) {
      this.#members.set(podKey, { labels, selectedBy })
      let keys = this.#byNamespace.get(namespace)
      if (keys === undefined) {
        keys = new Set()
        this.#byNamespace.set(namespace, keys)
      }
      keys.add(podKey)
    } else {
      for (const selecting of known.selectedBy) if (!selectedBy.includes(selecting)) selecting.members.delete(podKey)
      known.labels = labels
      known.selectedBy = selectedBy
    }
    for (const selecting of selectedBy) selecting.members.add(podKey)
  }

  removeMember(podKey: string, namespace: string): void {
    const known = this.#members.get(podKey)
    if (known === undefined) return
    for (const selecting of known.selectedBy) selecting.members.delete(podKey)
    this.#members.delete(podKey)
    this.#byNamespace.get(namespace)?.delete(podKey)
  }

  /** Calls `visit` for each selector that has the pod as a member. */
  forEachSelecting(podKey: string, visit: (key: string) => void): void {
    for (const selecting of this.#members.get(podKey)?.selectedBy ?? NONE) visit(selecting.key)
  }

  /** The keys of the selectors that match these labels, whether or not a pod with them is known. */
  selectorsFor(namespace: string, labels: Labels | undefined): readonly string[] {
    return this.#selecting(namespace, labels).map((selecting) => selecting.key)
  }

  /** The pods that a selector has, in the order in which they were found. */
  membersOf(key: string): Iterable<string> {
    return this.#selectors.get(key)?.members ?? []
  }

  #selecting(namespace: string, labels: Labels | undefined): readonly Selecting[] {
    const found: Selecting[] = []
    this.#collect(bucketName(namespace, undefined), labels, found)
    for (const name in labels) this.#collect(bucketName(namespace, [name, labels[name] as string]), labels, found)
    return found.length === 0 ? NONE : found
  }

  #collect(bucket: string, labels: Labels | undefined, found: Selecting[]): void {
    const selectors = this.#buckets.get(bucket)
    if (selectors === undefined) return
    for (const selecting of selectors) if (selecting.matches(labels)) found.push(selecting)
  }
}

/** The first label of a plain selector: what every match carries. */
export function anchorOf(labels: Labels | undefined): Anchor {
  for (const key in labels) return [key, labels[key] as string]
  return undefined
}

function bucketName(namespace: string, anchor: Anchor): string {
  return anchor === undefined ? namespace : `${namespace}/${anchor[0]}=${anchor[1]}`
}
