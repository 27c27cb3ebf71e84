/** What goes wrong at API servers and between them and their clients. */
import fc, { type Arbitrary } from 'fast-check'
import type { ApiServer } from '../../src/apiserver/index.ts'
import { type Cluster, namesOf, type Topology } from '../../src/cluster/index.ts'
import type { Out } from '../../src/kernel/index.ts'
import type { FaultKind } from '../../src/trial/registry.ts'
import { likelyChanging, PODS_COME_AND_GO } from '../changes.ts'
import { amount, oneOf, othersThan, processNames, rounded, text, wrongAmount, wrongName } from '../targets.ts'
import { disturbing, lasting, onceAwake, onNthWrite, ruleFault } from './define.ts'
import { hold } from './hold.ts'

export const laggingCache: FaultKind = {
  id: 'lagging-cache',
  title: 'holds back the watch cache of one API server: it serves the past',
  parameters: { server: 'the API server' },
  arbitrary: (topology) =>
    fc.record({
      durationMicros: rounded(1_000_000, 20_000_000, 500_000),
      parameters: fc.record({ server: oneOf(namesOf(topology).apiServers) }),
    }),
  validate: (step, topology) => wrongName(step, 'server', namesOf(topology).apiServers),
  inject(cluster, step) {
    const name = text(step, 'server')
    const process = cluster.process(name)
    let heldAt: number | undefined
    let behind = 0
    const letGo = hold(
      cluster,
      `watch cache of ${name}`,
      () =>
        cluster.onServer(name, (server, out) => {
          server.holdCache('all', out)
          heldAt ??= cluster.truth.revision
        }),
      () => onceAwake(cluster, process, () => cluster.onServer(name, (server, out) => server.releaseCache('all', out))),
    )
    const measure = () => {
      if (heldAt !== undefined) behind = cluster.truth.revision - heldAt
    }
    return disturbing(cluster, [process], {
      heal() {
        measure()
        heldAt = undefined
        letGo()
      },
      evidence() {
        measure()
        return [{ what: 'revisions the cache fell behind', count: behind }]
      },
    })
  },
  describe: (step) => `the watch cache of ${text(step, 'server')} stands still ${lasting(step)}`,
}

interface Blow {
  readonly id: string
  readonly title: string
  /** What the parameter `server` names. */
  readonly server: string
  /** What is counted as evidence. */
  readonly what: string
  /** Strikes the server and answers how often it bit. */
  strike(cluster: Cluster, server: ApiServer, out: Out): number
  describe(server: string): string
}

/** A fault of one moment at one API server; there is nothing to heal. */
function blow({ id, title, server: meaning, what, strike, describe }: Blow): FaultKind {
  return {
    id,
    title,
    parameters: { server: meaning },
    arbitrary: (topology) =>
      fc.record({
        durationMicros: fc.constant(0),
        parameters: fc.record({ server: oneOf(namesOf(topology).apiServers) }),
      }),
    validate: (step, topology) => wrongName(step, 'server', namesOf(topology).apiServers),
    inject(cluster, step) {
      let count = 0
      cluster.onServer(text(step, 'server'), (server, out) => {
        count = strike(cluster, server, out)
      })
      return disturbing(cluster, [cluster.process(text(step, 'server'))], {
        heal() {},
        evidence: () => [{ what, count }],
      })
    },
    describe: (step) => describe(text(step, 'server')),
  }
}

export const closedWatches = blow({
  id: 'closed-watches',
  title: 'ends all watches that one API server serves',
  server: 'the API server',
  what: 'watches closed',
  strike: (_cluster, server, out) => server.closeWatches('all', out),
  describe: (server) => `${server} closes all its watches`,
})

export const brokenCache = blow({
  id: 'broken-cache',
  title: 'makes the watch caches of one API server lose their watch on etcd: they fill themselves anew',
  server: 'the API server',
  what: 'caches that must be filled anew',
  strike(cluster, server, out) {
    let broken = 0
    const stop = cluster.kernel.subscribe('cache-broken', () => {
      broken++
    })
    server.breakCache('all', out)
    stop()
    return broken
  },
  describe: (server) => `the watch caches of ${server} lose their watch on etcd`,
})

const BROKEN_RESOURCES = [
  'leases',
  'pods',
  'endpointslices',
  'replicasets',
  'deployments',
  'services',
  'nodes',
] as const

export const brokenCacheAfterWrite: FaultKind = {
  id: 'broken-cache-after-write',
  title: 'makes one watch cache of an API server lose its watch on etcd while the news of a write is on its way to it',
  parameters: {
    server: 'the API server',
    resource: 'what is written, and whose cache it is',
    nth: 'which write from the beginning of the fault on, from 1',
  },
  bitesDuring: [...PODS_COME_AND_GO, 'apply', 'delete'],
  arbitrary: (topology, objects, { workload }) =>
    fc.record({
      durationMicros: rounded(10_000_000, 40_000_000, 500_000),
      parameters: fc.record({
        server: oneOf(namesOf(topology).apiServers),
        resource: fc.constantFrom(...likelyChanging(BROKEN_RESOURCES, objects, workload)),
        nth: fc.integer({ min: 1, max: 6 }),
      }),
    }),
  validate: (step, topology) =>
    wrongName(step, 'server', namesOf(topology).apiServers) ??
    wrongName(step, 'resource', BROKEN_RESOURCES) ??
    wrongAmount(step, 'nth', 1, 1000),
  inject(cluster, step) {
    const name = text(step, 'server')
    const resource = text(step, 'resource') as (typeof BROKEN_RESOURCES)[number]
    let broken = 0
    const strike = () => {
      cluster.onServer(name, (server, out) => {
        server.breakCache(resource, out)
        broken++
      })
      return broken > 0
    }
    const stop = onNthWrite(cluster, resource, amount(step, 'nth'), () => true, strike)
    return disturbing(cluster, [cluster.process(name)], {
      heal: stop,
      evidence: () => [{ what: 'caches that must be filled anew', count: broken }],
    })
  },
  describe: (step) =>
    `the cache of ${text(step, 'resource')} in ${text(step, 'server')} loses its watch on etcd at write ${amount(step, 'nth')}, once ${lasting(step)}`,
}

export const compaction = blow({
  id: 'compaction',
  title: 'compacts etcd now: watchers and lists of older versions get 410 Gone',
  server: 'the API server that asks for it',
  what: 'compactions asked for',
  strike(_cluster, server, out) {
    server.compactNow(out)
    return 1
  },
  describe: (server) => `${server} has etcd compacted`,
})

export const lostReplies: FaultKind = {
  id: 'lost-replies',
  title: 'lets requests reach the API servers but loses the answers: writes take effect, clients time out',
  parameters: { process: 'the client process that gets no answers' },
  arbitrary: (topology) =>
    fc.record({
      durationMicros: rounded(3_000_000, 18_000_000, 500_000),
      parameters: fc.record({ process: mostlyAsking(topology) }),
    }),
  validate: (step, topology) => wrongName(step, 'process', clients(processNames(topology))),
  inject(cluster, step) {
    const client = new Set([cluster.process(text(step, 'process'))])
    return ruleFault(cluster, client, [
      { id: step.id, from: othersThan(cluster, client), to: client, verdict: { kind: 'drop' } },
    ])
  },
  describe: (step) => `${text(step, 'process')} gets no answers, though its requests arrive, ${lasting(step)}`,
}

/** A kube-proxy only listens, and hears little. */
function mostlyAsking(topology: Topology): Arbitrary<string> {
  const all = clients(processNames(topology))
  const asking = all.filter((name) => !name.startsWith('kube-proxy'))
  return oneOf([...asking, ...asking, ...all])
}

function clients(processes: readonly string[]): readonly string[] {
  return processes.filter((name) => !name.startsWith('etcd') && !name.startsWith('apiserver'))
}
