/**
 * Lifecycle hooks under way in containers: preStop and postStart as commands, sleeps or requests. Models kubernetes
 * pkg/kubelet/lifecycle/handlers.go and CRI ExecSync, v1.33. Every kind of hook is run here, beside the container, whoever runs
 * it upstream; it ends with its container. A kubelet that gives up waiting leaves the command running.
 */
import { type Micros, type Out, SECOND, type TimerTarget } from '../kernel/index.ts'
import { type LifecycleHandler, resolveContainerPort } from '../objects/index.ts'
import { commandOf } from './command.ts'
import type { CriReply, HookKind } from './cri.ts'
import type { RuntimeFact } from './facts.ts'
import type { ContainerProcess } from './process.ts'

/** Who runs hooks. */
export interface HookOwner {
  reply(reply: CriReply, out: Out): void
  factsOf(process: ContainerProcess): {
    readonly node: string
    readonly podKey: string
    readonly podUid: string
    readonly container: string
    readonly containerId: string
    readonly init: boolean
  }
}

interface Running {
  readonly process: ContainerProcess
  readonly callId: number
  readonly hook: HookKind
  readonly ok: boolean
}

const ENDED = 1

export class Hooks implements TimerTarget {
  readonly #owner: HookOwner
  readonly #running = new Map<number, Running>()
  readonly #extraMicros = new Map<string, Micros>()

  constructor(owner: HookOwner) {
    this.#owner = owner
  }

  slow(podKey: string, extraMicros: Micros): void {
    if (extraMicros > 0) this.#extraMicros.set(podKey, extraMicros)
    else this.#extraMicros.delete(podKey)
  }

  begin(process: ContainerProcess, callId: number, hook: HookKind, handler: LifecycleHandler, out: Out): void {
    const run = runOf(process, handler, out.now)
    let micros = run.micros
    if (hook === 'preStop') {
      if (process.app.preStopMicros !== undefined) micros = process.app.preStopMicros
      if (micros !== undefined) micros += this.#extraMicros.get(process.record.podKey) ?? 0
    }
    this.#running.set(callId, { process, callId, hook, ok: run.ok })
    const type = hook === 'preStop' ? 'prestop-started' : 'poststart-started'
    const fact: RuntimeFact = { type, ...this.#owner.factsOf(process) }
    out.note(fact)
    if (micros !== undefined) out.after(micros, this, ENDED, callId)
  }

  /** The container has ended, and its hooks with it. */
  cut(process: ContainerProcess, out: Out): void {
    for (const running of this.#running.values()) {
      if (running.process === process) this.#end(running, 'cut', out)
    }
  }

  /** The kubelet is gone. */
  cutAll(out: Out): void {
    for (const running of this.#running.values()) this.#end(running, 'cut', out)
  }

  onTimer(_kind: number, callId: number, out: Out): void {
    const running = this.#running.get(callId)
    if (running !== undefined) this.#end(running, running.ok ? 'ok' : 'failed', out)
  }

  #end(running: Running, outcome: 'ok' | 'failed' | 'cut', out: Out): void {
    const { process, callId, hook } = running
    this.#running.delete(callId)
    const type = hook === 'preStop' ? 'prestop-ended' : 'poststart-ended'
    const fact: RuntimeFact = { type, ...this.#owner.factsOf(process), outcome }
    out.note(fact)
    const error = outcome === 'ok' ? undefined : 'hook-failed'
    this.#owner.reply({ type: 'cri-reply', id: callId, error }, out)
  }
}

/** How long a handler takes (undefined: for ever) and whether it succeeds. */
function runOf(
  process: ContainerProcess,
  handler: LifecycleHandler,
  now: Micros,
): { micros: Micros | undefined; ok: boolean } {
  if (handler.sleep !== undefined) return { micros: handler.sleep.seconds * SECOND, ok: true }
  if (handler.exec !== undefined) {
    const run = commandOf(handler.exec.command)
    return { micros: run.micros, ok: run.exitCode === 0 }
  }
  const action = handler.httpGet ?? handler.tcpSocket
  if (action === undefined) return { micros: 0, ok: true }
  const port = resolveContainerPort(process.record.spec, action.port)
  const answers = process.isListening && port !== undefined && process.app.servePorts.includes(port)
  return {
    micros: answers ? process.app.requestMicros : 0,
    ok: answers && (handler.httpGet === undefined || process.isHealthy(now)),
  }
}
