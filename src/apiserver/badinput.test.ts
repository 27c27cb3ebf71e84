/** Property: whatever stands in a body, the server answers with a code and a Status and goes on; it never throws, never stores what it refused. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ApiRequest, RESOURCES, type Resource } from '../objects/index.ts'
import { Stage } from './scene.ts'

const container = {
  name: 'web',
  image: 'web:1',
  ports: [{ name: 'http', containerPort: 80 }],
  resources: { requests: { cpu: '100m' }, limits: { memory: '64Mi' } },
  readinessProbe: { httpGet: { path: '/', port: 'http' } },
  lifecycle: { preStop: { exec: { command: ['sleep', '5'] } } },
}
const podSpec = {
  containers: [container],
  initContainers: [{ name: 'init', image: 'init:1' }],
  tolerations: [{ key: 'a', operator: 'Exists' }],
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'Exists' }] }],
      },
    },
  },
}
const workload = {
  replicas: 1,
  selector: { matchLabels: { app: 'web' } },
  template: { metadata: { labels: { app: 'web' } }, spec: podSpec },
}
const BODIES: Partial<Record<Resource, object>> = {
  pods: { spec: podSpec, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } },
  deployments: { spec: { ...workload, strategy: { rollingUpdate: { maxSurge: 1 } } } },
  replicasets: { spec: workload },
  services: {
    spec: {
      ports: [{ port: 80, targetPort: 'http' }],
      selector: { app: 'web' },
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 10 } },
    },
  },
  endpointslices: {
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true } }],
    ports: [{ port: 80 }],
  },
  leases: { spec: { holderIdentity: 'a', leaseDurationSeconds: 15 } },
  poddisruptionbudgets: { spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } } },
  nodes: { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } },
  namespaces: { spec: { finalizers: ['kubernetes'] } },
  configmaps: { data: { a: 'b' } },
  secrets: { stringData: { a: 'b' } },
  serviceaccounts: {},
}

/** The body with the value at one of its places, chosen by `choice`, replaced. */
function spoiled(body: unknown, choice: number, value: unknown): unknown {
  const places: (readonly (string | number)[])[] = []
  const collect = (part: unknown, path: readonly (string | number)[]): void => {
    places.push(path)
    if (Array.isArray(part)) for (const [i, item] of part.entries()) collect(item, [...path, i])
    else if (typeof part === 'object' && part !== null)
      for (const [key, child] of Object.entries(part)) collect(child, [...path, key])
  }
  collect(body, [])
  const place = places[choice % places.length] as readonly (string | number)[]
  const change = (part: unknown, depth: number): unknown => {
    if (depth === place.length) return value
    const key = place[depth] as string | number
    if (Array.isArray(part)) return part.map((item, i) => (i === key ? change(item, depth + 1) : item))
    return { ...(part as object), [key]: change((part as Record<string, unknown>)[key], depth + 1) }
  }
  return change(body, 0)
}

const junk = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    undefined,
    '',
    'x',
    -1,
    0,
    1.5,
    true,
    [],
    {},
    [null],
    [{}],
    'a/b',
    { a: null },
    99_999_999,
  ),
  fc.jsonValue({ maxDepth: 2 }),
)

test('spoiled bodies are answered, never thrown at', () => {
  const stage = new Stage()
  const resources = Object.keys(BODIES) as Resource[]
  const seen = new Set<number>()
  fc.assert(
    fc.property(
      fc.constantFrom(...resources),
      fc.array(fc.tuple(fc.nat(), junk), { minLength: 1, maxLength: 2 }),
      fc.constantFrom('create', 'update', 'patch', 'status'),
      (resource, changes, how) => {
        const { namespaced, subresources } = RESOURCES[resource]
        const target = { resource, ...(namespaced ? { namespace: 'default' } : {}) }
        const whole = {
          metadata: {
            name: 'a',
            labels: { app: 'web' },
            ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'x', uid: 'y' }],
          },
          ...BODIES[resource],
        }
        stage.ask({ verb: 'create', ...target, object: whole })
        let body: unknown = whole
        for (const [choice, value] of changes) body = spoiled(body, choice, value)
        const subresource =
          how === 'status' && subresources.includes('status') ? { subresource: 'status' as const } : {}
        const request = (
          how === 'create'
            ? { verb: 'create', ...target, object: body }
            : how === 'patch'
              ? { verb: 'patch', ...target, name: 'a', patch: body }
              : { verb: 'update', ...target, name: 'a', object: body, ...subresource }
        ) as ApiRequest
        const before = stage.etcd.revision
        const { code, body: answer } = stage.ask(request)
        seen.add(code)
        if (code >= 400) {
          expect(answer.kind).toBe('Status')
          expect(stage.etcd.revision).toBe(before)
        }
        stage.out.clear()
      },
    ),
    { seed: 11, numRuns: 3000 },
  )
  expect([...seen].sort()).toEqual([200, 201, 400, 409, 422])
})
