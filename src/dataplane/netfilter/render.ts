/**
 * Writes tables as iptables-save text, which the real iptables-restore loads. Rendering is for people, exports and oracles:
 * nothing in the simulator reads it back.
 */
import { never } from '../../kernel/invariant.ts'
import { formatAddress, formatCidr, protocolName } from '../packet.ts'
import type { Chain, Match, Rule, Tables, Target } from './rules.ts'

const BUILT_IN: Readonly<Record<'nat' | 'filter', readonly string[]>> = {
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
}

/** Both tables, each ended by COMMIT. */
export function renderTables(tables: Tables): string {
  return `${renderTable('filter', tables.filter)}${renderTable('nat', tables.nat)}`
}

function renderTable(name: 'nat' | 'filter', chains: ReadonlyMap<string, Chain>): string {
  const lines = [`*${name}`]
  for (const chain of BUILT_IN[name]) lines.push(`:${chain} ACCEPT [0:0]`)
  for (const chain of chains.keys()) if (!BUILT_IN[name].includes(chain)) lines.push(`:${chain} - [0:0]`)
  for (const chain of chains.values()) for (const rule of chain.rules) lines.push(renderRule(chain.name, rule))
  lines.push('COMMIT', '')
  return lines.join('\n')
}

/** One rule as iptables-save prints it. */
export function renderRule(chain: string, rule: Rule): string {
  const words = ['-A', chain]
  if (rule.sourceMask !== 0) words.push(...address('-s', rule.source, rule.sourceMask, rule.sourceNegated))
  if (rule.destinationMask !== 0)
    words.push(...address('-d', rule.destination, rule.destinationMask, rule.destinationNegated))
  if (rule.protocol !== '') words.push('-p', protocolName(rule.protocol))
  if (rule.comment !== '') words.push('-m', 'comment', '--comment', quoted(rule.comment))
  if (rule.matches !== null) for (const match of rule.matches) words.push(...renderMatch(match))
  if (rule.protocol !== '' && rule.destinationPort !== 0)
    words.push('-m', protocolName(rule.protocol), '--dport', String(rule.destinationPort))
  if (rule.target.kind === 'dnat' && rule.protocol !== '') words.push('-m', protocolName(rule.protocol))
  words.push(...renderTarget(rule.target))
  return words.join(' ')
}

function address(flag: string, value: number, mask: number, negated: boolean): string[] {
  return negated ? ['!', flag, formatCidr(value, mask)] : [flag, formatCidr(value, mask)]
}

function quoted(text: string): string {
  return /[^A-Za-z0-9_/.:-]/.test(text) ? `"${text}"` : text
}

function renderMatch(match: Match): string[] {
  switch (match.kind) {
    case 'mark':
      return ['-m', 'mark', ...not(match.negated), '--mark', `${hex(match.value)}/${hex(match.mask)}`]
    case 'addrtype':
      return ['-m', 'addrtype', ...not(match.negated), match.side === 'source' ? '--src-type' : '--dst-type', 'LOCAL']
    case 'ctstate':
      return ['-m', 'conntrack', ...not(match.negated), '--ctstate', match.states.join(',')]
    case 'statistic':
      return ['-m', 'statistic', '--mode', 'random', '--probability', (match.threshold / 0x80000000).toFixed(11)]
    case 'recent-check':
      return [
        '-m',
        'recent',
        '--rcheck',
        '--seconds',
        String(match.seconds),
        '--reap',
        '--name',
        match.list,
        '--rsource',
      ]
    case 'recent-set':
      return ['-m', 'recent', '--set', '--name', match.list, '--rsource']
    case 'set':
      return ['-m', 'set', '--match-set', match.set, match.directions]
    case 'physdev-is-in':
      return ['-m', 'physdev', ...not(match.negated), '--physdev-is-in']
    default:
      return never(match)
  }
}

function renderTarget(target: Target): string[] {
  switch (target.kind) {
    case 'jump':
      return ['-j', target.chain]
    case 'return':
      return ['-j', 'RETURN']
    case 'dnat':
      return ['-j', 'DNAT', '--to-destination', `${formatAddress(target.address)}:${target.port}`]
    case 'mark':
      return ['-j', 'MARK', '--set-xmark', `${hex(target.value)}/${hex(target.mask)}`]
    case 'masquerade':
      return ['-j', 'MASQUERADE', '--random-fully']
    case 'reject':
      return ['-j', 'REJECT', '--reject-with', 'icmp-port-unreachable']
    case 'drop':
      return ['-j', 'DROP']
    case 'accept':
      return ['-j', 'ACCEPT']
    default:
      return never(target)
  }
}

const not = (negated: boolean): string[] => (negated ? ['!'] : [])
const hex = (value: number): string => `0x${value.toString(16)}`
