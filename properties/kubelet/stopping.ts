/**
 * How a container is stopped: TERM after the preStop hook or at the end of the grace period, KILL never before the grace
 * period is over and never later than two seconds after it. Three properties over one bookkeeping of stops.
 */
import type { Cluster } from '../../src/cluster/index.ts'
import type { Micros } from '../../src/kernel/index.ts'
import type { KubeletFact, RuntimeFact } from '../../src/kubelet/index.ts'
import type { Monitor, PropertyDefinition, Reporter } from '../../src/trial/registry.ts'
import { onFact, seconds } from '../define.ts'

const SECOND = 1_000_000
/** The extra that a container always gets between TERM and KILL when its hook used up the grace period. */
const EXTRA_SECONDS = 2
/** Latency of calls to the runtime, and of one retry of a call. */
const TOLERANCE_MICROS = 1_500_000
/** The kubelet counts the grace period in whole seconds, cut. */
const ROUNDING_MICROS = SECOND

interface Stop {
  readonly name: string
  readonly node: string
  readonly startedAt: Micros
  graceSeconds: number
  readonly hasPreStop: boolean
  hookRunning: boolean
  hookEndedAt: Micros
  termAt: Micros
  killAt: Micros
  /** The kubelet or the host was disturbed meanwhile: upper bounds do not count. */
  disturbed: boolean
}

type Listener = (moment: 'term' | 'kill' | 'exit' | 'overdue', stop: Stop, at: Micros) => void

/** Follows every stop of a container and tells the listener of its moments. */
function followStops(cluster: Cluster, reached: () => void, listener: Listener): Monitor {
  const stops = new Map<string, Stop>()
  const disturb = (node: string) => {
    for (const stop of stops.values()) if (stop.node === node) stop.disturbed = true
  }
  const disturbProcess = (process: number) => {
    const node = cluster.nodeOfProcess(process)
    if (node !== undefined) disturb(node)
  }
  for (const type of ['process-crashed', 'process-paused', 'process-resumed'] as const) {
    cluster.kernel.subscribe(type, (fact) => disturbProcess((fact as unknown as { process: number }).process))
  }
  for (const type of ['host-crashed', 'host-restarted', 'clock-set'] as const) {
    cluster.kernel.subscribe(type, (fact) => disturb((fact as unknown as { host: string }).host))
  }
  onFact<KubeletFact, 'stop-started'>(cluster, 'stop-started', (fact, at) => {
    if (stops.has(fact.containerId)) return
    reached()
    stops.set(fact.containerId, {
      name: `${fact.podKey}/${fact.container}`,
      node: fact.node,
      startedAt: at,
      graceSeconds: fact.graceSeconds,
      hasPreStop: fact.preStop,
      hookRunning: false,
      hookEndedAt: -1,
      termAt: -1,
      killAt: -1,
      disturbed: false,
    })
  })
  onFact<KubeletFact, 'stop-shortened'>(cluster, 'stop-shortened', (fact) => {
    const stop = stops.get(fact.containerId)
    if (stop !== undefined) stop.graceSeconds = Math.min(stop.graceSeconds, fact.graceSeconds)
  })
  onFact<RuntimeFact, 'prestop-started'>(cluster, 'prestop-started', (fact) => {
    const stop = stops.get(fact.containerId)
    if (stop !== undefined) stop.hookRunning = true
  })
  onFact<RuntimeFact, 'prestop-ended'>(cluster, 'prestop-ended', (fact, at) => {
    const stop = stops.get(fact.containerId)
    if (stop === undefined) return
    stop.hookRunning = false
    stop.hookEndedAt = at
  })
  onFact<RuntimeFact, 'term-sent'>(cluster, 'term-sent', (fact, at) => {
    const stop = stops.get(fact.containerId)
    if (stop === undefined) return
    listener('term', stop, at)
    stop.termAt = at
  })
  onFact<RuntimeFact, 'kill-sent'>(cluster, 'kill-sent', (fact, at) => {
    const stop = stops.get(fact.containerId)
    if (stop === undefined) return
    listener('kill', stop, at)
    stop.killAt = at
  })
  onFact<RuntimeFact, 'container-exited'>(cluster, 'container-exited', (fact, at) => {
    const stop = stops.get(fact.containerId)
    if (stop === undefined) return
    listener('exit', stop, at)
    stops.delete(fact.containerId)
  })
  return {
    onEnd() {
      for (const stop of stops.values()) listener('overdue', stop, cluster.kernel.now)
    },
  }
}

function latest(stop: Stop): Micros {
  return stop.startedAt + (stop.graceSeconds + EXTRA_SECONDS) * SECOND + TOLERANCE_MICROS
}

export const termAfterPreStop: PropertyDefinition = {
  id: 'kubelet-term-after-prestop',
  mode: 'always',
  claim: 'TERM comes after the preStop hook has ended, or when the grace period is over',
  source:
    'kubernetes pkg/kubelet/kuberuntime/kuberuntime_container.go (killContainer), v1.33; documentation "Pod Lifecycle", termination of pods',
  trigger: 'a container is stopped',
  catches: ['planted-hasty-term'],
  monitor: (cluster: Cluster, report: Reporter) =>
    followStops(
      cluster,
      () => report.reached(),
      (moment, stop, at) => {
        if (moment !== 'term' || !stop.hookRunning) return
        if (at >= stop.startedAt + stop.graceSeconds * SECOND - ROUNDING_MICROS) return
        report.fail({
          subject: stop.name,
          shape: 'term-during-hook',
          message: `TERM was sent ${seconds(at - stop.startedAt)} after the stop began, while the preStop hook still ran and ${stop.graceSeconds} s of grace were not over`,
        })
      },
    ),
}

export const killAfterGrace: PropertyDefinition = {
  id: 'kubelet-kill-not-before-grace',
  mode: 'always',
  claim: 'KILL never comes before the grace period is over',
  source: 'kubernetes pkg/kubelet/kuberuntime/kuberuntime_container.go, v1.33; documentation "Pod Lifecycle"',
  trigger: 'a container is stopped',
  catches: ['kubelet-probes-kill-terminating-pod'],
  monitor: (cluster: Cluster, report: Reporter) =>
    followStops(
      cluster,
      () => report.reached(),
      (moment, stop, at) => {
        if (moment !== 'kill' || stop.disturbed) return
        if (at >= stop.startedAt + stop.graceSeconds * SECOND - ROUNDING_MICROS) return
        report.fail({
          subject: stop.name,
          shape: 'kill-too-early',
          message: `KILL was sent ${seconds(at - stop.startedAt)} after the stop began; the grace period is ${stop.graceSeconds} s`,
        })
      },
    ),
}

export const killByGraceAndTwo: PropertyDefinition = {
  id: 'kubelet-stopped-by-grace-plus-2s',
  mode: 'always',
  claim: 'a container has ended at the latest two seconds after its grace period',
  source: 'kubernetes pkg/kubelet/kuberuntime/kuberuntime_container.go (minimumGracePeriodInSeconds), v1.33',
  trigger: 'a container is stopped',
  catches: ['kubelet-prestop-time-not-deducted', 'kubelet-prestop-hangs-past-grace'],
  monitor: (cluster: Cluster, report: Reporter) =>
    followStops(
      cluster,
      () => report.reached(),
      (moment, stop, at) => {
        if (moment === 'term' || stop.disturbed || at <= latest(stop)) return
        report.fail({
          subject: stop.name,
          shape: 'stopped-too-late',
          message: `${seconds(at - stop.startedAt)} after the stop began ${moment === 'kill' ? 'KILL was only just sent' : moment === 'exit' ? 'the container only just ended' : 'the container still runs'}; grace is ${stop.graceSeconds} s and 2 s extra`,
        })
      },
    ),
}
