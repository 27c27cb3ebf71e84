/**
 * The way of a new connection through a node in iptables mode: which hooks in which order, and what comes out.
 * Models Linux netfilter's hook order for a node that forwards: PREROUTING, then INPUT or FORWARD, then POSTROUTING; and
 * OUTPUT, POSTROUTING, and INPUT once more for what a node sends to itself.
 */
import { invariant } from '../../kernel/invariant.ts'
import type { Tables } from './rules.ts'
import type { Walk, WalkHost } from './walk.ts'

/** What becomes of a new connection. `direct`: it goes where it was addressed, untranslated. */
export type Verdict = 'dnat' | 'direct' | 'reject' | 'drop'

/** Walks the packet in `walk` through all hooks it meets. The backend, if any, is then the walk's destination. */
export function walkIptables(tables: Tables, host: WalkHost, walk: Walk): Verdict {
  let stopped: Verdict | undefined
  if (walk.origin === 'node') {
    stopped = refused(walk.hook(tables.nat, 'OUTPUT')) ?? refused(walk.hook(tables.filter, 'OUTPUT'))
    stopped ??= refused(walk.hook(tables.nat, 'POSTROUTING'))
    if (host.isLocal(walk.destination)) stopped ??= refused(walk.hook(tables.filter, 'INPUT'))
  } else {
    stopped = refused(walk.hook(tables.nat, 'PREROUTING'))
    if (stopped === undefined && host.isLocal(walk.destination)) {
      stopped = refused(walk.hook(tables.filter, 'INPUT'))
    } else {
      stopped ??= refused(walk.hook(tables.filter, 'FORWARD'))
      stopped ??= refused(walk.hook(tables.nat, 'POSTROUTING'))
    }
  }
  if (stopped !== undefined) return stopped
  invariant(!walk.translated || walk.destinationPort > 0, 'netfilter: a translated packet has a port')
  return walk.translated ? 'dnat' : 'direct'
}

export function refused(verdict: 'continue' | 'accept' | 'drop' | 'reject'): 'drop' | 'reject' | undefined {
  return verdict === 'drop' || verdict === 'reject' ? verdict : undefined
}
