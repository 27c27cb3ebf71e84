/**
 * What a container runtime holds: sandboxes, their containers, and who listens at which address. Plain tables kept in step; no time, no
 * effects. The pod network of the node as far as "who answers here" goes.
 */
import { invariant } from '../kernel/index.ts'
import type { ContainerRecord, SandboxRecord } from './cri.ts'
import type { ContainerProcess } from './process.ts'

export class RuntimeStore {
  readonly #nodeAddress: string
  readonly #sandboxes = new Map<string, SandboxRecord>()
  readonly #processes = new Map<string, ContainerProcess>()
  /** Containers of a sandbox by sandbox id, those that ended included. */
  readonly #bySandbox = new Map<string, ContainerProcess[]>()
  /** Ready sandboxes with an address of their own. */
  readonly #byIp = new Map<string, SandboxRecord>()
  readonly #readyByPod = new Map<string, SandboxRecord>()
  readonly #byRequest = new Map<number, ContainerProcess>()

  constructor(nodeAddress: string) {
    this.#nodeAddress = nodeAddress
  }

  // --- Sandboxes

  addSandbox(sandbox: SandboxRecord): void {
    const { id, ip, podKey, podUid } = sandbox
    invariant(!this.#readyByPod.has(podUid), 'kubelet: one ready sandbox a pod', { podKey })
    this.#sandboxes.set(id, sandbox)
    this.#bySandbox.set(id, [])
    this.#readyByPod.set(podUid, sandbox)
    if (ip === this.#nodeAddress) return
    invariant(!this.#byIp.has(ip), 'kubelet: one sandbox an address', { ip, podKey })
    this.#byIp.set(ip, sandbox)
  }

  sandbox(id: string): SandboxRecord | undefined {
    return this.#sandboxes.get(id)
  }

  hasReadySandbox(podUid: string): boolean {
    return this.#readyByPod.has(podUid)
  }

  /** Marks a ready sandbox as stopped; the record as it is now. */
  stopSandbox(sandbox: SandboxRecord): SandboxRecord {
    const running = this.processesOf(sandbox.id).some((process) => process.isRunning)
    invariant(!running, 'kubelet: the pause container outlives every container of its pod', { podKey: sandbox.podKey })
    const stopped: SandboxRecord = { ...sandbox, state: 'stopped' }
    this.#sandboxes.set(sandbox.id, stopped)
    this.#readyByPod.delete(sandbox.podUid)
    this.#byIp.delete(sandbox.ip)
    return stopped
  }

  /** Forgets a stopped sandbox and its containers. */
  removeSandbox(id: string): void {
    if (this.#sandboxes.get(id)?.state !== 'stopped') return
    for (const process of this.processesOf(id)) this.#processes.delete(process.record.id)
    this.#bySandbox.delete(id)
    this.#sandboxes.delete(id)
  }

  sandboxes(): SandboxRecord[] {
    return [...this.#sandboxes.values()]
  }

  // --- Containers

  addProcess(process: ContainerProcess): void {
    this.#processes.set(process.record.id, process)
    this.#bySandbox.get(process.record.sandboxId)?.push(process)
  }

  process(containerId: string): ContainerProcess | undefined {
    return this.#processes.get(containerId)
  }

  processes(): Iterable<ContainerProcess> {
    return this.#processes.values()
  }

  processesOf(sandboxId: string): readonly ContainerProcess[] {
    return this.#bySandbox.get(sandboxId) ?? []
  }

  /** Forgets an exited container. */
  removeProcess(process: ContainerProcess): void {
    invariant(!process.isRunning, 'kubelet: only an exited container is forgotten', { id: process.record.id })
    this.#processes.delete(process.record.id)
    const siblings = this.#bySandbox.get(process.record.sandboxId)
    const index = siblings?.indexOf(process) ?? -1
    if (index >= 0) siblings?.splice(index, 1)
  }

  containers(): ContainerRecord[] {
    return [...this.#processes.values()].map((process) => process.record)
  }

  // --- Who listens where

  /** Is there anything at that address: a sandbox of its own, or the node itself? */
  hasAddress(ip: string): boolean {
    return this.#byIp.has(ip) || ip === this.#nodeAddress
  }

  sandboxAt(ip: string): SandboxRecord | undefined {
    return this.#byIp.get(ip)
  }

  listenerOf(ip: string, port: number): ContainerProcess | undefined {
    const sandbox = this.#byIp.get(ip)
    if (sandbox !== undefined) return this.#listenerIn(sandbox.id, port)
    if (ip !== this.#nodeAddress) return undefined
    for (const other of this.#sandboxes.values()) {
      const found = other.ip === ip ? this.#listenerIn(other.id, port) : undefined
      if (found !== undefined) return found
    }
    return undefined
  }

  beginRequest(ip: string, port: number, id: number): boolean {
    const process = this.listenerOf(ip, port)
    if (process === undefined) return false
    process.beginRequest(id)
    this.#byRequest.set(id, process)
    return true
  }

  endRequest(id: number): void {
    this.#byRequest.get(id)?.inFlight.delete(id)
    this.#byRequest.delete(id)
  }

  /** The requests that die with a container. */
  resetRequests(process: ContainerProcess): readonly number[] {
    const ids = [...process.inFlight]
    for (const id of ids) this.endRequest(id)
    return ids
  }

  #listenerIn(sandboxId: string, port: number): ContainerProcess | undefined {
    for (const process of this.processesOf(sandboxId)) {
      if (process.isListening && process.app.servePorts.includes(port)) return process
    }
    return undefined
  }
}
