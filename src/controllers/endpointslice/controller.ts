/**
 * Keeps the EndpointSlices of every service with a selector. Models kubernetes pkg/controller/endpointslice, v1.33. The cores are in
 * this folder's other files. Left out: topology hints, IPv6, the trigger-time annotation, events.
 */
import {
  type ControllerLoop,
  call,
  createRequest,
  DefaultRateLimiter,
  type Handler,
  isSuccess,
  must,
  resultOf,
  type Script,
  ScriptError,
  type Tombstone,
  updateRequest,
  WorkQueue,
} from '../../client/index.ts'
import type { Out } from '../../kernel/index.ts'
import { type ApiRequest, type Endpoint, type EndpointSlice, labelsInclude, type Service } from '../../objects/index.ts'
import { BY_SERVICE, type Controller, type ControllerContext } from '../context.ts'
import { SelectedPodHandler, type Selector, SelectorHandler } from '../selecting.ts'
import { anchorOf, Selections } from '../selections.ts'
import {
  belongsInEndpoints,
  type EndpointPorts,
  endpointChanged,
  endpointPorts,
  podToEndpoint,
  portsKey,
} from './endpoints.ts'
import { computeSliceChanges, type DesiredGroup, MANAGED_BY, MANAGED_BY_LABEL } from './slices.ts'
import { SliceTracker, serviceKeyOf } from './tracker.ts'

const NAME = 'endpointslice'
/** Failures in a row after which a service waits for its next change. */
const RETRIES_MAX = 15

export class EndpointSliceController implements Controller {
  readonly name = NAME
  readonly tracker = new SliceTracker()
  readonly #context: ControllerContext
  readonly #loop: ControllerLoop
  readonly #selections = new Selections()

  constructor(context: ControllerContext) {
    this.#context = context
    const { workers, backoffMicros, batchMicros } = context.options.endpointSlice
    this.#loop = context.loop(NAME, workers, (key) => this.#sync(key), {
      queue: new WorkQueue({ rateLimiter: new DefaultRateLimiter({ baseMicros: backoffMicros }) }),
      retriesMax: RETRIES_MAX,
    })
    const { services, pods, endpointSlices } = context.informers
    services.addHandler(new SelectorHandler(this.#loop, this.#selections, SELECTOR))
    pods.addHandler(
      new SelectedPodHandler(this.#selections, context, {
        // A pod without an address is in no slice; its first status with one is a change.
        matters: belongsInEndpoints,
        changed: endpointChanged,
        wake: (service, out) => this.#loop.enqueueAfter(service, batchMicros, out),
      }),
    )
    endpointSlices.addHandler(new SliceHandler(this.#loop, this.tracker, context))
  }

  start(out: Out): void {
    this.#loop.start(out)
  }

  stop(out: Out): void {
    this.#loop.stop(out)
  }

  *#sync(key: string): Script {
    const { informers, decisions, options } = this.#context
    const service = informers.services.get(key)
    if (service === undefined) {
      this.tracker.forgetService(key)
      return
    }
    if (service.spec.type === 'ExternalName' || service.spec.selector === undefined) return
    const slices = informers.endpointSlices.byIndex(BY_SERVICE, key).filter(isManagedAndStaying)
    if (decisions.endpointSliceMustWait(this.tracker.isStale(key, service.metadata.uid, slices))) {
      this.#context.note({ type: 'endpointslice-cache-stale', service: key })
      throw new ScriptError('EndpointSlice informer cache is out of date')
    }
    const { groups, missingNode } = this.#desired(key, service)
    const changes = computeSliceChanges(service, groups, slices, options.endpointSlice.maxEndpointsPerSlice)
    const requests: ApiRequest[] = []
    if (service.metadata.deletionTimestamp === undefined) {
      for (const slice of changes.create) requests.push(createRequest('endpointslices', slice))
    }
    const creates = requests.length
    for (const slice of changes.update) requests.push(updateRequest('endpointslices', slice))
    for (const { metadata } of changes.remove) {
      requests.push({ verb: 'delete', resource: 'endpointslices', namespace: metadata.namespace, name: metadata.name })
    }
    if (requests.length > 0) yield* this.#write(key, requests, creates + changes.update.length, changes.remove)
    if (missingNode !== undefined)
      throw new ScriptError(`skipping a pod of service ${key}: node ${missingNode} not found`)
  }

  /** One after the other, as upstream: the first failure ends the pass, the tracker knows what was done. */
  *#write(key: string, requests: readonly ApiRequest[], writes: number, removed: readonly EndpointSlice[]): Script {
    let slices = 0
    for (let i = 0; i < requests.length; i++) {
      const answer = yield* call(requests[i] as ApiRequest)
      if (i >= writes) {
        if (answer.code !== 404) must(resultOf(answer))
        this.tracker.expectDeletion(removed[i - writes] as EndpointSlice)
      } else {
        if (!isSuccess(answer)) must(resultOf(answer))
        this.tracker.wrote(answer.body as EndpointSlice)
      }
      slices++
    }
    this.#context.note({ type: 'endpoints-written', service: key, slices })
  }

  /** The endpoints that the service should have, by their ports. */
  #desired(key: string, service: Service): { groups: readonly DesiredGroup[]; missingNode: string | undefined } {
    const { pods, nodes } = this.#context.informers
    const groups = new Map<string, { ports: EndpointPorts; endpoints: Endpoint[] }>()
    let missingNode: string | undefined
    for (const podKey of this.#selections.membersOf(key)) {
      const pod = pods.get(podKey)
      if (pod === undefined || !belongsInEndpoints(pod)) continue
      const ports = endpointPorts(pod, service)
      const name = portsKey(ports)
      let group = groups.get(name)
      if (group === undefined) {
        group = { ports, endpoints: [] }
        groups.set(name, group)
      }
      const node = pod.spec.nodeName === undefined ? undefined : nodes.get(pod.spec.nodeName)
      if (node === undefined && service.spec.publishNotReadyAddresses !== true) {
        missingNode = pod.spec.nodeName ?? ''
        continue
      }
      group.endpoints.push(podToEndpoint(pod, node, service, this.#context.decisions.endpointIsReady))
    }
    return { groups: [...groups.values()], missingNode }
  }
}

function isManagedAndStaying(slice: EndpointSlice): boolean {
  return slice.metadata.labels?.[MANAGED_BY_LABEL] === MANAGED_BY && slice.metadata.deletionTimestamp === undefined
}

const SELECTOR: Selector<Service> = {
  written: ({ spec }) => spec.selector,
  compiled: ({ spec: { selector } }) =>
    selector && { anchor: anchorOf(selector), matches: (labels) => labelsInclude(selector, labels) },
}

/** Repairs slices that somebody else changed or deleted. */
class SliceHandler implements Handler<EndpointSlice> {
  readonly #loop: ControllerLoop
  readonly #tracker: SliceTracker
  readonly #context: ControllerContext

  constructor(loop: ControllerLoop, tracker: SliceTracker, context: ControllerContext) {
    this.#loop = loop
    this.#tracker = tracker
    this.#context = context
  }

  onAdd(slice: EndpointSlice, isInitial: boolean, out: Out): void {
    // At the start every service is synced anyway.
    if (!isInitial && isManaged(slice) && this.#tracker.isForeign(slice)) this.#wake(slice, out)
  }

  onUpdate(before: EndpointSlice, slice: EndpointSlice, out: Out): void {
    if (serviceKeyOf(before) !== serviceKeyOf(slice)) {
      this.#wake(before, out)
      this.#wake(slice, out)
    } else if (isManaged(before) !== isManaged(slice) || (isManaged(slice) && this.#tracker.isForeign(slice))) {
      this.#wake(slice, out)
    }
  }

  onDelete(deleted: EndpointSlice | Tombstone<EndpointSlice>, out: Out): void {
    const slice = this.#context.decisions.deletedObject(deleted)
    if (slice !== undefined && isManaged(slice) && !this.#tracker.deletionSeen(slice)) this.#wake(slice, out)
  }

  #wake(slice: EndpointSlice, out: Out): void {
    const { sliceChangeMicros, batchMicros } = this.#context.options.endpointSlice
    this.#loop.enqueueAfter(serviceKeyOf(slice), Math.max(sliceChangeMicros, batchMicros), out)
  }
}

function isManaged(slice: EndpointSlice): boolean {
  return slice.metadata.labels?.[MANAGED_BY_LABEL] === MANAGED_BY
}
