/** The workloads that suites run: small, realistic Deployments and Services in `default`. */
import type { Container, Deployment, IntOrString, KubeObject, Pod, Probe, Service } from '../src/objects/index.ts'

export interface WebOptions {
  readonly name?: string
  readonly replicas?: number
  readonly image?: string
  readonly preStopSeconds?: number
  readonly graceSeconds?: number
  readonly maxSurge?: IntOrString
  readonly maxUnavailable?: IntOrString
  readonly readinessSeconds?: number
  readonly livenessSeconds?: number
  readonly initContainers?: readonly Container[]
  readonly cpu?: string
  readonly memory?: string
  readonly finalizers?: readonly string[]
  /** Pods of a higher priority get a node first. */
  readonly priority?: number
}

const PORT = 8080

/** A web front end with probes, and a preStop sleep if asked for. */
export function web(options: WebOptions = {}): Deployment {
  const name = options.name ?? 'web'
  const container: Container = {
    name,
    image: options.image ?? `registry.example/${name}:v1`,
    ports: [{ name: 'http', containerPort: PORT }],
    resources: { requests: { cpu: options.cpu ?? '100m', memory: options.memory ?? '64Mi' } },
    readinessProbe: httpProbe(options.readinessSeconds ?? 2),
    ...(options.livenessSeconds === undefined ? {} : { livenessProbe: httpProbe(options.livenessSeconds) }),
    ...(options.preStopSeconds === undefined
      ? {}
      : { lifecycle: { preStop: { sleep: { seconds: options.preStopSeconds } } } }),
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name,
      namespace: 'default',
      ...(options.finalizers === undefined ? {} : { finalizers: options.finalizers }),
    },
    spec: {
      replicas: options.replicas ?? 3,
      selector: { matchLabels: { app: name } },
      strategy: {
        type: 'RollingUpdate',
        rollingUpdate: { maxSurge: options.maxSurge ?? 1, maxUnavailable: options.maxUnavailable ?? 0 },
      },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          terminationGracePeriodSeconds: options.graceSeconds ?? 30,
          ...(options.priority === undefined ? {} : { priority: options.priority }),
          containers: [container],
          ...(options.initContainers === undefined ? {} : { initContainers: options.initContainers }),
        },
      },
    },
  }
}

function httpProbe(periodSeconds: number): Probe {
  return { httpGet: { path: '/ready', port: 'http' }, periodSeconds, failureThreshold: 2 }
}

/** A pod that does its work once, for as long as its image's program takes, and stays there when it has ended. */
export function batch(name: string, cpu: string): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels: { app: 'batch' } },
    spec: {
      restartPolicy: 'Never',
      containers: [
        { name: 'batch', image: 'registry.example/batch:v1', resources: { requests: { cpu, memory: '64Mi' } } },
      ],
    },
  }
}

export function configMap(name: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default' },
    data: { level: 'info' },
  } as KubeObject
}

export interface ServiceOptions {
  readonly name?: string
  readonly udp?: boolean
  readonly type?: 'ClusterIP' | 'NodePort'
  readonly headless?: boolean
  readonly affinity?: boolean
  readonly local?: boolean
  readonly port?: number
  /** An address outside the cluster that leads to the service. */
  readonly externalAddress?: string
}

/** A service in front of the web deployment of that name. */
export function service(app: string, options: ServiceOptions = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: options.name ?? app, namespace: 'default' },
    spec: {
      type: options.type ?? 'ClusterIP',
      selector: { app },
      ports: [
        options.udp === true
          ? { name: 'http', port: options.port ?? 80, targetPort: PORT, protocol: 'UDP' as const }
          : { name: 'http', port: options.port ?? 80, targetPort: 'http' },
      ],
      ...(options.headless === true ? { clusterIP: 'None' } : {}),
      ...(options.affinity === true ? { sessionAffinity: 'ClientIP' as const } : {}),
      ...(options.externalAddress === undefined ? {} : { externalIPs: [options.externalAddress] }),
      ...(options.local === true ? { externalTrafficPolicy: 'Local' as const } : {}),
    },
  }
}

/** A budget that lets one pod of the app go at a time. */
export function budget(app: string): KubeObject {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: app, namespace: 'default' },
    spec: { maxUnavailable: 1, selector: { matchLabels: { app } } },
  } as KubeObject
}
