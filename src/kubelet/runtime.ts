/**
 * The container runtime of one node with the containers themselves: sandboxes, images, containers, hooks. A process of its own: it
 * outlives a kubelet and dies with its host. Models containerd behind the Container Runtime Interface, and the pause container that
 * holds a pod's namespaces and address. After a crash of the host nothing runs; only images are still there.
 * Not modelled: cgroups, logs, volumes, records of containers from before a reboot.
 */
import {
  addressOf,
  invariant,
  type Machine,
  type Message,
  type Micros,
  never,
  type Out,
  type ProcessId,
  type Rand,
} from '../kernel/index.ts'
import { isSidecar, keyOf, type Pod, type Probe } from '../objects/index.ts'
import { AddressPool } from './addresses.ts'
import { resolveApp } from './app.ts'
import type { ContainerRecord, CriCall, CriEvent, CriReply, SandboxRecord } from './cri.ts'
import type { RuntimeFact } from './facts.ts'
import { type HookOwner, Hooks } from './hooks.ts'
import { Images, type PullReceiver } from './images.ts'
import { type ContainerRuntimeOptions, completeContainerRuntimeOptions } from './options.ts'
import type { ProbeKind } from './probethreshold.ts'
import { type ProbeOutcome, probeProcess } from './probing.ts'
import { ContainerProcess, type ProcessOwner } from './process.ts'
import { RuntimeStore } from './runtimestore.ts'

/** What a connection to an address and port meets. */
export type Acceptance = 'accepted' | 'refused' | 'no-host'

const OPERATION = 1

type Delayed = Extract<CriCall, { readonly type: 'cri-run-sandbox' | 'cri-start' | 'cri-stop-sandbox' }>

/** A host reboot starts handing out addresses elsewhere in the range. */
const ADDRESSES_IN_RANGE = 253

export class ContainerRuntime implements Machine, PullReceiver, ProcessOwner, HookOwner {
  readonly node: string
  readonly images: Images
  readonly #options: Required<ContainerRuntimeOptions>
  readonly #store: RuntimeStore
  readonly #operations = new Map<number, Delayed>()
  readonly #probeResults = new Map<string, 'success' | 'failure'>()
  readonly #hooks: Hooks
  readonly #latency: Rand
  readonly #appStream: Rand
  readonly #nodeAddress: number
  #pool: AddressPool
  #kubelet: ProcessId = 0
  #stalled: CriCall[] | undefined
  #born: Micros = 0
  #lastId = 0
  #lastOperation = 0

  constructor(options: ContainerRuntimeOptions) {
    this.#options = completeContainerRuntimeOptions(options)
    const { node, streams, podCidr } = this.#options
    this.node = node
    this.#nodeAddress = addressOf(node)
    this.#latency = streams.get('runtime/latency')
    this.#appStream = streams.get('runtime/app')
    this.#pool = new AddressPool(podCidr)
    this.#store = new RuntimeStore(this.#options.nodeAddress)
    this.#hooks = new Hooks(this)
    const { pullMicros, checkMicros, serialPulls } = this.#options
    this.images = new Images(node, { pullMicros, checkMicros, serial: serialPulls }, streams.get('runtime/pull'), this)
  }

  onStart(out: Out): void {
    this.#born = out.now
    if (out.now > 0) {
      const skip = this.#options.streams
        .get('runtime/addresses')
        .intAt(1, ADDRESSES_IN_RANGE, out.now, this.#nodeAddress)
      this.#pool = new AddressPool(this.#options.podCidr, skip)
    }
    this.images.load(this.#options.images, out)
  }

  onMessage(from: ProcessId, message: Message, out: Out): void {
    const call = message as CriCall
    if (call.type === 'cri-list') this.#kubelet = from
    if (from !== this.#kubelet) return
    if (this.#stalled !== undefined) this.#stalled.push(call)
    else this.#handle(call, out)
  }

  /** The kubelet is gone: nobody waits for stops any more, so no KILL follows; containers go on. */
  onDisconnect(peer: ProcessId, out: Out): void {
    if (peer !== this.#kubelet) return
    this.#kubelet = 0
    if (this.#stalled !== undefined) this.#stalled = []
    this.images.abandonQueue()
    this.#hooks.cutAll(out)
    for (const process of this.#store.processes()) if (process.isRunning) process.abandonStop(out)
  }

  onTimer(_kind: number, operation: number, out: Out): void {
    const call = this.#operations.get(operation)
    invariant(call !== undefined, 'kubelet: an operation of the runtime ends once', { operation })
    this.#operations.delete(operation)
    switch (call.type) {
      case 'cri-run-sandbox':
        this.#runSandbox(call.id, call.pod, call.attempt, out)
        return
      case 'cri-start':
        this.#startContainer(call, out)
        return
      case 'cri-stop-sandbox':
        this.#stopSandbox(call.id, call.sandboxId, out)
        return
    }
  }

  // --- For traffic

  /** What a new TCP connection to a pod's address and port meets now. */
  accept(podIp: string, port: number): Acceptance {
    if (this.#store.listenerOf(podIp, port) !== undefined) return 'accepted'
    return this.#store.hasAddress(podIp) ? 'refused' : 'no-host'
  }

  listening(podIp: string, port: number): boolean {
    return this.#store.listenerOf(podIp, port) !== undefined
  }

  /** The pod behind an address of this node, while its sandbox stands. */
  podAt(podIp: string): { readonly podKey: string; readonly podUid: string } | undefined {
    return this.#store.sandboxAt(podIp)
  }

  /** A request (or connection) `id` has been accepted: a draining container waits for it. False when nobody listens. */
  beginRequest(podIp: string, port: number, id: number): boolean {
    return this.#store.beginRequest(podIp, port, id)
  }

  /** The request is over. Nothing happens for one that was reset. */
  endRequest(id: number): void {
    this.#store.endRequest(id)
  }

  /** How long the container that listens there takes for a request, in microseconds; 0 when nobody listens. */
  requestMicros(podIp: string, port: number): Micros {
    return this.#store.listenerOf(podIp, port)?.app.requestMicros ?? 0
  }

  // --- For the kubelet's probes: read only

  /** What a probe of a container would find at `now`. */
  probe(containerId: string, probe: Probe, kind: ProbeKind, now: Micros): ProbeOutcome {
    const process = this.#store.process(containerId)
    if (process === undefined || !process.isRunning) return { success: false, micros: 0 }
    const { podKey, name } = process.record
    const forced = this.#probeResults.get(`${podKey}/${name}/${kind}`)
    if (forced !== undefined) return { success: forced === 'success', micros: 0 }
    return probeProcess(process, probe, now, this.#stalled !== undefined)
  }

  // --- For properties

  sandboxRecords(): SandboxRecord[] {
    return this.#store.sandboxes()
  }

  containerRecords(): ContainerRecord[] {
    return this.#store.containers()
  }

  // --- For faults

  /** The named container's newest instance ends at once with `exitCode`. False when none runs. */
  crashContainer(podKey: string, containerName: string, exitCode: number, out: Out): boolean {
    for (const process of this.#store.processes()) {
      const { record } = process
      if (record.podKey !== podKey || record.name !== containerName || !process.isRunning) continue
      process.exit(exitCode, out)
      return true
    }
    return false
  }

  /** Makes every probe of that kind find this result, whatever the program does; undefined: as it is. */
  setProbeResult(podKey: string, container: string, kind: ProbeKind, result: 'success' | 'failure' | undefined): void {
    const key = `${podKey}/${container}/${kind}`
    if (result === undefined) this.#probeResults.delete(key)
    else this.#probeResults.set(key, result)
  }

  /** Pulls of images whose name contains `imagePattern` fail while on. */
  failPulls(imagePattern: string, on: boolean): void {
    this.images.fail(imagePattern, on)
  }

  /** Every preStop hook of that pod that starts from now on takes so much longer; 0: as it is. */
  slowHook(podKey: string, extraMicros: Micros): void {
    this.#hooks.slow(podKey, extraMicros)
  }

  /** While on, no call of the kubelet is answered; what was asked is done when it is switched off. Containers go on. */
  stall(on: boolean, out: Out): void {
    if (on) {
      this.#stalled ??= []
      return
    }
    const waiting = this.#stalled ?? []
    this.#stalled = undefined
    for (const call of waiting) this.#handle(call, out)
  }

  /** Removes every exited container behind the kubelet's back, as a prune by hand does. The answer is how many. */
  collectExited(out: Out): number {
    let count = 0
    for (const process of [...this.#store.processes()]) {
      if (process.isRunning) continue
      this.#store.removeProcess(process)
      this.#tell(
        { type: 'cri-event', removed: { podUid: process.record.podUid, containerIds: [process.record.id] } },
        out,
      )
      count++
    }
    if (count > 0) this.#note({ type: 'containers-collected', node: this.node, count }, out)
    return count
  }

  // --- What processes, pulls and hooks report

  onListening(process: ContainerProcess, out: Out): void {
    const { podIp } = process
    this.#note({ type: 'container-listening', ...this.factsOf(process), podIp, ports: process.app.servePorts }, out)
  }

  onKill(process: ContainerProcess, graceSeconds: number, out: Out): void {
    this.#note({ type: 'kill-sent', ...this.factsOf(process), graceSeconds }, out)
  }

  onExit(process: ContainerProcess, exitCode: number, out: Out): void {
    const reason = exitCode === 0 ? 'Completed' : 'Error'
    process.record = {
      ...process.record,
      state: 'exited',
      exitCode,
      reason,
      finishedAt: out.now,
      finishedWall: out.wall,
    }
    if (process.inFlight.size > 0) {
      const ids = this.#store.resetRequests(process)
      this.#note({ type: 'connections-reset', node: this.node, podIp: process.podIp, ids }, out)
    }
    this.#note({ type: 'container-exited', ...this.factsOf(process), exitCode, reason }, out)
    this.#hooks.cut(process, out)
    this.#tell({ type: 'cri-event', container: process.record }, out)
    for (const id of process.stopCalls.splice(0)) this.reply({ type: 'cri-reply', id, container: process.record }, out)
  }

  onPulled(callId: number, ok: boolean, out: Out): void {
    this.reply(ok ? { type: 'cri-reply', id: callId } : { type: 'cri-reply', id: callId, error: 'pull-failed' }, out)
  }

  reply(reply: CriReply, out: Out): void {
    this.#tell(reply, out)
  }

  /** The names that every fact about a container carries. */
  factsOf(process: ContainerProcess) {
    const { podKey, podUid, name, id, init } = process.record
    return { node: this.node, podKey, podUid, container: name, containerId: id, init }
  }

  // --- Calls

  #handle(call: CriCall, out: Out): void {
    switch (call.type) {
      case 'cri-list':
        this.#tell(
          {
            type: 'cri-reply',
            id: call.id,
            sandboxes: this.sandboxRecords(),
            containers: this.containerRecords(),
            images: this.images.names,
          },
          out,
        )
        return
      case 'cri-run-sandbox':
        this.#delay(call, this.#options.sandboxMicros, out)
        return
      case 'cri-start':
        this.#delay(call, this.#options.startMicros, out)
        return
      case 'cri-stop-sandbox':
        this.#delay(call, this.#options.stopSandboxMicros, out)
        return
      case 'cri-pull':
        this.images.pull(call.id, call.image, call.attempt, out)
        return
      case 'cri-hook':
        this.#hook(call, out)
        return
      case 'cri-stop':
        this.#stop(call.id, call.containerId, call.timeoutSeconds, out)
        return
      case 'cri-remove':
        this.#remove(call, out)
        return
      default:
        never(call)
        return
    }
  }

  #delay(call: Delayed, [low, high]: readonly [Micros, Micros], out: Out): void {
    const operation = ++this.#lastOperation
    this.#operations.set(operation, call)
    out.after(this.#latency.intAt(low, high, out.now, this.#nodeAddress, call.id), this, OPERATION, operation)
  }

  #runSandbox(callId: number, pod: Pod, attempt: number, out: Out): void {
    const podUid = pod.metadata.uid ?? ''
    const podKey = keyOf(pod)
    if (this.#store.hasReadySandbox(podUid)) {
      this.reply({ type: 'cri-reply', id: callId, error: 'conflict' }, out)
      return
    }
    const ip = pod.spec.hostNetwork === true ? this.#options.nodeAddress : this.#pool.take()
    if (ip === undefined) {
      this.reply({ type: 'cri-reply', id: callId, error: 'sandbox-failed' }, out)
      return
    }
    const sandbox: SandboxRecord = {
      id: this.#newId('s'),
      podUid,
      podKey,
      attempt,
      state: 'ready',
      ip,
      createdWall: out.wall,
    }
    this.#store.addSandbox(sandbox)
    this.#note({ type: 'sandbox-started', node: this.node, podKey, podUid, sandboxId: sandbox.id, podIp: ip }, out)
    this.#tell({ type: 'cri-event', sandbox }, out)
    this.reply({ type: 'cri-reply', id: callId, sandbox }, out)
  }

  #startContainer(call: Extract<CriCall, { readonly type: 'cri-start' }>, out: Out): void {
    const { id, sandboxId, pod, container, init, attempt } = call
    const sandbox = this.#store.sandbox(sandboxId)
    if (sandbox === undefined || sandbox.state !== 'ready') {
      this.reply({ type: 'cri-reply', id, error: 'not-found' }, out)
      return
    }
    if (!this.images.has(container.image)) {
      this.reply({ type: 'cri-reply', id, error: 'image-missing' }, out)
      return
    }
    const siblings = this.#store.processesOf(sandboxId)
    if (siblings.some((other) => other.record.name === container.name && other.isRunning)) {
      this.reply({ type: 'cri-reply', id, error: 'conflict' }, out)
      return
    }
    const record: ContainerRecord = {
      id: this.#newId('c'),
      sandboxId,
      podUid: sandbox.podUid,
      podKey: sandbox.podKey,
      name: container.name,
      init,
      spec: container,
      podGraceSeconds: pod.spec.terminationGracePeriodSeconds ?? 30,
      attempt,
      state: 'running',
      startedAt: out.now,
      startedWall: out.wall,
      finishedAt: 0,
      finishedWall: 0,
      exitCode: 0,
      reason: '',
    }
    const app = resolveApp(
      this.#options.apps,
      container,
      init && !isSidecar(container),
      sandbox.podKey,
      this.#appStream,
    )
    const process = new ContainerProcess(record, app, sandbox.ip, this)
    this.#store.addProcess(process)
    const { image } = container
    this.#note({ type: 'container-created', ...this.factsOf(process), attempt, image }, out)
    this.#note({ type: 'container-started', ...this.factsOf(process), attempt, image }, out)
    process.start(out)
    this.#tell({ type: 'cri-event', container: record }, out)
    this.reply({ type: 'cri-reply', id, container: process.record }, out)
  }

  #hook(call: Extract<CriCall, { readonly type: 'cri-hook' }>, out: Out): void {
    const process = this.#store.process(call.containerId)
    if (process === undefined || !process.isRunning) {
      this.reply({ type: 'cri-reply', id: call.id, error: 'not-found' }, out)
      return
    }
    this.#hooks.begin(process, call.id, call.hook, call.handler, out)
  }

  #stop(callId: number, containerId: string, timeoutSeconds: number, out: Out): void {
    const process = this.#store.process(containerId)
    if (process === undefined) {
      this.reply({ type: 'cri-reply', id: callId, error: 'not-found' }, out)
      return
    }
    if (!process.isRunning) {
      this.reply({ type: 'cri-reply', id: callId, container: process.record }, out)
      return
    }
    process.stopCalls.push(callId)
    if (!process.termSent)
      this.#note({ type: 'term-sent', ...this.factsOf(process), graceSeconds: timeoutSeconds }, out)
    process.stop(timeoutSeconds, out)
  }

  #stopSandbox(callId: number, sandboxId: string, out: Out): void {
    const sandbox = this.#store.sandbox(sandboxId)
    if (sandbox !== undefined && sandbox.state === 'ready') {
      const running = this.#store.processesOf(sandboxId).filter((process) => process.isRunning)
      for (const process of running) process.kill(0, out)
      if (running.length > 0) {
        // The pause container goes last: look again once they are dead.
        this.#delay({ type: 'cri-stop-sandbox', id: callId, sandboxId }, this.#options.stopSandboxMicros, out)
        return
      }
      const stopped = this.#store.stopSandbox(sandbox)
      if (sandbox.ip !== this.#options.nodeAddress) this.#pool.release(sandbox.ip)
      const { podKey, podUid, ip } = sandbox
      this.#note({ type: 'sandbox-stopped', node: this.node, podKey, podUid, sandboxId, podIp: ip }, out)
      this.#tell({ type: 'cri-event', sandbox: stopped }, out)
    }
    this.reply({ type: 'cri-reply', id: callId }, out)
  }

  #remove(call: Extract<CriCall, { readonly type: 'cri-remove' }>, out: Out): void {
    for (const id of call.containerIds) {
      const process = this.#store.process(id)
      if (process !== undefined && !process.isRunning) this.#store.removeProcess(process)
    }
    for (const id of call.sandboxIds) this.#store.removeSandbox(id)
    this.reply({ type: 'cri-reply', id: call.id }, out)
  }

  #newId(kind: string): string {
    return `${this.node}-${kind}${this.#born.toString(36)}-${++this.#lastId}`
  }

  #tell(message: CriReply | CriEvent, out: Out): void {
    if (this.#kubelet !== 0) out.stream(this.#kubelet, message)
  }

  #note(fact: RuntimeFact, out: Out): void {
    out.note(fact)
  }
}
