/**
 * kube-proxy of one node: informers on services and endpoint slices, changes gathered, rules applied at most once a second
 * to the node's network in iptables and IPVS mode side by side. Models pkg/proxy and cmd/kube-proxy, v1.33. Not here: the
 * time a restore takes, health checks, the informer on the own node (its addresses are given), metrics, userspace mode.
 */
import { ApiClient, type Informer, InformerFactory, unwrapped } from '../client/index.ts'
import type { Machine, Message, Out, ProcessId } from '../kernel/index.ts'
import { type EndpointSlice, keyOf, type Service } from '../objects/index.ts'
import { Drains } from './drains.ts'
import type { ProxySynced, ProxySyncFailed } from './facts.ts'
import type { ServiceObjects } from './naive.ts'
import type { NodeNetwork } from './network.ts'
import { completeKubeProxyOptions, type KubeProxyOptions, type KubeProxySetup } from './options.ts'
import type { ServicePlan } from './plan.ts'
import { SyncRunner } from './sync-runner.ts'
import { ChangeTracker } from './tracker.ts'
import { udpTargets } from './udp.ts'

const NO_KEYS: readonly string[] = []

export class KubeProxy implements Machine {
  readonly network: NodeNetwork
  readonly services: Informer<Service>
  readonly slices: Informer<EndpointSlice>
  readonly #options: KubeProxyOptions
  readonly #client: ApiClient
  readonly #informers: InformerFactory
  readonly #tracker = new ChangeTracker()
  readonly #runner: SyncRunner
  readonly #drains: Drains
  #initialized = false
  #needsFullSync = true

  constructor(setup: KubeProxySetup) {
    const options = completeKubeProxyOptions(setup)
    const { name, network, servers, streams } = options
    this.network = network
    this.#options = options
    this.#client = new ApiClient({ servers, user: name, streams, name })
    this.#informers = new InformerFactory(this.#client, {
      name,
      observe: options.observe,
      decisions: options.clientDecisions,
    })
    this.services = this.#informers.informer('services')
    this.slices = this.#informers.informer('endpointslices')
    this.#drains = new Drains(network, options.drainCheckMicros)
    this.#runner = new SyncRunner({
      periodMicros: options.minSyncPeriodMicros,
      burst: options.burstSyncs,
      run: (out) => this.#sync(out),
    })
    this.services.addHandler({
      onAdd: (service, _isInitial, out) => this.#changed(this.#tracker.onService(keyOf(service), service), out),
      onUpdate: (_previous, service, out) => this.#changed(this.#tracker.onService(keyOf(service), service), out),
      onDelete: (gone, out) => this.#changed(this.#tracker.onService(keyOf(unwrapped(gone)), undefined), out),
    })
    this.slices.addHandler({
      onAdd: (slice, _isInitial, out) => this.#changed(this.#tracker.onSlice(slice, true), out),
      onUpdate: (_previous, slice, out) => this.#changed(this.#tracker.onSlice(slice, true), out),
      onDelete: (gone, out) => this.#changed(this.#tracker.onSlice(unwrapped(gone), false), out),
    })
    this.#informers.whenSynced((out) => {
      this.#initialized = true
      this.#runner.request(out)
    })
  }

  /** What the proxy has been told so far. */
  told(): Iterable<ServiceObjects> {
    return this.#tracker.objects()
  }

  /** A sync is still to come: the rules may be behind what it has been told. */
  get isBehind(): boolean {
    return this.#runner.isDue
  }

  /** For faults that slow its consumers down. */
  get factory(): InformerFactory {
    return this.#informers
  }

  onStart(out: Out): void {
    this.#client.start(out)
    this.#informers.start(out)
  }

  onMessage(from: ProcessId, message: Message, out: Out): void {
    this.#client.onMessage(from, message, out)
  }

  onDisconnect(peer: ProcessId, out: Out): void {
    this.#client.onDisconnect(peer, out)
  }

  onTimer(): void {}

  #changed(changed: boolean, out: Out): void {
    if (changed && this.#initialized) this.#runner.request(out)
  }

  #sync(out: Out): void {
    const { network } = this
    const { decisions } = this.#options
    const full = this.#needsFullSync
    const changed = this.#tracker.changed
    if (!full && changed.size === 0) return
    const changes = new Map<string, ServicePlan | undefined>()
    const before = new Map<string, ServicePlan | undefined>()
    const touched = full ? new Set([...network.plans.keys(), ...this.#tracker.keys()]) : changed
    for (const key of touched) {
      changes.set(key, this.#tracker.plan(key))
      before.set(key, network.plans.get(key))
    }
    const node = network.options.nodeName
    const draining = network.restore(changes, full, decisions, out.now)
    if (draining === undefined) {
      const names = [...changed]
      const { pending, full: fullNext } = decisions.afterFailedRestore(changed)
      this.#tracker.settle(pending)
      this.#needsFullSync = fullNext
      this.#runner.retryAfter(this.#options.syncPeriodMicros, out)
      out.note({ type: 'proxy-sync-failed', node, changed: names } satisfies ProxySyncFailed as ProxySyncFailed)
      return
    }
    const names = full ? NO_KEYS : [...changed]
    this.#tracker.settle(NO_KEYS)
    this.#needsFullSync = false
    if (draining.length > 0) this.#drains.add(draining, out)
    const flowsCleaned = this.#cleanUdp(changes, before)
    const { serviceCount } = network
    const fact: ProxySynced = {
      type: 'proxy-synced',
      node,
      changed: names,
      full,
      services: serviceCount,
      flowsCleaned,
    }
    out.note(fact)
  }

  /** After the rules, so that no new flow takes the old way in between. */
  #cleanUdp(
    changes: ReadonlyMap<string, ServicePlan | undefined>,
    before: ReadonlyMap<string, ServicePlan | undefined>,
  ): number {
    if (this.network.conntrack.size === 0) return 0
    let cleaned = 0
    for (const [key, after] of changes) {
      const touched = udpTargets(before.get(key), after)
      if (touched.length === 0) continue
      for (const target of this.#options.decisions.udpTargetsToClean(touched)) {
        cleaned += this.network.cleanUdp(target.address, target.port, target.live)
      }
    }
    return cleaned
  }
}
