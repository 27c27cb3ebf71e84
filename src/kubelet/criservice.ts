/**
 * The calls of the Container Runtime Interface, carried out: each takes a drawn while, then changes the tables and answers. Models
 * containerd's CRI plugin. What a call changed travels in its answer; there is no event beside it.
 */
import { addressOf, invariant, type Micros, never, type Out, type Rand, type TimerTarget } from '../kernel/index.ts'
import { isSidecar, keyOf, type Pod } from '../objects/index.ts'
import { AddressPool } from './addresses.ts'
import { resolveApp } from './app.ts'
import type { ContainerRecord, CriCall, CriReply, SandboxRecord } from './cri.ts'
import type { RuntimeFact } from './facts.ts'
import type { HookOwner, Hooks } from './hooks.ts'
import type { Images } from './images.ts'
import { ContainerProcess, type ProcessOwner } from './process.ts'
import type { ContainerRuntimeOptions } from './runtimeoptions.ts'
import type { RuntimeStore } from './runtimestore.ts'

/** In whose name calls are answered. */
export interface CriSpeaker extends HookOwner, ProcessOwner {
  readonly node: string
}

type Call<T extends CriCall['type']> = Extract<CriCall, { readonly type: T }>
type Delayed = Call<'cri-run-sandbox' | 'cri-start' | 'cri-stop-sandbox'>

const OPERATION = 1
/** A reboot starts handing out addresses elsewhere in the range. */
const ADDRESSES_IN_RANGE = 253

export class CriService implements TimerTarget {
  readonly #options: Required<ContainerRuntimeOptions>
  readonly #store: RuntimeStore
  readonly #images: Images
  readonly #hooks: Hooks
  readonly #speaker: CriSpeaker
  readonly #latency: Rand
  readonly #appStream: Rand
  readonly #nodeAddress: number
  readonly #operations = new Map<number, Delayed>()
  #pool: AddressPool
  #born: Micros = 0
  #lastId = 0
  #lastOperation = 0

  constructor(
    options: Required<ContainerRuntimeOptions>,
    store: RuntimeStore,
    images: Images,
    hooks: Hooks,
    speaker: CriSpeaker,
  ) {
    this.#options = options
    this.#store = store
    this.#images = images
    this.#hooks = hooks
    this.#speaker = speaker
    this.#latency = options.streams.get('runtime/latency')
    this.#appStream = options.streams.get('runtime/app')
    this.#nodeAddress = addressOf(options.node)
    this.#pool = new AddressPool(options.podCidr)
  }

  start(out: Out): void {
    this.#born = out.now
    if (out.now === 0) return
    const { streams, podCidr } = this.#options
    const skip = streams.get('runtime/addresses').intAt(1, ADDRESSES_IN_RANGE, out.now, this.#nodeAddress)
    this.#pool = new AddressPool(podCidr, skip)
  }

  handle(call: CriCall, out: Out): void {
    switch (call.type) {
      case 'cri-list':
        this.#list(call.id, out)
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
        this.#images.pull(call.id, call.image, call.attempt, out)
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

  onTimer(_kind: number, operation: number, out: Out): void {
    const call = this.#operations.get(operation)
    invariant(call !== undefined, 'kubelet: an operation of the runtime ends once', { operation })
    this.#operations.delete(operation)
    if (call.type === 'cri-run-sandbox') this.#runSandbox(call.id, call.pod, call.attempt, out)
    else if (call.type === 'cri-start') this.#startContainer(call, out)
    else this.#stopSandbox(call.id, call.sandboxId, out)
  }

  #list(id: number, out: Out): void {
    const sandboxes = this.#store.sandboxes()
    const containers = this.#store.containers()
    this.#reply({ type: 'cri-reply', id, sandboxes, containers, images: this.#images.names }, out)
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
      this.#reply({ type: 'cri-reply', id: callId, error: 'conflict' }, out)
      return
    }
    const ip = pod.spec.hostNetwork === true ? this.#options.nodeAddress : this.#pool.take()
    if (ip === undefined) {
      this.#reply({ type: 'cri-reply', id: callId, error: 'sandbox-failed' }, out)
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
    this.#note(
      { type: 'sandbox-started', node: this.#options.node, podKey, podUid, sandboxId: sandbox.id, podIp: ip },
      out,
    )
    this.#reply({ type: 'cri-reply', id: callId, sandbox }, out)
  }

  #startContainer(call: Call<'cri-start'>, out: Out): void {
    const { id, sandboxId, pod, container, init, attempt } = call
    const sandbox = this.#store.sandbox(sandboxId)
    if (sandbox === undefined || sandbox.state !== 'ready') {
      this.#reply({ type: 'cri-reply', id, error: 'not-found' }, out)
      return
    }
    if (!this.#images.has(container.image)) {
      this.#reply({ type: 'cri-reply', id, error: 'image-missing' }, out)
      return
    }
    const siblings = this.#store.processesOf(sandboxId)
    if (siblings.some((other) => other.record.name === container.name && other.isRunning)) {
      this.#reply({ type: 'cri-reply', id, error: 'conflict' }, out)
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
    const process = new ContainerProcess(record, app, sandbox.ip, this.#speaker)
    this.#store.addProcess(process)
    const { image } = container
    this.#note({ type: 'container-created', ...this.#speaker.factsOf(process), attempt, image }, out)
    this.#note({ type: 'container-started', ...this.#speaker.factsOf(process), attempt, image }, out)
    process.start(out)
    this.#reply({ type: 'cri-reply', id, container: process.record }, out)
  }

  #hook(call: Call<'cri-hook'>, out: Out): void {
    const process = this.#store.process(call.containerId)
    if (process === undefined || !process.isRunning) {
      this.#reply({ type: 'cri-reply', id: call.id, error: 'not-found' }, out)
      return
    }
    this.#hooks.begin(process, call.id, call.hook, call.handler, out)
  }

  #stop(callId: number, containerId: string, timeoutSeconds: number, out: Out): void {
    const process = this.#store.process(containerId)
    if (process === undefined) {
      this.#reply({ type: 'cri-reply', id: callId, error: 'not-found' }, out)
      return
    }
    if (!process.isRunning) {
      this.#reply({ type: 'cri-reply', id: callId, container: process.record }, out)
      return
    }
    process.stopCalls.push(callId)
    if (!process.termSent)
      this.#note({ type: 'term-sent', ...this.#speaker.factsOf(process), graceSeconds: timeoutSeconds }, out)
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
      this.#note({ type: 'sandbox-stopped', node: this.#options.node, podKey, podUid, sandboxId, podIp: ip }, out)
      this.#reply({ type: 'cri-reply', id: callId, sandbox: stopped }, out)
      return
    }
    this.#reply({ type: 'cri-reply', id: callId }, out)
  }

  #remove(call: Call<'cri-remove'>, out: Out): void {
    for (const id of call.containerIds) {
      const process = this.#store.process(id)
      if (process !== undefined && !process.isRunning) this.#store.removeProcess(process)
    }
    for (const id of call.sandboxIds) this.#store.removeSandbox(id)
    this.#reply({ type: 'cri-reply', id: call.id }, out)
  }

  #newId(kind: string): string {
    return `${this.#options.node}-${kind}${this.#born.toString(36)}-${++this.#lastId}`
  }

  #reply(reply: CriReply, out: Out): void {
    this.#speaker.reply(reply, out)
  }

  #note(fact: RuntimeFact, out: Out): void {
    out.note(fact)
  }
}
