/**
 * The controller manager: one process that runs every controller while it holds the lease. Models cmd/kube-controller-manager, v1.33.
 * A standby has no informers: as upstream, they are made and started when leading starts. When leading ends everything is dropped at
 * once, scripts where they wait (upstream exits the process and is restarted: the same, without the seconds of a restart).
 */
import { ApiClient, InformerFactory, type LeaderCallbacks, LeaderElector } from '../client/index.ts'
import { invariant, type Machine, type Message, type Out, type ProcessId } from '../kernel/index.ts'
import { type Controller, ControllerContext, type ControllerInformers, makeInformers } from './context.ts'
import { DeploymentController } from './deployment/controller.ts'
import { DisruptionController } from './disruption/controller.ts'
import { EndpointSliceController } from './endpointslice/controller.ts'
import { GarbageCollector } from './garbagecollector/controller.ts'
import { NamespaceController } from './namespace/controller.ts'
import { NodeLifecycleController } from './nodelifecycle/controller.ts'
import { TaintEvictionController } from './nodelifecycle/tainteviction.ts'
import { type CompleteOptions, type ControllerManagerOptions, completeControllerManagerOptions } from './options.ts'
import { PodGarbageCollector } from './podgc/controller.ts'
import { ReplicaSetController } from './replicaset/controller.ts'
import type { Moment } from './throttle.ts'

const USER = 'system:kube-controller-manager'

/** One term of leadership. */
interface Term {
  readonly factory: InformerFactory
  readonly informers: ControllerInformers
  readonly context: ControllerContext
  readonly controllers: readonly Controller[]
  started: boolean
}

export class ControllerManager implements Machine, LeaderCallbacks {
  readonly name: string
  readonly #options: CompleteOptions
  readonly #client: ApiClient
  readonly #elector: LeaderElector | undefined
  #term: Term | undefined
  #moment: Moment | undefined

  constructor(options: ControllerManagerOptions) {
    const complete = completeControllerManagerOptions(options)
    const { name, servers, streams } = complete
    this.name = name
    this.#options = complete
    // The controllers limit their own requests; the lease must never wait behind them.
    this.#client = new ApiClient({ servers, streams, name, user: USER, qps: 0 })
    const { leaderElection } = complete
    this.#elector = leaderElection === false ? undefined : new LeaderElector(this.#client, leaderElection, this)
  }

  /** True while this process leads. */
  get leading(): boolean {
    return this.#term !== undefined
  }

  /** True while it leads and its controllers act: every cache has been filled. */
  get running(): boolean {
    return this.#term?.started === true
  }

  /** The informers of the present term, for oracles that compare caches with the truth. */
  get informers(): ControllerInformers | undefined {
    return this.#term?.informers
  }

  /** The factory of the present term, for faults that slow its consumers down. */
  get factory(): InformerFactory | undefined {
    return this.#term?.factory
  }

  onStart(out: Out): void {
    this.#moment = { out }
    this.#client.start(out)
    if (this.#elector === undefined) this.onStartedLeading(out)
    else this.#elector.start(out)
  }

  onMessage(from: ProcessId, message: Message, out: Out): void {
    if (this.#moment !== undefined) this.#moment.out = out
    this.#client.onMessage(from, message, out)
  }

  onDisconnect(peer: ProcessId, out: Out): void {
    if (this.#moment !== undefined) this.#moment.out = out
    this.#client.onDisconnect(peer, out)
  }

  /** Timers go to the parts that asked for them; the manager has none. */
  onTimer(): void {}

  onStartedLeading(out: Out): void {
    invariant(this.#term === undefined, 'controllers: a term ends before the next begins', { name: this.name })
    invariant(this.#moment !== undefined, 'controllers: nobody leads before the start', { name: this.name })
    const factory = new InformerFactory(this.#client, {
      name: this.name,
      observe: this.#options.observe,
      decisions: this.#options.clientDecisions,
    })
    const informers = makeInformers(factory)
    const context = new ControllerContext(this.#options, this.#client, informers, this.#moment)
    const term: Term = { factory, informers, context, controllers: makeControllers(context), started: false }
    this.#term = term
    factory.whenSynced((later) => this.#startControllers(term, later))
    factory.start(out)
  }

  onStoppedLeading(out: Out): void {
    const term = this.#term
    this.#term = undefined
    if (term === undefined) return
    for (const controller of term.controllers) controller.stop(out)
    term.context.stopTelling()
    term.factory.stop(out)
  }

  /** Work starts when all caches are filled, and only if the term still lasts. */
  #startControllers(term: Term, out: Out): void {
    if (this.#term !== term) return
    term.started = true
    for (const controller of term.controllers) controller.start(out)
  }
}

/** The garbage collector first: its graph hears of an object before any controller acts on it. */
function makeControllers(context: ControllerContext): readonly Controller[] {
  return [
    new GarbageCollector(context),
    new ReplicaSetController(context),
    new DeploymentController(context),
    new EndpointSliceController(context),
    new NodeLifecycleController(context),
    new TaintEvictionController(context),
    new PodGarbageCollector(context),
    new NamespaceController(context),
    new DisruptionController(context),
  ]
}
