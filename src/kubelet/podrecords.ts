/**
 * What the kubelet knows of one pod's sandboxes and containers. Models kubernetes pkg/kubelet/container PodStatus as the pod cache
 * holds it, v1.33. Kept by id; a handful of entries a pod, so look-ups are scans.
 */
import type { ContainerRecord, SandboxRecord } from './cri.ts'

export class PodRecords {
  readonly podUid: string
  readonly podKey: string
  /** Newest first. */
  sandboxes: readonly SandboxRecord[] = []
  containers: readonly ContainerRecord[] = []

  constructor(podUid: string, podKey: string) {
    this.podUid = podUid
    this.podKey = podKey
  }

  putSandbox(record: SandboxRecord): void {
    this.sandboxes = [record, ...this.sandboxes.filter((other) => other.id !== record.id)].sort(
      (a, b) => b.attempt - a.attempt,
    )
  }

  /** Returns false when nothing new was learnt (an exited container never runs again). */
  putContainer(record: ContainerRecord): boolean {
    const known = this.containers.find((other) => other.id === record.id)
    if (known !== undefined && (known.state === 'exited' || known.state === record.state)) return false
    this.containers =
      known === undefined
        ? [...this.containers, record]
        : this.containers.map((other) => (other === known ? record : other))
    return true
  }

  remove(containerIds: readonly string[], sandboxIds: readonly string[] = []): void {
    this.containers = this.containers.filter((record) => !containerIds.includes(record.id))
    this.sandboxes = this.sandboxes.filter((record) => !sandboxIds.includes(record.id))
  }

  /** The newest container of that name. */
  latest(name: string): ContainerRecord | undefined {
    let newest: ContainerRecord | undefined
    for (const record of this.containers) {
      if (record.name === name && (newest === undefined || record.attempt > newest.attempt)) newest = record
    }
    return newest
  }

  /** The newest exited container of that name older than `attempt`. */
  before(name: string, attempt: number): ContainerRecord | undefined {
    let newest: ContainerRecord | undefined
    for (const record of this.containers) {
      if (record.name !== name || record.attempt >= attempt || record.state !== 'exited') continue
      if (newest === undefined || record.attempt > newest.attempt) newest = record
    }
    return newest
  }

  byId(id: string): ContainerRecord | undefined {
    return this.containers.find((record) => record.id === id)
  }

  /** Exited containers that a newer exited one of their name makes superfluous: their ids. */
  surplus(): string[] {
    if (this.containers.length < 2) return []
    return this.containers.filter((record) => record.state === 'exited' && this.#isOutdone(record)).map(({ id }) => id)
  }

  #isOutdone({ name, attempt }: ContainerRecord): boolean {
    return this.containers.some((other) => other.name === name && other.state === 'exited' && other.attempt > attempt)
  }

  get sandbox(): SandboxRecord | undefined {
    return this.sandboxes[0]
  }

  get isRunning(): boolean {
    return (
      this.containers.some((record) => record.state === 'running') ||
      this.sandboxes.some((record) => record.state === 'ready')
    )
  }

  get hasRunningContainers(): boolean {
    return this.containers.some((record) => record.state === 'running')
  }

  get isEmpty(): boolean {
    return this.containers.length === 0 && this.sandboxes.length === 0
  }
}
