/** Tables of right and wrong objects, and what an update may change. */
import { expect, test } from 'vitest'
import { withDefaults } from './defaults.ts'
import { deepFreeze } from './freeze.ts'
import type { KubeObject } from './meta.ts'
import { RESOURCES, type Resource } from './resources.ts'
import { validateCreate, validateUpdate } from './validate.ts'

type Loose = Record<string, unknown>

function object(resource: Resource, rest: Loose, metadata: Loose = {}): KubeObject {
  const { apiVersion, kind, namespaced } = RESOURCES[resource]
  const whole = {
    apiVersion,
    kind,
    metadata: { name: 'web', ...(namespaced ? { namespace: 'default' } : {}), ...metadata },
    ...rest,
  }
  return deepFreeze(withDefaults(whole as unknown as KubeObject))
}

const container = (change: Loose = {}): Loose => ({ name: 'web', image: 'web:1', ...change })
const pod = (spec: Loose = {}, metadata: Loose = {}) =>
  object('pods', { spec: { containers: [container()], ...spec } }, metadata)
const deployment = (spec: Loose = {}) =>
  object('deployments', {
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [container()] } },
      ...spec,
    },
  })
const service = (spec: Loose = {}) => object('services', { spec: { ports: [{ port: 80 }], ...spec } })

const fields = (resource: Resource, made: KubeObject) =>
  validateCreate(resource, made).map(({ field, message }) => `${field}: ${message}`)

test('right objects have no errors', () => {
  expect(fields('pods', pod())).toEqual([])
  expect(fields('deployments', deployment())).toEqual([])
  expect(fields('services', service())).toEqual([])
  expect(fields('services', service({ clusterIP: 'None', ports: undefined }))).toEqual([])
  expect(
    fields('services', service({ type: 'ExternalName', externalName: 'db.example.com', ports: undefined })),
  ).toEqual([])
  expect(fields('nodes', object('nodes', { spec: {} }))).toEqual([])
  expect(fields('poddisruptionbudgets', object('poddisruptionbudgets', { spec: { minAvailable: '50%' } }))).toEqual([])
})

test.each<[string, Resource, KubeObject, RegExp]>([
  [
    'upper case',
    'pods',
    pod({}, { name: 'Web' }),
    /^metadata\.name: Invalid value: "Web": a lowercase RFC 1123 subdomain/,
  ],
  ['no name', 'pods', pod({}, { name: '' }), /^metadata\.name: Required value: name or generateName is required/],
  [
    'service name',
    'services',
    object('services', { spec: { ports: [{ port: 80 }] } }, { name: '1web' }),
    /a DNS-1035 label/,
  ],
  ['label value', 'pods', pod({}, { labels: { a: 'b c' } }), /^metadata\.labels: Invalid value: "b c"/],
  ['no containers', 'pods', pod({ containers: [] }), /^spec\.containers: Required value$/],
  ['no image', 'pods', pod({ containers: [{ name: 'a' }] }), /^spec\.containers\[0\]\.image: Required value$/],
  [
    'twice the name',
    'pods',
    pod({ containers: [container(), container()] }),
    /^spec\.containers\[1\]\.name: Duplicate value: "web"$/,
  ],
  [
    'port 0',
    'pods',
    pod({ containers: [container({ ports: [{ containerPort: 70_000 }] })] }),
    /must be between 1 and 65535, inclusive/,
  ],
  [
    'port name',
    'pods',
    pod({ containers: [container({ ports: [{ containerPort: 1, name: 'UPPER' }] })] }),
    /ports\[0\]\.name: Invalid value/,
  ],
  [
    'quantity',
    'pods',
    pod({ containers: [container({ resources: { requests: { cpu: 'lots' } } })] }),
    /requests\.cpu: Invalid value: "lots": quantities must match/,
  ],
  [
    'request above limit',
    'pods',
    pod({ containers: [container({ resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } })] }),
    /must be less than or equal to cpu limit of 1/,
  ],
  [
    'no handler',
    'pods',
    pod({ containers: [container({ livenessProbe: {} })] }),
    /livenessProbe: Required value: must specify a handler type/,
  ],
  [
    'two handlers',
    'pods',
    pod({ containers: [container({ livenessProbe: { exec: { command: ['a'] }, tcpSocket: { port: 1 } } })] }),
    /may not specify more than 1 handler type/,
  ],
  [
    'liveness twice',
    'pods',
    pod({ containers: [container({ livenessProbe: { tcpSocket: { port: 1 }, successThreshold: 2 } })] }),
    /successThreshold: Invalid value: 2: must be 1/,
  ],
  [
    'restart policy',
    'pods',
    pod({ restartPolicy: 'Sometimes' }),
    /spec\.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"/,
  ],
  ['grace', 'pods', pod({ terminationGracePeriodSeconds: -1 }), /must be greater than or equal to 0/],
  [
    'init probe',
    'pods',
    pod({ initContainers: [container({ name: 'i', readinessProbe: { tcpSocket: { port: 1 } } })] }),
    /may not be set for init containers without restartPolicy=Always/,
  ],
  [
    'toleration',
    'pods',
    pod({ tolerations: [{ operator: 'Exists', value: 'x' }] }),
    /value must be empty when `operator` is "Exists"/,
  ],
  [
    'replicas',
    'deployments',
    deployment({ replicas: -1 }),
    /^spec\.replicas: Invalid value: -1: must be greater than or equal to 0$/,
  ],
  ['no selector', 'deployments', deployment({ selector: undefined }), /^spec\.selector: Required value$/],
  [
    'selector',
    'deployments',
    deployment({ selector: { matchLabels: { app: 'db' } } }),
    /`selector` does not match template `labels`/,
  ],
  [
    'no surge',
    'deployments',
    deployment({ strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: '0%' } } }),
    /may not be 0 when `maxSurge` is 0/,
  ],
  [
    'deadline',
    'deployments',
    deployment({ minReadySeconds: 10, progressDeadlineSeconds: 10 }),
    /must be greater than minReadySeconds/,
  ],
  ['no ports', 'services', service({ ports: [] }), /^spec\.ports: Required value$/],
  [
    'unnamed ports',
    'services',
    service({ ports: [{ port: 80 }, { port: 81, name: 'b' }] }),
    /^spec\.ports\[0\]\.name: Required value$/,
  ],
  [
    'twice the port',
    'services',
    service({
      ports: [
        { port: 80, name: 'a' },
        { port: 80, name: 'b' },
      ],
    }),
    /^spec\.ports\[1\]: Duplicate value/,
  ],
  [
    'node port',
    'services',
    service({ type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] }),
    /provided port is not in the valid range/,
  ],
  [
    'node port of a ClusterIP',
    'services',
    service({ ports: [{ port: 80, nodePort: 30_001 }] }),
    /may not be used when `type` is 'ClusterIP'/,
  ],
  [
    'both',
    'poddisruptionbudgets',
    object('poddisruptionbudgets', { spec: { minAvailable: 1, maxUnavailable: 1 } }),
    /cannot be both set/,
  ],
  ['lease', 'leases', object('leases', { spec: { leaseDurationSeconds: 0 } }), /must be greater than 0/],
  [
    'taint',
    'nodes',
    object('nodes', { spec: { taints: [{ key: 'a', effect: 'Never' }] } }),
    /Unsupported value: "Never"/,
  ],
  [
    'owner',
    'pods',
    pod({}, { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'a' }] }),
    /ownerReferences\[0\]\.uid/,
  ],
])('%s is refused', (_name, resource, made, complaint) => {
  expect(fields(resource, made).join('\n')).toMatch(complaint)
})

test.each<[string, Resource, KubeObject, KubeObject, RegExp | undefined]>([
  [
    'image',
    'pods',
    pod(),
    pod({ containers: [container({ image: 'web:2', imagePullPolicy: 'IfNotPresent' })] }),
    undefined,
  ],
  [
    'command',
    'pods',
    pod(),
    pod({ containers: [container({ command: ['x'] })] }),
    /^spec: Forbidden: pod updates may not change fields other than/,
  ],
  ['more tolerations', 'pods', pod(), pod({ tolerations: [{ operator: 'Exists' }] }), undefined],
  [
    'fewer tolerations',
    'pods',
    pod({ tolerations: [{ operator: 'Exists' }] }),
    pod(),
    /existing toleration can not be modified/,
  ],
  [
    'longer deadline',
    'pods',
    pod({ activeDeadlineSeconds: 5 }),
    pod({ activeDeadlineSeconds: 6 }),
    /must be less than or equal to previous value/,
  ],
  [
    'selector',
    'deployments',
    deployment(),
    deployment({ selector: { matchLabels: { app: 'web', x: 'y' } } }),
    /^spec\.selector: Invalid value: .*: field is immutable$/,
  ],
  ['scale', 'deployments', deployment(), deployment({ replicas: 5 }), undefined],
  [
    'address',
    'services',
    service({ clusterIP: '10.96.0.1' }),
    service({ clusterIP: '10.96.0.2' }),
    /may not change once set/,
  ],
  [
    'uid',
    'pods',
    pod({}, { uid: 'a' }),
    pod({}, { uid: 'b' }),
    /^metadata\.uid: Invalid value: "b": field is immutable$/,
  ],
  [
    'finalizer while deleting',
    'pods',
    pod({}, { deletionTimestamp: 'x' }),
    pod({}, { deletionTimestamp: 'x', finalizers: ['a/b'] }),
    /no new finalizers can be added/,
  ],
])('update: %s', (_name, resource, before, after, complaint) => {
  const found = validateUpdate(resource, after, before).map(({ field, message }) => `${field}: ${message}`)
  if (complaint === undefined) expect(found).toEqual([])
  else expect(found.join('\n')).toMatch(complaint)
})
