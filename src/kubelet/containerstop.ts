/**
 * One container being stopped: its preStop hook inside the grace period, its turn among the others, TERM, and KILL when the rest of
 * the grace is over (at least 2 s after TERM). Models kubernetes pkg/kubelet/kuberuntime/kuberuntime_container.go killContainer and
 * kuberuntime_termination_order.go, v1.33. Seconds spent are cut to whole ones, as upstream does. Simplified: when the grace is shortened
 * a hook goes on inside the new one and is not run a second time, and a shorter grace never puts the end off.
 */
import { invariant, type Micros, type Out, SECOND, type Timer, type TimerTarget } from '../kernel/index.ts'
import type { ContainerRecord, CriReply } from './cri.ts'
import { type KubeletDecisions, MINIMUM_GRACE_SECONDS } from './decisions.ts'
import type { KubeletFact, StopReason } from './facts.ts'
import { spentSeconds } from './grace.ts'
import type { CriReceiver, RuntimeClient } from './runtimeclient.ts'

/** Who has the container stopped. */
export interface StopOwner {
  readonly node: string
  /** May `stop` go from its hook to TERM, or must others end first? */
  isTurnOf(stop: ContainerStop): boolean
  onStopDone(stop: ContainerStop, out: Out): void
  onStopBegun(stop: ContainerStop, out: Out): void
  /** Its preStop hook ended with an error. */
  onHookFailed(stop: ContainerStop, out: Out): void
}

const HOOK_OVER = 1
const TURN_OVER = 2

export class ContainerStop implements TimerTarget, CriReceiver {
  readonly record: ContainerRecord
  readonly reason: StopReason
  readonly #owner: StopOwner
  readonly #runtime: RuntimeClient
  readonly #decisions: KubeletDecisions
  #graceSeconds: number
  #since: Micros = 0
  #timer: Timer = 0
  #hookCall = 0
  state: 'new' | 'hook' | 'turn' | 'stopping' | 'done' = 'new'

  constructor(
    record: ContainerRecord,
    reason: StopReason,
    graceSeconds: number,
    owner: StopOwner,
    runtime: RuntimeClient,
    decisions: KubeletDecisions,
  ) {
    this.record = record
    this.reason = reason
    this.#graceSeconds = graceSeconds
    this.#owner = owner
    this.#runtime = runtime
    this.#decisions = decisions
  }

  begin(out: Out): void {
    invariant(this.state === 'new', 'kubelet: a container is stopped once', { container: this.record.id })
    this.#since = out.now
    const handler = this.record.spec.lifecycle?.preStop
    const preStop = handler !== undefined && this.#graceSeconds > 0
    this.#note(
      { type: 'stop-started', ...this.#facts(), graceSeconds: this.#graceSeconds, reason: this.reason, preStop },
      out,
    )
    this.#owner.onStopBegun(this, out)
    if (!preStop) {
      this.#afterHook(out)
      return
    }
    this.state = 'hook'
    const { id } = this.record
    this.#hookCall = this.#runtime.call({ type: 'cri-hook', containerId: id, hook: 'preStop', handler }, this, out)
    this.#timer = out.after(this.#decisions.hookTimeoutSeconds(this.#graceSeconds) * SECOND, this, HOOK_OVER)
  }

  /** The grace is now `graceSeconds` from this moment, if that ends earlier. */
  shorten(graceSeconds: number, out: Out): void {
    if (this.state === 'done' || out.now + graceSeconds * SECOND >= this.#since + this.#graceSeconds * SECOND) return
    this.#graceSeconds = graceSeconds
    this.#since = out.now
    this.#note({ type: 'stop-shortened', ...this.#facts(), graceSeconds }, out)
    if (this.state === 'stopping') {
      this.#stop(Math.max(MINIMUM_GRACE_SECONDS, graceSeconds), out)
      return
    }
    out.cancel(this.#timer)
    this.#timer = out.after(graceSeconds * SECOND, this, this.state === 'hook' ? HOOK_OVER : TURN_OVER)
  }

  /** A failed probe has the container killed, whatever stage its stop has reached. Only a historical bug asks for it. */
  killSooner(graceSeconds: number, out: Out): void {
    if (this.state === 'done') return
    this.state = 'stopping'
    out.cancel(this.#timer)
    this.#timer = 0
    this.#stop(Math.max(MINIMUM_GRACE_SECONDS, graceSeconds), out)
  }

  /** Another container has ended: perhaps it is this one's turn. */
  look(out: Out): void {
    if (this.state === 'turn' && this.#owner.isTurnOf(this)) this.#terminate(out)
  }

  /** The container has ended, whoever saw it. */
  ended(out: Out): void {
    if (this.state === 'done') return
    this.state = 'done'
    out.cancel(this.#timer)
    this.#timer = 0
    this.#owner.onStopDone(this, out)
  }

  /** Nobody can be asked any more: it begins anew when the runtime is back. */
  abandon(out: Out): void {
    this.state = 'done'
    out.cancel(this.#timer)
    this.#timer = 0
  }

  onTimer(kind: number, _a: number, out: Out): void {
    this.#timer = 0
    if (kind === HOOK_OVER && this.state === 'hook') {
      this.#runtime.forget(this.#hookCall)
      this.#afterHook(out)
    } else if (kind === TURN_OVER && this.state === 'turn') this.#terminate(out)
  }

  onCriReply(reply: CriReply, out: Out): void {
    if (this.state === 'done') return
    if (this.state === 'hook' && reply.id === this.#hookCall) {
      out.cancel(this.#timer)
      if (reply.error !== undefined) this.#owner.onHookFailed(this, out)
      this.#afterHook(out)
    } else if (this.state === 'stopping') this.ended(out)
  }

  #afterHook(out: Out): void {
    const left = this.#graceSeconds - spentSeconds(this.#since, out.now)
    if (left <= 0 || this.#owner.isTurnOf(this)) {
      this.#terminate(out)
      return
    }
    this.state = 'turn'
    this.#timer = out.after(left * SECOND, this, TURN_OVER)
  }

  #terminate(out: Out): void {
    out.cancel(this.#timer)
    this.#timer = 0
    this.state = 'stopping'
    const spent = spentSeconds(this.#since, out.now)
    this.#stop(this.#decisions.stopTimeoutSeconds(this.#graceSeconds, spent), out)
  }

  #stop(timeoutSeconds: number, out: Out): void {
    invariant(timeoutSeconds >= MINIMUM_GRACE_SECONDS, 'kubelet: at least 2 s between TERM and KILL', {
      timeoutSeconds,
    })
    this.#runtime.call({ type: 'cri-stop', containerId: this.record.id, timeoutSeconds }, this, out)
  }

  #facts() {
    const { podKey, podUid, name, id, init } = this.record
    return { node: this.#owner.node, podKey, podUid, container: name, containerId: id, init }
  }

  #note(fact: KubeletFact, out: Out): void {
    out.note(fact)
  }
}
