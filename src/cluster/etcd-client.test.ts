/** Clients of etcd: they ask everything that they are told to, note what came of it, hold watches, and come to an end. */
import { expect, test } from 'vitest'
import type { Fact } from '../kernel/index.ts'
import { SECOND } from '../kernel/index.ts'
import { Cluster } from './cluster.ts'
import type { EtcdCalled, EtcdClientFact, EtcdReturned, EtcdWatchShown } from './etcd-client-facts.ts'
import { ETCD_OPERATIONS, type EtcdClientSpec } from './etcd-load.ts'
import { SMALL_TOPOLOGY } from './topology.ts'

const topology = { ...SMALL_TOPOLOGY, apiServers: 1, controllerManagers: 1, schedulers: 1, nodes: 1, zones: 1 }

function spec(id: string, operations: EtcdClientSpec['operations'], watches = 1): EtcdClientSpec {
  return {
    id,
    keys: 3,
    everyMicros: 20_000,
    startMicros: 3 * SECOND,
    timeoutMicros: 2 * SECOND,
    valueBytes: 100,
    watches,
    operations,
  }
}

function play(specs: readonly EtcdClientSpec[], disturb: (cluster: Cluster) => void = () => {}) {
  const cluster = new Cluster({ topology, seed: '5' })
  const facts: EtcdClientFact[] = []
  const types = [
    'etcd-called',
    'etcd-returned',
    'etcd-lease-kept',
    'etcd-watch-begun',
    'etcd-watch-shown',
    'etcd-last-put',
  ]
  for (const type of types) cluster.kernel.subscribe(type, (fact: Fact) => facts.push(fact as EtcdClientFact))
  cluster.boot([])
  cluster.startEtcdClients(specs)
  cluster.run(6 * SECOND)
  disturb(cluster)
  cluster.run(15 * SECOND)
  cluster.stopLoad()
  for (let at = 16; at < 90 && !cluster.isQuiet(); at++) cluster.run(at * SECOND)
  return { cluster, facts }
}

test('a client of every kind asks, is answered, and is shown what it watches', () => {
  const everything = Object.fromEntries(ETCD_OPERATIONS.map((kind) => [kind, kind === 'stall' ? 1 : 20]))
  const { cluster, facts } = play([spec('c1', everything), spec('c2', everything)])
  expect(cluster.isQuiet()).toBe(true)
  const called = facts.filter((fact): fact is EtcdCalled => fact.type === 'etcd-called')
  const returned = facts.filter((fact): fact is EtcdReturned => fact.type === 'etcd-returned')
  expect(new Set(called.map(({ input }) => input.type))).toEqual(new Set(['range', 'get', 'put', 'delete', 'txn']))
  expect(called.some(({ atRevision }) => atRevision > 0)).toBe(true)
  expect(returned).toHaveLength(called.length)
  expect(returned.filter(({ outcome }) => outcome === 'answered').length).toBeGreaterThan(called.length * 0.9)
  expect(returned.some(({ output }) => output?.succeeded === false)).toBe(true)
  const values = called.flatMap(({ input }) => (input.type === 'put' ? [input.value] : []))
  expect(new Set(values).size).toBe(values.length)
  expect(facts.some(({ type }) => type === 'etcd-lease-kept')).toBe(true)
  const shown = facts.filter((fact): fact is EtcdWatchShown => fact.type === 'etcd-watch-shown')
  expect(shown.some(({ events }) => events.length > 0)).toBe(true)
  expect(shown.some(({ compactRevision }) => compactRevision > 0)).toBe(true)
  expect(facts.filter(({ type }) => type === 'etcd-last-put')).toHaveLength(2)
})

test('a write whose answer is lost is of unknown outcome and is not asked again', () => {
  const { facts } = play([spec('c1', { put: 1 }, 0)], (cluster) => {
    for (const name of ['etcd-0', 'etcd-1']) cluster.kernel.crash(cluster.process(name))
    cluster.later(5 * SECOND, () => {
      for (const name of ['etcd-0', 'etcd-1']) cluster.kernel.restart(cluster.process(name))
    })
  })
  const returned = facts.filter((fact): fact is EtcdReturned => fact.type === 'etcd-returned')
  const unknown = new Set(returned.filter(({ outcome }) => outcome === 'unknown').map(({ call }) => call))
  expect(unknown.size).toBeGreaterThan(0)
  const called = facts.filter((fact): fact is EtcdCalled => fact.type === 'etcd-called')
  const lost = called.flatMap(({ call, input }) => (unknown.has(call) && input.type === 'put' ? [input.value] : []))
  const again = called.filter(
    ({ call, input }) => !unknown.has(call) && input.type === 'put' && lost.includes(input.value),
  )
  expect(again).toEqual([])
})
