/**
 * The kubelet's side of its connection to the container runtime: numbers calls, hands each answer to who asked, lists everything
 * after every (re)connection. Models pkg/kubelet's remote runtime service and the runtime state behind node readiness, v1.33.
 */
import {
  invariant,
  type Message,
  MILLISECOND,
  type Micros,
  type Out,
  type ProcessId,
  SECOND,
  type TimerTarget,
} from '../kernel/index.ts'
import type { ContainerRecord, CriCall, CriEvent, CriNews, CriReply, CriRequest, SandboxRecord } from './cri.ts'

/** Who asked. One answer comes, later, unless the call is forgotten or the connection is lost. */
export interface CriReceiver {
  onCriReply(reply: CriReply, out: Out): void
}

/** Who owns the connection. */
export interface RuntimeListener {
  /** Everything that the runtime has. Comes first, and again after each reconnection. */
  onRuntimeList(
    sandboxes: readonly SandboxRecord[],
    containers: readonly ContainerRecord[],
    images: readonly string[],
    out: Out,
  ): void
  onRuntimeEvent(event: CriNews, out: Out): void
  onRuntimeLost(out: Out): void
}

const REDIAL_MICROS: Micros = 500 * MILLISECOND
/** An unanswered call this old means that the runtime is down. */
const DOWN_MICROS: Micros = 30 * SECOND
const REDIAL = 1

interface Pending {
  readonly receiver: CriReceiver | undefined
  readonly sentAt: Micros
  /** Pulls and hooks may take long without anything being wrong. */
  readonly mayTakeLong: boolean
}

export class RuntimeClient implements TimerTarget {
  readonly #process: ProcessId
  readonly #listener: RuntimeListener
  readonly #pending = new Map<number, Pending>()
  #lastId = 0
  #listCall = 0
  /** True between a list's answer and the loss of the connection. */
  isConnected = false

  constructor(process: ProcessId, listener: RuntimeListener) {
    this.#process = process
    this.#listener = listener
  }

  start(out: Out): void {
    // Answers to an earlier life's calls may still come: numbers never repeat.
    this.#lastId = Math.max(this.#lastId, out.now)
    this.#list(out)
  }

  call(request: CriRequest, receiver: CriReceiver | undefined, out: Out): number {
    invariant(this.isConnected, 'kubelet: calls go to a connected runtime', { type: request.type })
    const id = ++this.#lastId
    const mayTakeLong = request.type === 'cri-pull' || request.type === 'cri-hook' || request.type === 'cri-stop'
    this.#pending.set(id, { receiver, sentAt: out.now, mayTakeLong })
    const call = Object.assign({ id }, request) as CriCall
    out.stream(this.#process, call)
    return id
  }

  /** The answer no longer matters; what was asked still happens. */
  forget(id: number): void {
    this.#pending.delete(id)
  }

  /** Is the runtime answering? Decides over the node's readiness. */
  isHealthy(now: Micros): boolean {
    if (!this.isConnected) return false
    for (const pending of this.#pending.values()) {
      if (!pending.mayTakeLong) return now - pending.sentAt < DOWN_MICROS
    }
    return true
  }

  /** True if the message was the runtime's. */
  onMessage(from: ProcessId, message: Message, out: Out): boolean {
    if (from !== this.#process) return false
    if (message.type === 'cri-event') {
      if (this.isConnected) this.#listener.onRuntimeEvent(message as CriEvent, out)
      return true
    }
    const reply = message as CriReply
    if (reply.id === this.#listCall) {
      this.#listCall = 0
      this.isConnected = true
      this.#listener.onRuntimeList(reply.sandboxes ?? [], reply.containers ?? [], reply.images ?? [], out)
      return true
    }
    // What a call changed is news like an event, even when it was another kubelet's call.
    if (this.isConnected && (reply.sandbox !== undefined || reply.container !== undefined)) {
      this.#listener.onRuntimeEvent(reply, out)
    }
    const pending = this.#pending.get(reply.id)
    this.#pending.delete(reply.id)
    pending?.receiver?.onCriReply(reply, out)
    return true
  }

  /** True if the connection was the runtime's. Calls under way get no answer; the listener hears of the loss. */
  onDisconnect(peer: ProcessId, out: Out): boolean {
    if (peer !== this.#process) return false
    const wasConnected = this.isConnected
    this.isConnected = false
    this.#listCall = 0
    this.#pending.clear()
    if (wasConnected) this.#listener.onRuntimeLost(out)
    out.after(REDIAL_MICROS, this, REDIAL)
    return true
  }

  onTimer(_kind: number, _a: number, out: Out): void {
    if (this.#listCall === 0 && !this.isConnected) this.#list(out)
  }

  #list(out: Out): void {
    this.#listCall = ++this.#lastId
    const call: CriCall = { type: 'cri-list', id: this.#listCall }
    out.stream(this.#process, call)
  }
}
