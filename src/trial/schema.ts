/**
 * The JSON Schema of a scenario, as data. `fixtures/scenario.schema.json` is this value written out, for editors.
 * It fixes shapes only; whether a name exists is asked of the registry (`check-scenario.ts`).
 */
import { ETCD_OPERATIONS } from '../cluster/etcd-load.ts'
import { RESOURCE_NAMES } from '../objects/index.ts'
import { SCENARIO_FORMAT, SCENARIO_VERSION } from './scenario.ts'

const text = { type: 'string', minLength: 1 }
const micros = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER }
const strings = { type: 'object', additionalProperties: { type: 'string' } }

function shape(properties: Readonly<Record<string, unknown>>, optional: readonly string[] = []) {
  return {
    type: 'object',
    additionalProperties: false,
    required: Object.keys(properties).filter((key) => !optional.includes(key)),
    properties,
  }
}

const kubeObject = {
  type: 'object',
  required: ['apiVersion', 'kind', 'metadata'],
  properties: {
    apiVersion: text,
    kind: text,
    metadata: { type: 'object', required: ['name'], properties: { name: text, namespace: { type: 'string' } } },
  },
}

const topology = shape(
  {
    etcdMembers: { enum: [1, 3, 5] },
    events: { enum: ['off', 'on'] },
    eventsEtcdMembers: { enum: [0, 1, 3, 5] },
    apiServers: { type: 'integer', minimum: 1, maximum: 9 },
    controllerManagers: { type: 'integer', minimum: 1, maximum: 9 },
    schedulers: { type: 'integer', minimum: 1, maximum: 9 },
    nodes: { type: 'integer', minimum: 1, maximum: 10_000 },
    zones: { type: 'integer', minimum: 1, maximum: 100 },
    nodeCapacity: shape({ cpu: text, memory: text, pods: text }),
    proxyMode: { enum: ['iptables', 'ipvs'] },
    controllerQps: { type: 'number', exclusiveMinimum: 0 },
    controllerBurst: { type: 'integer', minimum: 1 },
    schedulerQps: { type: 'number', exclusiveMinimum: 0 },
    schedulerBurst: { type: 'integer', minimum: 1 },
    spareEtcdMembers: { type: 'integer', minimum: 0, maximum: 4 },
    etcdSnapshotEntries: { type: 'integer', minimum: 2, maximum: 1_000_000 },
    etcdBalance: { enum: ['pinned', 'round-robin'] },
    nodeLabels: strings,
  },
  [
    'schedulerQps',
    'schedulerBurst',
    'events',
    'eventsEtcdMembers',
    'spareEtcdMembers',
    'etcdSnapshotEntries',
    'etcdBalance',
  ],
)

const onDeployment = { namespace: text, deployment: text }
const named = { resource: { enum: [...RESOURCE_NAMES] }, namespace: text, name: text }

/** Workload step kind -> its own members, and which of them may be left out. */
const STEPS: Readonly<
  Record<string, { readonly members: Readonly<Record<string, unknown>>; readonly optional?: readonly string[] }>
> = {
  apply: { members: { object: kubeObject } },
  scale: { members: { ...onDeployment, replicas: { type: 'integer', minimum: 0 } } },
  'set-image': { members: { ...onDeployment, image: text } },
  'restart-rollout': { members: { ...onDeployment, token: text } },
  'pause-rollout': { members: onDeployment },
  'resume-rollout': { members: onDeployment },
  rollback: { members: onDeployment },
  'delete-pod': {
    members: {
      ...onDeployment,
      index: { type: 'integer', minimum: 0 },
      gracePeriodSeconds: { type: 'integer', minimum: 0 },
    },
    optional: ['gracePeriodSeconds'],
  },
  delete: {
    members: { ...named, propagationPolicy: { enum: ['Foreground', 'Background', 'Orphan'] } },
    optional: ['namespace', 'propagationPolicy'],
  },
  patch: { members: { ...named, patch: {} }, optional: ['namespace'] },
  cordon: { members: { node: text } },
  uncordon: { members: { node: text } },
  drain: { members: { node: text } },
  'etcd-member-add': { members: { member: text, learner: { type: 'boolean' } } },
  'etcd-member-promote': { members: { member: text } },
  'etcd-member-remove': { members: { member: text } },
  'etcd-move-leader': { members: { member: text } },
  'etcd-defragment': { members: { member: text } },
  'etcd-compact': { members: {} },
}

const workloadStep = {
  type: 'object',
  required: ['id', 'atMicros', 'kind'],
  discriminator: { propertyName: 'kind' },
  oneOf: Object.entries(STEPS).map(([kind, { members, optional }]) =>
    shape({ id: text, atMicros: micros, kind: { const: kind }, ...members }, optional),
  ),
}

const trafficClient = shape(
  {
    id: text,
    from: { enum: ['pod', 'node', 'outside'] },
    node: text,
    namespace: text,
    service: text,
    port: { type: 'integer', minimum: 1, maximum: 65_535 },
    protocol: { enum: ['TCP', 'UDP'] },
    everyMicros: { ...micros, minimum: 1_000 },
    keepAlive: { type: 'boolean' },
    startMicros: micros,
    timeoutMicros: { ...micros, minimum: 1 },
    sourcePorts: { type: 'integer', minimum: 1, maximum: 28_232 },
  },
  ['sourcePorts'],
)

const etcdClient = shape({
  id: text,
  keys: { type: 'integer', minimum: 1, maximum: 10_000 },
  everyMicros: { ...micros, minimum: 1_000 },
  startMicros: micros,
  timeoutMicros: { ...micros, minimum: 1 },
  valueBytes: { type: 'integer', minimum: 1, maximum: 1_000_000 },
  watches: { type: 'integer', minimum: 0, maximum: 100 },
  operations: shape(
    Object.fromEntries(ETCD_OPERATIONS.map((kind) => [kind, { type: 'integer', minimum: 0, maximum: 1_000_000 }])),
    ETCD_OPERATIONS,
  ),
})

const faultStep = shape({
  id: text,
  kind: text,
  atMicros: micros,
  durationMicros: micros,
  parameters: { type: 'object' },
})

/** How a host outside the core goes on. */
const unhealedCondition = {
  type: 'object',
  required: ['kind'],
  discriminator: { propertyName: 'kind' },
  oneOf: [
    shape({ kind: { const: 'isolated' } }),
    shape({ kind: { const: 'deaf' } }),
    shape({ kind: { const: 'mute' } }),
    shape({
      kind: { const: 'flapping' },
      cutMicros: { ...micros, minimum: 1_000 },
      wholeMicros: { ...micros, minimum: 1_000 },
    }),
    shape({ kind: { const: 'lossy' }, lossPpm: { type: 'integer', minimum: 1, maximum: 1_000_000 } }),
  ],
}

/** Priorities of processes (PCT): a moment of a change point, and how many events later it is. */
const schedule = shape({
  kind: { const: 'pct' },
  seed: { type: 'string' },
  changes: {
    type: 'array',
    maxItems: 16,
    items: shape({ atMicros: micros, events: { type: 'integer', minimum: 0, maximum: 1_000_000 } }),
  },
  delayMicros: { ...micros, maximum: 1_000_000 },
})

/** For people and for keeping; it decides nothing. Members that a later release adds are let through. */
const about = {
  type: 'object',
  required: ['verdict'],
  properties: {
    verdict: { enum: ['passed', 'failed', 'vacuous', 'diverged', 'exhausted', 'error'] },
    signature: text,
    cause: text,
    message: { type: 'string' },
    trial: text,
    shrunk: { type: 'boolean' },
    failed: { type: 'integer', minimum: 0 },
    of: { type: 'integer', minimum: 0 },
    tells: text,
  },
}

export const SCENARIO_SCHEMA = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Seatrial scenario',
  ...shape(
    {
      format: { const: SCENARIO_FORMAT },
      version: { const: SCENARIO_VERSION },
      name: text,
      seed: { type: 'string' },
      topology,
      apps: { type: 'object', additionalProperties: { type: 'object' } },
      objects: { type: 'array', items: kubeObject },
      workload: { type: 'array', items: workloadStep },
      traffic: { type: 'array', items: trafficClient },
      etcdClients: { type: 'array', items: etcdClient },
      faults: { type: 'array', items: faultStep },
      durationMicros: micros,
      settleMicros: micros,
      core: { type: 'array', items: text, minItems: 1, uniqueItems: true },
      unhealed: { type: 'object', minProperties: 1, additionalProperties: unhealedCondition },
      jitter: { enum: ['drawn', 'mean'] },
      schedule,
      properties: { type: 'array', items: text },
      defects: { type: 'array', items: text },
      about,
    },
    ['etcdClients', 'core', 'unhealed', 'jitter', 'schedule', 'about'],
  ),
} as const
