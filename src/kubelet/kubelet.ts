/**
 * The kubelet of one node as a machine: pods of the API on one side, the container runtime on the other, a worker a pod between them.
 * Models kubernetes pkg/kubelet (syncLoop, HandlePod..., PLEG, housekeeping), v1.33. PLEG is an event stream whose news are acted on at the
 * next tick of a 1 s grid, as relisting would; housekeeping and collection run only while there is something to do. Left out: static
 * pods, volumes, eviction by pressure, graceful node shutdown, device and topology managers.
 */
import {
  ApiClient,
  CLIENT_RATES,
  type Handler,
  type Informer,
  InformerFactory,
  type Tombstone,
  unwrapped,
} from '../client/index.ts'
import {
  addressOf,
  invariant,
  type Machine,
  type Message,
  type Micros,
  type Out,
  type ProcessId,
  type Rand,
  type Timer,
} from '../kernel/index.ts'
import type { Container, Node, Pod } from '../objects/index.ts'
import { rejectionOf } from './admission.ts'
import { BackOffs } from './backoff.ts'
import type { ContainerRecord, CriNews, SandboxRecord } from './cri.ts'
import type { KubeletFact } from './facts.ts'
import { NodeAgent, type NodeHealth } from './nodeagent.ts'
import { type CompleteKubeletOptions, completeKubeletOptions, type KubeletOptions } from './options.ts'
import { orphanPod } from './orphans.ts'
import { PodRecords } from './podrecords.ts'
import { PodWorker } from './podworker.ts'
import { makeProbeWorkers, type ProbedPod, type ProbeWorker } from './probes.ts'
import { RuntimeClient, type RuntimeListener } from './runtimeclient.ts'
import { StatusManager } from './statusmanager.ts'
import type { WorkerWorld } from './world.ts'

const RELIST = 1
const HOUSEKEEPING = 2
const COLLECTION = 3
const REGISTER = 4

/** A runtime that does not answer does not keep the node from registering (not ready). */
const REGISTER_AFTER_MICROS: Micros = 2_000_000

export class Kubelet implements Machine, RuntimeListener, Handler<Pod>, NodeHealth, WorkerWorld<PodWorker> {
  readonly options: CompleteKubeletOptions
  readonly runtime: RuntimeClient
  readonly statuses: StatusManager
  readonly backOffs = new BackOffs()
  readonly imageBackOffs = new BackOffs()
  readonly images = new Set<string>()
  readonly agent: NodeAgent
  readonly #client: ApiClient
  readonly #informers: InformerFactory
  readonly #pods: Informer<Pod>
  readonly #nodes: Informer<Node>
  readonly #workers = new Map<string, PodWorker>()
  /** What the runtime has of pods without a worker. */
  readonly #orphans = new Map<string, PodRecords>()
  /** Workers with news from the runtime, until the next relist. */
  readonly #dirty = new Set<PodWorker>()
  readonly #probeStream: Rand
  readonly #retryStream: Rand
  #relistPhase: Micros = 0
  #relistTimer: Timer = 0
  #housekeepingTimer: Timer = 0
  #collectionTimer: Timer = 0
  #startedAt: Micros = 0
  #agentStarted = false
  #listed = false
  /** Both the API and the runtime have been read: pods may be handled. */
  #ready = false

  constructor(options: KubeletOptions) {
    this.options = completeKubeletOptions(options)
    const { node, servers, streams, runtimeProcess, name, observe, clientDecisions } = this.options
    this.#client = new ApiClient({ servers, user: `system:node:${node}`, streams, name, ...CLIENT_RATES.kubelet })
    this.#informers = new InformerFactory(this.#client, { name, observe, decisions: clientDecisions })
    this.#pods = this.#informers.informer('pods', { fieldSelector: `spec.nodeName=${node}`, firstListVersion: '' })
    this.#nodes = this.#informers.informer('nodes', { fieldSelector: `metadata.name=${node}` })
    this.#pods.addHandler(this)
    this.runtime = new RuntimeClient(runtimeProcess, this)
    this.statuses = new StatusManager(this.options, this.#client)
    this.agent = new NodeAgent(this.options, this.#client, this)
    this.#probeStream = streams.get('kubelet/probe')
    this.#retryStream = streams.get('kubelet/retry')
  }

  /** For faults that slow its consumers down. */
  get factory(): InformerFactory {
    return this.#informers
  }

  // --- Entrances

  onStart(out: Out): void {
    this.#startedAt = out.now
    const { node, streams, relistMicros } = this.options
    this.#relistPhase = streams.get('kubelet/relist').intAt(0, relistMicros - 1, addressOf(node))
    this.#client.start(out)
    this.#informers.whenSynced((later) => this.#begin(later), out)
    this.#informers.start(out)
    this.runtime.start(out)
    out.after(REGISTER_AFTER_MICROS, this, REGISTER)
  }

  onMessage(from: ProcessId, message: Message, out: Out): void {
    if (!this.runtime.onMessage(from, message, out)) this.#client.onMessage(from, message, out)
  }

  onDisconnect(peer: ProcessId, out: Out): void {
    if (!this.runtime.onDisconnect(peer, out)) this.#client.onDisconnect(peer, out)
  }

  onTimer(kind: number, _a: number, out: Out): void {
    switch (kind) {
      case RELIST:
        this.#relistTimer = 0
        this.#relist(out)
        return
      case HOUSEKEEPING:
        this.#housekeepingTimer = 0
        this.#housekeeping(out)
        return
      case COLLECTION:
        this.#collectionTimer = 0
        this.#collect(out)
        return
      case REGISTER:
        this.#startAgent(out)
        return
    }
  }

  // --- Pods of the API

  onAdd(pod: Pod, _isInitial: boolean, out: Out): void {
    if (this.#ready) this.#add(pod, out)
  }

  onUpdate(previous: Pod, current: Pod, out: Out): void {
    if (!this.#ready) return
    if (previous.metadata.uid !== current.metadata.uid) {
      // Deleted and made again between two events.
      this.onDelete(previous, out)
      this.#add(current, out)
      return
    }
    const worker = this.#workers.get(current.metadata.uid ?? '')
    if (worker === undefined) {
      this.#add(current, out)
      return
    }
    this.statuses.observe(current, out)
    worker.update(current, out)
  }

  onDelete(object: Pod | Tombstone<Pod>, out: Out): void {
    if (!this.#ready) return
    const pod = unwrapped(object)
    const worker = this.#workers.get(pod.metadata.uid ?? '')
    this.statuses.forget(pod.metadata.uid ?? '', out)
    if (worker === undefined) return
    worker.isGone = true
    if (worker.phase === 'terminated') {
      this.#drop(worker, out)
      return
    }
    if (worker.phase === 'syncing') worker.terminate('removed', out)
  }

  #begin(out: Out): void {
    if (this.#ready || !this.#listed || !this.#informers.allSynced()) return
    this.#ready = true
    const pods = [...this.#pods.list()].sort(
      (a, b) =>
        compare(a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '') ||
        compare(a.metadata.name, b.metadata.name),
    )
    const admitted: PodWorker[] = []
    for (const pod of pods) {
      const worker = this.#admit(pod, out)
      if (worker !== undefined) admitted.push(worker)
    }
    for (const worker of admitted) worker.wake(out)
    this.#armHousekeeping(out)
  }

  #add(pod: Pod, out: Out): void {
    this.#admit(pod, out)?.wake(out)
  }

  /** Makes the pod's worker, if it has none. Answers with it when the pod is to be synced. */
  #admit(pod: Pod, out: Out): PodWorker | undefined {
    const uid = pod.metadata.uid ?? ''
    if (this.#workers.has(uid)) return undefined
    const records = this.#orphans.get(uid)
    this.#orphans.delete(uid)
    const worker = new PodWorker(pod, this, records)
    this.#workers.set(uid, worker)
    if (this.options.decisions.isFinished(pod.status?.phase)) {
      worker.finished(out)
      return undefined
    }
    if (pod.metadata.deletionTimestamp !== undefined) {
      worker.terminate('deleted', out)
      return undefined
    }
    const rejection = records === undefined ? rejectionOf(pod, this.agent.node, this.#activePods(worker)) : undefined
    const names = { node: this.options.node, podKey: worker.key, podUid: uid }
    if (rejection !== undefined) {
      this.#note({ type: 'pod-rejected', ...names, ...rejection }, out)
      worker.reject(rejection.reason, rejection.message, out)
      return undefined
    }
    this.#note({ type: 'pod-admitted', ...names }, out)
    return worker
  }

  /** The pods that take up room: every one that has not stopped for good. */
  #activePods(except: PodWorker): Pod[] {
    const others = [...this.#workers.values()].filter((worker) => worker !== except)
    return others.filter(({ phase }) => phase !== 'terminated').map(({ pod }) => pod)
  }

  onTerminated(worker: PodWorker, out: Out): void {
    if (worker.isGone) this.#drop(worker, out)
  }

  #drop(worker: PodWorker, out: Out): void {
    invariant(worker.phase === 'terminated', 'kubelet: a worker goes once its pod has stopped', { pod: worker.key })
    worker.close(out)
    this.#workers.delete(worker.uid)
    this.#dirty.delete(worker)
    this.#removeRecords(worker.records, out)
  }

  #removeRecords(records: PodRecords, out: Out): void {
    if (records.isEmpty || !this.runtime.isConnected) return
    const containerIds = records.containers.map((record) => record.id)
    const sandboxIds = records.sandboxes.map((record) => record.id)
    this.runtime.call({ type: 'cri-remove', containerIds, sandboxIds }, undefined, out)
  }

  // --- The runtime

  onRuntimeList(
    sandboxes: readonly SandboxRecord[],
    containers: readonly ContainerRecord[],
    images: readonly string[],
    out: Out,
  ): void {
    this.images.clear()
    for (const image of images) this.images.add(image)
    this.#orphans.clear()
    for (const worker of this.#workers.values()) {
      worker.records.sandboxes = []
      worker.records.containers = []
    }
    for (const sandbox of sandboxes) this.#recordsOf(sandbox.podUid, sandbox.podKey).putSandbox(sandbox)
    for (const container of containers) this.#recordsOf(container.podUid, container.podKey).putContainer(container)
    this.#startAgent(out)
    this.agent.poke(out)
    if (this.#listed) {
      for (const worker of [...this.#workers.values()]) worker.resume(out)
      if (this.#ready) this.#armHousekeeping(out)
    }
    this.#listed = true
    this.#begin(out)
  }

  onRuntimeEvent(event: CriNews, out: Out): void {
    const { sandbox, container, removed } = event
    const uid = (sandbox ?? container ?? removed)?.podUid ?? ''
    const worker = this.#workers.get(uid)
    if (worker === undefined && removed !== undefined) return
    const records = worker?.records ?? this.#recordsOf(uid, (sandbox ?? container)?.podKey ?? '')
    if (sandbox !== undefined) records.putSandbox(sandbox)
    if (removed !== undefined) records.remove(removed.containerIds)
    const news = container === undefined || records.putContainer(container)
    if (worker === undefined) {
      this.#armHousekeeping(out)
      return
    }
    if (container !== undefined && container.state === 'exited') worker.containerExited(container, out)
    if (!news || worker.phase === 'terminated') return
    this.wakeAtRelist(worker, out)
  }

  onRuntimeLost(out: Out): void {
    for (const worker of this.#workers.values()) worker.runtimeLost(out)
    this.agent.poke(out)
  }

  observedNode(): Node | undefined {
    return this.#nodes.get(this.options.node)
  }

  #recordsOf(uid: string, key: string): PodRecords {
    const known = this.#workers.get(uid)?.records ?? this.#orphans.get(uid)
    if (known !== undefined) return known
    const records = new PodRecords(uid, key)
    this.#orphans.set(uid, records)
    return records
  }

  #startAgent(out: Out): void {
    if (this.#agentStarted) return
    this.#agentStarted = true
    this.agent.start(out)
  }

  // --- Periodic work, while there is any

  wakeAtRelist(worker: PodWorker, out: Out): void {
    this.#dirty.add(worker)
    if (this.#relistTimer !== 0) return
    this.#relistTimer = out.after(this.lastRelist(out) + this.options.relistMicros - out.now, this, RELIST)
  }

  lastRelist(out: Out): Micros {
    const period = this.options.relistMicros
    return out.now - ((out.now - this.#relistPhase + period) % period)
  }

  #relist(out: Out): void {
    const workers = [...this.#dirty]
    this.#dirty.clear()
    for (const worker of workers) {
      worker.relisted(out)
      if (worker.records.surplus().length > 0) this.#armCollection(out)
    }
  }

  #armHousekeeping(out: Out): void {
    if (this.#orphans.size === 0 || this.#housekeepingTimer !== 0 || !this.#ready) return
    this.#housekeepingTimer = out.after(this.options.housekeepingMicros, this, HOUSEKEEPING)
  }

  /** Containers that no pod of the API owns are stopped with what their records say. */
  #housekeeping(out: Out): void {
    if (!this.runtime.isConnected) return
    for (const [uid, records] of [...this.#orphans]) {
      this.#orphans.delete(uid)
      if (!records.isRunning) {
        this.#removeRecords(records, out)
        continue
      }
      const worker = new PodWorker(orphanPod(records, this.options.node), this, records)
      worker.isGone = true
      this.#workers.set(uid, worker)
      worker.terminate('orphaned', out)
    }
  }

  #armCollection(out: Out): void {
    if (this.#collectionTimer === 0) this.#collectionTimer = out.after(this.options.collectionMicros, this, COLLECTION)
  }

  /** Keeps one exited container a name. */
  #collect(out: Out): void {
    if (!this.runtime.isConnected) return
    for (const worker of this.#workers.values()) {
      const ids = worker.records.surplus()
      if (ids.length === 0) continue
      worker.records.remove(ids)
      this.runtime.call({ type: 'cri-remove', containerIds: ids, sandboxIds: [] }, undefined, out)
    }
  }

  // --- For workers

  makeProbes(containers: readonly Container[], podKey: string, pod: ProbedPod, out: Out): readonly ProbeWorker[] {
    const age = out.now - this.#startedAt
    return makeProbeWorkers(containers, podKey, out.now, age, this.#probeStream, pod, this.options.runtime)
  }

  jitter(podKey: string, most: number, out: Out): number {
    return this.#retryStream.intAt(0, most, out.now, addressOf(podKey))
  }

  /** The workers by pod uid, for oracles. */
  workers(): ReadonlyMap<string, PodWorker> {
    return this.#workers
  }

  #note(fact: KubeletFact, out: Out): void {
    out.note(fact)
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
