/**
 * The optimistic update that every write but a creation goes through: take a copy (from the watch cache when it has one), decide, write on
 * condition that nobody wrote since, and on a conflict decide again on what is there now. A refusal or a "nothing to do" that was decided on
 * a cached copy is decided again on the live object. Models apiserver pkg/storage/etcd3/store.go GuaranteedUpdate and conditionalDelete, v1.33.
 */
import { invariant } from '../kernel/invariant.ts'
import type { KubeObject, Resource, Status } from '../objects/index.ts'
import { registryKey } from '../objects/index.ts'
import { claimsOf } from './claims.ts'
import type { Context } from './context.ts'
import { decode, encode, revisionOf, withResourceVersion } from './decode.ts'
import { modified, notFound } from './status.ts'
import { range, type Steps, type StorageWrite, txn, type Unchanged } from './storage.ts'

/** What is to be done with an object, decided on one copy of it. */
export type Outcome =
  | { readonly outcome: 'put'; readonly object: KubeObject }
  | { readonly outcome: 'remove'; readonly object: KubeObject }
  | { readonly outcome: 'keep'; readonly object: KubeObject }
  | { readonly outcome: 'refuse'; readonly status: Status }

/** Decides on one copy. `taken` holds the claims (addresses, ports) that are known to belong to others. Called again after a conflict. */
export type Decide = (current: KubeObject, taken: ReadonlySet<string>) => Outcome

export type Written =
  | { readonly done: 'put' | 'kept' | 'removed'; readonly object: KubeObject }
  | { readonly done: 'refused'; readonly status: Status }

const ATTEMPTS_MAX = 20
const NO_CLAIMS: ReadonlySet<string> = new Set()
const NO_KEYS: readonly string[] = Object.freeze([])

/** Carries out one update of `namespace/name`. With `dryRun` everything but the write happens. */
export function* guaranteedUpdate(
  context: Context,
  resource: Resource,
  namespace: string | undefined,
  name: string,
  dryRun: boolean,
  decide: Decide,
): Steps<Written> {
  const key = registryKey(resource, namespace, name)
  const { decisions } = context.options
  let current = context.caches[resource].get(key)
  let isLive = false
  let taken = NO_CLAIMS
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (current === undefined) {
      current = yield* readLive(key)
      isLive = true
      if (current === undefined) return { done: 'refused', status: notFound(resource, name) }
    }
    const decision = decide(current, taken)
    if (decision.outcome === 'refuse' || decision.outcome === 'keep') {
      if (!isLive && decisions.repeatsLive(decision.outcome)) {
        current = undefined
        continue
      }
      if (decision.outcome === 'refuse') return { done: 'refused', status: decision.status }
      return { done: 'kept', object: decision.object }
    }
    if (dryRun) return { done: decision.outcome === 'put' ? 'put' : 'removed', object: decision.object }
    const claims = resource === 'services'
    const held = claims ? claimsOf(current) : NO_KEYS
    const wanted = claims && decision.outcome === 'put' ? claimsOf(decision.object) : NO_KEYS
    const reserved = claims ? wanted.filter((claim) => !held.includes(claim)) : NO_KEYS
    const decidedOn = revisionOf(current)
    const guard = decision.outcome === 'remove' ? decisions.removalGuard(decidedOn) : decisions.updateGuard(decidedOn)
    const compare: Unchanged[] = guard === undefined ? [] : [{ key, modRevision: guard }]
    const value = decision.outcome === 'put' ? encode(decision.object) : undefined
    const writes: StorageWrite[] = [value === undefined ? { type: 'delete', key } : { type: 'put', key, value }]
    if (claims)
      for (const claim of reserved) {
        compare.push({ key: claim, modRevision: 0 })
        writes.push({ type: 'put', key: claim, value: key })
      }
    if (claims) for (const claim of held) if (!wanted.includes(claim)) writes.push({ type: 'delete', key: claim })
    const reply = yield* txn({ compare, writes, otherwiseRead: reserved.length === 0 ? [key] : [key, ...reserved] })
    if (reply.succeeded) {
      if (value !== undefined) return { done: 'put', object: decode(value, reply.revision) }
      return { done: 'removed', object: withResourceVersion(decision.object, reply.revision) }
    }
    const [found, ...others] = reply.found
    current = found === undefined ? undefined : decode(found.value, found.modRevision)
    isLive = true
    if (current === undefined) return { done: 'refused', status: notFound(resource, name) }
    invariant(
      revisionOf(current) !== guard || others.some((other) => other !== undefined),
      'apiserver: a conflict shows a newer version',
      { key, guard },
    )
    if (reserved.length > 0) taken = new Set([...taken, ...reserved.filter((_, i) => others[i] !== undefined)])
  }
  return { done: 'refused', status: modified(resource, name) }
}

/** The object as etcd has it now. */
export function* readLive(key: string): Steps<KubeObject | undefined> {
  const reply = yield* range({ key })
  const [found] = reply.values
  return found === undefined ? undefined : decode(found.value, found.modRevision)
}
