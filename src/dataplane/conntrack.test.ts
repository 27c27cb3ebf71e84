/** Tables for connection tracking: states, timeouts, deletion by destination and reply source. */
import { expect, test } from 'vitest'
import { HOUR, SECOND } from '../kernel/index.ts'
import { Conntrack } from './conntrack.ts'
import { type Flow, parseAddress } from './packet.ts'

const VIP = parseAddress('10.96.0.10')
const dead = { address: parseAddress('10.244.0.5'), port: 53 }
const alive = { address: parseAddress('10.244.0.6'), port: 53 }
const flow = (sourcePort: number, protocol: 'TCP' | 'UDP' = 'UDP'): Flow => ({
  protocol,
  source: parseAddress('10.244.0.9'),
  sourcePort,
  destination: VIP,
  destinationPort: 53,
})

test.each<readonly [string, 'TCP' | 'UDP', readonly ('reply' | 'packet' | 'close' | 'reset')[], number]>([
  ['TCP unanswered', 'TCP', [], 120 * SECOND],
  ['TCP established', 'TCP', ['reply'], 120 * HOUR],
  ['TCP closed', 'TCP', ['reply', 'close'], 120 * SECOND],
  ['TCP reset', 'TCP', ['reply', 'reset'], 10 * SECOND],
  ['TCP closed, late packet', 'TCP', ['close', 'packet'], 120 * SECOND],
  ['UDP unanswered', 'UDP', ['packet'], 30 * SECOND],
  ['UDP both ways', 'UDP', ['reply'], 120 * SECOND],
  ['UDP knows no end', 'UDP', ['reply', 'close'], 120 * SECOND],
])('%s', (_, protocol, steps, lifetime) => {
  const conntrack = new Conntrack()
  const its = flow(1, protocol)
  const entry = conntrack.add(its, dead, true, false, 0)
  for (const step of steps) {
    if (step === 'reply' || step === 'packet') conntrack.refresh(entry, step === 'reply', 0)
    else conntrack.close(its, step === 'reset', 0)
  }
  expect(conntrack.lookup(its, lifetime - 1)).toBe(entry)
  expect(conntrack.lookup(its, lifetime)).toBeUndefined()
  expect(conntrack.size).toBe(0)
})

test('datagrams keep an entry alive for ever', () => {
  const conntrack = new Conntrack()
  const entry = conntrack.add(flow(1), dead, true, false, 0)
  for (let now = 0; now < HOUR; now += 29 * SECOND) {
    expect(conntrack.lookup(flow(1), now)).toBe(entry)
    conntrack.refresh(entry, false, now)
  }
})

test('deletion picks by original destination and reply source', () => {
  const conntrack = new Conntrack()
  conntrack.add(flow(1), dead, true, false, 0)
  conntrack.add(flow(2), alive, true, false, 0)
  conntrack.add(flow(3, 'TCP'), dead, true, false, 0)
  const stale = ({ address }: { readonly address: number }) => address === dead.address
  expect(conntrack.deleteTo('UDP', VIP + 1, 53, stale)).toBe(0)
  expect(conntrack.deleteTo('UDP', VIP, 54, stale)).toBe(0)
  expect(conntrack.deleteTo('UDP', VIP, 53, stale)).toBe(1)
  expect([...conntrack.entries()].map(({ flow: { sourcePort } }) => sourcePort).sort()).toEqual([2, 3])
  conntrack.add(flow(1), dead, true, false, 0)
  expect(conntrack.deleteTo('UDP', 0, 53, stale)).toBe(1)
})

test('expired entries that nobody meets do not pile up', () => {
  const conntrack = new Conntrack()
  for (let i = 0; i < 50_000; i++) conntrack.add(flow(i % 60_000, 'UDP'), dead, true, false, i * SECOND)
  expect(conntrack.size).toBeLessThan(3_000)
})
