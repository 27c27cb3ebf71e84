/**
 * Scenarios of every shape: clusters of one to five nodes and members of etcd, up to three applications that start, answer and
 * stop in their own ways, services of every type in front of them. Each choice is drawn for itself, so that combinations
 * come up which nobody thought of. What is left out could never come to rest: programs that end by themselves, images that
 * nobody can pull, pods that fit nowhere.
 */
import fc, { type Arbitrary } from 'fast-check'
import { SMALL_TOPOLOGY, type Topology } from '../src/cluster/index.ts'
import type { Container, Deployment, KubeObject, Pod } from '../src/objects/index.ts'
import { DRAWN_STEP_KINDS, type DrawnStepKind, type Scenario } from '../src/trial/index.ts'
import { budget, configMap, type ServiceOptions, service, web } from './workloads.ts'

const SECOND = 1_000_000
const NAMES = ['web', 'api', 'worker'] as const
const NAMESPACES = ['default', 'shop'] as const

export const ANY_TOPOLOGY: Arbitrary<Topology> = fc
  .record({
    etcdMembers: fc.constantFrom(1, 3, 3, 5),
    apiServers: fc.constantFrom(1, 2),
    controllerManagers: fc.constantFrom(1, 2),
    schedulers: fc.constantFrom(1, 2),
    nodes: fc.constantFrom(1, 2, 3, 4, 5),
    zones: fc.constantFrom(1, 2, 3),
    proxyMode: fc.constantFrom('iptables', 'ipvs'),
  })
  .map((drawn) => ({ ...SMALL_TOPOLOGY, ...drawn }))

/** How the programs behave, by image. */
export const ANY_APPS: Arbitrary<Scenario['apps']> = fc
  .tuple(...NAMES.map(() => fc.option(program(), { nil: undefined, freq: 2 })))
  .map((programs) =>
    Object.fromEntries(
      programs.flatMap((model, index) => (model === undefined ? [] : [[`registry.example/${NAMES[index]}`, model]])),
    ),
  )

function program(): Arbitrary<Scenario['apps'][string]> {
  return fc
    .record({
      startMicros: fc.constantFrom(100_000, 1 * SECOND, 6 * SECOND),
      onTerm: fc.constantFrom('drain', 'lame-duck', 'exit', 'ignore'),
      drainMicros: fc.constantFrom(0, 2 * SECOND, 8 * SECOND),
      shutdownMicros: fc.constantFrom(50_000, 3 * SECOND),
      requestMicros: fc.constantFrom(1_000, 20_000, 500_000),
      healthWhileDraining: fc.constantFrom('ok', 'fail'),
    })
    .map((model) => ({ ...model }))
}

/** What people do: what they do every day, and what they do to services and settings. */
export const ANY_STEPS: readonly DrawnStepKind[] = [
  ...DRAWN_STEP_KINDS,
  'hold-configmap',
  'delete-configmap',
  'delete-service',
  'apply-service',
]

/** One to three applications and their settings, the namespace of their own first if they have one. */
export const ANY_OBJECTS: Arbitrary<readonly KubeObject[]> = fc
  .tuple(fc.constantFrom(...NAMESPACES), fc.subarray([...NAMES], { minLength: 1 }))
  .chain(([namespace, names]) =>
    fc.tuple(...names.map(application)).map((applications) => {
      const objects = [configMap('settings'), ...applications.flat()].map((object) => inNamespace(object, namespace))
      return namespace === 'default' ? objects : [namespaceNamed(namespace), ...objects]
    }),
  )

const HELPERS: readonly (readonly Container[])[] = [
  [],
  [{ name: 'prepare', image: 'registry.example/prepare:v1' }],
  [
    { name: 'prepare', image: 'registry.example/prepare:v1' },
    { name: 'proxy', image: 'registry.example/proxy:v1', restartPolicy: 'Always' },
  ],
]

function application(name: string): Arbitrary<readonly KubeObject[]> {
  return fc
    .record({
      replicas: fc.constantFrom(1, 2, 3, 4),
      preStopSeconds: fc.constantFrom(undefined, 3, 6, 12),
      graceSeconds: fc.constantFrom(1, 8, 30),
      rolling: fc.constantFrom(
        { maxSurge: 1, maxUnavailable: 0 },
        { maxSurge: 0, maxUnavailable: 1 },
        { maxSurge: '25%', maxUnavailable: '25%' },
        { maxSurge: '100%', maxUnavailable: 1 },
        undefined,
      ),
      readinessSeconds: fc.constantFrom(1, 2, 5),
      livenessSeconds: fc.constantFrom(undefined, undefined, 2),
      initContainers: fc.constantFrom(...HELPERS),
      placed: fc.constantFrom('anywhere', 'apart'),
      minReadySeconds: fc.constantFrom(undefined, undefined, 4),
      services: fc.uniqueArray(fc.constantFrom<ServiceOptions>(...SERVICES), {
        maxLength: 3,
        selector: ({ name: suffix }) => suffix,
      }),
      budgeted: fc.boolean(),
    })
    .map(({ rolling, placed, minReadySeconds, services, budgeted, ...options }) => [
      shaped(web({ name, cpu: '50m', ...options, ...rolling }), {
        recreate: rolling === undefined,
        placed,
        minReadySeconds,
      }),
      ...services.map((shape) => service(name, { ...shape, name: `${name}${shape.name}` })),
      ...(budgeted ? [budget(name)] : []),
    ])
}

/** `name` is what is added to the application's. */
const SERVICES: readonly ServiceOptions[] = [
  { name: '' },
  { name: '-node', type: 'NodePort' },
  { name: '-local', type: 'NodePort', local: true },
  { name: '-sticky', affinity: true },
  { name: '-direct', headless: true },
  { name: '-udp', udp: true },
]

interface Shape {
  readonly recreate: boolean
  readonly placed: 'anywhere' | 'apart'
  readonly minReadySeconds: number | undefined
}

function shaped(deployment: Deployment, { recreate, placed, minReadySeconds }: Shape): Deployment {
  const { spec, metadata } = deployment
  const pod = spec.template.spec
  const preferApart = {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        {
          weight: 50,
          podAffinityTerm: {
            labelSelector: { matchLabels: { app: metadata.name } },
            topologyKey: 'kubernetes.io/hostname',
          },
        },
      ],
    },
  } satisfies Pod['spec']['affinity']
  return {
    ...deployment,
    spec: {
      ...spec,
      ...(recreate ? { strategy: { type: 'Recreate' as const } } : {}),
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      template: {
        ...spec.template,
        spec: {
          ...pod,
          containers: pod.containers.map(withTimeToStart),
          ...(placed === 'apart' ? { affinity: preferApart } : {}),
        },
      },
    },
  }
}

/** A program that is slow to start must not be killed for it. */
function withTimeToStart(container: Container): Container {
  const { readinessProbe, livenessProbe } = container
  if (livenessProbe === undefined || readinessProbe === undefined) return container
  return { ...container, startupProbe: { ...readinessProbe, periodSeconds: 1, failureThreshold: 60 } }
}

function inNamespace(object: KubeObject, namespace: string): KubeObject {
  return { ...object, metadata: { ...object.metadata, namespace } }
}

function namespaceNamed(name: string): KubeObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } } as KubeObject
}
