/** Tables of the filters: which node is refused for which pod, and with which words. */
import { expect, test } from 'vitest'
import type { PodAffinityTerm } from '../objects/index.ts'
import { SchedulerCache } from './cache.ts'
import { SCHEDULER_DECISIONS } from './decisions.ts'
import { REJECTIONS, rejectionOf } from './filters.ts'
import type { NodeInfo } from './nodeinfo.ts'
import { podAffinityStateOf } from './podaffinity.ts'
import { podInfoOf } from './podinfo.ts'
import { Snapshot } from './snapshot.ts'
import { type NodeWords, nodeOf, type PodWords, podOf } from './testing.ts'

function cluster(nodes: readonly NodeWords[], bound: readonly PodWords[] = []): Snapshot {
  const cache = new SchedulerCache(SCHEDULER_DECISIONS)
  for (const node of nodes) cache.setNode(nodeOf(node))
  bound.forEach((pod, index) => {
    cache.setPod(podOf({ name: `bound-${index}`, nodeName: 'node-0', ...pod }))
  })
  const snapshot = new Snapshot()
  snapshot.update(cache)
  return snapshot
}

/** The reason against each node, 'ok' where there is none. */
function verdicts(pod: PodWords, snapshot: Snapshot): string[] {
  const info = podInfoOf(podOf(pod))
  const affinity = podAffinityStateOf(info, snapshot)
  return snapshot.nodes.map((node: NodeInfo) => rejectionOf(info, node, affinity)?.reason ?? 'ok')
}

test.each<{ what: string; pod: PodWords; bound?: PodWords[]; node?: NodeWords; expected: string }>([
  { what: 'an empty node takes a pod', pod: { cpu: '4', memory: '8Gi' }, expected: 'ok' },
  { what: 'a milli too much', pod: { cpu: '4001m' }, expected: 'Insufficient cpu' },
  { what: 'a byte too much', pod: { memory: '8589934593' }, expected: 'Insufficient memory' },
  { what: 'what is left', pod: { cpu: '1' }, bound: [{ cpu: '3' }], expected: 'ok' },
  { what: 'less than what is left', pod: { cpu: '1001m' }, bound: [{ cpu: '3' }], expected: 'Insufficient cpu' },
  { what: 'no request fits a full node', pod: {}, bound: [{ cpu: '4', memory: '8Gi' }], expected: 'ok' },
  { what: 'pods are counted', pod: {}, bound: [{}, {}], node: { pods: '2' }, expected: 'Too many pods' },
  { what: 'a taken host port', pod: { hostPort: 80 }, bound: [{ hostPort: 80 }], expected: REJECTIONS.ports.reason },
  { what: 'another host port', pod: { hostPort: 81 }, bound: [{ hostPort: 80 }], expected: 'ok' },
  { what: 'a cordoned node', pod: {}, node: { unschedulable: true }, expected: REJECTIONS.unschedulable.reason },
  {
    what: 'a cordoned node, tolerated',
    pod: { spec: { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] } },
    node: { unschedulable: true },
    expected: 'ok',
  },
  {
    what: 'a taint',
    pod: {},
    node: { taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] },
    expected: 'node(s) had untolerated taint {gpu: yes}',
  },
  {
    what: 'a taint tolerated by value',
    pod: { spec: { tolerations: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] } },
    node: { taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] },
    expected: 'ok',
  },
  {
    what: 'a taint not tolerated by another value',
    pod: { spec: { tolerations: [{ key: 'gpu', value: 'no' }] } },
    node: { taints: [{ key: 'gpu', value: 'yes', effect: 'NoExecute' }] },
    expected: 'node(s) had untolerated taint {gpu: yes}',
  },
  {
    what: 'everything tolerated',
    pod: { spec: { tolerations: [{ operator: 'Exists' }] } },
    node: { taints: [{ key: 'gpu', effect: 'NoExecute' }] },
    expected: 'ok',
  },
  {
    what: 'a preference is no taint to fear',
    pod: {},
    node: { taints: [{ key: 'x', effect: 'PreferNoSchedule' }] },
    expected: 'ok',
  },
  {
    what: 'a node selector',
    pod: { spec: { nodeSelector: { disk: 'ssd' } } },
    expected: REJECTIONS.nodeAffinity.reason,
  },
  {
    what: 'a node selector met',
    pod: { spec: { nodeSelector: { disk: 'ssd' } } },
    node: { labels: { disk: 'ssd' } },
    expected: 'ok',
  },
  { what: 'an empty node selector', pod: { spec: { nodeSelector: {} } }, expected: 'ok' },
  { what: 'another node by name', pod: { nodeName: 'node-9' }, expected: REJECTIONS.nodeName.reason },
])('$what: $expected', ({ pod, bound = [], node = {}, expected }) => {
  expect(verdicts(pod, cluster([node], bound))).toEqual([expected])
})

test('node affinity: terms are ORed, requirements ANDed, Gt and Lt compare whole numbers', () => {
  const snapshot = cluster([
    { name: 'a', labels: { zone: 'x', cores: '4' } },
    { name: 'b', labels: { zone: 'x', cores: '16' } },
    { name: 'c', labels: { zone: 'y' } },
  ])
  const nodeSelectorTerms = [
    {
      matchExpressions: [
        { key: 'zone', operator: 'In', values: ['x'] } as const,
        { key: 'cores', operator: 'Gt', values: ['8'] } as const,
      ],
    },
    { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['c'] } as const] },
  ]
  const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } }
  const reason = REJECTIONS.nodeAffinity.reason
  expect(verdicts({ spec: { affinity: { nodeAffinity } } }, snapshot)).toEqual([reason, 'ok', 'ok'])
})

const zone = 'topology.kubernetes.io/zone'
const nodes: NodeWords[] = [
  { name: 'node-0', labels: { [zone]: 'a' } },
  { name: 'node-1', labels: { [zone]: 'a' } },
  { name: 'node-2', labels: { [zone]: 'b' } },
  { name: 'node-3' },
]
const term = (topologyKey: string, app = 'web'): PodAffinityTerm => ({
  topologyKey,
  labelSelector: { matchLabels: { app } },
})
const near = (...terms: PodAffinityTerm[]): PodWords['spec'] => ({
  affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
})
const away = (...terms: PodAffinityTerm[]): PodWords['spec'] => ({
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
})
const web = { labels: { app: 'web' } }
const no = REJECTIONS.podAffinity.reason

test.each<{ what: string; pod: PodWords; bound: PodWords[]; expected: string[] }>([
  {
    what: 'away from its own kind, by host',
    pod: { ...web, spec: away(term('kubernetes.io/hostname')) },
    bound: [web],
    expected: [no, 'ok', 'ok', 'ok'],
  },
  {
    what: 'away from its own kind, by zone; a node without a zone is nowhere',
    pod: { ...web, spec: away(term(zone)) },
    bound: [web],
    expected: [no, no, 'ok', 'ok'],
  },
  { what: 'near a kind, by zone', pod: { spec: near(term(zone)) }, bound: [web], expected: ['ok', 'ok', no, no] },
  { what: 'near a kind that is nowhere', pod: { spec: near(term(zone)) }, bound: [], expected: [no, no, no, no] },
  {
    what: 'the first of a series that wants its own kind, where there is a zone',
    pod: { ...web, spec: near(term(zone)) },
    bound: [],
    expected: ['ok', 'ok', 'ok', no],
  },
  {
    what: 'a pod there wants none of this kind',
    pod: web,
    bound: [{ spec: away(term(zone)) }],
    expected: [no, no, 'ok', 'ok'],
  },
  {
    what: 'another kind is not meant',
    pod: { labels: { app: 'db' } },
    bound: [{ spec: away(term(zone)) }],
    expected: ['ok', 'ok', 'ok', 'ok'],
  },
])('$what', ({ pod, bound, expected }) => {
  expect(verdicts(pod, cluster(nodes, bound))).toEqual(expected)
})
