/**
 * An etcd cluster on the kernel with scripted clients, for tests and benches. Clients keep what they were answered and
 * what their watches showed. Not used in a trial.
 */
import type { CrashMode, Machine, Message, Micros, Out, ProcessId } from '../kernel/index.ts'
import { Kernel } from '../kernel/index.ts'
import { EtcdClient, type EtcdClientOptions, type EtcdReceiver } from './client.ts'
import type { EtcdWatchReceiver, WatchRequest } from './clientwatch.ts'
import { EtcdMember, type EtcdView } from './member.ts'
import type { EtcdResult, WatchId } from './messages.ts'
import type { EtcdOptionsInput } from './options.ts'
import type { EtcdRequest } from './requests.ts'
import type { EtcdResponse } from './responses.ts'
import type { WatchEvent } from './types.ts'

export interface Answer {
  readonly at: Micros
  readonly result: EtcdResult
}

/** What one watch of a client has seen. */
export interface Seen {
  readonly events: WatchEvent[]
  /** First and last revision of each batch. */
  readonly batches: number[]
  revision: number
  compactedAt: number
  /** Why it was never begun; undefined if it was. */
  refused: string | undefined
}

export class TestClient implements Machine, EtcdReceiver, EtcdWatchReceiver {
  readonly client: EtcdClient
  readonly answers: (Answer | undefined)[] = []
  readonly watches = new Map<WatchId, Seen>()
  /** Messages with events; a batch in pieces has several. */
  eventMessages = 0

  constructor(client: EtcdClient) {
    this.client = client
  }

  onStart(): void {}

  onMessage(from: ProcessId, message: Message, out: Out): void {
    if (message.type === 'etcd-watch-events') this.eventMessages++
    this.client.onMessage(from, message, out)
  }

  onDisconnect(peer: ProcessId, out: Out): void {
    this.client.onDisconnect(peer, out)
  }

  onTimer(): void {}

  ask(request: EtcdRequest, out: Out): number {
    const tag = this.answers.push(undefined) - 1
    this.client.call(request, this, tag, out)
    return tag
  }

  onEtcdReply(tag: number, result: EtcdResult, out: Out): void {
    this.answers[tag] = { at: out.now, result }
  }

  onEtcdEvents(watch: WatchId, events: readonly WatchEvent[], revision: number): void {
    const seen = this.watches.get(watch) as Seen
    seen.events.push(...events)
    seen.batches.push(events.length)
    seen.revision = revision
  }

  onEtcdProgress(watch: WatchId, revision: number): void {
    const seen = this.watches.get(watch) as Seen
    seen.revision = revision
  }

  onEtcdCompacted(watch: WatchId, compactRevision: number): void {
    const seen = this.watches.get(watch) as Seen
    seen.compactedAt = compactRevision
  }

  onEtcdWatchRefused(watch: WatchId, reason: string): void {
    const seen = this.watches.get(watch) as Seen
    seen.refused = reason
  }
}

export interface EtcdTrialOptions {
  readonly seed: string | number
  readonly members?: number
  readonly clients?: number
  readonly crashMode?: CrashMode
  readonly client?: Partial<EtcdClientOptions>
  readonly options?: Partial<Omit<EtcdOptionsInput, 'name' | 'index' | 'members' | 'streams'>>
}

export class EtcdTrial {
  readonly kernel: Kernel
  readonly members: readonly ProcessId[]
  readonly clients: readonly ProcessId[]
  readonly #options: EtcdTrialOptions['options']
  readonly #joined: ProcessId[] = []
  readonly #clientsOf = new Map<ProcessId, ProcessId>()

  constructor(options: EtcdTrialOptions) {
    this.#options = options.options
    this.kernel = new Kernel({ seed: options.seed, crashMode: options.crashMode ?? 'draw' })
    const { kernel } = this
    const { streams } = kernel
    const count = options.members ?? 3
    const names = Array.from({ length: count }, (_, index) => `etcd-${index}`)
    for (const name of names) kernel.addHost(name)
    // Factories run when a process is spawned, so the members' numbers are known beforehand: they are the first ones.
    this.members = names.map((_, index) => index + 1)
    names.forEach((name, index) => {
      const id = kernel.spawn(name, name, () => {
        return new EtcdMember({ ...options.options, name, index, members: this.members, streams })
      })
      if (id !== this.members[index]) throw new Error(`member ${index} is process ${id}`)
    })
    this.clients = Array.from({ length: options.clients ?? 1 }, (_, index) => {
      const name = `client-${index}`
      kernel.addHost(name)
      return kernel.spawn(
        name,
        name,
        () => new TestClient(new EtcdClient({ endpoints: this.members, name, streams, ...options.client })),
      )
    })
  }

  client(index = 0): TestClient {
    return this.kernel.machineOf(this.clients[index] as ProcessId) as TestClient
  }

  /** Starts a process that will be a member once it is added. */
  join(name: string): ProcessId {
    const { kernel, members } = this
    const { streams } = kernel
    kernel.addHost(name)
    const options = { ...this.#options, name, index: -1, members, streams, joins: true }
    const process = kernel.spawn(name, name, () => new EtcdMember(options))
    this.#joined.push(process)
    return process
  }

  /** Asks one member and runs until the answer is there. */
  answerFrom(member: ProcessId, request: EtcdRequest): EtcdResult {
    const answered = this.askFrom(member, request)
    for (let i = 0; i < 3_000 && answered() === undefined; i++) this.run(10_000)
    const result = answered()
    if (result === undefined) throw new Error('no answer within 30 s')
    return result
  }

  /** Asks one member, through a client of its own that knows no other. What this gives gives the answer once it is there. */
  askFrom(member: ProcessId, request: EtcdRequest): () => EtcdResult | undefined {
    const { kernel } = this
    let client = this.#clientsOf.get(member)
    if (client === undefined) {
      const name = `client-of-${member}`
      kernel.addHost(name)
      const { streams } = kernel
      client = kernel.spawn(name, name, () => new TestClient(new EtcdClient({ endpoints: [member], name, streams })))
      this.#clientsOf.set(member, client)
      this.run(0)
    }
    let tag = -1
    kernel.enter(client, (machine, out) => {
      tag = (machine as TestClient).ask(request, out)
    })
    const { answers } = kernel.machineOf(client) as TestClient
    return () => answers[tag]?.result
  }

  viewOf(member: ProcessId): EtcdView {
    return (this.kernel.machineOf(member) as EtcdMember).view()
  }

  view(index: number): EtcdView {
    return this.viewOf(this.members[index] as ProcessId)
  }

  /** Places of the members that lead now. */
  leaders(): number[] {
    return this.members.flatMap((id, index) => {
      return this.kernel.isRunning(id) && this.view(index).role === 'leader' ? [index] : []
    })
  }

  run(micros: Micros): void {
    this.kernel.run({ until: this.kernel.now + micros })
  }

  /** Runs until one member leads; gives its place. */
  elect(): number {
    for (let i = 0; i < 200; i++) {
      this.run(100_000)
      const [leader, other] = this.leaders()
      if (leader !== undefined && other === undefined) return leader
    }
    throw new Error('no leader within 20 s')
  }

  ask(request: EtcdRequest, client = 0): number {
    let tag = -1
    this.kernel.enter(this.clients[client] as ProcessId, (machine, out) => {
      tag = (machine as TestClient).ask(request, out)
    })
    return tag
  }

  /** Asks and runs until the answer is there. Throws when the request failed. */
  must(request: EtcdRequest, client = 0): EtcdResponse {
    const result = this.answer(request, client)
    if (!result.ok) throw new Error(result.message)
    return result.value
  }

  /** Asks and runs until the answer is there. */
  answer(request: EtcdRequest, client = 0): EtcdResult {
    const tag = this.ask(request, client)
    const { answers } = this.client(client)
    for (let i = 0; i < 3_000 && answers[tag] === undefined; i++) this.run(10_000)
    const answer = answers[tag]
    if (answer === undefined) throw new Error('no answer within 30 s')
    return answer.result
  }

  stopWatch(seen: Seen, client = 0): void {
    this.kernel.enter(this.clients[client] as ProcessId, (machine, out) => {
      const owner = machine as TestClient
      for (const [id, one] of owner.watches) if (one === seen) owner.client.stopWatch(id, out)
    })
  }

  watch(request: WatchRequest, client = 0): Seen {
    const seen: Seen = { events: [], batches: [], revision: 0, compactedAt: 0, refused: undefined }
    this.kernel.enter(this.clients[client] as ProcessId, (machine, out) => {
      const owner = machine as TestClient
      owner.watches.set(owner.client.watch(request, owner, out), seen)
    })
    return seen
  }

  /** Cuts members (by place) off from everyone else; the answer heals it. */
  isolate(...places: number[]): () => void {
    const inside = new Set(places.map((place) => this.members[place] as ProcessId))
    const outside = new Set([...this.members, ...this.#joined, ...this.clients].filter((id) => !inside.has(id)))
    const id = `isolate-${places.join('-')}`
    const there = this.kernel.network.addRule({ id, from: inside, to: outside, verdict: { kind: 'drop' } })
    const back = this.kernel.network.addRule({ id: `${id}-back`, from: outside, to: inside, verdict: { kind: 'drop' } })
    return () => {
      there.remove()
      back.remove()
    }
  }
}
