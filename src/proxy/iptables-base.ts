/**
 * The chains of iptables mode that do not depend on any service: jumps from the built-in chains, masquerading, forwarding.
 * Models pkg/proxy/iptables (iptablesJumpChains, syncProxyRules), v1.33. The order of the jumps is what prepending one after
 * another gives. Not here: nfacct counters, the canary chains, mangle.
 */
import {
  ACCEPT,
  type Chain,
  type Cidr,
  DROP,
  jump,
  MASQUERADE,
  type Match,
  NEW_CONNECTION,
  parseCidr,
  RETURN,
  type Rule,
  rule,
  TO_LOCAL,
} from '../dataplane/index.ts'

/** The bit of the packet mark that asks for masquerading (iptablesMasqueradeBit 14). */
export const MASQUERADE_MARK = 0x4000
export const LOOPBACK: Cidr = parseCidr('127.0.0.0/8')

const MARKED: Match = { kind: 'mark', value: MASQUERADE_MARK, mask: MASQUERADE_MARK, negated: false }
const NOT_MARKED: Match = { kind: 'mark', value: MASQUERADE_MARK, mask: MASQUERADE_MARK, negated: true }
const FOLLOWING: Match = { kind: 'ctstate', states: ['RELATED', 'ESTABLISHED'], negated: false }
const INVALID: Match = { kind: 'ctstate', states: ['INVALID'], negated: false }
const NOT_EXPECTED: Match = { kind: 'ctstate', states: ['RELATED', 'ESTABLISHED', 'DNAT'], negated: true }

const chain = (name: string, rules: readonly Rule[]): Chain => ({ name, rules })
const portals = (target: string, comment: string, fresh: boolean): Rule =>
  rule({ comment, matches: fresh ? [NEW_CONNECTION] : [], target: jump(target) })

/** KUBE-MARK-MASQ: whoever jumps here leaves with the node's address. */
export const MARK_MASQUERADE: Chain = chain('KUBE-MARK-MASQ', [
  rule({ target: { kind: 'mark', value: MASQUERADE_MARK, mask: MASQUERADE_MARK } }),
])

/** The end of KUBE-POSTROUTING in both modes. */
export const MASQUERADE_MARKED: readonly Rule[] = [
  rule({ matches: [NOT_MARKED], target: RETURN }),
  rule({ target: { kind: 'mark', value: MASQUERADE_MARK, mask: 0 } }),
  rule({ comment: 'kubernetes service traffic requiring SNAT', target: MASQUERADE }),
]

/** The rules of KUBE-FORWARD that both modes have. */
export const FORWARD_RULES: readonly Rule[] = [
  rule({ comment: 'kubernetes forwarding rules', matches: [MARKED], target: ACCEPT }),
  rule({ comment: 'kubernetes forwarding conntrack rule', matches: [FOLLOWING], target: ACCEPT }),
]

/** The built-in chains' jumps and the chains that never change. */
export const IPTABLES_NAT_BASE: readonly Chain[] = [
  chain('PREROUTING', [portals('KUBE-SERVICES', 'kubernetes service portals', false)]),
  chain('OUTPUT', [portals('KUBE-SERVICES', 'kubernetes service portals', false)]),
  chain('POSTROUTING', [portals('KUBE-POSTROUTING', 'kubernetes postrouting rules', false)]),
  chain('KUBE-POSTROUTING', MASQUERADE_MARKED),
  MARK_MASQUERADE,
]

export const IPTABLES_FILTER_BASE: readonly Chain[] = [
  chain('INPUT', [
    rule({ target: jump('KUBE-FIREWALL') }),
    portals('KUBE-PROXY-FIREWALL', 'kubernetes load balancer firewall', true),
    portals('KUBE-NODEPORTS', 'kubernetes health check service ports', false),
    portals('KUBE-EXTERNAL-SERVICES', 'kubernetes externally-visible service portals', true),
  ]),
  chain('FORWARD', [
    portals('KUBE-PROXY-FIREWALL', 'kubernetes load balancer firewall', true),
    portals('KUBE-FORWARD', 'kubernetes forwarding rules', false),
    portals('KUBE-SERVICES', 'kubernetes service portals', true),
    portals('KUBE-EXTERNAL-SERVICES', 'kubernetes externally-visible service portals', true),
  ]),
  chain('OUTPUT', [
    rule({ target: jump('KUBE-FIREWALL') }),
    portals('KUBE-PROXY-FIREWALL', 'kubernetes load balancer firewall', true),
    portals('KUBE-SERVICES', 'kubernetes service portals', true),
  ]),
  chain('KUBE-FIREWALL', [
    rule({
      notSource: LOOPBACK,
      destination: LOOPBACK,
      comment: 'block incoming localnet connections',
      matches: [NOT_EXPECTED],
      target: DROP,
    }),
  ]),
  chain('KUBE-PROXY-FIREWALL', []),
  chain('KUBE-NODEPORTS', []),
  chain('KUBE-FORWARD', [rule({ matches: [INVALID], target: DROP }), ...FORWARD_RULES]),
]

/** The last rule of nat's KUBE-SERVICES: what is for the node itself may be for a node port. */
export function nodePortsJump(localhostNodePorts: boolean): Rule {
  const comment = 'kubernetes service nodeports; NOTE: this must be the last rule in this chain'
  const target = jump('KUBE-NODEPORTS')
  return localhostNodePorts
    ? rule({ comment, matches: [TO_LOCAL], target })
    : rule({ notDestination: LOOPBACK, comment, matches: [TO_LOCAL], target })
}
