/**
 * The people at the keyboard: one process that carries out workload steps as kubectl would, each as a script over the API,
 * retried on conflict and while no server answers. Models kubectl v1.33's apply, scale, set image, rollout, delete, cordon
 * and drain as far as their requests matter to the cluster.
 */
import { match, P } from 'ts-pattern'
import { ApiClient, call, type Script, ScriptRunner, sleep } from '../client/index.ts'
import {
  type Machine,
  type Message,
  MILLISECOND,
  type Micros,
  type Out,
  type ProcessId,
  SECOND,
  type Streams,
} from '../kernel/index.ts'
import {
  type ApiRequest,
  type ApiResponse,
  type Deployment,
  isPodTerminal,
  type KubeObject,
  type ObjectList,
  type Pod,
  RESOURCES,
  type ReplicaSet,
  type Resource,
  resourceOfKind,
} from '../objects/index.ts'
import type { EtcdStep, WorkloadStep } from './workload.ts'

const RETRY_MICROS: Micros = 500 * MILLISECOND
/** While the cluster comes up, an object whose namespace is missing is tried again so often. */
const BOOT_ATTEMPTS = 10
/** kubectl drain asks again for a refused eviction every 5 s. */
const EVICTION_RETRY_MICROS: Micros = 5 * SECOND
/** A person gives up after so long. */
const GIVE_UP_MICROS: Micros = 120 * SECOND

/** A workload step has been carried out, or given up. */
export interface StepFact {
  readonly type: 'step-started' | 'step-finished'
  readonly id: string
  readonly step: WorkloadStep
  /** The HTTP status of the last answer; 0 if there was none. */
  readonly code: number
}

const TICK_STEP = 1

/** What kubectl does; etcdctl has processes of its own (`etcdctl.ts`). */
export type KubectlStep = Exclude<WorkloadStep, EtcdStep>

export class Operator implements Machine {
  readonly #client: ApiClient
  readonly #runner: ScriptRunner
  readonly #steps: KubectlStep[] = []
  readonly #cordoned = new Set<string>()
  #stopped = false
  /** Steps begun and not yet finished. */
  running = 0
  /** All objects of the scenario have been accepted. */
  booted = false

  constructor(options: {
    readonly servers: readonly ProcessId[]
    readonly streams: Streams
  }) {
    this.#client = new ApiClient({
      servers: options.servers,
      user: 'operator',
      streams: options.streams,
      qps: 1000,
      burst: 1000,
    })
    this.#runner = new ScriptRunner(this.#client)
  }

  /** The quiet phase: no further steps are begun, retries end, and then nodes that were cordoned take pods again. */
  stop(out: Out): void {
    this.#stopped = true
    if (this.running === 0) this.#uncordonAll(out)
  }

  #uncordonAll(out: Out): void {
    for (const node of this.#cordoned) {
      this.running++
      this.#runner.spawn(this.#uncordon(node), () => this.running--, out)
    }
  }

  onStart(out: Out): void {
    this.#client.start(out)
  }

  /** Applies the objects in order, each until a server has taken or refused it. */
  boot(objects: readonly KubeObject[], out: Out): void {
    this.#runner.spawn(this.#boot(objects), undefined, out)
  }

  /** Deletes a node object, however long it takes to be heard, and says when it is gone. */
  deleteNode(name: string, done: () => void, out: Out): void {
    this.running++
    this.#runner.spawn(
      this.#deleteNode(name),
      () => {
        this.running--
        done()
      },
      out,
    )
  }

  /** Carries out the steps, each at its moment. */
  schedule(steps: readonly KubectlStep[], out: Out): void {
    for (const step of steps) {
      out.after(Math.max(0, step.atMicros - out.now), this, TICK_STEP, this.#steps.length)
      this.#steps.push(step)
    }
  }

  onMessage(from: ProcessId, message: Message, out: Out): void {
    this.#client.onMessage(from, message, out)
  }

  onDisconnect(peer: ProcessId, out: Out): void {
    this.#client.onDisconnect(peer, out)
  }

  onTimer(_kind: number, index: number, out: Out): void {
    const step = this.#steps[index]
    if (step === undefined || this.#stopped) return
    this.running++
    out.note({ type: 'step-started', id: step.id, step, code: 0 } satisfies StepFact as StepFact)
    this.#runner.spawn(
      this.#perform(step),
      (result, done) => {
        this.running--
        done.note({
          type: 'step-finished',
          id: step.id,
          step,
          code: typeof result === 'number' ? result : 0,
        } satisfies StepFact as StepFact)
        // A cordon that was under way when the quiet phase began has now been stored, or given up.
        if (this.#stopped && this.running === 0) this.#uncordonAll(done)
      },
      out,
    )
  }

  *#boot(objects: readonly KubeObject[]): Script<void> {
    for (const object of objects) {
      // A namespace of the system's own may not be there yet.
      for (let attempt = 0; attempt < BOOT_ATTEMPTS && (yield* this.#apply(object)) === 404; attempt++)
        yield* sleep(RETRY_MICROS)
    }
    this.booted = true
  }

  /** Repeats a request until something other than "no answer" or an overload comes back. */
  *#insist(request: ApiRequest): Script<ApiResponse> {
    for (;;) {
      const response = yield* call(request)
      if (this.#stopped || (response.code !== 0 && response.code !== 429 && response.code < 500)) return response
      yield* sleep(RETRY_MICROS)
    }
  }

  *#apply(object: KubeObject): Script<number> {
    const create = applyRequest(object)
    const created = yield* this.#insist(create)
    if (created.code !== 409) return created.code
    const info = resourceOfKind(object.apiVersion, object.kind)
    if (info === undefined) return 404
    const { apiVersion: _a, kind: _k, ...patch } = object
    const patched = yield* this.#insist({
      verb: 'patch',
      resource: info.resource,
      namespace: object.metadata.namespace,
      name: object.metadata.name,
      patch,
    })
    return patched.code
  }

  #perform(step: KubectlStep): Script<number> {
    const change = (target: { readonly namespace: string; readonly deployment: string }, spec: unknown) =>
      this.#patch('deployments', target.namespace, target.deployment, { spec })
    return match(step)
      .with({ kind: 'apply' }, ({ object }) => this.#apply(object))
      .with({ kind: 'scale' }, (scale) => change(scale, { replicas: scale.replicas }))
      .with({ kind: 'pause-rollout' }, (pause) => change(pause, { paused: true }))
      .with({ kind: 'resume-rollout' }, (resume) => change(resume, { paused: null }))
      .with({ kind: 'restart-rollout' }, (restart) =>
        change(restart, {
          template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': restart.token } } },
        }),
      )
      .with({ kind: 'set-image' }, ({ namespace, deployment, image }) => this.#setImage(namespace, deployment, image))
      .with({ kind: 'rollback' }, ({ namespace, deployment }) => this.#rollback(namespace, deployment))
      .with({ kind: 'delete-pod' }, (deletion) => this.#deletePod(deletion))
      .with({ kind: 'delete' }, (deletion) => this.#delete(deletion))
      .with({ kind: 'patch' }, ({ resource, namespace, name, patch }) => this.#patch(resource, namespace, name, patch))
      .with({ kind: P.union('cordon', 'uncordon') }, ({ kind, node }) => this.#cordon(node, kind === 'cordon'))
      .with({ kind: 'drain' }, ({ node }) => this.#drain(node))
      .exhaustive()
  }

  *#patch(resource: Resource, namespace: string | undefined, name: string, patch: unknown): Script<number> {
    return (yield* this.#insist({ verb: 'patch', resource, namespace, name, patch })).code
  }

  *#delete(step: Extract<WorkloadStep, { readonly kind: 'delete' }>): Script<number> {
    const { resource, namespace, name, propagationPolicy = 'Background' } = step
    return (yield* this.#insist({ verb: 'delete', resource, namespace, name, options: { propagationPolicy } })).code
  }

  *#setImage(namespace: string, name: string, image: string): Script<number> {
    for (;;) {
      const answer = yield* this.#insist({ verb: 'get', resource: 'deployments', namespace, name })
      if (answer.code !== 200) return answer.code
      const current = answer.body as Deployment
      const [first, ...rest] = current.spec.template.spec.containers
      if (first === undefined) return 422
      const template = {
        ...current.spec.template,
        spec: { ...current.spec.template.spec, containers: [{ ...first, image }, ...rest] },
      }
      const updated = yield* this.#insist({
        verb: 'update',
        resource: 'deployments',
        namespace,
        name,
        object: { ...current, spec: { ...current.spec, template } },
      })
      if (updated.code !== 409 || this.#stopped) return updated.code
    }
  }

  /** kubectl rollout undo: the template of the replica set with the second highest revision. */
  *#rollback(namespace: string, name: string): Script<number> {
    for (;;) {
      const answer = yield* this.#insist({ verb: 'get', resource: 'deployments', namespace, name })
      if (answer.code !== 200) return answer.code
      const current = answer.body as Deployment
      const list = yield* this.#insist({ verb: 'list', resource: 'replicasets', namespace })
      if (list.code !== 200) return list.code
      const owned = (list.body as ObjectList<ReplicaSet>).items
        .filter((set) => set.metadata.ownerReferences?.some((owner) => owner.uid === current.metadata.uid))
        .sort((left, right) => revisionOf(right) - revisionOf(left))
      const previous = owned[1]
      if (previous === undefined) return 404
      const { 'pod-template-hash': _hash, ...labels } = previous.spec.template.metadata?.labels ?? {}
      const template = { ...previous.spec.template, metadata: { ...previous.spec.template.metadata, labels } }
      const updated = yield* this.#insist({
        verb: 'update',
        resource: 'deployments',
        namespace,
        name,
        object: { ...current, spec: { ...current.spec, template } },
      })
      if (updated.code !== 409 || this.#stopped) return updated.code
    }
  }

  *#deletePod(step: Extract<WorkloadStep, { kind: 'delete-pod' }>): Script<number> {
    const deployment = yield* this.#insist({
      verb: 'get',
      resource: 'deployments',
      namespace: step.namespace,
      name: step.deployment,
    })
    if (deployment.code !== 200) return deployment.code
    const labels = Object.entries((deployment.body as Deployment).spec.selector.matchLabels ?? {})
    const labelSelector = labels.map(([key, value]) => `${key}=${value}`).join(',')
    const list = yield* this.#insist({ verb: 'list', resource: 'pods', namespace: step.namespace, labelSelector })
    if (list.code !== 200) return list.code
    const pods = [...(list.body as ObjectList<Pod>).items].sort((left, right) =>
      left.metadata.name < right.metadata.name ? -1 : 1,
    )
    const pod = pods[step.index % Math.max(1, pods.length)]
    if (pod === undefined) return 404
    return (yield* this.#insist({
      verb: 'delete',
      resource: 'pods',
      namespace: step.namespace,
      name: pod.metadata.name,
      options: { gracePeriodSeconds: step.gracePeriodSeconds },
    })).code
  }

  *#deleteNode(name: string): Script<void> {
    for (;;) {
      const { code } = yield* call({ verb: 'delete', resource: 'nodes', name })
      if (code === 200 || code === 404) return
      yield* sleep(RETRY_MICROS)
    }
  }

  *#uncordon(node: string): Script<void> {
    for (;;) {
      const { code } = yield* call({
        verb: 'patch',
        resource: 'nodes',
        name: node,
        patch: { spec: { unschedulable: null } },
      })
      if (code === 200 || code === 404) return
      yield* sleep(RETRY_MICROS)
    }
  }

  *#cordon(node: string, unschedulable: boolean): Script<number> {
    if (unschedulable) this.#cordoned.add(node)
    else this.#cordoned.delete(node)
    return (yield* this.#insist({
      verb: 'patch',
      resource: 'nodes',
      name: node,
      patch: { spec: { unschedulable: unschedulable || null } },
    })).code
  }

  *#drain(node: string): Script<number> {
    const cordoned = yield* this.#cordon(node, true)
    if (cordoned >= 300) return cordoned
    const list = yield* this.#insist({ verb: 'list', resource: 'pods', fieldSelector: `spec.nodeName=${node}` })
    if (list.code !== 200) return list.code
    let waiting = (list.body as ObjectList<Pod>).items.filter(
      (pod) => !isPodTerminal(pod) && pod.metadata.deletionTimestamp === undefined,
    )
    let spent = 0
    while (waiting.length > 0 && !this.#stopped && spent < GIVE_UP_MICROS) {
      const refused: Pod[] = []
      for (const pod of waiting) {
        const { name, namespace } = pod.metadata
        const answer = yield* call({
          verb: 'create',
          resource: 'pods',
          namespace,
          name,
          subresource: 'eviction',
          object: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } },
        })
        if (answer.code === 429 || answer.code === 0 || answer.code >= 500) refused.push(pod)
      }
      waiting = refused
      if (waiting.length > 0) {
        yield* sleep(EVICTION_RETRY_MICROS)
        spent += EVICTION_RETRY_MICROS
      }
    }
    return waiting.length === 0 ? 200 : 429
  }
}

function applyRequest(object: KubeObject): ApiRequest {
  const info = resourceOfKind(object.apiVersion, object.kind) ?? RESOURCES.configmaps
  return { verb: 'create', resource: info.resource, namespace: object.metadata.namespace, object }
}

function revisionOf(set: ReplicaSet): number {
  return Number(set.metadata.annotations?.['deployment.kubernetes.io/revision'] ?? 0)
}
