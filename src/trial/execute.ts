/**
 * One trial: build the cluster, set properties and faults to work, run the active phase, heal, run the quiet phase, judge.
 * A pure function of the scenario, the registry and the cluster's program. It writes nothing and asks no clock.
 */

import { type DecisionOverrides, mergeDecisions } from '../cluster/decisions.ts'
import type { Cluster, ClusterOptions } from '../cluster/index.ts'
import { EventError, guarded, InvariantError, type Micros, SECOND } from '../kernel/index.ts'
import { FootprintCollector } from './coverage/collector.ts'
import { FaultError, FaultSchedule } from './fault-schedule.ts'
import { Jury, type PropertyListener, TrialStop } from './jury.ts'
import { scenarioIdOf } from './parse.ts'
import type { Registry } from './registry.ts'
import type { FoundViolation, LedgerEntry, TimedFact, TrialError, TrialResult, Verdict } from './result.ts'
import type { Scenario } from './scenario.ts'
import { signatureOf } from './signature.ts'
import { PropertyError } from './temporal/index.ts'
import { UserError } from './user-error.ts'

export type CreateCluster = (options: ClusterOptions) => Cluster

/** What the runner tells an observer, so that a watchdog in another thread can name who hangs: a property, `fault <kind>`, or "" for nobody's. */
export type ActivityListener = (activity: string) => void

export interface TrialOptions {
  /** Keeps facts of these types for the story. */
  readonly factTypes?: readonly string[]
  /** Keeps the whole trace. Default: false, a ring of the last events. */
  readonly keepTrace?: boolean
  /** Stops at this moment of virtual time, to look at the cluster. The verdict then covers only what came before. */
  readonly stopAtMicros?: Micros
  /** At this moment another seed takes over, and links have their chance back: what came before stays as it was. */
  readonly branch?: Branch
  /** Told when a property is reached or seen for the first time, or violated. */
  readonly onProperty?: PropertyListener
  /** Called with the cluster before anything happens in it, to subscribe to what is to be recorded. */
  readonly prepare?: (cluster: Cluster) => void
  /** Called with the cluster when the trial is over, whatever the verdict. It may read everything. */
  readonly inspect?: (cluster: Cluster) => void
  /** Collects what the trial saw, for `TrialResult.footprint`. Changes nothing else in the result. Default: false. */
  readonly footprint?: boolean
  /** Events after which the trial is given up. Default: 1 million and 100,000 for each node. */
  readonly maximumSteps?: number
  /** Told before each call into a property. Setting it makes the trial somewhat slower and changes nothing else. */
  readonly onActivity?: ActivityListener
}

/** Where a run leaves the path of its scenario. */
export interface Branch {
  readonly atMicros: Micros
  readonly seed: string
}

/** A small cluster needs some ten thousand events for a minute; a livelock needs them all. */
const MAXIMUM_STEPS_BASE = 1_000_000
const MAXIMUM_STEPS_PER_NODE = 100_000
/** How often the quiet phase asks whether there is anything left to wait for. */
const QUIET_CHECK_MICROS: Micros = SECOND

/** Runs a scenario. Never throws for what happens inside the trial: that is the verdict `error`. */
export function executeScenario(
  scenario: Scenario,
  registry: Registry,
  createCluster: CreateCluster,
  options: TrialOptions = {},
): TrialResult {
  const result = guarded(() => new Trial(scenario, registry, createCluster, options).run())
  const threw =
    (result.verdict === 'error' && result.error?.property === undefined && result.error?.fault === undefined) ||
    result.violation?.property === 'invariant'
  if (!threw || options.onActivity !== undefined) return result
  // Something threw. The same trial again, slower, with every call into a property labelled, names the property.
  const again = guarded(() => new Trial(scenario, registry, createCluster, { ...options, onActivity: () => {} }).run())
  return again.verdict === 'error' ? again : result
}

class Trial {
  readonly #scenario: Scenario
  readonly #registry: Registry
  readonly #options: TrialOptions
  readonly #createCluster: CreateCluster
  readonly #facts: TimedFact[] = []
  #jury: Jury | undefined
  #faults: FaultSchedule | undefined
  #cluster: Cluster | undefined
  #footprint: FootprintCollector | undefined
  #error: TrialError | undefined
  #exhausted: string | undefined
  #branched = false

  constructor(scenario: Scenario, registry: Registry, createCluster: CreateCluster, options: TrialOptions) {
    this.#scenario = scenario
    this.#registry = registry
    this.#createCluster = createCluster
    this.#options = options
  }

  run(): TrialResult {
    try {
      this.#play()
    } catch (error) {
      if (error instanceof UserError) throw error
      if (!(error instanceof TrialStop)) this.#onError(error)
    }
    if (this.#cluster !== undefined) this.#options.inspect?.(this.#cluster)
    return this.#result()
  }

  #play(): void {
    const { topology, seed, apps, objects, workload, traffic, etcdClients, durationMicros, settleMicros } =
      this.#scenario
    const { jitter, schedule } = this.#scenario
    const cluster = this.#createCluster({
      // Many scenarios share one; a property that changed it would change the trials to come.
      topology: Object.freeze(topology),
      seed,
      apps,
      decisions: this.#decisions(),
      maxSteps: this.#options.maximumSteps ?? MAXIMUM_STEPS_BASE + MAXIMUM_STEPS_PER_NODE * topology.nodes,
      record: this.#options.keepTrace ?? false,
      jitter: jitter ?? 'drawn',
      ...(schedule === undefined ? {} : { schedule }),
    })
    this.#cluster = cluster
    for (const type of this.#options.factTypes ?? []) {
      cluster.kernel.subscribe(type, (fact) => this.#facts.push({ atMicros: cluster.kernel.now, fact }))
    }
    if (this.#options.footprint === true) this.#footprint = new FootprintCollector(cluster)
    this.#options.prepare?.(cluster)
    const properties = this.#registry.propertiesFor(this.#scenario.properties)
    const jury = new Jury(cluster, properties, this.#options.onActivity, this.#options.onProperty)
    this.#jury = jury
    const { onActivity } = this.#options
    const faults = new FaultSchedule(this.#scenario, this.#registry, cluster, this.#footprint?.strikes, onActivity)
    this.#faults = faults
    jury.swearIn()
    cluster.kernel.deed('boot', () => {
      cluster.boot(objects)
      cluster.scheduleWorkload(workload)
      cluster.startTraffic(traffic)
      if (etcdClients !== undefined) cluster.startEtcdClients(etcdClients)
    })

    const end = Math.min(durationMicros, this.#options.stopAtMicros ?? durationMicros)
    for (let moment = faults.nextMoment(); moment !== undefined && moment <= end; moment = faults.nextMoment()) {
      if (!this.#advance(moment)) return
      faults.act(moment)
    }
    if (!this.#advance(end)) return
    const stopAt = this.#options.stopAtMicros ?? Number.POSITIVE_INFINITY
    if (stopAt <= durationMicros) return
    faults.healAll()
    cluster.kernel.deed('stop load', () => cluster.stopLoad())
    const { core, unhealed } = this.#scenario
    if (core !== undefined) cluster.kernel.deed('keep only the core', () => cluster.keepOnly(core, unhealed))
    jury.onQuiet()
    jury.stopIfFailed()
    this.#settle(Math.min(durationMicros + settleMicros, stopAt), durationMicros + settleMicros)
    if (this.#exhausted === undefined && stopAt >= durationMicros + settleMicros) jury.onEnd()
  }

  /** `limit`: the end of the quiet phase, if somebody waits so long. */
  #settle(until: Micros, limit: Micros): void {
    const cluster = this.#cluster!
    while (cluster.kernel.now < until) {
      if (!this.#advance(Math.min(until, cluster.kernel.now + QUIET_CHECK_MICROS))) return
      if (cluster.isQuiet() && !this.#jury!.isWaiting(limit)) return
    }
  }

  /** False when the trial is over: the budget of events is used up. */
  #advance(until: Micros): boolean {
    const cluster = this.#cluster!
    this.#jury!.stopIfFailed()
    const { branch } = this.#options
    if (branch !== undefined && !this.#branched && branch.atMicros <= until) {
      this.#branched = true
      if (branch.atMicros > cluster.kernel.now && !this.#advance(branch.atMicros)) return false
      cluster.kernel.streams.takeOver(branch.seed)
      cluster.kernel.network.useDrawnLatency()
    }
    const outcome = cluster.run(until)
    this.#jury!.stopIfFailed()
    if (outcome !== 'exhausted') return true
    this.#exhausted = loopOf(cluster)
    return false
  }

  #decisions(): DecisionOverrides {
    return mergeDecisions(this.#scenario.defects.flatMap((id) => this.#registry.defects.get(id)?.decisions ?? []))
  }

  #onError(error: unknown): void {
    // A broken invariant of a machine is a failure like a property's, unless it was a property that broke it.
    const property = error instanceof PropertyError ? error.property : this.#jury?.speaking
    if (error instanceof InvariantError && property === undefined && this.#jury !== undefined) {
      this.#jury.record({ property: 'invariant', subject: 'machine', message: error.message, shape: error.invariant })
      return
    }
    const thrown = property !== undefined && error instanceof EventError ? error.cause : error
    const cause = thrown instanceof Error ? thrown : new Error(String(thrown))
    this.#error = {
      message: property === undefined ? cause.message : `property ${property} threw: ${cause.message}${hintOf(cause)}`,
      ...(property === undefined ? {} : { property }),
      ...(error instanceof FaultError ? { fault: error.fault } : {}),
      ...(cause.stack === undefined ? {} : { stack: cause.stack }),
    }
  }

  #ledger(): readonly LedgerEntry[] {
    try {
      return this.#faults?.ledger() ?? []
    } catch (error) {
      if (this.#error === undefined) this.#onError(error)
      return []
    }
  }

  #result(): TrialResult {
    const kernel = this.#cluster?.kernel
    const ledger = this.#ledger()
    const reached = this.#jury?.reached() ?? []
    const met = this.#jury?.met() ?? []
    const violation = this.#jury?.violation
    const idle = (ledger.some((entry) => entry.injected) && !ledger.some((entry) => entry.bit)) || reached.length === 0
    const verdict: Verdict =
      this.#error !== undefined
        ? 'error'
        : violation !== undefined
          ? 'failed'
          : this.#exhausted !== undefined
            ? 'exhausted'
            : idle
              ? 'vacuous'
              : 'passed'
    const signature = signatureFor(verdict, violation, this.#error)
    const error = this.#error ?? (this.#exhausted === undefined ? undefined : { message: this.#exhausted })
    const seen = this.#jury?.seen() ?? []
    const footprint = this.#footprint?.footprint({ reached, seen, met, ledger, ...(signature && { signature }) })
    return {
      verdict,
      scenarioId: scenarioIdOf(this.#scenario),
      ...(violation === undefined || verdict !== 'failed' ? {} : { violation }),
      ...(signature === undefined ? {} : { signature }),
      ...(error === undefined ? {} : { error }),
      traceHash: kernel?.fingerprint() ?? '0000000000000000',
      virtualMicros: kernel?.now ?? 0,
      steps: kernel?.steps ?? 0,
      ledger,
      reached,
      ...(met.length === 0 ? {} : { met }),
      seen,
      ...(footprint === undefined ? {} : { footprint }),
      facts: this.#facts,
    }
  }
}

function signatureFor(
  verdict: Verdict,
  violation: FoundViolation | undefined,
  error: TrialError | undefined,
): string | undefined {
  if (verdict === 'failed' && violation !== undefined)
    return signatureOf(violation.property, violation.shape, violation.subject)
  if (verdict === 'error' && error !== undefined)
    return signatureOf(error.property ?? error.fault ?? 'harness', 'threw', 'error')
  return undefined
}

/** What JavaScript says when something frozen is written to does not say why it is frozen. */
function hintOf(error: Error): string {
  const isWrite =
    error instanceof TypeError && /read only property|not extensible|Cannot delete property/.test(error.message)
  return isWrite ? ' (a property may read everything in the cluster and change nothing)' : ''
}

/** The sentence for a trial that used up its events. */
function loopOf(cluster: Cluster): string {
  const [first] = cluster.kernel.busiest(1)
  const who = first === undefined ? '' : `; of the last ones, ${first.count} were "${first.event}" of ${first.process}`
  return `the budget of events was used up after ${cluster.kernel.steps} events at ${cluster.kernel.now} us${who}`
}
