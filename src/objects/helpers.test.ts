/** Tables for the small helpers: stamps, quantities, selectors, hashes, percentages, conditions, pods, defaults. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EPOCH_UNIX_MICROS, SECOND } from '../kernel/time.ts'
import { withCondition, withoutCondition } from './conditions.ts'
import { withDefaults } from './defaults.ts'
import { defaultPullPolicy } from './defaults-pod.ts'
import { fieldsMatch, parseFieldSelector } from './fieldselector.ts'
import { deepFreeze } from './freeze.ts'
import { podTemplateHash, safeEncode } from './hash.ts'
import { isCountOrPercentage, scaledCount } from './intorstring.ts'
import type { Deployment, Secret, Service } from './kinds.ts'
import type { Container, Pod, PodSpec } from './pod.ts'
import { isPodActive, podRequests, qosClass, resolvePort } from './podutil.ts'
import { formatBytes, formatMilli, tryMilliValue, tryWholeValue } from './quantity.ts'
import { labelsInclude, matcherOfRequirements, parseLabelSelector, selectorMatches } from './selector.ts'
import { microTime, parseTime, timestamp, tryParseTime } from './time.ts'

test('stamps are what the calendar says', () => {
  expect(timestamp(EPOCH_UNIX_MICROS + 7 * SECOND + 999_999)).toBe('2025-01-01T00:00:07Z')
  expect(microTime(EPOCH_UNIX_MICROS + 7 * SECOND + 42)).toBe('2025-01-01T00:00:07.000042Z')
  expect(timestamp(0)).toBe('1970-01-01T00:00:00Z')
  expect(parseTime('2025-01-01T01:00:00.5+01:00')).toBe(EPOCH_UNIX_MICROS + 500_000)
  for (const bad of ['', 'now', '2025-13-01T00:00:00Z', '2025-02-29T00:00:00Z', '2025-01-01 00:00:00Z']) {
    expect(tryParseTime(bad)).toBeUndefined()
  }
})

test('stamps agree with the platform and go back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_102_444_800 }), fc.integer({ min: 0, max: 999_999 }), (seconds, micros) => {
      const wall = seconds * SECOND + micros
      expect(timestamp(wall)).toBe(`${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`)
      expect(parseTime(microTime(wall))).toBe(wall)
    }),
    { seed: 1 },
  )
})

test.each([
  ['500m', 500, 1],
  ['2', 2000, 2],
  ['0.1', 100, 1],
  ['1.5', 1500, 2],
  ['.5', 500, 1],
  ['64Mi', 67_108_864_000, 67_108_864],
  ['1Gi', 1_073_741_824_000, 1_073_741_824],
  ['1e3', 1_000_000, 1000],
  ['1G', 1_000_000_000_000, 1_000_000_000],
  ['100n', 1, 1],
  ['-1', -1000, -1],
  ['16Ti', undefined, 17_592_186_044_416],
  ['', undefined, undefined],
  ['1 Gi', undefined, undefined],
  ['1Kb', undefined, undefined],
])('quantity %s', (text, milli, whole) => {
  expect(tryMilliValue(text)).toBe(milli)
  expect(tryWholeValue(text)).toBe(whole)
})

test('quantities are written in their short form', () => {
  expect([formatMilli(500), formatMilli(2000), formatBytes(67_108_864), formatBytes(1000), formatBytes(0)]).toEqual([
    '500m',
    '2',
    '64Mi',
    '1000',
    '0',
  ])
})

test.each([
  ['', { a: '1' }, true],
  ['a=1', { a: '1' }, true],
  ['a==1,b!=2', { a: '1', b: '3' }, true],
  ['a in (1, 2),!c', { a: '2' }, true],
  ['a notin (1,2)', {}, true],
  ['a', {}, false],
  ['example.com/a>3', { 'example.com/a': '4' }, true],
  ['a<3', { a: '4' }, false],
  ['a=', { a: '' }, true],
])('label selector %s', (text, labels, matches) => {
  const parsed = parseLabelSelector(text)
  expect(parsed.ok && matcherOfRequirements(parsed.value)(labels as Record<string, string>)).toBe(matches)
})

test.each(['a=b=c', 'a,,b', 'a in 1', 'a in (1', 'a>x', '-a=1'])('label selector %s is refused', (text) => {
  const parsed = parseLabelSelector(text)
  expect(parsed.ok).toBe(false)
  expect(!parsed.ok && parsed.message).toContain(text)
})

test('selectors of objects', () => {
  expect(selectorMatches(undefined, { a: '1' })).toBe(false)
  expect(selectorMatches({}, undefined)).toBe(true)
  const selector = { matchLabels: { a: '1' }, matchExpressions: [{ key: 'b', operator: 'Exists' as const }] }
  expect(selectorMatches(selector, { a: '1', b: '' })).toBe(true)
  expect(selectorMatches(selector, { a: '1' })).toBe(false)
  expect(labelsInclude({}, { a: '1' })).toBe(false)
  expect(labelsInclude({ a: '1' }, { a: '1', b: '2' })).toBe(true)
})

const container = (change: Partial<Container> = {}): Container => ({ name: 'web', image: 'web:1', ...change })
const pod = (spec: Partial<PodSpec> = {}, rest: Partial<Pod> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default' },
  spec: { containers: [container()], ...spec },
  ...rest,
})

test('field selectors know their fields', () => {
  const parsed = parseFieldSelector('pods', 'spec.nodeName=node-1,status.phase!=Failed')
  expect(parsed.ok && fieldsMatch(parsed.value, pod({ nodeName: 'node-1' }))).toBe(true)
  expect(parsed.ok && fieldsMatch(parsed.value, pod({ nodeName: 'node-1' }, { status: { phase: 'Failed' } }))).toBe(
    false,
  )
  expect(parseFieldSelector('pods', 'spec.color=red')).toEqual({
    ok: false,
    message: 'field label not supported: spec.color',
  })
  expect(parseFieldSelector('pods', 'nonsense').ok).toBe(false)
})

test('hashes use the alphabet without vowels, ignore key order, and move with collisions', () => {
  expect(safeEncode('0123456789')).toBe('456789bcdf')
  const a = podTemplateHash({ metadata: { labels: { a: '1', b: '2' } }, spec: { containers: [container()] } })
  expect(podTemplateHash({ spec: { containers: [container()] }, metadata: { labels: { b: '2', a: '1' } } })).toBe(a)
  expect(
    podTemplateHash({ metadata: { labels: { a: '1', b: '2' } }, spec: { containers: [container()] } }, 1),
  ).not.toBe(a)
  expect(a).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]+$/)
})

test.each([
  ['25%', 10, 3, 2],
  ['25%', 3, 1, 0],
  ['100%', 7, 7, 7],
  [2, 7, 2, 2],
] as const)('%s of %i', (value, total, up, down) => {
  expect([scaledCount(value, total, 'up'), scaledCount(value, total, 'down')]).toEqual([up, down])
  expect(isCountOrPercentage(value)).toBe(true)
})

test('the transition time moves only with the status', () => {
  const first = withCondition(undefined, { type: 'Ready', status: 'False' }, 't1')
  expect(first).toEqual([{ type: 'Ready', status: 'False', lastTransitionTime: 't1' }])
  const second = withCondition(first, { type: 'Ready', status: 'False', reason: 'x' }, 't2')
  expect(second[0]?.lastTransitionTime).toBe('t1')
  expect(withCondition(second, { type: 'Ready', status: 'False', reason: 'x' }, 't3')).toBe(second)
  expect(withCondition(second, { type: 'Ready', status: 'True' }, 't3')[0]?.lastTransitionTime).toBe('t3')
  expect(withoutCondition(second, 'Other')).toBe(second)
})

test('requests: sidecars add up, the dearest initialisation counts', () => {
  const cpu = (name: string, text: string, rest: Partial<Container> = {}) =>
    container({ name, resources: { requests: { cpu: text, memory: '1Mi' } }, ...rest })
  const spec: PodSpec = {
    initContainers: [
      cpu('side', '100m', { restartPolicy: 'Always' }),
      cpu('init', '2'),
      cpu('late', '50m', { restartPolicy: 'Always' }),
    ],
    containers: [cpu('a', '200m'), cpu('b', '300m')],
  }
  expect(podRequests(spec)).toEqual({ milliCpu: 2100, memoryBytes: 4 * 1024 * 1024 })
  expect(podRequests({ containers: spec.containers })).toEqual({ milliCpu: 500, memoryBytes: 2 * 1024 * 1024 })
})

test('classes of service', () => {
  const resources = { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1000m', memory: '1024Mi' } }
  expect(qosClass({ containers: [container()] })).toBe('BestEffort')
  expect(qosClass({ containers: [container({ resources })] })).toBe('Guaranteed')
  expect(qosClass({ containers: [container({ resources }), container()] })).toBe('Burstable')
})

test('ports by name, activity', () => {
  const spec: PodSpec = { containers: [container({ ports: [{ name: 'http', containerPort: 80 }] })] }
  expect([resolvePort(spec, 'http'), resolvePort(spec, 'http', 'UDP'), resolvePort(spec, 8080)]).toEqual([
    80,
    undefined,
    8080,
  ])
  expect(isPodActive(pod({}, { status: { phase: 'Running' } }))).toBe(true)
  expect(isPodActive(pod({}, { status: { phase: 'Failed' } }))).toBe(false)
})

test('defaults fill in what is missing, once', () => {
  const deployment = deepFreeze({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          containers: [container({ readinessProbe: { httpGet: { port: 80 } }, resources: { limits: { cpu: '1' } } })],
        },
      },
    },
  } as Deployment)
  const complete = withDefaults(deployment)
  expect(complete.spec).toMatchObject({
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
  })
  const spec = complete.spec.template.spec
  expect(spec).toMatchObject({ restartPolicy: 'Always', terminationGracePeriodSeconds: 30, dnsPolicy: 'ClusterFirst' })
  expect(spec.containers[0]).toMatchObject({
    imagePullPolicy: 'IfNotPresent',
    readinessProbe: {
      httpGet: { path: '/', port: 80, scheme: 'HTTP' },
      timeoutSeconds: 1,
      periodSeconds: 10,
      successThreshold: 1,
      failureThreshold: 3,
    },
  })
  expect(spec.containers[0]?.resources).toEqual({ limits: { cpu: '1' } })
  expect(withDefaults(deepFreeze(complete))).toBe(complete)
  const made = withDefaults(deepFreeze(pod(spec)))
  expect(made.spec.containers[0]?.resources).toEqual({ limits: { cpu: '1' }, requests: { cpu: '1' } })
  expect(withDefaults(deepFreeze(made))).toBe(made)
  expect(complete.spec.selector).toBe(deployment.spec.selector)
})

test('defaults of services and secrets', () => {
  const service = withDefaults<Service>({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { type: 'NodePort', ports: [{ port: 80 }], sessionAffinity: 'ClientIP' },
  })
  expect(service.spec).toEqual({
    type: 'NodePort',
    ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    sessionAffinity: 'ClientIP',
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } },
    internalTrafficPolicy: 'Cluster',
    externalTrafficPolicy: 'Cluster',
  })
  expect(withDefaults(service)).toBe(service)
  const secret = withDefaults<Secret>({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's' },
    stringData: { a: 'hi' },
  })
  expect(secret).toMatchObject({ type: 'Opaque', data: { a: 'aGk=' } })
  expect(secret).not.toHaveProperty('stringData')
})

test.each([
  ['nginx', 'Always'],
  ['nginx:latest', 'Always'],
  ['nginx:1.27', 'IfNotPresent'],
  ['registry:5000/nginx', 'Always'],
  ['nginx@sha256:aa', 'IfNotPresent'],
])('image %s is pulled %s', (image, policy) => {
  expect(defaultPullPolicy(image)).toBe(policy)
})
