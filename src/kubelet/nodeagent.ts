/**
 * The kubelet's own Node object and Lease: registration (or adoption of what is there), status when it changed or every 5 min, lease every
 * 10 s. Models kubernetes pkg/kubelet kubelet_node_status.go and component-helpers apimachinery/lease, v1.33. Simplified: the pod range is
 * known beforehand instead of coming from the node IPAM controller; images and volumes are not reported.
 */
import type { ApiClient, ReplyReceiver } from '../client/index.ts'
import { addressOf, MILLISECOND, type Micros, type Out, type Rand, SECOND, type TimerTarget } from '../kernel/index.ts'
import {
  type ApiResponse,
  type Condition,
  findCondition,
  type Labels,
  type Lease,
  microTime,
  type Node,
  sameValue,
  timestamp,
} from '../objects/index.ts'
import type { KubeletFact } from './facts.ts'
import type { CompleteKubeletOptions } from './options.ts'

/** What the agent asks of its kubelet. */
export interface NodeHealth {
  /** The node as the informer has it. */
  observedNode(): Node | undefined
  readonly runtime: { isHealthy(now: Micros): boolean }
}

const LEASE_NAMESPACE = 'kube-node-lease'
const REGISTER = 1
const STATUS = 2
const LEASE = 3
const LEASE_RETRY = 4

const CREATE_NODE = 1
const GET_NODE = 2
const PATCH_LABELS = 3
const PATCH_STATUS = 4
const GET_LEASE = 5
const CREATE_LEASE = 6
const UPDATE_LEASE = 7

const FIRST_RETRY_MICROS = 100 * MILLISECOND
const LAST_RETRY_MICROS = 7 * SECOND
const LEASE_TRIES = 5
/** Upstream's jitter factor of both loops is 0.04. */
const JITTER_DIVISOR = 25

export class NodeAgent implements TimerTarget, ReplyReceiver {
  readonly #options: CompleteKubeletOptions
  readonly #client: ApiClient
  readonly #health: NodeHealth
  readonly #jitter: Rand
  readonly #address: number
  /** The node as the last answer had it. */
  #node: Node | undefined
  #registered = false
  #existed = false
  #retryMicros = FIRST_RETRY_MICROS
  #statusInFlight = false
  #lastReportAt: Micros = 0
  #lease: Lease | undefined
  #leaseTries = 0
  #leaseRetryMicros = FIRST_RETRY_MICROS

  constructor(options: CompleteKubeletOptions, client: ApiClient, health: NodeHealth) {
    this.#options = options
    this.#client = client
    this.#health = health
    this.#jitter = options.streams.get('kubelet/heartbeat')
    this.#address = addressOf(options.node)
  }

  get isRegistered(): boolean {
    return this.#registered
  }

  /** The node as this kubelet last saw it; before registration as it will be. */
  get node(): Node {
    return this.#health.observedNode() ?? this.#node ?? this.#desired([])
  }

  start(out: Out): void {
    this.#register(out)
    this.#askLease(out)
  }

  /** Something that readiness depends on has changed. */
  poke(out: Out): void {
    if (this.#registered) this.#syncStatus(out)
  }

  onTimer(kind: number, _a: number, out: Out): void {
    switch (kind) {
      case REGISTER:
        this.#register(out)
        return
      case STATUS:
        out.after(this.#period(this.#options.nodeStatusMicros, out), this, STATUS)
        this.#syncStatus(out)
        return
      case LEASE:
        this.#leaseTries = 0
        this.#lease === undefined ? this.#askLease(out) : this.#renew(out)
        return
      case LEASE_RETRY:
        this.#askLease(out)
        return
    }
  }

  onReply(tag: number, response: ApiResponse, out: Out): void {
    switch (tag) {
      case CREATE_NODE:
        if (response.code === 201) {
          this.#adopt(response.body as Node, out)
          return
        }
        this.#existed = response.code === 409
        if (this.#existed) this.#getNode(out)
        else this.#registerLater(out)
        return
      case GET_NODE:
        if (response.code === 200) {
          this.#reconcile(response.body as Node, out)
          return
        }
        this.#registerLater(out)
        return
      case PATCH_LABELS:
        if (response.code === 200) {
          this.#adopt(response.body as Node, out)
          return
        }
        this.#registerLater(out)
        return
      case PATCH_STATUS:
        this.#onStatus(response, out)
        return
      default:
        this.#onLease(tag, response, out)
        return
    }
  }

  // --- The Node

  #register(out: Out): void {
    const object = this.#desired(this.#conditions(undefined, out))
    this.#client.call({ verb: 'create', resource: 'nodes', object }, this, CREATE_NODE, out)
  }

  #registerLater(out: Out): void {
    out.after(this.#retryMicros, this, REGISTER)
    this.#retryMicros = Math.min(this.#retryMicros * 2, LAST_RETRY_MICROS)
  }

  #getNode(out: Out): void {
    this.#client.call({ verb: 'get', resource: 'nodes', name: this.#options.node }, this, GET_NODE, out)
  }

  /** A node of that name is there: its labels of ours are put right, everything else is left to it. */
  #reconcile(node: Node, out: Out): void {
    const missing: Record<string, string> = {}
    for (const [key, value] of Object.entries(this.#labels()))
      if (node.metadata.labels?.[key] !== value) missing[key] = value
    if (Object.keys(missing).length === 0 && node.spec?.podCIDR !== undefined) {
      this.#adopt(node, out)
      return
    }
    const patch = { metadata: { labels: missing }, spec: { podCIDR: node.spec?.podCIDR ?? this.#options.podCidr } }
    this.#client.call({ verb: 'patch', resource: 'nodes', name: this.#options.node, patch }, this, PATCH_LABELS, out)
  }

  #adopt(node: Node, out: Out): void {
    this.#node = node
    this.#registered = true
    this.#note({ type: 'node-registered', node: this.#options.node, existed: this.#existed }, out)
    out.after(this.#period(this.#options.nodeStatusMicros, out), this, STATUS)
    if (findCondition(node.status?.conditions, 'Ready') === undefined || this.#existed) this.#syncStatus(out)
    else this.#lastReportAt = out.now
  }

  #syncStatus(out: Out): void {
    if (this.#statusInFlight) return
    const stored = this.#newest()
    const conditions = this.#conditions(stored?.status?.conditions, out)
    const { capacity, nodeAddress, node } = this.#options
    const changed =
      stored === undefined ||
      !sameValue(stored.status?.allocatable, capacity) ||
      conditions.some(
        (condition) => findCondition(stored.status?.conditions, condition.type)?.status !== condition.status,
      )
    if (!changed && out.now - this.#lastReportAt < this.#options.nodeStatusReportMicros) return
    const others = (stored?.status?.conditions ?? []).filter(
      (other) => findCondition(conditions, other.type) === undefined,
    )
    const status = {
      capacity,
      allocatable: capacity,
      conditions: [...conditions, ...others],
      addresses: addresses(nodeAddress, node),
    }
    this.#statusInFlight = true
    this.#client.call(
      { verb: 'patch', resource: 'nodes', subresource: 'status', name: node, patch: { status } },
      this,
      PATCH_STATUS,
      out,
    )
  }

  #onStatus({ code, body }: ApiResponse, out: Out): void {
    this.#statusInFlight = false
    if (code !== 200) return
    this.#node = body as Node
    this.#lastReportAt = out.now
    const ready = findCondition(this.#node.status?.conditions, 'Ready')?.status === 'True'
    this.#note({ type: 'node-status-written', node: this.#options.node, ready }, out)
  }

  /** The informer's copy or the last answer's, whichever is newer. */
  #newest(): Node | undefined {
    const observed = this.#health.observedNode()
    if (observed === undefined || this.#node === undefined) return observed ?? this.#node
    return Number(observed.metadata.resourceVersion) > Number(this.#node.metadata.resourceVersion)
      ? observed
      : this.#node
  }

  #conditions(before: readonly Condition[] | undefined, out: Out): readonly Condition[] {
    const stamp = timestamp(out.wall)
    const make = (type: string, status: 'True' | 'False', reason: string, message: string): Condition => {
      const old = findCondition(before, type)
      const lastTransitionTime = old?.status === status ? old.lastTransitionTime : stamp
      return { type, status, reason, message, lastHeartbeatTime: stamp, lastTransitionTime }
    }
    const ready = this.#health.runtime.isHealthy(out.now)
    return [
      make('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
      make('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
      make('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
      ready
        ? make('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status')
        : make('Ready', 'False', 'KubeletNotReady', 'container runtime is down'),
    ]
  }

  #desired(conditions: readonly Condition[]): Node {
    const { node, nodeAddress, podCidr, capacity } = this.#options
    return {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: node, labels: this.#labels() },
      spec: { podCIDR: podCidr },
      status: {
        capacity,
        allocatable: capacity,
        conditions,
        addresses: addresses(nodeAddress, node),
        nodeInfo: { kubeletVersion: 'v1.33.0' },
      },
    }
  }

  #labels(): Labels {
    return {
      'kubernetes.io/hostname': this.#options.node,
      'kubernetes.io/os': 'linux',
      'kubernetes.io/arch': 'amd64',
      ...this.#options.labels,
    }
  }

  // --- The Lease

  #askLease(out: Out): void {
    this.#leaseTries++
    const request = { verb: 'get', resource: 'leases', namespace: LEASE_NAMESPACE, name: this.#options.node } as const
    this.#client.call(request, this, GET_LEASE, out)
  }

  #renew(out: Out): void {
    this.#leaseTries++
    const lease = this.#lease as Lease
    const object: Lease = { ...lease, spec: { ...lease.spec, ...this.#leaseSpec(out) } }
    this.#client.call(
      { verb: 'update', resource: 'leases', namespace: LEASE_NAMESPACE, name: this.#options.node, object },
      this,
      UPDATE_LEASE,
      out,
    )
  }

  #createLease(out: Out): void {
    const owner = this.#newest()?.metadata
    const object: Lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name: this.#options.node,
        namespace: LEASE_NAMESPACE,
        ...(owner?.uid === undefined
          ? {}
          : { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: owner.name, uid: owner.uid }] }),
      },
      spec: this.#leaseSpec(out),
    }
    this.#client.call(
      { verb: 'create', resource: 'leases', namespace: LEASE_NAMESPACE, object },
      this,
      CREATE_LEASE,
      out,
    )
  }

  #leaseSpec(out: Out): Lease['spec'] {
    return {
      holderIdentity: this.#options.node,
      leaseDurationSeconds: this.#options.leaseDurationSeconds,
      renewTime: microTime(out.wall),
    }
  }

  #onLease(tag: number, { code, body }: ApiResponse, out: Out): void {
    if (code === 200 || code === 201) {
      this.#lease = body as Lease
      this.#leaseRetryMicros = FIRST_RETRY_MICROS
      if (tag === GET_LEASE) {
        this.#renew(out)
        return
      }
      this.#leaseTries = 0
      out.after(this.#period((this.#options.leaseDurationSeconds * SECOND) / 4, out), this, LEASE)
      return
    }
    const held = this.#lease !== undefined
    this.#lease = undefined
    if (tag === GET_LEASE && code === 404) {
      this.#createLease(out)
      return
    }
    if (held && tag === UPDATE_LEASE && this.#leaseTries < LEASE_TRIES) {
      this.#askLease(out)
      return
    }
    out.after(this.#leaseRetryMicros, this, LEASE_RETRY)
    this.#leaseRetryMicros = Math.min(this.#leaseRetryMicros * 2, LAST_RETRY_MICROS)
  }

  #period(micros: Micros, out: Out): Micros {
    return micros + this.#jitter.intAt(0, Math.floor(micros / JITTER_DIVISOR), out.now, this.#address)
  }

  #note(fact: KubeletFact, out: Out): void {
    out.note(fact)
  }
}

function addresses(address: string, name: string) {
  return [
    { type: 'InternalIP', address },
    { type: 'Hostname', address: name },
  ]
}
