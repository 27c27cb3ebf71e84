/** A cluster for tests of this floor: booted with objects, run until it is quiet, with the facts that it noted. */
import type { Fact } from '../kernel/index.ts'
import { type Micros, SECOND } from '../kernel/index.ts'
import { type Deployment, isPodReady, type KubeObject, keyOf, type Pod, type Service } from '../objects/index.ts'
import { Cluster } from './cluster.ts'
import type { ClusterOptions } from './options.ts'
import { completeTopology, type Topology } from './topology.ts'
import type { RequestFinished } from './traffic.ts'
import type { TrafficClient, WorkloadStep } from './workload.ts'

type StepWithoutPlace = WorkloadStep extends infer Step
  ? Step extends WorkloadStep
    ? Omit<Step, 'id' | 'atMicros'>
    : never
  : never

export class TestCluster {
  readonly cluster: Cluster
  readonly facts: { readonly at: Micros; readonly fact: Fact }[] = []
  readonly requests: RequestFinished[] = []
  #steps = 0

  constructor(options: Partial<Omit<ClusterOptions, 'topology'>> & { readonly topology?: Partial<Topology> } = {}) {
    this.cluster = new Cluster({ seed: 'test', ...options, topology: completeTopology(options.topology) })
    this.cluster.kernel.subscribe('step-finished', (fact, _process, at) => this.facts.push({ at, fact }))
    this.cluster.kernel.subscribe('request-finished', (fact) => this.requests.push(fact as RequestFinished))
  }

  /** Applies the objects and runs until nothing changes any more. @throws Error when that takes over two minutes */
  boot(...objects: KubeObject[]): this {
    this.cluster.boot(objects)
    this.cluster.run(20 * SECOND)
    return this.settle()
  }

  /** Runs until the cluster is quiet. @throws Error when that takes over `limit` */
  settle(limit: Micros = 180 * SECOND): this {
    const until = this.cluster.kernel.now + limit
    do {
      if (this.cluster.kernel.now >= until) throw new Error('the cluster does not come to rest')
      this.run(SECOND)
    } while (!this.cluster.isQuiet())
    return this
  }

  run(micros: Micros): this {
    this.cluster.run(this.cluster.kernel.now + micros)
    return this
  }

  /** Carries out a step now. */
  step(step: StepWithoutPlace): this {
    const id = `step-${this.#steps++}`
    this.cluster.scheduleWorkload([{ ...step, id, atMicros: this.cluster.kernel.now } as WorkloadStep])
    return this
  }

  /** The HTTP status that the last finished step ended with. */
  get lastCode(): number | undefined {
    return (this.facts.at(-1)?.fact as { readonly code?: number } | undefined)?.code
  }

  pods(app: string): Pod[] {
    return [...this.cluster.truth.list('pods')].filter((pod) => pod.metadata.labels?.app === app)
  }

  readyPods(app: string): Pod[] {
    return this.pods(app).filter((pod) => isPodReady(pod) && pod.metadata.deletionTimestamp === undefined)
  }

  deployment(name: string): Deployment {
    const found = this.cluster.truth.get('deployments', `default/${name}`)
    if (found === undefined) throw new Error(`there is no deployment ${name}`)
    return found
  }

  names(app: string): string[] {
    return this.pods(app).map(keyOf).sort()
  }
}

const HTTP = 8080

export function deploymentOf(
  name: string,
  replicas: number,
  container: Partial<Deployment['spec']['template']['spec']['containers'][number]> = {},
): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          containers: [
            {
              name,
              image: `registry.example/${name}:v1`,
              ports: [{ name: 'http', containerPort: HTTP }],
              readinessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 1 },
              ...container,
            },
          ],
        },
      },
    },
  }
}

export function serviceOf(name: string, spec: Partial<Service['spec']> = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 'http' }], ...spec },
  }
}

export function clientOf(service: string, options: Partial<TrafficClient> = {}): TrafficClient {
  return {
    id: `client-of-${service}`,
    from: 'pod',
    node: 'node-0',
    namespace: 'default',
    service,
    port: 80,
    protocol: 'TCP',
    everyMicros: SECOND / 4,
    keepAlive: false,
    startMicros: 0,
    timeoutMicros: 3 * SECOND,
    ...options,
  }
}
