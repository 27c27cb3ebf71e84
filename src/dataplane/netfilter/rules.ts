/**
 * Chains of rules as plain data, in the vocabulary of iptables. A rule's common matches (addresses, protocol, port) are
 * flat numbers, so that walking a thousand rules is a thousand comparisons; the rarer ones are a list.
 * Models the matches and targets of Linux xtables that kube-proxy v1.33 uses. Not here: interfaces, counters, IPv6.
 */
import { invariant } from '../../kernel/invariant.ts'
import type { Address, Cidr, TransportProtocol } from '../packet.ts'

export type CtState = 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'DNAT'

export type Match =
  | { readonly kind: 'mark'; readonly value: number; readonly mask: number; readonly negated: boolean }
  | { readonly kind: 'addrtype'; readonly side: 'source' | 'destination'; readonly negated: boolean }
  | { readonly kind: 'ctstate'; readonly states: readonly CtState[]; readonly negated: boolean }
  /** True with a chance of `threshold` in 2^31, as the kernel keeps it; `text` is what was written. */
  | { readonly kind: 'statistic'; readonly threshold: number; readonly text: string }
  /** True if the source was put on the list within `seconds`. */
  | { readonly kind: 'recent-check'; readonly list: string; readonly seconds: number }
  /** Puts the source on the list; always true. */
  | { readonly kind: 'recent-set'; readonly list: string }
  | { readonly kind: 'set'; readonly set: string; readonly directions: string }
  | { readonly kind: 'physdev-is-in'; readonly negated: boolean }

export type Target =
  | { readonly kind: 'jump'; readonly chain: string }
  | { readonly kind: 'return' }
  | { readonly kind: 'dnat'; readonly address: Address; readonly port: number }
  /** mark = (mark and not `mask`) xor `value`. */
  | { readonly kind: 'mark'; readonly value: number; readonly mask: number }
  | { readonly kind: 'masquerade' }
  | { readonly kind: 'reject' }
  | { readonly kind: 'drop' }
  | { readonly kind: 'accept' }

/** Addresses and masks are kept as signed 32-bit integers: they are only compared bit by bit, and small integers cost no box. */
export interface Rule {
  readonly source: Address
  readonly sourceMask: number
  readonly sourceNegated: boolean
  readonly destination: Address
  readonly destinationMask: number
  readonly destinationNegated: boolean
  /** '': any. */
  readonly protocol: TransportProtocol | ''
  /** 0: any. */
  readonly destinationPort: number
  readonly matches: readonly Match[] | null
  readonly comment: string
  readonly target: Target
}

export interface Chain {
  readonly name: string
  readonly rules: readonly Rule[]
}

/** The chains of both tables by name. Built-in chains (PREROUTING, INPUT ...) are there like any other; their policy is ACCEPT. */
export interface Tables {
  readonly nat: ReadonlyMap<string, Chain>
  readonly filter: ReadonlyMap<string, Chain>
}

/** What a rule says, with everything unsaid left out. */
export interface RuleText {
  readonly source?: Cidr
  readonly notSource?: Cidr
  readonly destination?: Cidr
  readonly notDestination?: Cidr
  readonly protocol?: TransportProtocol
  readonly destinationPort?: number
  readonly matches?: readonly Match[]
  readonly comment?: string
  readonly target: Target
}

/** Makes a rule of one shape, whatever it says: the walk then stays fast. */
export function rule(text: RuleText): Rule {
  const source = text.source ?? text.notSource
  const destination = text.destination ?? text.notDestination
  invariant(text.source === undefined || text.notSource === undefined, 'netfilter: a rule has one source')
  return {
    source: source === undefined ? 0 : source.address | 0,
    sourceMask: source === undefined ? 0 : source.mask | 0,
    sourceNegated: text.notSource !== undefined,
    destination: destination === undefined ? 0 : destination.address | 0,
    destinationMask: destination === undefined ? 0 : destination.mask | 0,
    destinationNegated: text.notDestination !== undefined,
    protocol: text.protocol ?? '',
    destinationPort: text.destinationPort ?? 0,
    matches: text.matches === undefined || text.matches.length === 0 ? null : text.matches,
    comment: text.comment ?? '',
    target: text.target,
  }
}

export const jump = (chain: string): Target => ({ kind: 'jump', chain })
export const RETURN: Target = { kind: 'return' }
export const ACCEPT: Target = { kind: 'accept' }
export const DROP: Target = { kind: 'drop' }
export const REJECT: Target = { kind: 'reject' }
export const MASQUERADE: Target = { kind: 'masquerade' }
export const NEW_CONNECTION: Match = { kind: 'ctstate', states: ['NEW'], negated: false }
export const TO_LOCAL: Match = { kind: 'addrtype', side: 'destination', negated: false }
export const FROM_LOCAL: Match = { kind: 'addrtype', side: 'source', negated: false }
export const NOT_FROM_LOCAL: Match = { kind: 'addrtype', side: 'source', negated: true }

const STATISTIC_ONE = 0x80000000

/** The match that kube-proxy writes for one of `remaining` endpoints: 1/remaining with ten digits, rounded to 2^-31 by the kernel. */
export function oneOf(remaining: number): Match {
  const known = ONE_OF[remaining]
  if (known !== undefined) return known
  const text = (1 / remaining).toFixed(10)
  const match: Match = { kind: 'statistic', threshold: Math.round(Number(text) * STATISTIC_ONE), text }
  ONE_OF[remaining] = match
  return match
}
const ONE_OF: Match[] = []
