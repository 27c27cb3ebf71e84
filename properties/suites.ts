/**
 * The built-in suites: named sources of scenarios, each with the workload, faults and people's deeds that reach one part of
 * the cluster. Every suite checks every property.
 */
import fc from 'fast-check'
import { SMALL_TOPOLOGY, type Topology } from '../src/cluster/index.ts'
import type { Registry, Suite } from '../src/trial/registry.ts'
import { ETCD_SUITES } from './etcd/suites.ts'
import { ANY_APPS, ANY_OBJECTS, ANY_STEPS, ANY_TOPOLOGY } from './everything.ts'
import { LEAN, SECOND, suite } from './recipes.ts'
import { batch, budget, configMap, service, web } from './workloads.ts'

const CONTROL_PLANE_FAULTS = [
  'partition',
  'slow-link',
  'loss-burst',
  'crash-process',
  'pause-process',
  'lagging-cache',
  'closed-watches',
  'lost-replies',
  'slow-consumer',
] as const

const SMALL_OR_LEAN = fc.constantFrom<Topology>(SMALL_TOPOLOGY, LEAN, LEAN)

/** Both data planes carry traffic in turn. */
const EITHER_MODE = fc.constantFrom<Topology>(SMALL_TOPOLOGY, { ...SMALL_TOPOLOGY, proxyMode: 'ipvs' })

export const SUITES: readonly ((registry: Registry) => Suite)[] = [
  suite('small', 'the small cluster: two applications, all kinds of fault, people at work', {
    topology: EITHER_MODE,
    objects: [
      web({ replicas: 4, preStopSeconds: 6 }),
      service('web'),
      web({ name: 'api', replicas: 3 }),
      service('api', { type: 'NodePort' }),
      budget('api'),
    ],
    workload: { least: 1, most: 3 },
    traffic: { everyMicros: SECOND / 2 },
    faults: { least: 1, most: 4 },
  }),
  suite('quiet-core', 'some hosts never come back: what is left must come to rest as if nothing else had been there', {
    topology: fc.constantFrom<Topology>(
      SMALL_TOPOLOGY,
      { ...SMALL_TOPOLOGY, proxyMode: 'ipvs', nodes: 4 },
      { ...SMALL_TOPOLOGY, etcdMembers: 5 },
      { ...LEAN, apiServers: 1, nodes: 3, zones: 3 },
    ),
    objects: [
      web({ replicas: 3, preStopSeconds: 3 }),
      service('web'),
      web({ name: 'api', replicas: 2 }),
      budget('api'),
    ],
    workload: { kinds: ['scale', 'set-image', 'delete-pod', 'drain', 'restart-rollout'], least: 0, most: 2 },
    traffic: { everyMicros: SECOND },
    faults: { least: 1, most: 3 },
    losesHosts: true,
  }),
  suite('rollout', 'rolling updates under a lagging or disturbed control plane', {
    topology: SMALL_OR_LEAN,
    objects: [web({ replicas: 4, preStopSeconds: 6 }), service('web')],
    workload: { kinds: ['set-image', 'restart-rollout', 'scale', 'rollback', 'delete-pod'], least: 1, most: 3 },
    faults: {
      kinds: ['lagging-cache', 'slow-consumer', 'closed-watches', 'slow-link', 'crash-process', 'lost-replies'],
      least: 1,
      most: 3,
    },
  }),
  suite('elections', 'etcd members that are cut off, killed, paused and slow: who leads?', {
    objects: [],
    traffic: false,
    faults: {
      kinds: [
        'partition',
        'crash-process',
        'pause-process',
        'disk-trouble',
        'loss-burst',
        'duplicate-messages',
        'reorder-messages',
      ],
      least: 1,
      most: 5,
    },
    quietStartMicros: 0,
    durationMicros: 40 * SECOND,
  }),
  suite('votes', 'etcd members that lose power while they elect, on slow links', {
    topology: { ...LEAN, etcdMembers: 3, apiServers: 1, nodes: 1, zones: 1 },
    objects: [],
    traffic: false,
    faults: {
      kinds: ['crash-at-vote', 'slow-link', 'crash-process', 'pause-process', 'disk-trouble', 'reorder-messages'],
      least: 2,
      most: 6,
    },
    quietStartMicros: 0,
    durationMicros: 40 * SECOND,
  }),
  suite('etcd', 'writes while the members of etcd and their network misbehave', {
    objects: [web({ replicas: 3 })],
    workload: { kinds: ['scale', 'set-image', 'delete-pod'], least: 1, most: 3 },
    traffic: false,
    faults: {
      kinds: [
        'partition',
        'crash-process',
        'pause-process',
        'disk-trouble',
        'loss-burst',
        'duplicate-messages',
        'reorder-messages',
        'slow-link',
        'compaction',
      ],
      least: 1,
      most: 5,
    },
  }),
  suite('etcd-small', 'an etcd of one member that loses power', {
    topology: { ...SMALL_TOPOLOGY, etcdMembers: 1, apiServers: 1, controllerManagers: 1, schedulers: 1, nodes: 1 },
    objects: [web({ replicas: 2 })],
    workload: { kinds: ['scale', 'set-image', 'delete-pod'], least: 1, most: 3 },
    traffic: false,
    faults: { kinds: ['crash-process', 'crash-node', 'disk-trouble'], least: 1, most: 4 },
  }),
  suite(
    'events',
    'components tell what they do, into an etcd of their own, while either etcd and the servers misbehave',
    {
      topology: fc.constantFrom<Topology>(
        { ...SMALL_TOPOLOGY, events: 'on', eventsEtcdMembers: 3 },
        { ...LEAN, events: 'on', eventsEtcdMembers: 1 },
        { ...SMALL_TOPOLOGY, events: 'on' },
      ),
      objects: [web({ replicas: 3, preStopSeconds: 3 }), service('web')],
      workload: { kinds: ['scale', 'set-image', 'delete-pod', 'drain'], least: 1, most: 3 },
      traffic: false,
      faults: {
        kinds: ['crash-process', 'pause-process', 'crash-node', 'partition', 'disk-trouble'],
        least: 1,
        most: 4,
      },
    },
  ),
  ...ETCD_SUITES,
  suite('control-plane', 'controllers, schedulers and API servers that die, stand still or lose each other', {
    objects: [web({ replicas: 3 }), service('web')],
    workload: { kinds: ['scale', 'set-image', 'delete-pod'], least: 0, most: 3 },
    traffic: false,
    faults: { kinds: CONTROL_PLANE_FAULTS, least: 1, most: 4 },
  }),
  suite('watch-gaps', 'watches that break while objects come and go', {
    topology: SMALL_OR_LEAN,
    objects: [web({ replicas: 3 }), service('web')],
    workload: { kinds: ['delete-pod', 'scale', 'restart-rollout'], least: 1, most: 4 },
    traffic: false,
    faults: {
      kinds: [
        'closed-watches',
        'broken-cache',
        'slow-consumer',
        'partition',
        'compaction',
        'crash-process',
        'loss-burst',
        'stalled-watch',
        'starved-process',
        'broken-cache-after-write',
      ],
      least: 1,
      most: 4,
    },
  }),
  suite('stale-reads', 'API servers that serve the past while pods go and kubelets restart', {
    topology: SMALL_OR_LEAN,
    objects: [web({ replicas: 4, graceSeconds: 2 })],
    workload: { kinds: ['delete-pod', 'scale', 'drain'], least: 1, most: 3 },
    traffic: false,
    faults: { kinds: ['lagging-cache', 'crash-process', 'crash-node'], least: 2, most: 6 },
  }),
  suite('crowded', 'little room on the nodes, pods that end, and schedulers that are late to hear of it', {
    topology: { ...LEAN, nodes: 3, nodeCapacity: { cpu: '1', memory: '2Gi', pods: '20' } },
    objects: [
      batch('batch-a', '400m'),
      batch('batch-b', '400m'),
      batch('batch-c', '400m'),
      web({ replicas: 3, cpu: '400m', graceSeconds: 2 }),
    ],
    apps: { 'registry.example/batch': { exitAfterMicros: 6 * SECOND } },
    workload: { kinds: ['scale', 'delete-pod', 'restart-rollout'], least: 1, most: 4 },
    traffic: false,
    faults: {
      kinds: ['deaf-after-write', 'compaction', 'slow-consumer', 'lost-replies', 'closed-watches', 'crash-process'],
      least: 1,
      most: 4,
    },
  }),
  suite('blind-scheduler', 'full nodes, pods that wait for room, and a scheduler that is shown nothing for long', {
    topology: { ...LEAN, nodeCapacity: { cpu: '1', memory: '2Gi', pods: '20' } },
    objects: [
      web({ replicas: 3, cpu: '400m', graceSeconds: 2, priority: 1000 }),
      batch('batch-a', '400m'),
      batch('batch-b', '400m'),
      batch('batch-c', '400m'),
    ],
    apps: { 'registry.example/batch': { exitAfterMicros: 60 * SECOND } },
    workload: { kinds: ['delete-pod', 'restart-rollout'], least: 2, most: 5 },
    traffic: false,
    faults: { kinds: ['blind-after-write', 'stalled-watch', 'lagging-cache'], least: 2, most: 4 },
    durationMicros: 90 * SECOND,
  }),
  suite('replaced-nodes', 'machines that are replaced by others of the same name, while pods are few', {
    topology: { ...LEAN, nodes: 4 },
    objects: [web({ replicas: 2, cpu: '900m', graceSeconds: 2 })],
    workload: { kinds: ['scale', 'delete-pod', 'restart-rollout', 'drain'], least: 1, most: 4 },
    traffic: false,
    faults: { kinds: ['replaced-node', 'slow-consumer', 'stalled-watch', 'crash-process'], least: 2, most: 4 },
    durationMicros: 60 * SECOND,
  }),
  suite('finalizers', 'objects that gain a finalizer while others delete them', {
    topology: LEAN,
    objects: [configMap('first'), configMap('second')],
    workload: { kinds: ['hold-configmap', 'delete-configmap'], least: 2, most: 5 },
    traffic: false,
    faults: { kinds: ['lagging-cache', 'slow-link'], least: 1, most: 3 },
  }),
  suite('node-loss', 'nodes that fall silent, one or all at once', {
    objects: [web({ replicas: 4 }), service('web'), budget('web')],
    workload: { kinds: ['drain', 'cordon', 'uncordon', 'delete-pod'], least: 0, most: 2 },
    traffic: { everyMicros: SECOND },
    faults: {
      kinds: ['lost-contact', 'crash-after-write', 'crash-node', 'crash-process', 'clock-skew', 'pause-process'],
      least: 1,
      most: 4,
    },
    durationMicros: 150 * SECOND,
  }),
  suite('evictions', 'drains of several nodes at once, while the budget of their pods is computed late', {
    topology: { ...LEAN, nodes: 3 },
    objects: [web({ replicas: 6, graceSeconds: 2 }), budget('web')],
    workload: { kinds: ['drain', 'uncordon', 'restart-rollout'], least: 3, most: 6 },
    traffic: false,
    faults: {
      kinds: ['slow-consumer', 'starved-process', 'slow-link', 'lost-replies', 'lagging-cache', 'crash-process'],
      least: 2,
      most: 5,
    },
  }),
  suite(
    'termination',
    'containers that are stopped: hooks that overrun, programs that ignore TERM, kubelets that restart',
    {
      topology: SMALL_OR_LEAN,
      objects: [
        batch('job', '50m'),
        web({ replicas: 2, preStopSeconds: 3, graceSeconds: 8, livenessSeconds: 2 }),
        web({
          name: 'stubborn',
          replicas: 2,
          preStopSeconds: 4,
          graceSeconds: 6,
          livenessSeconds: 2,
          initContainers: [{ name: 'prepare', image: 'registry.example/prepare:v1' }],
        }),
        service('web'),
      ],
      apps: {
        'registry.example/batch': { exitAfterMicros: 8 * SECOND },
        'registry.example/stubborn': { onTerm: 'ignore' },
        'registry.example/web': {
          onTerm: 'drain',
          drainMicros: 4 * SECOND,
          shutdownMicros: 3 * SECOND,
          healthWhileDraining: 'fail',
        },
      },
      workload: { kinds: ['delete-pod', 'restart-rollout', 'set-image', 'scale', 'drain'], least: 1, most: 4 },
      faults: {
        kinds: [
          'slow-prestop',
          'container-crash',
          'container-prune',
          'probe-flap',
          'crash-process',
          'image-pull-failure',
        ],
        least: 2,
        most: 4,
      },
    },
  ),
  suite('network', 'services of every type while endpoints change and rules fail to load', {
    topology: EITHER_MODE,
    objects: [
      web({ replicas: 4, preStopSeconds: 6, livenessSeconds: 4 }),
      service('web'),
      service('web', { name: 'web-udp', udp: true }),
      service('web', { name: 'web-local', type: 'NodePort', local: true }),
      service('web', { name: 'web-sticky', affinity: true }),
      service('web', { name: 'web-direct', headless: true }),
    ],
    workload: { kinds: ['restart-rollout', 'scale', 'delete-pod', 'drain'], least: 1, most: 3 },
    traffic: { everyMicros: SECOND / 2 },
    faults: {
      kinds: ['failed-restore', 'probe-flap', 'crash-process', 'closed-watches', 'slow-consumer', 'container-crash'],
      least: 1,
      most: 3,
    },
  }),
  suite('services', 'services that come and go, two of them at one address, while endpoints change', {
    topology: fc.constantFrom<Topology>(LEAN, { ...LEAN, proxyMode: 'ipvs' }),
    objects: [
      web({ replicas: 3, preStopSeconds: 6 }),
      service('web', { externalAddress: '198.51.100.7' }),
      service('web', { name: 'web-too', externalAddress: '198.51.100.7', port: 81 }),
    ],
    workload: { kinds: ['delete-service', 'apply-service', 'scale', 'delete-pod'], least: 3, most: 7 },
    traffic: false,
    faults: {
      kinds: [
        'slow-consumer',
        'lagging-cache',
        'closed-watches',
        'failed-restore',
        'stalled-watch',
        'blind-after-write',
      ],
      least: 1,
      most: 3,
    },
  }),
  suite('busy-clients', 'clients with open connections, and some with few source ports, while pods come and go', {
    topology: fc.constantFrom<Topology>({ ...LEAN, proxyMode: 'ipvs' }, { ...LEAN, proxyMode: 'ipvs' }, LEAN),
    objects: [
      web({ replicas: 3, preStopSeconds: 6 }),
      service('web'),
      service('web', { name: 'web-node', type: 'NodePort' }),
      service('web', { name: 'web-udp', udp: true }),
    ],
    workload: { kinds: ['restart-rollout', 'set-image', 'scale', 'delete-pod'], least: 1, most: 4 },
    traffic: { everyMicros: SECOND / 4, sourcePorts: 12 },
    faults: { kinds: ['crash-process', 'failed-restore', 'slow-consumer', 'closed-watches'], least: 0, most: 2 },
    durationMicros: 60 * SECOND,
  }),
  suite('calm-rollout', 'a rollout with nothing else going on: what do clients see?', {
    topology: EITHER_MODE,
    objects: [
      web({ replicas: 3, preStopSeconds: 6 }),
      service('web'),
      web({ name: 'bare', replicas: 3 }),
      service('bare'),
    ],
    workload: { kinds: ['restart-rollout', 'set-image', 'delete-pod'], least: 1, most: 2 },
    traffic: { everyMicros: SECOND / 20 },
    faults: { kinds: ['container-crash'], least: 0, most: 0 },
  }),
  suite('everything', 'clusters, applications, faults and deeds of every kind at once', {
    topology: ANY_TOPOLOGY,
    objects: ANY_OBJECTS,
    apps: ANY_APPS,
    workload: { kinds: ANY_STEPS, least: 0, most: 5 },
    traffic: { everyMicros: SECOND / 2 },
    faults: { least: 1, most: 5 },
  }),
]
