/**
 * What the controllers of one term of leadership share: informers with their indexes, and a way to make control loops. Models
 * kube-controller-manager's ControllerContext, v1.33: made when leading starts, thrown away when it ends.
 */
import {
  type ApiClient,
  CLIENT_RATES,
  ControllerLoop,
  EventRecorder,
  type Informer,
  type InformerFactory,
  type Script,
  type ScriptRunner,
  WorkQueue,
} from '../client/index.ts'
import { invariant, type Out } from '../kernel/index.ts'
import type {
  ConfigMap,
  CoreEvent,
  Deployment,
  EndpointSlice,
  KubeObject,
  Lease,
  Namespace,
  Node,
  Pod,
  PodDisruptionBudget,
  ReplicaSet,
  Resource,
  Secret,
  Service,
  ServiceAccount,
} from '../objects/index.ts'
import type { ControllerDecisions } from './decisions.ts'
import { serviceKeyOf } from './endpointslice/tracker.ts'
import type { ControllerFact } from './facts.ts'
import type { CompleteOptions } from './options.ts'
import { ownerIndexValues } from './owners.ts'
import { type Moment, ThrottledRunner } from './throttle.ts'

/** One controller of the manager. */
export interface Controller {
  readonly name: string
  /** All caches are filled and this process leads. */
  start(out: Out): void
  /** This process leads no more: nothing may be sent from now on. */
  stop(out: Out): void
}

/** Index names. `owner`: uid of the controller, or `orphan/<namespace>`. `node`: spec.nodeName. `service`: `namespace/name`. */
export const BY_OWNER = 'owner'
export const BY_NODE = 'node'
export const BY_SERVICE = 'service'
export const BY_NAMESPACE = 'namespace'

export const NODE_LEASE_NAMESPACE = 'kube-node-lease'

export interface ControllerInformers {
  readonly pods: Informer<Pod>
  readonly nodes: Informer<Node>
  readonly namespaces: Informer<Namespace>
  readonly deployments: Informer<Deployment>
  readonly replicaSets: Informer<ReplicaSet>
  readonly services: Informer<Service>
  readonly endpointSlices: Informer<EndpointSlice>
  /** Only the nodes' heartbeats, not the leases of leader election. */
  readonly nodeLeases: Informer<Lease>
  readonly budgets: Informer<PodDisruptionBudget>
  readonly configMaps: Informer<ConfigMap>
  readonly secrets: Informer<Secret>
  readonly serviceAccounts: Informer<ServiceAccount>
}

/** The informers by the resource that they show. */
export function makeInformers(factory: InformerFactory): ControllerInformers {
  return {
    pods: factory.informer('pods', { indexers: { [BY_OWNER]: ownerIndexValues, [BY_NODE]: nodeIndexValues } }),
    nodes: factory.informer('nodes'),
    namespaces: factory.informer('namespaces'),
    deployments: factory.informer('deployments'),
    replicaSets: factory.informer('replicasets', {
      indexers: { [BY_OWNER]: ownerIndexValues, [BY_NAMESPACE]: namespaceIndexValues },
    }),
    services: factory.informer('services'),
    endpointSlices: factory.informer('endpointslices', { indexers: { [BY_SERVICE]: serviceIndexValues } }),
    nodeLeases: factory.informer('leases', { namespace: NODE_LEASE_NAMESPACE }),
    budgets: factory.informer('poddisruptionbudgets'),
    configMaps: factory.informer('configmaps'),
    secrets: factory.informer('secrets'),
    serviceAccounts: factory.informer('serviceaccounts'),
  }
}

export class ControllerContext {
  readonly options: CompleteOptions
  readonly decisions: ControllerDecisions
  readonly informers: ControllerInformers
  readonly #client: ApiClient
  readonly #moment: Moment
  readonly #runners = new Map<string, ScriptRunner>()
  readonly #recorders = new Map<string, EventRecorder>()

  constructor(options: CompleteOptions, client: ApiClient, informers: ControllerInformers, moment: Moment) {
    this.options = options
    this.decisions = options.decisions
    this.informers = informers
    this.#client = client
    this.#moment = moment
  }

  /** The `Out` of the entrance that is running. */
  get out(): Out {
    return this.#moment.out
  }

  note(fact: ControllerFact): void {
    this.#moment.out.note(fact)
  }

  /** Tells what a controller did to an object, where events are on. */
  tell(controller: string, about: KubeObject, type: CoreEvent['type'], reason: string, message: string): void {
    if (!this.options.events) return
    let recorder = this.#recorders.get(controller)
    if (recorder === undefined) {
      recorder = new EventRecorder(this.#client, { component: controller, ...CLIENT_RATES.controllerManager })
      this.#recorders.set(controller, recorder)
    }
    recorder.record(about, type, reason, message, this.#moment.out)
  }

  /** This process leads no more: what was not told yet never will be. */
  stopTelling(): void {
    for (const recorder of this.#recorders.values()) recorder.stop()
  }

  /** The runner of a controller: all loops of one controller share its rate limit. */
  runner(controller: string): ScriptRunner {
    let runner = this.#runners.get(controller)
    if (runner === undefined) {
      runner = new ThrottledRunner(this.#client, this.options.qps, this.options.burst, this.#moment)
      this.#runners.set(controller, runner)
    }
    return runner
  }

  /** A loop that is not started yet: keys may be put in, no script runs. */
  loop(
    controller: string,
    workers: number,
    sync: (key: string, out: Out) => Script<void>,
    extra: { readonly name?: string; readonly queue?: WorkQueue; readonly retriesMax?: number } = {},
  ): ControllerLoop {
    return new ControllerLoop({
      name: extra.name ?? controller,
      workers,
      sync,
      runner: this.runner(controller),
      queue: extra.queue ?? new WorkQueue(),
      ...(extra.retriesMax === undefined ? undefined : { retriesMax: extra.retriesMax }),
    })
  }
}

/** The informer of a resource, as the garbage collector wants them. */
export function informerEntries(
  informers: ControllerInformers,
): readonly (readonly [Resource, Informer<KubeObject>])[] {
  const entries: readonly (readonly [Resource, unknown])[] = [
    ['pods', informers.pods],
    ['nodes', informers.nodes],
    ['namespaces', informers.namespaces],
    ['deployments', informers.deployments],
    ['replicasets', informers.replicaSets],
    ['services', informers.services],
    ['endpointslices', informers.endpointSlices],
    ['leases', informers.nodeLeases],
    ['poddisruptionbudgets', informers.budgets],
    ['configmaps', informers.configMaps],
    ['secrets', informers.secrets],
    ['serviceaccounts', informers.serviceAccounts],
  ]
  invariant(entries.length === 12, 'controllers: every resource is collected', { entries: entries.length })
  return entries as readonly (readonly [Resource, Informer<KubeObject>])[]
}

const NONE: readonly string[] = Object.freeze([])

function nodeIndexValues(object: KubeObject): readonly string[] {
  const node = (object as Pod).spec.nodeName
  return node === undefined || node === '' ? NONE : [node]
}

function namespaceIndexValues(object: KubeObject): readonly string[] {
  return [object.metadata.namespace ?? '']
}

function serviceIndexValues(object: KubeObject): readonly string[] {
  return [serviceKeyOf(object as EndpointSlice)]
}
