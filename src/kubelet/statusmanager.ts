/**
 * Brings pod statuses to the API: the newest version of each, one write a pod at a time, a merge patch of the status; then, for a
 * pod that was asked to go and has stopped, the final delete. Models kubernetes pkg/kubelet/status/status_manager.go, v1.33. A failed
 * write is tried again with the next 10 s round. Simplified: no GET before the patch (uid in the patch is the guard), and the list of
 * conditions is written whole, with those of others as the informer has them.
 */
import type { ApiClient, ReplyReceiver } from '../client/index.ts'
import { invariant, type Micros, type Out, type Timer, type TimerTarget } from '../kernel/index.ts'
import {
  type ApiResponse,
  type Condition,
  isConditionTrue,
  type Pod,
  type PodPhase,
  type PodStatus,
  sameValue,
} from '../objects/index.ts'
import { isTerminal } from './decisions.ts'
import type { KubeletFact } from './facts.ts'
import type { CompleteKubeletOptions } from './options.ts'
import { OWNED_CONDITIONS } from './podconditions.ts'
import { PodEvents } from './podevents.ts'

interface Entry {
  readonly tag: number
  readonly uid: string
  readonly key: string
  readonly namespace: string
  readonly name: string
  status: PodStatus
  /** What the API had last, as far as known. */
  stored: PodStatus | undefined
  storedVersion: string
  version: number
  /** The version that the API has taken. */
  ackedVersion: number
  /** The version under way; 0: none. */
  sentVersion: number
  /** Containers have stopped for good. */
  stopped: boolean
  deleting: boolean
  pod: Pod
  /** The last facts about it. */
  reportedPhase: PodPhase | undefined
  reportedReady: boolean
}

const RETRY = 1
/** Tags above it are deletes. */
const DELETE_TAG = 0x4000_0000

const FIELDS = [
  'phase',
  'reason',
  'message',
  'hostIP',
  'podIP',
  'podIPs',
  'startTime',
  'containerStatuses',
  'initContainerStatuses',
  'qosClass',
] as const

export class StatusManager implements ReplyReceiver, TimerTarget {
  readonly #node: string
  readonly #client: ApiClient
  readonly #retryMicros: Micros
  readonly #entries = new Map<string, Entry>()
  readonly #byTag = new Map<number, Entry>()
  #lastTag = 0
  #retryTimer: Timer = 0

  /** What else the API is told of pods, where events are on. */
  readonly events: PodEvents | undefined

  constructor({ node, statusRetryMicros, events }: CompleteKubeletOptions, client: ApiClient) {
    this.#node = node
    this.#client = client
    this.#retryMicros = statusRetryMicros
    this.events = events ? new PodEvents(node, client) : undefined
  }

  /** The newest status of the pod, sent or not; what the API showed when there is none. */
  statusOf(pod: Pod): PodStatus | undefined {
    return this.#entries.get(pod.metadata.uid ?? '')?.status ?? pod.status
  }

  /** Sets the status and sends it unless it is what was sent last. `stopped`: the pod may be removed if that was asked for. */
  set(pod: Pod, status: PodStatus, stopped: boolean, out: Out): void {
    const uid = pod.metadata.uid ?? ''
    let entry = this.#entries.get(uid)
    if (entry === undefined) {
      entry = this.#make(pod, uid, status)
    } else {
      invariant(
        !isTerminal(entry.status.phase) || status.phase === entry.status.phase,
        'kubelet: a phase never leaves a terminal one',
        { pod: entry.key, from: entry.status.phase, to: status.phase },
      )
      entry.pod = pod
      if (!sameValue(entry.status, status)) {
        entry.status = status
        entry.version++
      }
    }
    entry.stopped = entry.stopped || stopped
    this.#push(entry, out)
  }

  /** The API shows this pod now. What somebody else changed of ours is put right with the next round. */
  observe(pod: Pod, out: Out): void {
    const entry = this.#entries.get(pod.metadata.uid ?? '')
    if (entry === undefined) return
    entry.pod = pod
    if (Number(pod.metadata.resourceVersion) > Number(entry.storedVersion)) {
      entry.stored = pod.status
      entry.storedVersion = pod.metadata.resourceVersion ?? entry.storedVersion
      if (entry.sentVersion === 0 && entry.ackedVersion === entry.version && differs(entry.status, pod.status)) {
        entry.version++
        this.#armRetry(out)
      }
    }
    if (pod.metadata.deletionTimestamp !== undefined) this.#remove(entry, out)
  }

  /** The pod is no longer in the API. */
  forget(uid: string, out: Out): void {
    const entry = this.#entries.get(uid)
    if (entry === undefined) return
    if (entry.deleting) this.#note({ type: 'pod-removed', node: this.#node, podKey: entry.key, podUid: entry.uid }, out)
    this.#entries.delete(uid)
    this.#byTag.delete(entry.tag)
  }

  onReply(tag: number, response: ApiResponse, out: Out): void {
    const entry = this.#byTag.get(tag % DELETE_TAG)
    if (entry === undefined) return
    if (tag >= DELETE_TAG) this.#onDeleted(entry, response.code, out)
    else this.#onPatched(entry, response, out)
  }

  onTimer(_kind: number, _a: number, out: Out): void {
    this.#retryTimer = 0
    for (const entry of this.#entries.values()) this.#push(entry, out)
  }

  #make(pod: Pod, uid: string, status: PodStatus): Entry {
    const { namespace = '', name, resourceVersion = '0' } = pod.metadata
    const tag = ++this.#lastTag
    const known = !differs(status, pod.status) && sameValue(status.containerStatuses, pod.status?.containerStatuses)
    const entry: Entry = {
      tag,
      uid,
      key: `${namespace}/${name}`,
      namespace,
      name,
      status,
      stored: pod.status,
      storedVersion: resourceVersion,
      version: 1,
      ackedVersion: known ? 1 : 0,
      sentVersion: 0,
      stopped: false,
      deleting: false,
      pod,
      reportedPhase: pod.status?.phase,
      reportedReady: isConditionTrue(pod.status?.conditions, 'Ready'),
    }
    this.#entries.set(uid, entry)
    this.#byTag.set(tag, entry)
    return entry
  }

  #push(entry: Entry, out: Out): void {
    if (entry.sentVersion !== 0 || entry.deleting) return
    if (entry.ackedVersion === entry.version) {
      this.#remove(entry, out)
      return
    }
    entry.sentVersion = entry.version
    const patch = {
      metadata: { uid: entry.uid },
      status: patchOf(entry.status, entry.stored, entry.pod.status?.conditions),
    }
    const { namespace, name } = entry
    this.#client.call(
      { verb: 'patch', resource: 'pods', subresource: 'status', namespace, name, patch },
      this,
      entry.tag,
      out,
    )
  }

  #onPatched(entry: Entry, { code, body }: ApiResponse, out: Out): void {
    const sent = entry.sentVersion
    entry.sentVersion = 0
    if (code === 200) {
      const pod = body as Pod
      entry.ackedVersion = sent
      entry.stored = pod.status
      entry.storedVersion = pod.metadata.resourceVersion ?? entry.storedVersion
      this.#report(entry, out)
      this.#push(entry, out)
    } else if (code === 404 || code === 409) {
      // Gone, or another pod of that name: nothing to tell any more.
      this.forget(entry.uid, out)
    } else this.#armRetry(out)
  }

  /** The final delete, once everything has been told and everything has stopped. */
  #remove(entry: Entry, out: Out): void {
    if (!entry.stopped || entry.deleting || entry.pod.metadata.deletionTimestamp === undefined) return
    if (entry.sentVersion !== 0 || entry.ackedVersion !== entry.version) return
    entry.deleting = true
    const { namespace, name, uid } = entry
    const options = { gracePeriodSeconds: 0, preconditions: { uid } }
    this.#client.call({ verb: 'delete', resource: 'pods', namespace, name, options }, this, DELETE_TAG + entry.tag, out)
  }

  #onDeleted(entry: Entry, code: number, out: Out): void {
    if (code === 200 || code === 404) {
      this.forget(entry.uid, out)
      return
    }
    entry.deleting = false
    if (code === 409) this.forget(entry.uid, out)
    else this.#armRetry(out)
  }

  #armRetry(out: Out): void {
    if (this.#retryTimer === 0) this.#retryTimer = out.after(this.#retryMicros, this, RETRY)
  }

  #report(entry: Entry, out: Out): void {
    const phase = entry.stored?.phase
    if (phase === undefined) return
    const names = { node: this.#node, podKey: entry.key, podUid: entry.uid }
    const ready = isConditionTrue(entry.stored?.conditions, 'Ready')
    if (entry.reportedPhase !== phase) this.#note({ type: 'pod-phase', ...names, phase, ready }, out)
    if (entry.reportedReady !== ready) this.#note({ type: 'pod-readiness', ...names, ready }, out)
    entry.reportedPhase = phase
    entry.reportedReady = ready
  }

  #note(fact: KubeletFact, out: Out): void {
    out.note(fact)
  }
}

/** Does what the API has differ from `ours` in the phase or in a condition of ours? */
function differs(ours: PodStatus, stored: PodStatus | undefined): boolean {
  if (stored?.phase !== ours.phase || stored?.podIP !== ours.podIP) return true
  return (ours.conditions ?? []).some(
    (condition) => stored?.conditions?.find((other) => other.type === condition.type)?.status !== condition.status,
  )
}

function patchOf(
  status: PodStatus,
  stored: PodStatus | undefined,
  conditions: readonly Condition[] | undefined,
): Readonly<Record<string, unknown>> {
  const patch: Record<string, unknown> = {}
  for (const field of FIELDS) {
    const value = status[field]
    if (value !== undefined) {
      if (!sameValue(value, stored?.[field])) patch[field] = value
    } else if (stored?.[field] !== undefined) patch[field] = null
  }
  const others = (conditions ?? []).filter((condition) => !OWNED_CONDITIONS.includes(condition.type))
  patch.conditions = others.length === 0 ? status.conditions : [...(status.conditions ?? []), ...others]
  return patch
}
