/** Tables for the interpreter: each match and target, the order of hooks, the count of rules, exact chances. */
import { expect, test } from 'vitest'
import { IpSet } from '../ipset.ts'
import { type Flow, formatAddress, formatCidr, type Origin, parseAddress, parseCidr } from '../packet.ts'
import { add, approximate, enumerate, type Fraction, isOne, NEVER } from './outcomes.ts'
import { walkIptables } from './path.ts'
import { RECENT_LIST_ADDRESSES, RecentLists } from './recent.ts'
import { renderTables } from './render.ts'
import {
  ACCEPT,
  type Chain,
  DROP,
  FROM_LOCAL,
  jump,
  MASQUERADE,
  type Match,
  NEW_CONNECTION,
  oneOf,
  REJECT,
  RETURN,
  type Rule,
  rule,
  TO_LOCAL,
} from './rules.ts'
import { type Chooser, Walk, type WalkHost } from './walk.ts'

const NODE = parseAddress('192.168.0.10')
const POD = parseAddress('10.244.0.5')
const VIP = parseAddress('10.96.0.10')
const never: Chooser = { statistic: () => false }
const dnat = (address: string) => ({ kind: 'dnat', address: parseAddress(address), port: 8080 }) as const

function chains(...all: readonly (readonly [string, readonly Rule[]])[]): Map<string, Chain> {
  return new Map(all.map(([name, rules]) => [name, { name, rules }]))
}

function host(more: Partial<WalkHost> = {}): WalkHost {
  return { isLocal: (address) => address === NODE, recent: new RecentLists(), sets: new Map(), ...more }
}

const flow: Flow = { protocol: 'TCP', source: POD, sourcePort: 999, destination: VIP, destinationPort: 80 }

function run(nat: Map<string, Chain>, filter = chains(), origin: Origin = 'pod', its: Flow = flow, its_host = host()) {
  const walk = new Walk(its_host, never)
  walk.begin(its, origin, 0, never)
  return { verdict: walkIptables({ nat, filter }, its_host, walk), walk }
}

test('addresses and blocks are read and written', () => {
  for (const text of ['0.0.0.0', '255.255.255.255', '10.96.0.1']) expect(formatAddress(parseAddress(text))).toBe(text)
  for (const text of ['0.0.0.0/0', '10.244.0.0/16', '10.96.0.10/32']) {
    const { address, mask } = parseCidr(text)
    expect(formatCidr(address, mask)).toBe(text)
  }
  for (const text of ['1.2.3', '1.2.3.4.5', '1.2.3.256', '1.2.3.x', ''])
    expect(() => parseAddress(text)).toThrow(/IPv4/)
})

const set = new IpSet('S', 'hash:ip,port')
set.add({ address: VIP, protocol: 'TCP', port: 80, secondAddress: 0 })
const hairpin = new IpSet('H', 'hash:ip,port,ip')
hairpin.add({ address: VIP, protocol: 'TCP', port: 80, secondAddress: POD })
const sets = new Map([
  ['S', set],
  ['H', hairpin],
])

test.each<readonly [string, Omit<Parameters<typeof rule>[0], 'target'>, boolean]>([
  ['anything', {}, true],
  ['destination', { destination: parseCidr('10.96.0.10') }, true],
  ['other destination', { destination: parseCidr('10.96.0.11') }, false],
  ['negated destination', { notDestination: parseCidr('10.96.0.0/16') }, false],
  ['source block', { source: parseCidr('10.244.0.0/16') }, true],
  ['negated source block', { notSource: parseCidr('10.244.0.0/16') }, false],
  ['negated other source', { notSource: parseCidr('172.16.0.0/12') }, true],
  ['protocol', { protocol: 'UDP' }, false],
  ['port', { protocol: 'TCP', destinationPort: 80 }, true],
  ['other port', { protocol: 'TCP', destinationPort: 81 }, false],
  ['to local', { matches: [TO_LOCAL] }, false],
  ['from local', { matches: [FROM_LOCAL] }, false],
  ['new', { matches: [NEW_CONNECTION] }, true],
  ['not new', { matches: [{ ...(NEW_CONNECTION as Extract<Match, { kind: 'ctstate' }>), negated: true }] }, false],
  ['unmarked', { matches: [{ kind: 'mark', value: 1, mask: 1, negated: true }] }, true],
  ['a chance of none', { matches: [oneOf(2)] }, false],
  ['in a set', { matches: [{ kind: 'set', set: 'S', directions: 'dst,dst' }] }, true],
  ['in a set with its source', { matches: [{ kind: 'set', set: 'H', directions: 'dst,dst,src' }] }, true],
  ['in a set that is not there', { matches: [{ kind: 'set', set: 'T', directions: 'dst' }] }, false],
  ['from a pod', { matches: [{ kind: 'physdev-is-in', negated: false }] }, true],
  ['all of several', { matches: [NEW_CONNECTION, TO_LOCAL] }, false],
])('match: %s', (_, text, matches) => {
  const nat = chains(['PREROUTING', [rule({ ...text, target: dnat('10.244.0.9') })]])
  expect(run(nat, chains(), 'pod', flow, host({ sets })).verdict).toBe(matches ? 'dnat' : 'direct')
})

test('jumps, returns, marks and masquerading; every rule looked at is counted', () => {
  const nat = chains(
    ['PREROUTING', [rule({ target: jump('A') }), rule({ target: DROP })]],
    [
      'A',
      [
        rule({ target: jump('B') }),
        rule({ target: { kind: 'mark', value: 0x4000, mask: 0x4000 } }),
        rule({ target: dnat('10.244.0.9') }),
      ],
    ],
    ['B', [rule({ target: RETURN }), rule({ target: DROP })]],
    [
      'POSTROUTING',
      [rule({ matches: [{ kind: 'mark', value: 0x4000, mask: 0x4000, negated: false }], target: MASQUERADE })],
    ],
  )
  const { verdict, walk } = run(nat)
  expect([verdict, walk.masqueraded, walk.rulesVisited, walk.chainsVisited]).toEqual(['dnat', true, 1 + 1 + 3 + 1, 4])
})

test('set-xmark 0x4000/0 flips the bit', () => {
  const xor = { kind: 'mark', value: 0x4000, mask: 0 } as const
  const nat = chains(['PREROUTING', [rule({ target: xor }), rule({ target: xor })]])
  expect(run(nat).walk.mark).toBe(0)
})

test.each<readonly [Origin, string, string, string]>([
  ['pod', '10.1.1.1', 'FORWARD', 'reject'],
  ['pod', '192.168.0.10', 'FORWARD', 'direct'],
  ['outside', '192.168.0.10', 'INPUT', 'reject'],
  ['node', '10.1.1.1', 'OUTPUT', 'reject'],
  ['node', '192.168.0.10', 'INPUT', 'reject'],
  ['node', '10.1.1.1', 'FORWARD', 'direct'],
])('from %s to %s, a refusal in %s: %s', (origin, destination, hook, verdict) => {
  const filter = chains([hook, [rule({ target: REJECT })]])
  expect(run(chains(), filter, origin, { ...flow, destination: parseAddress(destination) }).verdict).toBe(verdict)
})

test('filter sees the packet after translation', () => {
  const nat = chains(['PREROUTING', [rule({ target: dnat('10.244.0.9') })]])
  const filter = chains([
    'FORWARD',
    [rule({ destination: parseCidr('10.244.0.9'), target: DROP }), rule({ target: ACCEPT })],
  ])
  expect(run(nat, filter).verdict).toBe('drop')
})

test('affinity lists remember for their seconds, and hold so many addresses', () => {
  const recent = new RecentLists()
  recent.set('L', 1, 0)
  expect(recent.check('L', 1, 10, 10_000_000)).toBe(true)
  expect(recent.check('L', 1, 10, 10_000_001)).toBe(false)
  for (let source = 2; source < 2 + RECENT_LIST_ADDRESSES; source++) recent.set('L', source, 0)
  expect(recent.check('L', 1, 10, 0)).toBe(false)
  expect(recent.check('L', 2, 10, 0)).toBe(true)
})

test('a loop of chains and a jump to nowhere break an invariant', () => {
  expect(() => run(chains(['PREROUTING', [rule({ target: jump('PREROUTING') })]]))).toThrow(/do not loop/)
  expect(() => run(chains(['PREROUTING', [rule({ target: jump('X') })]]))).toThrow(/same table/)
})

test.each([1, 2, 3, 7, 10])('%i endpoints: chances add up to exactly 1, each equal within 2^-30', (count) => {
  const rules = Array.from({ length: count }, (_, i) => {
    const matches = count - i > 1 ? [oneOf(count - i)] : []
    return rule({ matches, target: dnat(`10.244.0.${i}`) })
  })
  const nat = chains(['PREROUTING', rules])
  const shares: Fraction[] = []
  enumerate(
    (chooser) => {
      const walk = new Walk(host(), chooser)
      walk.begin(flow, 'pod', 0, chooser)
      return walkIptables({ nat, filter: chains() }, host(), walk)
    },
    (_, branch) => shares.push(branch.share()),
  )
  expect(shares).toHaveLength(count)
  expect(isOne(shares.reduce(add, NEVER))).toBe(true)
  for (const share of shares) expect(Math.abs(approximate(share) - 1 / count)).toBeLessThan(2 ** -30)
})

test('rendered tables have every chain declared before it is used', () => {
  const nat = chains(['PREROUTING', [rule({ target: jump('X'), comment: 'a b' })]], ['X', []])
  expect(renderTables({ nat, filter: chains() }).split('\n')).toEqual([
    '*filter',
    ':INPUT ACCEPT [0:0]',
    ':FORWARD ACCEPT [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    'COMMIT',
    '*nat',
    ':PREROUTING ACCEPT [0:0]',
    ':INPUT ACCEPT [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    ':POSTROUTING ACCEPT [0:0]',
    ':X - [0:0]',
    '-A PREROUTING -m comment --comment "a b" -j X',
    'COMMIT',
    '',
  ])
})
