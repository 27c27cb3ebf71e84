/**
 * Bindings on their way: asks the API server to put a pod on a node and finds out what became of it. Models kubernetes
 * pkg/scheduler/schedule_one.go (bindingCycle) and plugins/defaultbinder, v1.33. Stricter than upstream in one point, by
 * decision: a binding without an answer is asked again until it is known, instead of being taken for failed.
 */
import { type ApiClient, doubled, isSuccess, type ReplyReceiver } from '../client/index.ts'
import type { Out, TimerTarget } from '../kernel/machine.ts'
import { SECOND } from '../kernel/time.ts'
import type { ApiRequest, ApiResponse, Pod } from '../objects/index.ts'
import type { SchedulerDecisions } from './decisions.ts'
import type { QueuedPod } from './queue.ts'

export interface BinderListener {
  /** The API server has agreed, or the pod was seen on the node. */
  onBound(pod: QueuedPod, nodeName: string, out: Out): void
  /** The pod will not come to the node. Code 0 only where the decision is to forget what is unknown. */
  onBindFailed(pod: QueuedPod, nodeName: string, code: number, out: Out): void
}

interface Binding {
  readonly number: number
  readonly pod: QueuedPod
  readonly nodeName: string
  attempts: number
}

const BIND = 0
const CHECK = 1

export class Binder implements ReplyReceiver, TimerTarget {
  readonly #client: ApiClient
  readonly #decisions: SchedulerDecisions
  readonly #listener: BinderListener
  readonly #byNumber = new Map<number, Binding>()
  readonly #byPod = new Map<string, Binding>()
  #last = 0

  constructor(client: ApiClient, decisions: SchedulerDecisions, listener: BinderListener) {
    this.#client = client
    this.#decisions = decisions
    this.#listener = listener
  }

  /** Bindings on their way. */
  get count(): number {
    return this.#byNumber.size
  }

  bind(pod: QueuedPod, nodeName: string, out: Out): void {
    const binding: Binding = { number: ++this.#last, pod, nodeName, attempts: 0 }
    this.#byNumber.set(binding.number, binding)
    this.#byPod.set(pod.info.id, binding)
    this.#ask(binding, BIND, out)
  }

  /** The pod was seen bound: the answer does not matter any more. */
  seenBound(id: string, nodeName: string, out: Out): void {
    const binding = this.#byPod.get(id)
    if (binding === undefined) return
    this.#end(binding)
    if (binding.nodeName === nodeName) this.#listener.onBound(binding.pod, nodeName, out)
  }

  /** The pod is gone: whatever comes of its binding. */
  drop(id: string): void {
    const binding = this.#byPod.get(id)
    if (binding !== undefined) this.#end(binding)
  }

  /** Forgets all bindings: the process starts over. */
  clear(): void {
    this.#byNumber.clear()
    this.#byPod.clear()
  }

  onReply(tag: number, response: ApiResponse, out: Out): void {
    const binding = this.#byNumber.get(tag >> 1)
    if (binding === undefined) return
    const { code } = response
    const unknown = code === 0 || code === 429 || code >= 500
    if ((tag & 1) === CHECK) {
      if (unknown) this.#askLater(binding, CHECK, out)
      else if (isOn(response, binding)) this.#bound(binding, out)
      else this.#fail(binding, code === 200 ? 409 : code, out)
    } else if (isSuccess(response)) {
      this.#bound(binding, out)
    } else if (code === 409) {
      this.#ask(binding, CHECK, out)
    } else if (unknown && this.#decisions.afterUnknownBinding() === 'confirm') {
      this.#askLater(binding, BIND, out)
    } else {
      this.#fail(binding, code, out)
    }
  }

  onTimer(_kind: number, tag: number, out: Out): void {
    const binding = this.#byNumber.get(tag >> 1)
    if (binding !== undefined) this.#ask(binding, (tag & 1) as typeof BIND | typeof CHECK, out)
  }

  #ask(binding: Binding, step: typeof BIND | typeof CHECK, out: Out): void {
    const request = step === BIND ? bindingRequest(binding.pod.info.pod, binding.nodeName) : readRequest(binding)
    this.#client.call(request, this, binding.number * 2 + step, out)
  }

  #askLater(binding: Binding, step: typeof BIND | typeof CHECK, out: Out): void {
    out.after(doubled(SECOND, binding.attempts++, 8 * SECOND), this, 0, binding.number * 2 + step)
  }

  #bound(binding: Binding, out: Out): void {
    this.#end(binding)
    this.#listener.onBound(binding.pod, binding.nodeName, out)
  }

  #fail(binding: Binding, code: number, out: Out): void {
    this.#end(binding)
    this.#listener.onBindFailed(binding.pod, binding.nodeName, code, out)
  }

  #end(binding: Binding): void {
    this.#byNumber.delete(binding.number)
    this.#byPod.delete(binding.pod.info.id)
  }
}

/** POST of pods/binding. The uid keeps it from a successor of the same name. */
function bindingRequest(pod: Pod, nodeName: string): ApiRequest {
  const { name, namespace, uid } = pod.metadata
  const metadata = { name, namespace, uid }
  const object = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata,
    target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
  }
  return { verb: 'create', resource: 'pods', namespace, name, subresource: 'binding', object }
}

function readRequest({ pod }: Binding): ApiRequest {
  const { name, namespace } = pod.info.pod.metadata
  return { verb: 'get', resource: 'pods', namespace, name }
}

function isOn(response: ApiResponse, { pod, nodeName }: Binding): boolean {
  if (response.code !== 200) return false
  const read = response.body as Pod
  return read.metadata.uid === pod.info.pod.metadata.uid && read.spec.nodeName === nodeName
}
