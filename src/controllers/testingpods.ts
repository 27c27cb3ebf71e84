/**
 * Objects for the tests of this folder, and a stand-in for scheduler and kubelets: pods get a node and an address, become ready,
 * and go some time after they were asked to. Used in tests only.
 */
import { MILLISECOND, type Micros, SECOND, Streams } from '../kernel/index.ts'
import {
  type Condition,
  type Deployment,
  type KubeObject,
  keyOf,
  type Labels,
  type Node,
  type Pod,
  type ReplicaSet,
  type Service,
  timestamp,
} from '../objects/index.ts'
import { ControllerManager } from './manager.ts'
import type { ControllerManagerOptions } from './options.ts'
import { API_SERVER, type ApiDouble } from './testing.ts'

/** A manager that leads at once, with limits out of the way, unless `options` says otherwise. */
export function managerFor(options: Partial<ControllerManagerOptions> = {}): ControllerManager {
  return new ControllerManager({
    name: 'kube-controller-manager-0',
    servers: [API_SERVER],
    streams: new Streams(7),
    leaderElection: false,
    qps: 0,
    ...options,
  })
}

export function deployment(
  name: string,
  replicas: number,
  spec: Partial<Deployment['spec']> = {},
  image = 'v1',
): Deployment {
  const labels = { app: name }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default', labels },
    spec: { replicas, selector: { matchLabels: labels }, template: template(labels, image), ...spec },
  }
}

export function replicaSet(name: string, replicas: number, spec: Partial<ReplicaSet['spec']> = {}): ReplicaSet {
  const labels = { app: name }
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name, namespace: 'default', labels },
    spec: { replicas, selector: { matchLabels: labels }, template: template(labels, 'v1'), ...spec },
  }
}

export function template(labels: Labels, image: string): ReplicaSet['spec']['template'] {
  return {
    metadata: { labels },
    spec: { containers: [{ name: 'main', image, ports: [{ name: 'http', containerPort: 80 }] }] },
  }
}

export function service(name: string, app: string, spec: Partial<Service['spec']> = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', labels: { team: 'a' } },
    spec: {
      clusterIP: '10.96.0.1',
      selector: { app },
      ports: [{ name: 'web', port: 80, targetPort: 'http' }],
      ...spec,
    },
  }
}

export function pod(name: string, labels: Labels, overrides: Partial<Pod> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, labels },
    spec: { containers: [{ name: 'main', image: 'v1', ports: [{ name: 'http', containerPort: 80 }] }] },
    ...overrides,
  }
}

export function node(name: string, ready: Condition['status'] = 'True', labels: Labels = {}): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    spec: {},
    status: { conditions: [{ type: 'Ready', status: ready, lastTransitionTime: '2025-01-01T00:00:00Z' }] },
  }
}

export function lease(nodeName: string, renewTime: string): KubeObject {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: nodeName, namespace: 'kube-node-lease' },
    spec: { holderIdentity: nodeName, renewTime },
  } as KubeObject
}

/** Runs pods on nodes that always have room. */
export class PodRunner {
  /** From creation to Running and ready. */
  readyMicros: Micros = 500 * MILLISECOND
  /** From the first notice to the end. */
  stopMicros: Micros = SECOND
  /** Which pods become ready; the others stay Running and not ready. */
  becomesReady: (pod: Pod) => boolean = () => true
  readonly #api: ApiDouble
  readonly #nodes: readonly string[]
  #count = 0

  constructor(api: ApiDouble, nodes: readonly string[]) {
    this.#api = api
    this.#nodes = nodes
    for (const name of nodes) if (api.get('nodes', name) === undefined) api.add('nodes', node(name))
    api.listeners.push((event, resource) => {
      if (resource !== 'pods') return
      const changed = event.object as Pod
      const peer = api.peers[0]
      if (event.type === 'ADDED') peer?.later(this.readyMicros, () => this.#run(keyOf(changed), changed.metadata.uid))
      const going = changed.metadata.deletionTimestamp !== undefined
      if (event.type === 'MODIFIED' && going)
        peer?.later(this.stopMicros, () => this.#end(keyOf(changed), changed.metadata.uid))
    })
  }

  #run(key: string, uid: string | undefined): void {
    const present = this.#api.get('pods', key)
    if (present === undefined || present.metadata.uid !== uid || present.metadata.deletionTimestamp !== undefined)
      return
    const index = this.#count++
    const ready: Condition = {
      type: 'Ready',
      status: this.becomesReady(present) ? 'True' : 'False',
      lastTransitionTime: timestamp(this.#api.wall),
    }
    const podIP = `10.244.${Math.floor(index / 250)}.${(index % 250) + 1}`
    this.#api.change('pods', key, (before) => ({
      ...before,
      spec: { ...before.spec, nodeName: this.#nodes[index % this.#nodes.length] },
      status: { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions: [ready] },
    }))
  }

  #end(key: string, uid: string | undefined): void {
    if (this.#api.get('pods', key)?.metadata.uid === uid) this.#api.drop('pods', key)
  }
}
