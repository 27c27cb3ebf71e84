/**
 * The way of a new connection through a node in IPVS mode: the few netfilter rules, and IPVS between INPUT (or OUTPUT) and
 * POSTROUTING. Models the hooks of Linux ip_vs_core: LOCAL_IN for what arrives, LOCAL_OUT for what the node sends. Not here:
 * the second pass through OUTPUT that a forwarded packet makes (IPVS mode has no rule there without source ranges).
 */
import { refused, type Verdict } from '../netfilter/path.ts'
import type { Tables } from '../netfilter/rules.ts'
import type { Walk, WalkHost } from '../netfilter/walk.ts'
import type { IpvsResult } from './ipvs.ts'

/** Whoever answers for IPVS: the live one for traffic, a dry one for enumerations. */
export interface Director {
  direct(walk: Walk): IpvsResult
}

/** Walks the packet in `walk` through all hooks it meets; translates it if IPVS takes it. */
export function walkIpvs(tables: Tables, host: WalkHost, walk: Walk, director: Director): Verdict {
  const sent = walk.origin === 'node'
  let stopped = refused(walk.hook(tables.nat, sent ? 'OUTPUT' : 'PREROUTING'))
  if (sent) stopped ??= refused(walk.hook(tables.filter, 'OUTPUT'))
  const local = host.isLocal(walk.destination)
  if (!sent) stopped ??= refused(walk.hook(tables.filter, local ? 'INPUT' : 'FORWARD'))
  if (stopped !== undefined) return stopped
  if (local) {
    const result = director.direct(walk)
    switch (result.verdict) {
      case 'forward':
        walk.destination = result.server.address
        walk.destinationPort = result.server.port
        walk.translated = true
        break
      case 'refuse':
      case 'reset':
        return 'reject'
      case 'silent':
        return 'drop'
      case 'pass':
        break
    }
  }
  if (sent || !local || walk.translated) stopped = refused(walk.hook(tables.nat, 'POSTROUTING'))
  if (sent && local && !walk.translated) stopped ??= refused(walk.hook(tables.filter, 'INPUT'))
  return stopped ?? (walk.translated ? 'dnat' : 'direct')
}
