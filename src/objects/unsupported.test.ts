/** Reports of what is not modelled, and the check of shape. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { shapeErrors } from './shape.ts'
import { findUnsupported } from './unsupported.ts'

const deployment = (spec: unknown, container: Record<string, unknown> = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'web', image: 'web:1', ...container }] },
    },
    ...(spec as object),
  },
})

test('what is modelled is not reported', () => {
  expect(findUnsupported(deployment({}))).toEqual([])
})

test('fields are reported by path and kind', () => {
  const found = findUnsupported(
    deployment(
      { replica: 3 },
      {
        securityContext: { runAsUser: 1 },
        resources: { limits: { cpu: 1 }, requests: { 'nvidia.com/gpu': 1 } },
        volumeDevices: [],
      },
    ),
  )
  expect(found.map(({ path, kind }) => `${path}: ${kind}`)).toEqual([
    'spec.template.spec.containers[0].securityContext: no effect',
    'spec.template.spec.containers[0].resources.limits: no effect',
    'spec.template.spec.containers[0].resources.requests.nvidia.com/gpu: unsupported',
    'spec.template.spec.containers[0].volumeDevices: unsupported',
    'spec.replica: unknown',
  ])
  expect(found[4]?.message).toBe('is not known to Seatrial; did you mean replicas?')
})

test('kinds that are not served are named', () => {
  const [found] = findUnsupported({ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'db' } })
  expect(found).toMatchObject({ path: '', kind: 'unsupported' })
  expect(found?.message).toContain('StatefulSet (apps/v1) is not simulated')
  expect(findUnsupported(null)[0]?.kind).toBe('unsupported')
  expect(findUnsupported([])[0]?.kind).toBe('unsupported')
})

test.each([
  [{ replicas: 'three' }, ['spec.replicas: must be a whole number, not "three"']],
  [{ selector: [] }, ['spec.selector: must be an object, not []']],
  [
    { paused: 1, minReadySeconds: 1.5 },
    ['spec.minReadySeconds: must be a whole number, not 1.5', 'spec.paused: must be true or false, not 1'],
  ],
  [{ template: undefined }, ['spec.template: is required', 'spec.template: is required']],
  [
    { template: { metadata: {}, spec: { containers: [null] } } },
    ['spec.template.spec.containers[0]: must not be null'],
  ],
])('shape of %j', (spec, expected) => {
  expect([...shapeErrors('deployments', deployment(spec))].sort()).toEqual(expected)
})

test('the manifests of the house are walked without a throw', () => {
  const folder = new URL('../../fixtures/manifests/', import.meta.url)
  let documents = 0
  for (const file of readdirSync(folder)) {
    if (!/\.ya?ml$/.test(file)) continue
    for (const document of parseAllDocuments(readFileSync(new URL(file, folder), 'utf8'))) {
      findUnsupported(document.toJS())
      documents++
    }
  }
  expect(documents).toBeGreaterThan(0)
})
