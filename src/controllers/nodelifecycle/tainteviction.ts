/**
 * Deletes the pods that do not tolerate the NoExecute taints of their node, each at its time. Models kubernetes
 * pkg/controller/tainteviction, v1.33 (a controller of its own there, too).
 */
import {
  type ControllerLoop,
  type Handler,
  must,
  patch,
  remove,
  type Script,
  type Tombstone,
} from '../../client/index.ts'
import type { Out, Timer, TimerTarget } from '../../kernel/index.ts'
import { keyOf, type Node, type Pod, sameValue, type Taint, timestamp, withCondition } from '../../objects/index.ts'
import { BY_NODE, type Controller, type ControllerContext } from '../context.ts'
import { computePatience, computePlan, noExecuteTaints, type PlannedEviction } from './tolerations.ts'

const NAME = 'taint-eviction'
const SOURCE = 'taint-eviction-controller'
/** Pods deleted at once. */
const WORKERS = 8

interface Plan extends PlannedEviction {
  readonly timer: Timer
  readonly uid: string
}

export class TaintEvictionController implements Controller {
  readonly name = NAME
  readonly #context: ControllerContext
  readonly #loop: ControllerLoop
  readonly #plans = new Map<string, Plan>()
  #running = false

  constructor(context: ControllerContext) {
    this.#context = context
    this.#loop = context.loop(NAME, WORKERS, (key) => this.#sync(key))
    context.informers.nodes.addHandler(new NodeHandler(this, context))
    context.informers.pods.addHandler(new PodHandler(this, context))
  }

  /** What the caches showed before the start is judged now: patience counts from here. */
  start(out: Out): void {
    this.#running = true
    this.#loop.start(out)
    for (const node of this.#context.informers.nodes.list()) this.considerNode(node, out)
  }

  stop(out: Out): void {
    this.#running = false
    this.#loop.stop(out)
    for (const plan of this.#plans.values()) out.cancel(plan.timer)
    this.#plans.clear()
  }

  considerNode(node: Node, out: Out): void {
    if (!this.#running) return
    const taints = noExecuteTaints(node)
    if (taints.length === 0 && this.#plans.size === 0) return
    for (const pod of this.#context.informers.pods.byIndex(BY_NODE, node.metadata.name))
      this.considerPod(pod, taints, out)
  }

  /** Plans, moves or calls off the eviction of one pod. */
  considerPod(pod: Pod, taints: readonly Taint[], out: Out): void {
    if (!this.#running) return
    const key = keyOf(pod)
    const before = this.#plans.get(key)
    if (taints.length === 0) {
      if (before !== undefined) this.callOff(key, out)
      return
    }
    const plan = computePlan(before, computePatience(pod, taints), out.now)
    if (plan === before && before !== undefined) return
    this.callOff(key, out)
    if (plan === undefined) return
    const timer = plan.at > out.now ? out.after(plan.at - out.now, new Expiry(this.#loop, key), 0) : 0
    this.#plans.set(key, { ...plan, timer, uid: pod.metadata.uid as string })
    if (timer === 0) this.#loop.enqueue(key, out)
  }

  callOff(key: string, out: Out): void {
    const plan = this.#plans.get(key)
    if (plan === undefined) return
    out.cancel(plan.timer)
    this.#plans.delete(key)
  }

  *#sync(key: string): Script {
    const plan = this.#plans.get(key)
    const pod = this.#context.informers.pods.get(key)
    if (plan === undefined || pod === undefined || pod.metadata.uid !== plan.uid) return
    if (pod.metadata.deletionTimestamp !== undefined) return
    this.#context.tell(SOURCE, pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${key}`)
    const { namespace, name, uid } = pod.metadata
    const stamp = timestamp(this.#context.out.wall)
    const message = 'Taint manager: deleting due to NoExecute taint'
    const condition = { type: 'DisruptionTarget', status: 'True', reason: 'DeletionByTaintManager', message } as const
    const conditions = withCondition(pod.status?.conditions, condition, stamp)
    const marked = yield* patch('pods', namespace, name, { metadata: { uid }, status: { conditions } }, 'status')
    if (!marked.ok && marked.code === 404) return
    must(marked)
    const result = yield* remove('pods', namespace, name, { preconditions: { uid } })
    if (!result.ok && result.code === 404) return
    must(result)
    this.#context.note({ type: 'pod-evicted-by-taint', pod: key, node: pod.spec.nodeName ?? '' })
  }
}

/** A pod's patience is over. */
class Expiry implements TimerTarget {
  readonly #loop: ControllerLoop
  readonly #key: string

  constructor(loop: ControllerLoop, key: string) {
    this.#loop = loop
    this.#key = key
  }

  onTimer(_kind: number, _a: number, out: Out): void {
    this.#loop.enqueue(this.#key, out)
  }
}

class NodeHandler implements Handler<Node> {
  readonly #controller: TaintEvictionController
  readonly #context: ControllerContext

  constructor(controller: TaintEvictionController, context: ControllerContext) {
    this.#controller = controller
    this.#context = context
  }

  onAdd(node: Node, _isInitial: boolean, out: Out): void {
    if (noExecuteTaints(node).length > 0) this.#controller.considerNode(node, out)
  }

  onUpdate(before: Node, node: Node, out: Out): void {
    if (before.spec.taints === node.spec.taints) return
    if (!sameValue(noExecuteTaints(before), noExecuteTaints(node))) this.#controller.considerNode(node, out)
  }

  onDelete(deleted: Node | Tombstone<Node>, out: Out): void {
    const name = keyOf('tombstone' in deleted ? deleted.object : deleted)
    for (const pod of this.#context.informers.pods.byIndex(BY_NODE, name)) this.#controller.callOff(keyOf(pod), out)
  }
}

class PodHandler implements Handler<Pod> {
  readonly #controller: TaintEvictionController
  readonly #context: ControllerContext

  constructor(controller: TaintEvictionController, context: ControllerContext) {
    this.#controller = controller
    this.#context = context
  }

  onAdd(pod: Pod, _isInitial: boolean, out: Out): void {
    this.#consider(pod, out)
  }

  onUpdate(before: Pod, pod: Pod, out: Out): void {
    const same = before.spec.nodeName === pod.spec.nodeName && before.metadata.uid === pod.metadata.uid
    if (!same || !sameValue(before.spec.tolerations, pod.spec.tolerations)) this.#consider(pod, out)
  }

  onDelete(deleted: Pod | Tombstone<Pod>, out: Out): void {
    this.#controller.callOff(keyOf('tombstone' in deleted ? deleted.object : deleted), out)
  }

  #consider(pod: Pod, out: Out): void {
    const node = pod.spec.nodeName === undefined ? undefined : this.#context.informers.nodes.get(pod.spec.nodeName)
    if (node === undefined) return
    const taints = noExecuteTaints(node)
    if (taints.length > 0) this.#controller.considerPod(pod, taints, out)
  }
}
