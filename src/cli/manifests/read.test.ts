/** What a person is told of manifests: mistakes in their places, fields without effect together. */
import { expect, test } from 'vitest'
import { judgeManifests } from './judge.ts'
import { loadManifests } from './load.ts'
import { printComplaints } from './read.ts'

const web = (name: string) => `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      securityContext: {runAsNonRoot: true}
      topologySpreadConstraints: []
      containers:
        - name: web
          image: web
          env: [{name: A, value: b}]
        - name: other
          image: web
          env: [{name: A, value: b}]
`

function told(...files: readonly string[]): string {
  const manifests = files.flatMap((file, i) => loadManifests(file, web(`web-${i}`)).manifests)
  return printComplaints(judgeManifests(manifests).complaints)
}

test('fields without effect stand together, each once, with its places', () => {
  expect(told('a.yaml')).toBe(
    [
      'a.yaml:10:7: warning: Deployment web-0: spec.template.spec.topologySpreadConstraints is not modelled; a real cluster may behave differently',
      'note: accepted, and without any effect in the simulation:',
      '  spec.template.spec.securityContext (a.yaml:9)',
      '  spec.template.spec.containers[].env (a.yaml:14, :17)',
      '',
    ].join('\n'),
  )
})

test('of many places the first are named and the rest counted', () => {
  expect(told('a.yaml', 'b.yaml', 'c.yaml')).toContain(
    '  spec.template.spec.containers[].env (a.yaml:14, :17, b.yaml:14, :17 and 2 more)\n',
  )
})

test('nothing to tell is nothing', () => {
  expect(printComplaints([])).toBe('')
})
