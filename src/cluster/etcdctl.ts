/**
 * One command of etcdctl: a change of members, handing over leadership, a defragmentation or a compaction, at its moment and
 * repeated for a while when it is refused, as by somebody who waits for a learner to catch up. Models etcdctl v3.5's member
 * add, promote and remove, move-leader, defrag and compaction.
 */
import { EtcdClient, type EtcdReceiver, type EtcdRequest, type EtcdResult, memberOf } from '../etcd/index.ts'
import {
  type Machine,
  type Message,
  MILLISECOND,
  type Micros,
  type Out,
  type ProcessId,
  SECOND,
  type Streams,
} from '../kernel/index.ts'
import type { StepFact } from './operator.ts'
import type { EtcdStep } from './workload.ts'

const RETRY_MICROS: Micros = 300 * MILLISECOND
const GIVE_UP_MICROS: Micros = 20 * SECOND
const TIMEOUT_MICROS: Micros = 2 * SECOND
/** A step's code is HTTP's for success, or 400 and the gRPC status of the refusal; 0 when its outcome is unknown. */
const DONE = 200
const REFUSED = 400

export class Etcdctl implements Machine, EtcdReceiver {
  readonly #step: EtcdStep
  readonly #members: readonly ProcessId[]
  readonly #processes: ReadonlyMap<string, ProcessId>
  readonly #streams: Streams
  #client: EtcdClient
  #begunAt: Micros = -1
  #stopped = false
  #finished = false

  constructor(options: {
    readonly step: EtcdStep
    /** The processes of the first members. */
    readonly members: readonly ProcessId[]
    /** Every member by name, spare ones too. */
    readonly processes: ReadonlyMap<string, ProcessId>
    readonly streams: Streams
  }) {
    this.#step = options.step
    this.#members = options.members
    this.#processes = options.processes
    this.#streams = options.streams
    this.#client = this.#clientOf(options.members)
  }

  /** Begun and not yet finished. */
  get isRunning(): boolean {
    return this.#begunAt >= 0 && !this.#finished
  }

  /** The quiet phase: it does not begin any more, and is not repeated. */
  stop(): void {
    this.#stopped = true
  }

  onStart(out: Out): void {
    out.after(Math.max(0, this.#step.atMicros - out.now), this, 0)
  }

  onMessage(from: ProcessId, message: Message, out: Out): void {
    this.#client.onMessage(from, message, out)
  }

  onDisconnect(peer: ProcessId, out: Out): void {
    this.#client.onDisconnect(peer, out)
  }

  onTimer(_kind: number, _a: number, out: Out): void {
    if (this.#begunAt < 0) {
      if (this.#stopped) return
      this.#begunAt = out.now
      this.#note('step-started', 0, out)
    }
    this.#client.call(this.#request(), this, 0, out)
  }

  #request(): EtcdRequest {
    const step = this.#step
    switch (step.kind) {
      case 'etcd-compact':
      case 'etcd-move-leader':
        return { type: 'status' }
      case 'etcd-defragment':
        this.#client = this.#clientOf([this.#processOf(step.member)])
        return { type: 'defragment' }
      case 'etcd-member-add':
        return { type: 'member-add', process: this.#processOf(step.member), isLearner: step.learner }
      case 'etcd-member-promote':
        return { type: 'member-promote', member: this.#numberOf(step.member) }
      case 'etcd-member-remove':
        return { type: 'member-remove', member: this.#numberOf(step.member) }
    }
  }

  onEtcdReply(_tag: number, result: EtcdResult, out: Out): void {
    if (!result.ok) {
      // A change that was made already is refused when it comes again, so it may be asked for again.
      if (!this.#stopped && out.now - this.#begunAt < GIVE_UP_MICROS) out.after(RETRY_MICROS, this, 0)
      else this.#finish(result.outcomeUnknown ? 0 : REFUSED + result.code, out)
      return
    }
    const step = this.#step
    if (result.value.type !== 'status') this.#finish(DONE, out)
    else if (step.kind === 'etcd-move-leader') this.#moveLeader(step.member, result.value.leader, out)
    else this.#client.call({ type: 'compact', revision: result.value.revision }, this, 0, out)
  }

  /** Only the leader can be asked. */
  #moveLeader(name: string, leader: number, out: Out): void {
    const process = [...this.#processes.values()].find((one) => memberOf(one, this.#members) === leader)
    if (process === undefined) {
      out.after(RETRY_MICROS, this, 0)
      return
    }
    this.#client = this.#clientOf([process])
    this.#client.call({ type: 'move-leader', to: this.#numberOf(name) }, this, 0, out)
  }

  #finish(code: number, out: Out): void {
    this.#finished = true
    this.#note('step-finished', code, out)
  }

  #note(type: StepFact['type'], code: number, out: Out): void {
    const fact: StepFact = { type, id: this.#step.id, step: this.#step, code }
    out.note(fact)
  }

  #processOf(name: string): ProcessId {
    return this.#processes.get(name) ?? 0
  }

  #numberOf(name: string): number {
    return memberOf(this.#processOf(name), this.#members)
  }

  #clientOf(endpoints: readonly ProcessId[]): EtcdClient {
    const name = `etcdctl/${this.#step.id}`
    return new EtcdClient({ endpoints, name, streams: this.#streams, timeoutMicros: TIMEOUT_MICROS })
  }
}
