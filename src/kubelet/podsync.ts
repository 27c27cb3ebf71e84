/**
 * One sync of a pod that should run, as a script over runtime calls: stop what must go, sandbox, init containers, containers; each with
 * its back-off, image and postStart hook. Models kubernetes pkg/kubelet/kuberuntime SyncPod and startContainer, images.EnsureImageExists,
 * v1.33. The script may be dropped at any yield: the next sync starts from what the runtime has.
 */
import type { Micros } from '../kernel/index.ts'
import { type Container, type CoreEvent, isSidecar, type Pod } from '../objects/index.ts'
import type { BackOffs } from './backoff.ts'
import type { ContainerRecord, CriReply, CriRequest } from './cri.ts'
import type { PodActions } from './podactions.ts'
import type { PodRecords } from './podrecords.ts'

/** What a sync waits for. `lasting`: dropping the sync does not drop the call's effect, so its answer is awaited all the same. */
export type SyncOp =
  | { readonly op: 'call'; readonly request: CriRequest; readonly lasting: boolean }
  | {
      readonly op: 'stop'
      readonly container: ContainerRecord
      readonly reason: 'liveness' | 'startup' | 'changed' | 'poststart'
    }
  | { readonly op: 'stop-all' }

/** How a sync ended. */
export interface SyncEnd {
  /** Something could not be done: try again. */
  readonly failed: boolean
  /** When a back-off ends, if that is what it waits for. */
  readonly retryAt: Micros | undefined
}

export type SyncScript<T> = Generator<SyncOp, T, CriReply>

/** What a sync reads and changes beside the runtime. */
export interface SyncContext {
  readonly pod: Pod
  readonly records: PodRecords
  readonly backOffs: BackOffs
  readonly imageBackOffs: BackOffs
  readonly images: Set<string>
  /** The clock, fresh after each yield. */
  now(): Micros
  /** Why a container waits; undefined: it no longer does. */
  setWaiting(container: string, why: WaitingReason | undefined): void
  /** Counts one more pull of an image for this pod. */
  nextPullAttempt(image: string): number
  /** Tells something about a container as an Event. */
  tell(container: Container, type: CoreEvent['type'], reason: string, message: string): void
  tellBackOff(container: Container): void
}

/** What `state.waiting` of a container says. */
export interface WaitingReason {
  readonly reason: string
  readonly message: string
}

const FINE: SyncEnd = Object.freeze({ failed: false, retryAt: undefined })

interface Failures {
  count: number
  retryAt: Micros | undefined
}

/** Carries out `actions`. */
export function* syncPod(context: SyncContext, actions: PodActions): SyncScript<SyncEnd> {
  const { pod, records } = context
  if (actions.killPod) {
    if (!records.isEmpty && records.isRunning) yield { op: 'stop-all' }
    if (!actions.createSandbox) return FINE
  }
  for (const { container, reason } of actions.kill) yield { op: 'stop', container, reason }
  if (actions.createSandbox) {
    const reply = yield {
      op: 'call',
      request: { type: 'cri-run-sandbox', pod, attempt: actions.attempt },
      lasting: true,
    }
    if (reply.sandbox === undefined) return { failed: true, retryAt: undefined }
    records.putSandbox(reply.sandbox)
  }
  const failures: Failures = { count: 0, retryAt: undefined }
  for (const index of actions.startInit) {
    const container = pod.spec.initContainers?.[index] as Container
    const started = yield* startContainer(context, container, true, failures)
    if (!started && !isSidecar(container)) return { failed: true, retryAt: failures.retryAt }
  }
  for (const index of actions.start) {
    yield* startContainer(context, pod.spec.containers[index] as Container, false, failures)
  }
  return failures.count === 0 ? FINE : { failed: true, retryAt: failures.retryAt }
}

function* startContainer(
  context: SyncContext,
  container: Container,
  init: boolean,
  failures: Failures,
): SyncScript<boolean> {
  const { pod, records, backOffs } = context
  const uid = pod.metadata.uid ?? ''
  const latest = records.latest(container.name)
  if (latest !== undefined && latest.state === 'exited') {
    const key = `${uid}/${container.name}`
    const until = backOffs.until(key, latest.finishedAt)
    if (context.now() < until) {
      context.tellBackOff(container)
      const seconds = Math.floor(backOffs.delayOf(key) / 1_000_000)
      return fail(
        context,
        container,
        failures,
        'CrashLoopBackOff',
        `back-off ${seconds}s restarting failed container`,
        until,
      )
    }
    backOffs.next(key, latest.finishedAt, context.now())
  }
  if (!(yield* ensureImage(context, container, failures))) return false
  const sandbox = records.sandbox
  if (sandbox === undefined) return fail(context, container, failures, 'CreateContainerError', 'the sandbox is gone')
  const attempt = latest !== undefined ? latest.attempt + 1 : restartCountOf(pod, container.name, init)
  const reply = yield {
    op: 'call',
    request: { type: 'cri-start', sandboxId: sandbox.id, pod, container, init, attempt },
    lasting: true,
  }
  const record = reply.container
  if (reply.error === 'image-missing') context.images.delete(container.image)
  if (record === undefined) return fail(context, container, failures, 'RunContainerError', reply.error ?? 'failed')
  records.putContainer(record)
  context.tell(container, 'Normal', 'Created', `Created container: ${container.name}`)
  context.tell(container, 'Normal', 'Started', `Started container ${container.name}`)
  const handler = container.lifecycle?.postStart
  if (handler !== undefined) {
    const request: CriRequest = { type: 'cri-hook', containerId: record.id, hook: 'postStart', handler }
    const hook = yield { op: 'call', request, lasting: false }
    if (hook.error !== undefined) {
      context.tell(container, 'Warning', 'FailedPostStartHook', 'PostStartHook failed')
      yield { op: 'stop', container: record, reason: 'poststart' }
      return fail(context, container, failures, 'PostStartHookError', 'PostStartHook failed')
    }
  }
  context.setWaiting(container.name, undefined)
  return true
}

/** Is the image there; if not, may it be pulled now, and can it? */
function* ensureImage(context: SyncContext, container: Container, failures: Failures): SyncScript<boolean> {
  const { image } = container
  const present = context.images.has(image)
  const policy = container.imagePullPolicy ?? 'IfNotPresent'
  if (present && policy !== 'Always') {
    context.tell(container, 'Normal', 'Pulled', `Container image "${image}" already present on machine`)
    return true
  }
  if (policy === 'Never')
    return fail(context, container, failures, 'ErrImageNeverPull', `${image} is not present with pull policy of Never`)
  const key = `${context.pod.metadata.uid ?? ''}/${image}`
  const until = context.imageBackOffs.untilSinceUpdate(key, context.now())
  if (context.now() < until) {
    context.tell(container, 'Normal', 'BackOff', `Back-off pulling image "${image}"`)
    return fail(context, container, failures, 'ImagePullBackOff', `Back-off pulling image "${image}"`, until)
  }
  const attempt = context.nextPullAttempt(image)
  const began = context.now()
  context.tell(container, 'Normal', 'Pulling', `Pulling image "${image}"`)
  const reply = yield { op: 'call', request: { type: 'cri-pull', image, attempt }, lasting: false }
  if (reply.error === undefined) {
    context.images.add(image)
    const took = Math.round((context.now() - began) / 1_000)
    context.tell(container, 'Normal', 'Pulled', `Successfully pulled image "${image}" in ${took}ms`)
    context.imageBackOffs.forget(key)
    return true
  }
  context.imageBackOffs.next(key, context.now(), context.now())
  const retryAt = context.imageBackOffs.untilSinceUpdate(key, context.now())
  context.tell(container, 'Warning', 'Failed', `Failed to pull image "${image}"`)
  return fail(context, container, failures, 'ErrImagePull', `failed to pull image "${image}"`, retryAt)
}

function fail(
  context: SyncContext,
  container: Container,
  failures: Failures,
  reason: string,
  message: string,
  retryAt?: Micros,
): boolean {
  context.setWaiting(container.name, { reason, message })
  failures.count++
  if (retryAt !== undefined && (failures.retryAt === undefined || retryAt < failures.retryAt))
    failures.retryAt = retryAt
  return false
}

/** After a reboot the runtime has forgotten the container, the API has not. */
function restartCountOf(pod: Pod, name: string, init: boolean): number {
  const statuses = init ? pod.status?.initContainerStatuses : pod.status?.containerStatuses
  const known = statuses?.find((status) => status.name === name)
  if (known === undefined) return 0
  return known.containerID === undefined ? known.restartCount : known.restartCount + 1
}
