/**
 * A running cluster: every component of a topology as a process on its host, on one kernel. This is the face that trials,
 * faults and properties use; who is started where is in `assemble.ts`.
 */
import type { ApiServer } from '../apiserver/index.ts'
import type { Informer, InformerFactory, WatchFate } from '../client/index.ts'
import { type EtcdMember, type EtcdView, memberOf } from '../etcd/index.ts'
import {
  Kernel,
  type Machine,
  type Micros,
  type Out,
  type ProcessId,
  type RunResult,
  SECOND,
  type TimerTarget,
} from '../kernel/index.ts'
import type { ContainerRuntime } from '../kubelet/index.ts'
import { type KubeObject, keyOf, type Resource } from '../objects/index.ts'
import type { KubeProxy, NodeNetwork } from '../proxy/index.ts'
import { type Assembly, assemble } from './assemble.ts'
import { Calm } from './calm.ts'
import { staleInformers, unconverged } from './convergence.ts'
import type { EtcdLoadClient } from './etcd-client.ts'
import type { EtcdClientSpec } from './etcd-load.ts'
import type { KubectlStep, Operator } from './operator.ts'
import type { ClusterOptions } from './options.ts'
import { namesOf, type Topology } from './topology.ts'
import { Truth } from './truth.ts'
import { Unhealed, type UnhealedHosts } from './unhealed.ts'
import { isEtcdStep, type TrafficClient, type WorkloadStep } from './workload.ts'

/** Nothing but leases has changed for so long: the cluster may be called quiet. */
const QUIET_MICROS: Micros = 5 * SECOND

export class Cluster {
  readonly topology: Topology
  readonly kernel: Kernel
  readonly truth: Truth
  readonly calm: Calm
  readonly #assembly: Assembly
  readonly #unhealed: Unhealed
  /** Members of Events' own etcd are the processes from the first to the last of these; none when the last is below. */
  readonly #firstOfEvents: ProcessId
  readonly #lastOfEvents: ProcessId

  constructor(options: ClusterOptions) {
    this.topology = options.topology
    this.kernel = new Kernel({
      seed: options.seed,
      trace: options.record === true ? 'all' : 'ring',
      ...(options.maxSteps === undefined ? {} : { maxSteps: options.maxSteps }),
      ...(options.schedule === undefined ? {} : { schedule: options.schedule }),
    })
    if (options.jitter === 'mean') this.kernel.network.useMeanLatency()
    const { etcdMembers, eventsEtcdMembers } = namesOf(options.topology)
    this.#firstOfEvents = etcdMembers.length + 1
    this.#lastOfEvents = etcdMembers.length + eventsEtcdMembers.length
    this.truth = new Truth(this.kernel, (process) => this.keepsEvents(process))
    this.calm = new Calm(this.kernel)
    this.#unhealed = new Unhealed(this.kernel, this.calm)
    this.#assembly = assemble(this.kernel, this.truth, options)
  }

  /** Runs up to and including the moment; stops early when `Kernel.stop` is called. */
  run(until: Micros): RunResult {
    return this.kernel.run({ until })
  }

  /** Applies the objects in order as soon as the API answers. */
  boot(objects: readonly KubeObject[]): void {
    this.#onOperator((operator, out) => operator.boot(objects, out))
  }

  scheduleWorkload(steps: readonly WorkloadStep[]): void {
    const etcdSteps = steps.filter(isEtcdStep)
    this.#assembly.startEtcdctl(etcdSteps)
    this.#onOperator((operator, out) =>
      operator.schedule(
        steps.filter((step): step is KubectlStep => !isEtcdStep(step)),
        out,
      ),
    )
  }

  /** Each client is a process of its own on its node, or on the host `outside`. */
  startTraffic(clients: readonly TrafficClient[]): void {
    this.#assembly.startTraffic(clients)
  }

  /** Each client is a process on a host of its own. */
  startEtcdClients(clients: readonly EtcdClientSpec[]): void {
    this.#assembly.startEtcdClients(clients)
  }

  /** The objects given to `boot` have all been taken or refused. */
  get booted(): boolean {
    return this.#assembly.operator().booted
  }

  /** The quiet phase: no further steps and requests; nodes that the workload cordoned take pods again. */
  stopLoad(): void {
    this.#onOperator((operator, out) => operator.stop(out))
    for (const client of this.#assembly.traffic()) client.stop()
    for (const command of this.#assembly.etcdctls()) command.stop()
    for (const client of this.#assembly.etcdClients())
      this.kernel.enter(client, (machine, out) => (machine as EtcdLoadClient).stop(out))
  }

  #onOperator(action: (operator: Operator, out: Out) => void): void {
    this.kernel.enter(this.process('operator'), (machine, out) => action(machine as Operator, out))
  }

  /**
   * All hosts of etcd, of the control plane and of nodes that are not named in `core` are left alone for good: without power,
   * or in the condition that `unhealed` has for them.
   */
  keepOnly(core: readonly string[], unhealed: UnhealedHosts = {}): void {
    const { etcdMembers, masters, nodes } = namesOf(this.topology)
    this.#unhealed.leave(
      [...etcdMembers, ...masters, ...nodes].filter((host) => !core.includes(host)),
      unhealed,
    )
  }

  /** The core will never have an answer from this host again. */
  isLost(host: string): boolean {
    return this.#unhealed.isLost(host)
  }

  /** The quiet phase has left the host alone, with or without power: only the core need come to rest. */
  isUnhealed(host: string): boolean {
    return this.#unhealed.has(host)
  }

  /** What is not yet as the objects ask, but for what the loss of a node makes impossible; and a core that stands still. */
  unconverged(): string[] {
    return [
      ...this.#unhealed.standstill(this.truth.lastCommitAt),
      ...unconverged(this.truth, (node) => this.isLost(node)),
    ]
  }

  /**
   * Converged, every informer, member of etcd and kube-proxy of the core has caught up, clients of etcd have been shown everything, and
   * nothing but leases has changed for five seconds. Where hosts were left alone, the core has felt it.
   */
  isQuiet(): boolean {
    if (this.kernel.now - this.truth.lastChangeAt < QUIET_MICROS || this.#assembly.operator().running > 0) return false
    if (this.#assembly.etcdctls().some(({ isRunning }) => isRunning) || !this.#unhealed.isFelt) return false
    if (this.unconverged().length > 0 || staleInformers(this.truth, this.informers()).length > 0) return false
    return this.#etcdHasCaughtUp() && this.#etcdClientsAreDone() && this.#proxiesHaveCaughtUp()
  }

  /** A member that is still down (its disk was full, say) or behind is not quiet: nothing has been shown about it yet. */
  #etcdHasCaughtUp(): boolean {
    const views = this.etcdViews()
    if (!views.some(({ isRunning }) => isRunning)) return false
    const newest = views.reduce((left, right) => (right.appliedIndex > left.appliedIndex ? right : left))
    const belonging = [...newest.voters, ...newest.learners]
    const { etcdMembers } = namesOf(this.topology)
    const spoiled = this.#spoiledMembers(views)
    return belonging.every((id) => {
      if (this.isUnhealed(etcdMembers[id - 1] ?? '') || spoiled.includes(id)) return true
      const view = views.find((candidate) => candidate.id === id)
      return view?.isRunning === true && view.revision === this.truth.revision
    })
  }

  /** Members that are down and whose disks were changed under them: they never start again, somebody has to replace them. */
  #spoiledMembers(views: readonly EtcdView[]): readonly number[] {
    const { etcdMembers, spareEtcdMembers } = namesOf(this.topology)
    const first = etcdMembers.map((name) => this.process(name))
    return [...etcdMembers, ...spareEtcdMembers]
      .filter((name) => !views.some((view) => view.name === name && view.isRunning))
      .map((name) => this.process(name))
      .filter((process) => this.kernel.deviceOf(process).counters.corrupt > 0)
      .map((process) => memberOf(process, first))
  }

  #etcdClientsAreDone(): boolean {
    return this.#assembly
      .etcdClients()
      .every((client) => (this.kernel.machineOf(client) as EtcdLoadClient).isDone(this.kernel.now))
  }

  /** After a failed restore the next one may come as late as the sync period, 30 s. */
  #proxiesHaveCaughtUp(): boolean {
    return namesOf(this.topology).proxies.every((name, index) => {
      if (this.isUnhealed(`node-${index}`)) return true
      const process = this.process(name)
      return this.kernel.isRunning(process) && !(this.kernel.machineOf(process) as KubeProxy).isBehind
    })
  }

  // --- Processes by name

  process(name: string): ProcessId {
    return this.kernel.processNamed(name)
  }

  /** The process of that name, or all processes of the host of that name. */
  processesNamed(target: string): readonly ProcessId[] {
    return this.kernel.hasProcess(target) ? [this.kernel.processNamed(target)] : this.kernel.processes(target)
  }

  allProcesses(): readonly ProcessId[] {
    return this.kernel.processes()
  }

  /** The node that a process runs on, or undefined for the control plane. */
  nodeOfProcess(process: ProcessId): string | undefined {
    const host = this.kernel.hostOf(process)
    return host.startsWith('node-') ? host : undefined
  }

  // --- What faults reach into

  /** Lets a fault act on an API server, unless it is down or paused. */
  onServer(name: string, action: (server: ApiServer, out: Out) => void): void {
    this.kernel.enter(this.process(name), (machine, out) => action(machine as ApiServer, out))
  }

  /** Lets a fault act on a node's container runtime, unless the node is down. */
  onRuntime(node: string, action: (runtime: ContainerRuntime, out: Out) => void): void {
    this.kernel.enter(this.#assembly.runtimeProcess(node), (machine, out) => action(machine as ContainerRuntime, out))
  }

  /** Somebody deletes the Node object; `done` is called when it is gone. */
  deleteNode(node: string, done: () => void): void {
    this.#onOperator((operator, out) => operator.deleteNode(node, done, out))
  }

  /** What the machine of that name offers from its next start on. */
  setCapacity(node: string, capacity: Topology['nodeCapacity']): void {
    this.#assembly.setCapacity(node, capacity)
  }

  /** The kernel state of a node's network: rules, virtual servers, connection tracking. */
  networkOf(node: string): NodeNetwork {
    return this.#assembly.networkOf(node)
  }

  /** Keys of the pods that the API shows running on the node, in name order. */
  podsRunningOn(node: string): readonly string[] {
    const keys: string[] = []
    for (const pod of this.truth.list('pods')) {
      if (pod.spec.nodeName === node && pod.status?.phase === 'Running') keys.push(keyOf(pod))
    }
    return keys.sort()
  }

  /** Makes every informer of a process see changes late; 0 undoes it. False if it has none now (it is down, or does not lead). */
  setInformerLag(process: string, lagMicros: Micros): boolean {
    let struck = false
    this.kernel.enter(this.process(process), (machine) => {
      const { factory } = machine as Machine & { readonly factory?: InformerFactory }
      factory?.setLag(lagMicros)
      struck = factory !== undefined
    })
    return struck
  }

  /** Disturbs the watches of a process, of one resource or all; 'well' undoes it. Answers what was done to them so far. */
  setWatchFate(process: string, resource: Resource | 'all', fate: WatchFate): number {
    let done = 0
    this.kernel.enter(this.process(process), (machine, out) => {
      const { factory } = machine as Machine & { readonly factory?: InformerFactory }
      for (const informer of factory?.informers() ?? []) {
        if (resource !== 'all' && informer.resource !== resource) continue
        informer.setWatchFate(fate, out)
        done += informer.disturbed
      }
    })
    return done
  }

  // --- What properties ask

  /** Is the process a member of Events' own etcd? What it tells is not about the cluster's state. */
  keepsEvents(process: ProcessId): boolean {
    return process >= this.#firstOfEvents && process <= this.#lastOfEvents
  }

  /** What each running member of etcd holds. */
  etcdViews(): readonly EtcdView[] {
    const { etcdMembers, spareEtcdMembers } = namesOf(this.topology)
    return [...etcdMembers, ...spareEtcdMembers]
      .map((name) => this.process(name))
      .filter((process) => this.kernel.isRunning(process))
      .map((process) => (this.kernel.machineOf(process) as EtcdMember).view())
  }

  /** Every informer that runs now on a host that is not left alone, with the name of its process. */
  *informers(): Iterable<{ readonly process: string; readonly informer: Informer<KubeObject> }> {
    for (const id of this.allProcesses()) {
      if (!this.kernel.isRunning(id) || this.isUnhealed(this.kernel.hostOf(id))) continue
      const { factory } = this.kernel.machineOf(id) as Machine & { readonly factory?: InformerFactory }
      if (factory === undefined) continue
      for (const informer of factory.informers()) yield { process: this.kernel.nameOf(id), informer }
    }
  }

  /** Calls `action` once after `delay` of virtual time. */
  later(delay: Micros, action: () => void): void {
    this.kernel.schedule(delay, new Later(action), 0)
  }
}

class Later implements TimerTarget {
  readonly #action: () => void

  constructor(action: () => void) {
    this.#action = action
  }

  onTimer(): void {
    this.#action()
  }
}
