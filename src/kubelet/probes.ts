/**
 * Probe workers: one a container and kind, each with one timer on a grid of its period. Models kubernetes pkg/kubelet/prober
 * (manager, worker), v1.33: liveness and readiness wait for the startup probe; a readiness probe runs at once when its container is
 * first seen running; after a restart of the kubelet the grid starts at a drawn point. Simplified: a probe's outcome is known at the tick (its
 * length only decides over a time-out); after a restart of the kubelet the stored readiness stands until the first probe.
 */
import { addressOf, type Micros, type Out, type Rand, SECOND, type Timer, type TimerTarget } from '../kernel/index.ts'
import type { Container, Pod, Probe } from '../objects/index.ts'
import type { ContainerRecord } from './cri.ts'
import type { KubeletFact } from './facts.ts'
import type { PodEvents } from './podevents.ts'
import {
  afterOutcome,
  INITIAL_RESULT,
  initialProbeState,
  type ProbeKind,
  type ProbeResult,
  type ProbeState,
} from './probethreshold.ts'
import type { ContainerRuntime } from './runtime.ts'

/** Who has its containers probed. */
export interface ProbedPod {
  readonly node: string
  readonly pod: Pod
  onProbeResult(worker: ProbeWorker, out: Out): void
}

const TICK = 1
const OFF_GRID = 1

export class ProbeWorker implements TimerTarget {
  readonly container: Container
  readonly kind: ProbeKind
  readonly probe: Probe
  readonly #pod: ProbedPod
  readonly #runtime: () => ContainerRuntime | undefined
  readonly #periodMicros: Micros
  /** A moment of the grid. */
  readonly #base: Micros
  record: ContainerRecord | undefined
  state: ProbeState
  /** Where failures are told; only where events are on. */
  events: PodEvents | undefined
  #timer: Timer = 0

  constructor(
    container: Container,
    kind: ProbeKind,
    probe: Probe,
    base: Micros,
    pod: ProbedPod,
    runtime: () => ContainerRuntime | undefined,
  ) {
    this.container = container
    this.kind = kind
    this.probe = probe
    this.#base = base
    this.#pod = pod
    this.#runtime = runtime
    this.#periodMicros = (probe.periodSeconds ?? 10) * SECOND
    this.state = initialProbeState(INITIAL_RESULT[kind])
  }

  get result(): ProbeResult {
    return this.state.result
  }

  /** Watches this container from now on; `known`: what the API already says of it. */
  bind(record: ContainerRecord, known: ProbeResult | undefined, out: Out): void {
    this.stop(out)
    this.record = record
    this.state = initialProbeState(known ?? INITIAL_RESULT[this.kind])
  }

  /** Probing may begin, if it has not: `started` is what the startup probe says. */
  go(started: boolean, out: Out): void {
    if (this.#timer !== 0 || this.record === undefined || this.state.onHold) return
    if (this.kind === 'startup' ? this.state.result === 'success' : !started) return
    const earliest = this.record.startedAt + (this.probe.initialDelaySeconds ?? 0) * SECOND
    const atOnce = this.kind === 'readiness' && earliest <= out.now
    const delay = atOnce ? 0 : this.#nextTick(Math.max(earliest, out.now)) - out.now
    this.#timer = out.after(delay, this, TICK, atOnce ? OFF_GRID : 0)
  }

  stop(out: Out): void {
    out.cancel(this.#timer)
    this.#timer = 0
  }

  onTimer(_kind: number, offGrid: number, out: Out): void {
    this.#timer = 0
    const record = this.record
    if (record === undefined) return
    const runtime = this.#runtime()
    const success = runtime?.probe(record.id, this.probe, this.kind, out.now).success ?? false
    if (!success) this.events?.unhealthy(this.#pod.pod, record.name, this.kind, out)
    const before = this.state
    this.state = afterOutcome(before, success ? 'success' : 'failure', this.kind, this.probe)
    const done = this.state.onHold || (this.kind === 'startup' && this.state.result === 'success')
    const delay = offGrid === OFF_GRID ? this.#nextTick(out.now + 1) - out.now : this.#periodMicros
    if (!done) this.#timer = out.after(delay, this, TICK)
    if (this.state.result !== before.result || (this.state.onHold && !before.onHold)) {
      const { podKey, podUid, name, id, init } = record
      const fact: KubeletFact = {
        type: 'probe-result',
        node: this.#pod.node,
        podKey,
        podUid,
        container: name,
        containerId: id,
        init,
        kind: this.kind,
        result: this.state.result,
      }
      out.note(fact)
      this.#pod.onProbeResult(this, out)
    }
  }

  /** The first moment of the grid that is not before `from`. */
  #nextTick(from: Micros): Micros {
    if (from <= this.#base) return this.#base
    return this.#base + Math.ceil((from - this.#base) / this.#periodMicros) * this.#periodMicros
  }
}

const KINDS = ['startup', 'liveness', 'readiness'] as const

/** The workers that `containers` ask for. A kubelet younger than a period spreads their grids. */
export function makeProbeWorkers(
  containers: readonly Container[],
  podKey: string,
  now: Micros,
  kubeletAge: Micros,
  stream: Rand,
  pod: ProbedPod,
  runtime: () => ContainerRuntime | undefined,
): readonly ProbeWorker[] {
  const workers: ProbeWorker[] = []
  for (const container of containers) {
    for (const kind of KINDS) {
      const probe = container[`${kind}Probe`]
      if (probe === undefined) continue
      const period = (probe.periodSeconds ?? 10) * SECOND
      const shift =
        kubeletAge < period
          ? stream.intAt(0, period - 1, addressOf(podKey), addressOf(container.name), addressOf(kind))
          : 0
      workers.push(new ProbeWorker(container, kind, probe, now + shift, pod, runtime))
    }
  }
  return workers
}
