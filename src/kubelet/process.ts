/**
 * One running container: the program as PID 1 of its namespace, its listeners, its requests, what TERM and KILL do to it. Sources:
 * signal(7), pid_namespaces(7) (PID 1 without a handler ignores TERM), containerd's StopContainer. It knows nothing of pods; the runtime
 * that owns it hears of its end.
 */
import { invariant, MILLISECOND, type Micros, type Out, SECOND, type Timer, type TimerTarget } from '../kernel/index.ts'
import type { ResolvedApp } from './app.ts'
import type { ContainerRecord } from './cri.ts'

/** Who owns processes. */
export interface ProcessOwner {
  onListening(process: ContainerProcess, out: Out): void
  onExit(process: ContainerProcess, exitCode: number, out: Out): void
  onKill(process: ContainerProcess, graceSeconds: number, out: Out): void
}

/** How often a draining program looks whether its last request has ended. */
const DRAIN_LOOK_MICROS = 10 * MILLISECOND
/** From KILL to the end of every process in the namespace. */
const DEATH_MICROS = 3 * MILLISECOND

/** Stands for an empty set in containers without requests; never written. */
const NO_REQUESTS = new Set<number>()

const LISTEN = 1
const OWN_EXIT = 2
const KILL = 3
const DEATH = 4
const DRAIN_LOOK = 5
const LAME_DUCK_END = 6
const FINAL_EXIT = 7

export class ContainerProcess implements TimerTarget {
  readonly app: ResolvedApp
  readonly owner: ProcessOwner
  readonly podIp: string
  /** Requests and connections open to this container. */
  inFlight = NO_REQUESTS
  /** Calls of the kubelet that wait for its end. */
  readonly stopCalls: number[] = []
  record: ContainerRecord
  isListening = false
  #termAt: Micros = -1
  #killTimer: Timer = 0
  #killAt: Micros = 0
  #killGraceSeconds = 0
  #ownTimer: Timer = 0
  #listenTimer: Timer = 0
  #dying = false

  constructor(record: ContainerRecord, app: ResolvedApp, podIp: string, owner: ProcessOwner) {
    this.record = record
    this.app = app
    this.podIp = podIp
    this.owner = owner
  }

  beginRequest(id: number): void {
    if (this.inFlight === NO_REQUESTS) this.inFlight = new Set()
    this.inFlight.add(id)
  }

  start(out: Out): void {
    if (this.app.servePorts.length > 0) {
      if (this.app.startMicros === 0) this.#listen(out)
      else this.#listenTimer = out.after(this.app.startMicros, this, LISTEN)
    }
    if (this.app.exitAfterMicros !== undefined) this.#ownTimer = out.after(this.app.exitAfterMicros, this, OWN_EXIT)
  }

  get isRunning(): boolean {
    return this.record.state === 'running'
  }

  get termSent(): boolean {
    return this.#termAt >= 0
  }

  /** Is the health endpoint's answer ok at `now`? (Whether it answers at all is `isListening`.) */
  isHealthy(now: Micros): boolean {
    if (this.termSent && this.app.onTerm !== 'ignore' && this.app.healthWhileDraining === 'fail') return false
    return now - this.record.startedAt >= this.app.readyMicros
  }

  /** TERM now, if it has not had one, and KILL after `timeoutSeconds`. A second call can only bring the KILL forward. Returns whether TERM was sent. */
  stop(timeoutSeconds: number, out: Out): boolean {
    invariant(this.isRunning, 'kubelet: only a running container is stopped', this.record)
    const first = !this.termSent
    if (first) {
      this.#termAt = out.now
      this.#onTerm(out)
    }
    const killAt = out.now + timeoutSeconds * SECOND
    if (this.#killTimer !== 0 && this.#killAt <= killAt) return first
    out.cancel(this.#killTimer)
    this.#killAt = killAt
    this.#killGraceSeconds = timeoutSeconds
    this.#killTimer = this.isRunning ? out.after(killAt - out.now, this, KILL) : 0
    return first
  }

  /** Whoever asked for the stop is gone: no KILL will follow the TERM. */
  abandonStop(out: Out): void {
    out.cancel(this.#killTimer)
    this.#killTimer = 0
    this.stopCalls.length = 0
  }

  kill(graceSeconds: number, out: Out): void {
    if (!this.isRunning || this.#dying) return
    this.#dying = true
    this.owner.onKill(this, graceSeconds, out)
    out.after(DEATH_MICROS, this, DEATH)
  }

  /** The program ends by itself with this code, now. */
  exit(exitCode: number, out: Out): void {
    if (!this.isRunning) return
    out.cancel(this.#killTimer)
    out.cancel(this.#ownTimer)
    out.cancel(this.#listenTimer)
    this.#killTimer = this.#ownTimer = this.#listenTimer = 0
    this.isListening = false
    this.owner.onExit(this, exitCode, out)
    invariant(this.record.state === 'exited', 'kubelet: a process that ended has an exited record', this.record)
  }

  onTimer(kind: number, _a: number, out: Out): void {
    if (!this.isRunning) return
    switch (kind) {
      case LISTEN:
        this.#listenTimer = 0
        this.#listen(out)
        return
      case OWN_EXIT:
        this.#ownTimer = 0
        this.exit(this.app.exitCode, out)
        return
      case KILL:
        this.#killTimer = 0
        this.kill(this.#killGraceSeconds, out)
        return
      case DEATH:
        this.exit(137, out)
        return
      case DRAIN_LOOK:
        this.#drainLook(out)
        return
      case LAME_DUCK_END:
        this.isListening = false
        out.after(this.app.shutdownMicros, this, FINAL_EXIT)
        return
      case FINAL_EXIT:
        this.exit(this.app.termExitCode, out)
    }
  }

  #listen(out: Out): void {
    this.isListening = true
    this.owner.onListening(this, out)
  }

  #onTerm(out: Out): void {
    switch (this.app.onTerm) {
      case 'ignore':
        return
      case 'exit':
        this.#closeListeners(out)
        out.after(this.app.shutdownMicros, this, FINAL_EXIT)
        return
      case 'drain':
        this.#closeListeners(out)
        out.after(this.app.shutdownMicros, this, DRAIN_LOOK)
        return
      case 'lame-duck':
        out.after(this.app.drainMicros, this, LAME_DUCK_END)
    }
  }

  #closeListeners(out: Out): void {
    out.cancel(this.#listenTimer)
    this.#listenTimer = 0
    this.isListening = false
  }

  #drainLook(out: Out): void {
    const spent = out.now - this.#termAt
    if (this.inFlight.size === 0 || spent >= this.app.drainMicros) this.exit(this.app.termExitCode, out)
    else out.after(DRAIN_LOOK_MICROS, this, DRAIN_LOOK)
  }
}
