/**
 * A cluster of many nodes from empty to full: the whole control plane and every node's agents are booted, Deployments are
 * created, and the clock runs until every pod is Running by what etcd has committed. Sizes come from the environment:
 * SCALE_NODES (default 1,000), SCALE_PODS (30,000), SCALE_DEPLOYMENTS (100) and SCALE_QPS (1,000). SCALE_QPS is
 * `--kube-api-qps` of the controller manager and of the scheduler, with a burst as large; upstream's defaults of 20 and 50
 * do the same work over more virtual time. A node takes 110 pods.
 */
import { Cluster, completeTopology } from '../src/cluster/index.ts'
import { SECOND } from '../src/kernel/index.ts'
import type { Deployment } from '../src/objects/index.ts'
import { main } from './main.ts'
import type { Row } from './row.ts'

export const name = 'scale'

/** Virtual time after which a cluster that is not full is a failure. */
const LIMIT_SECONDS = 3_600

function fromEnvironment(variable: string, otherwise: number): number {
  const value = Number(process.env[variable] ?? otherwise)
  if (!Number.isInteger(value) || value < 1) throw new Error(`${variable} must be a whole number of at least 1`)
  return value
}

function deployment(index: number, replicas: number): Deployment {
  const metadata = { name: `web-${index}`, namespace: 'default' }
  const labels = { app: metadata.name }
  const resources = { requests: { cpu: '10m', memory: '16Mi' } }
  const containers = [{ name: 'web', image: `web:${index}`, ports: [{ containerPort: 8080 }], resources }]
  const template = { metadata: { labels }, spec: { containers } }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: { replicas, selector: { matchLabels: labels }, template },
  }
}

export function run(): Row[] {
  const nodes = fromEnvironment('SCALE_NODES', 1_000)
  const pods = fromEnvironment('SCALE_PODS', 30_000)
  const deployments = Math.min(pods, fromEnvironment('SCALE_DEPLOYMENTS', 100))
  const qps = fromEnvironment('SCALE_QPS', 1_000)
  if (pods > nodes * 110) throw new Error(`${nodes} nodes take ${nodes * 110} pods at most`)

  const begin = process.hrtime.bigint()
  const cpu = process.cpuUsage()
  const cluster = new Cluster({
    topology: completeTopology({
      nodes,
      controllerQps: qps,
      controllerBurst: qps,
      schedulerQps: qps,
      schedulerBurst: qps,
    }),
    seed: 'scale',
    observeInformers: false,
    maxSteps: Number.MAX_SAFE_INTEGER,
  })
  let running = 0
  let lastRunning = 0
  cluster.truth.onChange('pods', ({ previous, current }) => {
    if (previous?.status?.phase === 'Running') running--
    if (current?.status?.phase === 'Running') running++
    if (running === pods) lastRunning = cluster.kernel.now
  })
  const share = Math.floor(pods / deployments)
  cluster.boot(
    Array.from({ length: deployments }, (_, index) =>
      deployment(index, share + (index < pods - share * deployments ? 1 : 0)),
    ),
  )
  const verbose = process.env.SCALE_VERBOSE === '1'
  while (running < pods && cluster.kernel.now < LIMIT_SECONDS * SECOND) {
    cluster.run(cluster.kernel.now + SECOND)
    if (verbose) progress(cluster, running)
  }
  const wall = Number(process.hrtime.bigint() - begin) / 1e9
  const { user, system } = process.cpuUsage(cpu)

  let counted = 0
  for (const pod of cluster.truth.list('pods')) if (pod.status?.phase === 'Running') counted++
  if (counted !== pods || cluster.truth.count('pods') !== pods || cluster.truth.count('nodes') !== nodes)
    throw new Error(`${counted} of ${pods} pods were Running after ${cluster.kernel.now / SECOND} virtual seconds`)

  const size = `${nodes} nodes, ${pods} pods`
  return [
    { figure: `${size}: empty to all Running`, value: wall, unit: 's', target: 30, atMost: true },
    { figure: `${size}: processor time`, value: (user + system) / 1e6, unit: 's' },
    {
      figure: `${size}: peak resident memory`,
      value: process.resourceUsage().maxRSS / 1024,
      unit: 'MiB',
      target: 1_024,
      atMost: true,
    },
    { figure: `${size}: virtual time`, value: lastRunning / SECOND, unit: 's' },
    { figure: `${size}: kernel events`, value: cluster.kernel.steps, unit: 'events' },
    { figure: `${size}: events a second`, value: cluster.kernel.steps / wall, unit: 'events/s' },
  ]
}

/** One line a virtual second, for those who watch. */
function progress(cluster: Cluster, running: number): void {
  const { heapUsed, rss } = process.memoryUsage()
  const mebibytes = (bytes: number) => Math.round(bytes / 1_048_576)
  const pods = cluster.truth.count('pods')
  console.error(
    `${cluster.kernel.now / SECOND} s: ${pods} pods, ${running} Running, ${cluster.kernel.steps} events, revision ${cluster.truth.revision}, heap ${mebibytes(heapUsed)} MiB, resident ${mebibytes(rss)} MiB`,
  )
}

await main(import.meta.url, name, run)
