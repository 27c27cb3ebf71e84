/**
 * Watches over the nodes: marks silent ones unknown, taints them, and says of their pods that they are not ready. Models kubernetes
 * pkg/controller/nodelifecycle, v1.33. A look at all nodes every 5 s decides what is due and only then starts a script a node, so
 * an idle cluster costs no request. Left out: label reconciliation, events. Simplified: one write of taints a node where upstream
 * has one a kind; all marks are repeated until the cache shows them (upstream remembers only failed ones).
 */
import {
  all,
  type ControllerLoop,
  get,
  type Handler,
  must,
  patch,
  resultOf,
  type Script,
  type Tombstone,
  updateRequest,
  updateStatus,
} from '../../client/index.ts'
import type { Out, Timer, TimerTarget } from '../../kernel/index.ts'
import { isPodReady, keyOf, type Node, type Pod, timestamp, withCondition } from '../../objects/index.ts'
import { BY_NODE, type Controller, type ControllerContext, NODE_LEASE_NAMESPACE } from '../context.ts'
import { computeUnknownConditions, isSilent, type NodeHealth, observeHealth, readyCondition } from './health.ts'
import { computeTaints, hasNoExecute, hasRightTaints, noExecuteKey } from './taints.ts'
import { ZoneWatch } from './zonewatch.ts'

const NAME = 'node-lifecycle'
const MONITOR = 1
const PERMIT = 2

export class NodeLifecycleController implements Controller, TimerTarget {
  readonly name = NAME
  readonly zones: ZoneWatch
  readonly #context: ControllerContext
  readonly #loop: ControllerLoop
  readonly #health = new Map<string, NodeHealth>()
  /** Nodes that have a permit to be tainted NoExecute and are not tainted yet. */
  readonly #permitted = new Set<string>()
  #running = false
  #permitTimer: Timer = 0

  constructor(context: ControllerContext) {
    this.#context = context
    this.zones = new ZoneWatch(context.options.nodeLifecycle, context.decisions)
    this.#loop = context.loop(NAME, context.options.nodeLifecycle.workers, (key, out) => this.#sync(key, out))
    context.informers.nodes.addHandler(new NodeHandler(this, this.#loop))
    context.informers.pods.addHandler(new AssignedPodHandler(this.#loop, context))
  }

  start(out: Out): void {
    this.#running = true
    this.#loop.start(out)
    this.onTimer(MONITOR, 0, out)
  }

  stop(out: Out): void {
    this.#running = false
    this.#loop.stop(out)
  }

  onTimer(kind: number, _a: number, out: Out): void {
    if (!this.#running) return
    if (kind === PERMIT) {
      this.#permitTimer = 0
      this.#grantPermits(out)
      return
    }
    out.after(this.#context.options.nodeLifecycle.monitorPeriodMicros, this, MONITOR)
    this.#monitor(out)
  }

  /** The node is gone: nothing is remembered of it. */
  forget(name: string): void {
    this.#health.delete(name)
    this.#permitted.delete(name)
    this.zones.dequeue(name)
  }

  /** Looks at every node once; nothing waits in here. */
  #monitor(out: Out): void {
    const { informers, options } = this.#context
    const { graceMicros, startupGraceMicros } = options.nodeLifecycle
    for (const node of informers.nodes.list()) {
      const { name } = node.metadata
      const health = this.#observe(node, out)
      const ready = readyCondition(node)
      const silent = isSilent(health, node, graceMicros, startupGraceMicros, out.now)
      this.zones.count(node, silent && ready?.status === 'True' ? { ...ready, status: 'Unknown' } : ready)
      if (silent && ready?.status !== 'Unknown') this.#loop.enqueue(name, out)
      else if (ready !== undefined && ready.status !== 'True' && this.#hasReadyPods(name)) this.#loop.enqueue(name, out)
      this.#considerNoExecute(node, out)
    }
    this.#handleDisruption(out)
    this.#grantPermits(out)
  }

  /** Takes note of a heartbeat that came since the last look. */
  #observe(node: Node, out: Out): NodeHealth {
    const { name } = node.metadata
    const lease = this.#context.informers.nodeLeases.get(`${NODE_LEASE_NAMESPACE}/${name}`)
    const health = observeHealth(this.#health.get(name), node, lease, out.now)
    this.#health.set(name, health)
    return health
  }

  /** A node that should lose its pods waits for its zone's permit; one that came back waits no longer. */
  #considerNoExecute(node: Node, out: Out): void {
    const { name } = node.metadata
    const key = noExecuteKey(node)
    if (key === undefined) {
      this.zones.dequeue(name)
      this.#permitted.delete(name)
      if (hasNoExecute(node) && readyCondition(node)?.status === 'True') this.#loop.enqueue(name, out)
    } else if (!hasNoExecute(node)) {
      if (!this.#permitted.has(name)) this.zones.queue(node)
    } else if (!hasNoExecute(node, key)) this.#loop.enqueue(name, out)
  }

  #handleDisruption(out: Out): void {
    const change = this.zones.settle(out.now, (zone, state) => this.#context.note({ type: 'zone-state', zone, state }))
    if (change.kind === 'everything-down') {
      this.#permitted.clear()
      this.zones.dequeueAll()
      for (const node of this.#context.informers.nodes.list()) {
        if (hasNoExecute(node)) this.#loop.enqueue(node.metadata.name, out)
      }
    } else if (change.kind === 'contact-returned') {
      for (const [name, health] of this.#health) this.#health.set(name, { ...health, probeMicros: out.now })
    }
  }

  #grantPermits(out: Out): void {
    const next = this.zones.grant(out.now, (name) => {
      this.#permitted.add(name)
      this.#loop.enqueue(name, out)
    })
    out.cancel(this.#permitTimer)
    this.#permitTimer = next === undefined ? 0 : out.after(Math.max(1, next - out.now), this, PERMIT)
  }

  *#sync(name: string, out: Out): Script {
    let node = this.#context.informers.nodes.get(name)
    if (node === undefined) return
    const health = this.#observe(node, out)
    const { graceMicros, startupGraceMicros } = this.#context.options.nodeLifecycle
    let transition = false
    if (isSilent(health, node, graceMicros, startupGraceMicros, out.now)) {
      const conditions = computeUnknownConditions(node, out.wall)
      if (conditions !== node.status?.conditions) {
        transition = readyCondition(node)?.status === 'True'
        node = must(yield* updateStatus('nodes', { ...node, status: { ...node.status, conditions } }))
        this.#context.note({ type: 'node-marked-unknown', node: name })
        if (transition) {
          const message = `Node ${name} status is now: NodeNotReady`
          this.#context.tell('node-controller', node, 'Normal', 'NodeNotReady', message)
        }
      }
    }
    node = yield* this.#writeTaints(node)
    const ready = readyCondition(node)
    if (ready !== undefined && ready.status !== 'True' && this.#context.decisions.marksPodsNotReady(transition)) {
      yield* this.#markPodsNotReady(name)
    }
  }

  *#writeTaints(cached: Node): Script<Node> {
    let node = cached
    for (let attempt = 0; ; attempt++) {
      const { name, resourceVersion } = node.metadata
      const stamp = timestamp(this.#context.out.wall)
      const down = this.zones.everythingDown
      const decision = down ? 'untaint' : this.#permitted.has(name) ? 'taint' : 'leave'
      const taints = computeTaints(node, decision, stamp)
      if (taints === node.spec.taints || (decision === 'leave' && hasRightTaints(node))) return node
      if (taints.length === 0 && node.spec.taints === undefined) return node
      const had = hasNoExecute(node)
      const result = yield* patch('nodes', undefined, name, { metadata: { resourceVersion }, spec: { taints } })
      if (!result.ok && result.code === 409 && attempt < 10) {
        node = must(yield* get('nodes', undefined, name))
        continue
      }
      node = must(result)
      const has = hasNoExecute(node)
      if (has) this.#permitted.delete(name)
      if (has !== had) {
        const type = has ? 'node-tainted-noexecute' : 'node-untainted-noexecute'
        this.#context.note({ type, node: name, zone: this.zones.zoneOf(node) })
      }
      return node
    }
  }

  *#markPodsNotReady(name: string): Script {
    const pods = this.#context.informers.pods.byIndex(BY_NODE, name).filter(isPodReady)
    if (pods.length === 0) return
    const stamp = timestamp(this.#context.out.wall)
    const answers = yield* all(pods.map((pod) => updateRequest('pods', notReady(pod, stamp), 'status')))
    this.#context.note({ type: 'node-pods-marked-not-ready', node: name, pods: pods.length })
    for (const pod of pods) {
      this.#context.tell('node-controller', pod, 'Warning', 'NodeNotReady', 'Node is not ready')
    }
    for (const answer of answers) if (answer.code !== 404) must(resultOf(answer))
  }

  #hasReadyPods(name: string): boolean {
    for (const pod of this.#context.informers.pods.byIndex(BY_NODE, name)) if (isPodReady(pod)) return true
    return false
  }
}

function notReady(pod: Pod, stamp: string): Pod {
  const conditions = withCondition(pod.status?.conditions, { type: 'Ready', status: 'False' }, stamp)
  return { ...pod, status: { ...pod.status, conditions } }
}

class NodeHandler implements Handler<Node> {
  readonly #controller: NodeLifecycleController
  readonly #loop: ControllerLoop

  constructor(controller: NodeLifecycleController, loop: ControllerLoop) {
    this.#controller = controller
    this.#loop = loop
  }

  onAdd(node: Node, _isInitial: boolean, out: Out): void {
    if (!hasRightTaints(node)) this.#loop.enqueue(node.metadata.name, out)
  }

  onUpdate(before: Node, node: Node, out: Out): void {
    const same = before.status?.conditions === node.status?.conditions && before.spec === node.spec
    if (!same && !hasRightTaints(node)) this.#loop.enqueue(node.metadata.name, out)
  }

  onDelete(deleted: Node | Tombstone<Node>): void {
    this.#controller.forget(keyOf('tombstone' in deleted ? deleted.object : deleted))
  }
}

/** A pod that is bound to a node which is not ready is looked at without waiting for the next round. */
class AssignedPodHandler implements Handler<Pod> {
  readonly #loop: ControllerLoop
  readonly #context: ControllerContext

  constructor(loop: ControllerLoop, context: ControllerContext) {
    this.#loop = loop
    this.#context = context
  }

  onAdd(pod: Pod, _isInitial: boolean, out: Out): void {
    this.#consider(pod, out)
  }

  onUpdate(before: Pod, pod: Pod, out: Out): void {
    if (before.spec.nodeName !== pod.spec.nodeName) this.#consider(pod, out)
  }

  #consider(pod: Pod, out: Out): void {
    const { nodeName } = pod.spec
    const node = nodeName === undefined || !isPodReady(pod) ? undefined : this.#context.informers.nodes.get(nodeName)
    const ready = node === undefined ? undefined : readyCondition(node)
    if (ready !== undefined && ready.status !== 'True') this.#loop.enqueue(nodeName as string, out)
  }
}
