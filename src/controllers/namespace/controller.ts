/**
 * Empties a namespace that is being deleted, then lets it go. Models kubernetes pkg/controller/namespace/deletion, v1.33 with
 * OrderedNamespaceDeletion: pods first. Left out: discovery (the resources are those of this API), status conditions of the deletion.
 */
import {
  type ControllerLoop,
  call,
  get,
  type Handler,
  list,
  must,
  resultOf,
  type Script,
  ScriptError,
} from '../../client/index.ts'
import { type Micros, type Out, SECOND } from '../../kernel/index.ts'
import { keyOf, type Namespace, type Pod, RESOURCE_NAMES, RESOURCES, type Resource } from '../../objects/index.ts'
import type { Controller, ControllerContext } from '../context.ts'

const NAME = 'namespace'
const FINALIZER = 'kubernetes'
/** Everything else that lives in a namespace, after its pods. */
const OTHER_RESOURCES: readonly Resource[] = RESOURCE_NAMES.filter(
  (name) => RESOURCES[name].namespaced && name !== 'pods',
)

const AND_EVENTS: readonly Resource[] = [...OTHER_RESOURCES, 'events']

/** What a pass over one resource found. */
interface Remainder {
  readonly left: number
  readonly waitMicros: Micros
}

export class NamespaceController implements Controller {
  readonly name = NAME
  readonly #context: ControllerContext
  readonly #loop: ControllerLoop

  constructor(context: ControllerContext) {
    this.#context = context
    const { workers, graceMicros } = context.options.namespace
    this.#loop = context.loop(NAME, workers, (key) => this.#sync(key))
    context.informers.namespaces.addHandler(new NamespaceHandler(this.#loop, graceMicros))
  }

  start(out: Out): void {
    this.#loop.start(out)
  }

  stop(out: Out): void {
    this.#loop.stop(out)
  }

  *#sync(name: string): Script {
    const cached = this.#context.informers.namespaces.get(name)
    if (cached?.metadata.deletionTimestamp === undefined) return
    const read = yield* get('namespaces', undefined, name)
    if (!read.ok && read.code === 404) return
    const namespace = must(read)
    if (namespace.metadata.uid !== cached.metadata.uid || namespace.metadata.deletionTimestamp === undefined) return
    if (namespace.spec?.finalizers?.includes(FINALIZER) !== true) return
    const pods = yield* this.#empty(name, 'pods')
    if (pods.left > 0) {
      this.#loop.enqueueAfter(name, pods.waitMicros, this.#context.out)
      return
    }
    let left = 0
    let failure: ScriptError | undefined
    for (const resource of this.#context.options.events ? AND_EVENTS : OTHER_RESOURCES) {
      try {
        left += (yield* this.#empty(name, resource)).left
      } catch (error) {
        if (!(error instanceof ScriptError) || this.#context.decisions.namespaceStopsAtFailure()) throw error
        failure ??= error
      }
    }
    if (failure !== undefined) throw failure
    if (left > 0) throw new ScriptError(`${left} objects remain in namespace ${name}`)
    yield* this.#finalize(namespace)
  }

  /** Asks for everything of one resource to go, and answers what is still there. */
  *#empty(namespace: string, resource: Resource): Script<Remainder> {
    const before = must(yield* list(resource, namespace))
    if (before.items.length === 0) return { left: 0, waitMicros: 0 }
    const options = { propagationPolicy: 'Background' } as const
    must(resultOf(yield* call({ verb: 'deletecollection', resource, namespace, options })))
    const after = must(yield* list(resource, namespace))
    return {
      left: after.items.length,
      waitMicros: resource === 'pods' ? computeWait(after.items as readonly Pod[]) : 0,
    }
  }

  *#finalize(namespace: Namespace): Script {
    const finalizers = (namespace.spec?.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZER)
    const { name } = namespace.metadata
    const object: Namespace = { ...namespace, spec: { ...namespace.spec, finalizers } }
    const answer = yield* call({ verb: 'update', resource: 'namespaces', name, subresource: 'finalize', object })
    if (answer.code === 404) return
    must(resultOf(answer))
    this.#context.note({ type: 'namespace-finalized', namespace: name })
  }
}

/** Half the longest grace period of what remains, and a second. */
export function computeWait(pods: readonly Pod[]): Micros {
  let longest = 0
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp === undefined && pod.spec.terminationGracePeriodSeconds === undefined) continue
    longest = Math.max(longest, pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 0)
  }
  return (Math.floor(longest / 2) + 1) * SECOND
}

class NamespaceHandler implements Handler<Namespace> {
  readonly #loop: ControllerLoop
  readonly #graceMicros: Micros

  constructor(loop: ControllerLoop, graceMicros: Micros) {
    this.#loop = loop
    this.#graceMicros = graceMicros
  }

  onAdd(namespace: Namespace, _isInitial: boolean, out: Out): void {
    this.#consider(namespace, out)
  }

  onUpdate(_before: Namespace, namespace: Namespace, out: Out): void {
    this.#consider(namespace, out)
  }

  /** Creations that raced with the deletion get a little time to show up. */
  #consider(namespace: Namespace, out: Out): void {
    if (namespace.metadata.deletionTimestamp !== undefined)
      this.#loop.enqueueAfter(keyOf(namespace), this.#graceMicros, out)
  }
}
