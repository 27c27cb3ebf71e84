/** Suites for consensus and storage: clients of etcd, and members that die, join, leave and follow each other as leaders. */
import fc from 'fast-check'
import type { Topology } from '../../src/cluster/index.ts'
import type { Recipe } from '../../src/trial/index.ts'
import type { Registry, Suite } from '../../src/trial/registry.ts'
import { LEAN, SECOND, suite } from '../recipes.ts'
import { web } from '../workloads.ts'

const MILLISECOND = 1_000
/** Of all but etcd there is one. */
const ETCD_ONLY: Topology = { ...LEAN, etcdMembers: 3, apiServers: 1, nodes: 1, zones: 1 }

/** Clients whose values are large: a log that grows fast, appends that take time. */
const WRITERS_OF_LARGE_VALUES: Recipe['etcdClients'] = {
  kinds: ['delete', 'txn', 'range', 'serializable-get'],
  valueBytes: [100, 600_000, 600_000],
  everyMicros: [60 * MILLISECOND, 200 * MILLISECOND],
}

export const ETCD_SUITES: readonly ((registry: Registry) => Suite)[] = [
  suite('etcd-clients', 'clients of etcd that write and read while its members misbehave', {
    topology: ETCD_ONLY,
    objects: [],
    traffic: false,
    etcdClients: {},
    faults: {
      kinds: [
        'partition',
        'short-reigns',
        'crash-process',
        'crash-node',
        'pause-process',
        'disk-trouble',
        'loss-burst',
        'duplicate-messages',
        'reorder-messages',
        'slow-link',
      ],
      least: 1,
      most: 5,
    },
    quietStartMicros: 4 * SECOND,
    durationMicros: 25 * SECOND,
  }),
  suite('etcd-reigns', 'leaders of etcd that follow each other in quick succession while clients write large values', {
    topology: fc.constantFrom<Topology>(ETCD_ONLY, ETCD_ONLY, { ...ETCD_ONLY, etcdMembers: 5 }),
    objects: [],
    traffic: false,
    etcdClients: WRITERS_OF_LARGE_VALUES,
    faults: { kinds: ['short-reigns', 'disk-trouble'], least: 2, most: 5 },
    quietStartMicros: 4 * SECOND,
    durationMicros: 30 * SECOND,
  }),
  suite('etcd-reads', 'clients of etcd that read and write in quick succession while its leaders follow each other', {
    topology: fc.constantFrom<Topology>(ETCD_ONLY, { ...ETCD_ONLY, etcdMembers: 5 }),
    objects: [],
    traffic: false,
    etcdClients: {
      least: 4,
      most: 6,
      kinds: ['range', 'txn'],
      valueBytes: [100, 100, 100_000],
      everyMicros: [10 * MILLISECOND, 30 * MILLISECOND],
    },
    faults: { kinds: ['short-reigns', 'disk-trouble'], least: 3, most: 6 },
    quietStartMicros: 4 * SECOND,
    durationMicros: 20 * SECOND,
  }),
  suite('etcd-members', 'members of etcd that join, are promoted, removed and handed the lead, in bad company', {
    topology: fc.constantFrom<Topology>(
      { ...ETCD_ONLY, spareEtcdMembers: 2 },
      { ...ETCD_ONLY, spareEtcdMembers: 2, etcdSnapshotEntries: 60 },
      { ...ETCD_ONLY, spareEtcdMembers: 1 },
    ),
    objects: [],
    traffic: false,
    etcdClients: { most: 2, kinds: ['delete', 'txn', 'watch', 'serializable-get'] },
    workload: {
      kinds: [
        'etcd-member-add',
        'etcd-member-promote',
        'etcd-member-remove',
        'etcd-move-leader',
        'etcd-defragment',
        'etcd-compact',
      ],
      least: 2,
      most: 10,
    },
    faults: {
      kinds: [
        'short-reigns',
        'disk-trouble',
        'cut-off-members',
        'crash-after-member-change',
        'crash-process',
        'partition',
        'slow-link',
      ],
      least: 1,
      most: 5,
    },
    quietStartMicros: 4 * SECOND,
    durationMicros: 35 * SECOND,
  }),
  suite('etcd-leases', 'leases of etcd that are renewed, given up and forgotten while leaders come and go', {
    topology: ETCD_ONLY,
    objects: [],
    traffic: false,
    etcdClients: {
      always: ['lease-grant', 'leased-put', 'lease-keep-alive', 'get'],
      kinds: ['put', 'lease-revoke', 'range'],
      everyMicros: [100 * MILLISECOND, 300 * MILLISECOND],
    },
    faults: {
      kinds: ['short-reigns', 'disk-trouble', 'pause-process', 'partition', 'crash-process'],
      least: 1,
      most: 4,
    },
    quietStartMicros: 4 * SECOND,
    durationMicros: 30 * SECOND,
  }),
  suite('etcd-learners', 'a learner of etcd that is promoted while it hears nothing, and leaders that die of it', {
    topology: { ...ETCD_ONLY, spareEtcdMembers: 1 },
    objects: [],
    traffic: false,
    etcdClients: { least: 1, most: 2, kinds: ['txn'], everyMicros: [300 * MILLISECOND] },
    workload: { kinds: ['etcd-member-add', 'etcd-member-promote'], least: 3, most: 6 },
    faults: { kinds: ['cut-off-members', 'crash-after-member-change'], least: 2, most: 5 },
    quietStartMicros: 4 * SECOND,
    durationMicros: 40 * SECOND,
  }),
  suite(
    'etcd-in-turn',
    'API servers and clients of etcd whose requests go to all its members in turn, in bad company',
    {
      topology: fc.constantFrom<Topology>(
        { ...ETCD_ONLY, apiServers: 2, etcdBalance: 'round-robin' },
        { ...ETCD_ONLY, etcdBalance: 'round-robin', spareEtcdMembers: 1 },
      ),
      objects: [web({ replicas: 2 })],
      traffic: false,
      etcdClients: { least: 1, most: 3, kinds: ['range', 'delete', 'txn', 'watch', 'lease-grant', 'leased-put'] },
      workload: {
        kinds: ['scale', 'set-image', 'delete-pod', 'etcd-member-add', 'etcd-member-promote'],
        least: 1,
        most: 4,
      },
      faults: {
        kinds: [
          'partition',
          'cut-off-members',
          'crash-process',
          'crash-node',
          'pause-process',
          'disk-trouble',
          'slow-link',
        ],
        least: 1,
        most: 4,
      },
    },
  ),
  suite('etcd-restarts', 'members of etcd that die again and again while keys are deleted and history is compacted', {
    topology: fc.constantFrom<Topology>(ETCD_ONLY, { ...ETCD_ONLY, etcdMembers: 1 }),
    objects: [],
    traffic: false,
    etcdClients: {
      kinds: ['delete', 'txn', 'compact', 'watch', 'serializable-get', 'get-at-revision', 'lease-grant', 'leased-put'],
      everyMicros: [20 * MILLISECOND, 60 * MILLISECOND],
    },
    workload: { kinds: ['etcd-defragment', 'etcd-compact'], least: 0, most: 6 },
    faults: { kinds: ['crash-loop', 'crash-process', 'crash-node', 'disk-trouble'], least: 1, most: 4 },
    quietStartMicros: 4 * SECOND,
    durationMicros: 20 * SECOND,
  }),
  suite(
    'etcd-disks',
    'members of etcd that lose power while clients write large values, and the disks that they wake up with',
    {
      topology: fc.constantFrom<Topology>(
        ETCD_ONLY,
        { ...ETCD_ONLY, etcdMembers: 1 },
        { ...ETCD_ONLY, spareEtcdMembers: 1, etcdSnapshotEntries: 60 },
      ),
      objects: [],
      traffic: false,
      etcdClients: WRITERS_OF_LARGE_VALUES,
      workload: { kinds: ['etcd-member-remove', 'etcd-member-add', 'etcd-member-promote'], least: 0, most: 4 },
      faults: { kinds: ['crash-node', 'crash-loop', 'crash-process', 'disk-trouble', 'bit-rot'], least: 1, most: 4 },
      quietStartMicros: 4 * SECOND,
      durationMicros: 25 * SECOND,
    },
  ),
  suite('etcd-watches', 'watches of slow readers while keys are deleted and history is compacted', {
    topology: fc.constantFrom<Topology>(ETCD_ONLY, { ...ETCD_ONLY, etcdMembers: 1 }),
    objects: [],
    traffic: false,
    etcdClients: {
      kinds: ['delete', 'txn', 'compact', 'watch', 'stall', 'get-at-revision', 'leased-put'],
      everyMicros: [20 * MILLISECOND, 60 * MILLISECOND],
    },
    faults: { kinds: ['crash-process', 'pause-process', 'slow-link', 'partition'], least: 1, most: 3 },
    quietStartMicros: 4 * SECOND,
    durationMicros: 20 * SECOND,
  }),
]
