/**
 * A stage for tests of the node: the real kernel, a kubelet and a runtime on one host, and an API server double in memory that knows
 * field selectors, merge patches and graceful deletion of pods. Only for tests; the double validates nothing.
 */
import {
  type Fact,
  Kernel,
  type Machine,
  type Message,
  type Micros,
  type Out,
  type ProcessId,
  SECOND,
} from '../kernel/index.ts'
import {
  type ApiCall,
  type ApiMessage,
  type ApiRequest,
  type ApiResponse,
  type Container,
  defaultPodSpec,
  type KubeObject,
  keyOf,
  type Pod,
  type PodSpec,
  RESOURCES,
  type Resource,
  type Status,
  timestamp,
} from '../objects/index.ts'
import type { AppTable } from './app.ts'
import type { KubeletFact, RuntimeFact } from './facts.ts'
import { Kubelet } from './kubelet.ts'
import type { KubeletOptions } from './options.ts'
import { ContainerRuntime } from './runtime.ts'
import type { ContainerRuntimeOptions } from './runtimeoptions.ts'

interface Watch {
  readonly client: ProcessId
  readonly id: number
  readonly request: ApiRequest
}

/** Every write of a pod as the API stored it. */
export interface StoredPod {
  readonly at: Micros
  readonly pod: Pod
}

export class ApiDouble implements Machine {
  readonly objects = new Map<string, KubeObject>()
  readonly podHistory: StoredPod[] = []
  /** Requests are dropped, and so the client times out, while this is set. */
  deaf = false
  requests = 0
  readonly #watches = new Map<string, Watch>()
  #revision = 1
  #uids = 0

  onStart(): void {}
  onTimer(): void {}

  onDisconnect(peer: ProcessId): void {
    for (const [key, watch] of this.#watches) if (watch.client === peer) this.#watches.delete(key)
  }

  onMessage(from: ProcessId, message: Message, out: Out): void {
    const call = message as ApiMessage
    if (call.type === 'api-cancel') this.#watches.delete(`${from}/${call.id}`)
    if (call.type !== 'api-call' || this.deaf) return
    this.requests++
    this.#serve(from, call, out)
  }

  pod(key: string): Pod | undefined {
    return this.objects.get(`pods/${key}`) as Pod | undefined
  }

  create(resource: Resource, object: KubeObject, out: Out): KubeObject {
    const metadata = { ...object.metadata, uid: `uid-${++this.#uids}`, creationTimestamp: timestamp(out.wall) }
    return this.#store(resource, { ...object, metadata }, 'ADDED', out)
  }

  patch(resource: Resource, key: string, patch: unknown, out: Out): KubeObject {
    const before = this.objects.get(`${resource}/${key}`) as KubeObject
    return this.#store(resource, merge(before, patch) as KubeObject, 'MODIFIED', out)
  }

  deletePod(key: string, graceSeconds: number | undefined, out: Out): void {
    const pod = this.pod(key)
    if (pod === undefined) return
    const grace = graceSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30
    const before = pod.metadata.deletionGracePeriodSeconds
    if (grace === 0 || pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') {
      this.objects.delete(`pods/${key}`)
      this.#announce('pods', this.#versioned(pod), 'DELETED', out)
    } else if (before === undefined || grace < before) {
      const metadata = {
        ...pod.metadata,
        deletionTimestamp: timestamp(out.wall + grace * SECOND),
        deletionGracePeriodSeconds: grace,
      }
      this.#store('pods', { ...pod, metadata } as Pod, 'MODIFIED', out)
    }
  }

  #serve(from: ProcessId, { id, request }: ApiCall, out: Out): void {
    if (request.verb === 'watch') {
      this.#watches.set(`${from}/${id}`, { client: from, id, request })
      this.#reply(from, id, { code: 200, body: status(200) }, out)
      return
    }
    this.#reply(from, id, this.#answer(request, out), out)
  }

  #answer(request: ApiRequest, out: Out): ApiResponse {
    const { resource } = request
    if (request.verb === 'list') {
      const items = [...this.objects]
        .filter(([key, object]) => key.startsWith(`${resource}/`) && selects(request, object))
        .map(([, object]) => object)
      return { code: 200, body: { kind: 'List', metadata: { resourceVersion: String(this.#revision) }, items } }
    }
    if (request.verb === 'create') {
      const object = request.object as KubeObject
      if (this.objects.has(`${resource}/${keyOf(object)}`)) return failure(409)
      return { code: 201, body: this.create(resource, object, out) }
    }
    const name = 'name' in request ? (request.name ?? '') : ''
    const key = RESOURCES[resource].namespaced ? `${request.namespace}/${name}` : name
    const before = this.objects.get(`${resource}/${key}`)
    if (before === undefined) return failure(404)
    switch (request.verb) {
      case 'get':
        return { code: 200, body: before }
      case 'update': {
        const object = request.object as KubeObject
        if (object.metadata.resourceVersion !== before.metadata.resourceVersion) return failure(409)
        return { code: 200, body: this.#store(resource, object, 'MODIFIED', out) }
      }
      case 'patch': {
        const uid = (request.patch as Partial<KubeObject>).metadata?.uid
        if (uid !== undefined && uid !== before.metadata.uid) return failure(409)
        return { code: 200, body: this.patch(resource, key, request.patch, out) }
      }
      case 'delete':
        if (request.options?.preconditions?.uid !== before.metadata.uid) return failure(409)
        this.deletePod(key, request.options?.gracePeriodSeconds, out)
        return { code: 200, body: before }
      default:
        return failure(405)
    }
  }

  #store(resource: Resource, object: KubeObject, type: 'ADDED' | 'MODIFIED', out: Out): KubeObject {
    const stored = this.#versioned(object)
    this.objects.set(`${resource}/${keyOf(stored)}`, stored)
    if (resource === 'pods') this.podHistory.push({ at: out.now, pod: stored as Pod })
    this.#announce(resource, stored, type, out)
    return stored
  }

  #versioned(object: KubeObject): KubeObject {
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#revision) } }
  }

  #announce(resource: Resource, object: KubeObject, type: 'ADDED' | 'MODIFIED' | 'DELETED', out: Out): void {
    if (this.deaf) return
    for (const { client, id, request } of this.#watches.values()) {
      if (request.resource !== resource || !selects(request, object)) continue
      this.#send(client, { type: 'api-watch-events', id, events: [{ type, object }] }, out)
    }
  }

  #reply(to: ProcessId, id: number, response: ApiResponse, out: Out): void {
    this.#send(to, { type: 'api-reply', id, response }, out)
  }

  #send(to: ProcessId, message: ApiMessage, out: Out): void {
    out.stream(to, message)
  }
}

function selects(request: ApiRequest, object: KubeObject): boolean {
  const selector = 'fieldSelector' in request ? request.fieldSelector : undefined
  if (selector === undefined) return true
  const [field, value] = selector.split('=')
  return (field === 'metadata.name' ? object.metadata.name : (object as Pod).spec.nodeName) === value
}

function status(code: number): Status {
  return { apiVersion: 'v1', kind: 'Status', metadata: {}, status: code < 300 ? 'Success' : 'Failure', code }
}

function failure(code: number): ApiResponse {
  return { code, body: status(code) }
}

function merge(before: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const merged: Record<string, unknown> = { ...(before as Record<string, unknown> | undefined) }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else if (value !== undefined) merged[key] = merge(merged[key], value)
  }
  return merged
}

export type NodeFact = KubeletFact | RuntimeFact
export type TimedFact = NodeFact & { readonly at: Micros }

export interface StageOptions {
  readonly seed?: string | number
  readonly apps?: AppTable
  readonly decisions?: KubeletOptions['decisions']
  readonly runtime?: Partial<ContainerRuntimeOptions>
  readonly kubelet?: Partial<KubeletOptions>
}

const NODE = 'node-0'

const FACT_TYPES: readonly NodeFact['type'][] = [
  'sandbox-started',
  'sandbox-stopped',
  'container-created',
  'container-started',
  'container-listening',
  'prestop-started',
  'prestop-ended',
  'poststart-started',
  'poststart-ended',
  'term-sent',
  'kill-sent',
  'container-exited',
  'containers-collected',
  'connections-reset',
  'image-pulled',
  'image-pull-failed',
  'node-registered',
  'node-status-written',
  'pod-admitted',
  'pod-rejected',
  'termination-started',
  'termination-shortened',
  'termination-finished',
  'stop-started',
  'stop-shortened',
  'probe-result',
  'pod-phase',
  'pod-readiness',
  'pod-removed',
]

/** One node and its API. */
export class Stage {
  readonly kernel: Kernel
  readonly facts: TimedFact[] = []
  readonly apiProcess: ProcessId
  readonly runtimeProcess: ProcessId
  readonly kubeletProcess: ProcessId

  constructor(options: StageOptions = {}) {
    const kernel = new Kernel({ seed: options.seed ?? 1 })
    this.kernel = kernel
    kernel.addHost('control')
    kernel.addHost(NODE)
    const common = {
      node: NODE,
      nodeAddress: '192.168.0.10',
      podCidr: '10.244.0.0/24',
      streams: kernel.streams,
    }
    this.apiProcess = kernel.spawn('control', 'apiserver-0', () => new ApiDouble())
    this.runtimeProcess = kernel.spawn(
      NODE,
      'runtime-0',
      () => new ContainerRuntime({ ...common, apps: options.apps, ...options.runtime }),
    )
    this.kubeletProcess = kernel.spawn(
      NODE,
      'kubelet-0',
      () =>
        new Kubelet({
          ...common,
          servers: [this.apiProcess],
          runtimeProcess: this.runtimeProcess,
          runtime: () => (kernel.isRunning(this.runtimeProcess) ? this.runtime : undefined),
          decisions: options.decisions,
          ...options.kubelet,
        }),
    )
    for (const type of FACT_TYPES) {
      kernel.subscribe(type, (fact: Fact, _process, at: Micros) => void this.facts.push({ ...(fact as NodeFact), at }))
    }
  }

  get api(): ApiDouble {
    return this.kernel.machineOf(this.apiProcess) as ApiDouble
  }

  get runtime(): ContainerRuntime {
    return this.kernel.machineOf(this.runtimeProcess) as ContainerRuntime
  }

  get kubelet(): Kubelet {
    return this.kernel.machineOf(this.kubeletProcess) as Kubelet
  }

  /** Lets `seconds` of virtual time pass. */
  run(seconds: number): this {
    this.kernel.run({ until: this.kernel.now + Math.round(seconds * SECOND) })
    return this
  }

  /** A pod bound to the node. */
  createPod(name: string, spec: Partial<PodSpec> = {}, extra: Partial<Pod> = {}): void {
    const pod: Pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: 'default', name },
      spec: defaultPodSpec({ nodeName: NODE, containers: [container('app')], ...spec }, 'pod'),
      status: { phase: 'Pending' },
      ...extra,
    }
    this.kernel.enter(this.apiProcess, (_machine, out) => this.api.create('pods', pod, out))
  }

  deletePod(name: string, graceSeconds?: number): void {
    this.kernel.enter(this.apiProcess, (_machine, out) => this.api.deletePod(`default/${name}`, graceSeconds, out))
  }

  patchPod(name: string, patch: unknown): void {
    this.kernel.enter(this.apiProcess, (_machine, out) => void this.api.patch('pods', `default/${name}`, patch, out))
  }

  inRuntime(act: (runtime: ContainerRuntime, out: Out) => void): void {
    this.kernel.enter(this.runtimeProcess, (machine, out) => act(machine as ContainerRuntime, out))
  }

  pod(name: string): Pod | undefined {
    return this.api.pod(`default/${name}`)
  }

  of<T extends NodeFact['type']>(
    type: T,
  ): readonly (Extract<NodeFact, { readonly type: T }> & { readonly at: Micros })[] {
    return this.facts.filter((fact) => fact.type === type) as never
  }

  /** The facts of those types as `type container`, in order. */
  story(...types: readonly NodeFact['type'][]): string[] {
    return this.facts
      .filter((fact) => types.includes(fact.type))
      .map((fact) => ('container' in fact ? `${fact.type} ${fact.container}` : fact.type))
  }
}

/** A container with an image of its own name. */
export function container(name: string, extra: Partial<Container> = {}): Container {
  return { name, image: `${name}:1`, ports: [{ containerPort: 8080 }], ...extra }
}
