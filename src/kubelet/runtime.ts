/**
 * The container runtime of one node with the containers themselves: sandboxes, images, containers, hooks. A process of its own: it
 * outlives a kubelet and dies with its host. Models containerd behind the Container Runtime Interface, and the pause container that
 * holds a pod's namespaces and address. After a crash of the host nothing runs; only images are still there.
 * Not modelled: cgroups, logs, volumes, records of containers from before a reboot.
 */
import type { Machine, Message, Micros, Out, ProcessId } from '../kernel/index.ts'
import type { Probe } from '../objects/index.ts'
import type { ContainerRecord, CriCall, CriEvent, CriReply, SandboxRecord } from './cri.ts'
import { CriService, type CriSpeaker } from './criservice.ts'
import type { RuntimeFact } from './facts.ts'
import { type HookOwner, Hooks } from './hooks.ts'
import { Images, type PullReceiver } from './images.ts'
import type { ProbeKind } from './probethreshold.ts'
import { type ProbeOutcome, probeProcess } from './probing.ts'
import type { ContainerProcess, ProcessOwner } from './process.ts'
import { type ContainerRuntimeOptions, completeContainerRuntimeOptions } from './runtimeoptions.ts'
import { RuntimeStore } from './runtimestore.ts'

/** What a connection to an address and port meets. */
export type Acceptance = 'accepted' | 'refused' | 'no-host'

export class ContainerRuntime implements Machine, PullReceiver, ProcessOwner, HookOwner, CriSpeaker {
  readonly node: string
  readonly images: Images
  readonly #options: Required<ContainerRuntimeOptions>
  readonly #store: RuntimeStore
  readonly #probeResults = new Map<string, 'success' | 'failure'>()
  readonly #hooks: Hooks
  readonly #calls: CriService
  #kubelet: ProcessId = 0
  #stalled: CriCall[] | undefined

  constructor(options: ContainerRuntimeOptions) {
    this.#options = completeContainerRuntimeOptions(options)
    const { node, streams } = this.#options
    this.node = node
    this.#store = new RuntimeStore(this.#options.nodeAddress)
    this.#hooks = new Hooks(this)
    const { pullMicros, checkMicros, serialPulls } = this.#options
    this.images = new Images(node, { pullMicros, checkMicros, serial: serialPulls }, streams.get('runtime/pull'), this)
    this.#calls = new CriService(this.#options, this.#store, this.images, this.#hooks, this)
  }

  onStart(out: Out): void {
    this.#calls.start(out)
    this.images.load(this.#options.images, out)
  }

  onMessage(from: ProcessId, message: Message, out: Out): void {
    const call = message as CriCall
    if (call.type === 'cri-list') this.#kubelet = from
    if (from !== this.#kubelet) return
    if (this.#stalled !== undefined) this.#stalled.push(call)
    else this.#calls.handle(call, out)
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

  /** Nothing of the runtime itself waits; its parts own their timers. */
  onTimer(): void {}

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
    for (const program of this.#store.processes()) {
      const { record } = program
      if (record.podKey !== podKey || record.name !== containerName || !program.isRunning) continue
      program.exit(exitCode, out)
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
    for (const call of waiting) this.#calls.handle(call, out)
  }

  /** Removes every exited container behind the kubelet's back, as a prune by hand does. The answer is how many. */
  collectExited(out: Out): number {
    let count = 0
    for (const process of [...this.#store.processes()]) {
      if (process.isRunning) continue
      this.#store.removeProcess(process)
      this.tell(
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
    const calls = process.stopCalls.splice(0)
    // An answer brings the news as well as an event would.
    if (calls.length === 0) this.tell({ type: 'cri-event', container: process.record }, out)
    for (const id of calls) this.reply({ type: 'cri-reply', id, container: process.record }, out)
  }

  onPulled(callId: number, ok: boolean, out: Out): void {
    this.reply(ok ? { type: 'cri-reply', id: callId } : { type: 'cri-reply', id: callId, error: 'pull-failed' }, out)
  }

  reply(reply: CriReply, out: Out): void {
    this.tell(reply, out)
  }

  /** The names that every fact about a container carries. */
  factsOf(process: ContainerProcess) {
    const { podKey, podUid, name, id, init } = process.record
    return { node: this.node, podKey, podUid, container: name, containerId: id, init }
  }

  tell(message: CriReply | CriEvent, out: Out): void {
    if (this.#kubelet !== 0) out.stream(this.#kubelet, message)
  }

  #note(fact: RuntimeFact, out: Out): void {
    out.note(fact)
  }
}
