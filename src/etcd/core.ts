/**
 * One life of a member, from recovery to crash: requests in, the log between, answers and watch events out. Models
 * etcdserver's EtcdServer, v3.5. It stands on consensus.ts (the log), apply.ts (the state), watch.ts and reads.ts, and
 * only connects them.
 */
import type { Message, Out, ProcessId } from '../kernel/machine.ts'
import { SECOND } from '../kernel/time.ts'
import type { Entry, Proposal, RaftMessage, Snapshot } from '../raft/index.ts'
import { type StateImage, StateMachine } from './apply.ts'
import { Backend } from './backend.ts'
import { checkRequest } from './check.ts'
import { Consensus, type ConsensusOwner } from './consensus.ts'
import * as errors from './errors.ts'
import type { EtcdApplied, EtcdApplyBatch, EtcdCompacted, EtcdRefused, EtcdRestored, EtcdTimedOut } from './facts.ts'
import { LeaseKeeper } from './leasekeeper.ts'
import type {
  ClientMessage,
  EtcdResult,
  ForwardedMessage,
  ForwardMessage,
  LoggedRequest,
  RequestMessage,
} from './messages.ts'
import type { EtcdOptions } from './options.ts'
import { Pending, type Waiting } from './pending.ts'
import { type ReadOwner, ReadQueue, type WaitingRead } from './reads.ts'
import {
  type EtcdRequest,
  type LeaderRequest,
  type RangeRequest,
  requestBytes,
  responseBytes,
  type WriteRequest,
} from './requests.ts'
import type { Recovered } from './wal.ts'
import { WatchHub } from './watch.ts'

const LEADERLESS = 1

type Halt = (reason: EtcdRefused['reason'], out: Out) => void

export class Core implements ConsensusOwner, ReadOwner {
  readonly consensus: Consensus
  readonly machine: StateMachine
  readonly watches: WatchHub
  readonly #options: EtcdOptions
  readonly #halt: Halt
  readonly #pending: Pending
  readonly #reads: ReadQueue
  readonly #leases: LeaseKeeper
  readonly #backend: Backend
  /** Writes that wait for a leader, or for the sync under way. */
  #proposals: Proposal[] = []
  /** There was nobody to propose to; some of them may have been given up since. */
  #waited = false
  #lastId: number
  #leaderlessTimer = 0
  #wasLeader = false
  #halted = false

  constructor(options: EtcdOptions, recovered: Recovered, out: Out, halt: Halt) {
    this.#options = options
    this.#halt = halt
    this.#lastId = out.now * 65_536
    this.machine = new StateMachine(options.decisions, Math.ceil((1.5 * options.electionTimeoutMicros) / SECOND))
    const { backend } = recovered
    if (backend !== undefined) {
      this.machine.restore(backend.state)
      this.#noteRestored(backend.index, 'disk', out)
    }
    this.watches = new WatchHub(options, this.machine.store)
    this.consensus = new Consensus(options, this, recovered)
    this.#pending = new Pending(options.requestTimeoutMicros, (waiting, _id, at) => this.#giveUp(waiting, at))
    this.#reads = new ReadQueue(this, options.readRetryMicros)
    this.#leases = new LeaseKeeper(options, this.machine.leases, (lease, at) => {
      this.#propose({ type: 'lease-revoke', lease })
      this.onStepEnded(at)
    })
    this.#backend = new Backend(options, this.machine, backend?.index ?? 0, (at) => this.onDiskFull(at))
  }

  start(out: Out): void {
    this.#leaderlessTimer = out.after(this.#options.leaderlessMicros, this, LEADERLESS)
    this.consensus.start(out)
  }

  stop(out: Out): void {
    this.#halted = true
    this.consensus.stop(out)
    this.#backend.stop()
    this.#leases.demote()
    this.watches.cancelAll('etcdserver: server stopped', out)
  }

  onMessage(from: ProcessId, message: Message, out: Out): void {
    const known = message as ClientMessage | ForwardMessage | ForwardedMessage | RaftMessage
    switch (known.type) {
      case 'etcd-request':
        this.#onRequest(from, known, out)
        break
      case 'etcd-watch-create':
        if (this.consensus.state.leader === 0) {
          const { watch } = known
          const reason = errors.NO_LEADER.message
          out.stream(from, { type: 'etcd-watch-cancelled', watch, compactRevision: 0, reason } as Message, 64)
        } else this.watches.create(from, known, out)
        break
      case 'etcd-watch-cancel':
        this.watches.cancel(from, known.watch)
        break
      case 'etcd-watch-ack':
        this.watches.acknowledge(from, known.count, out)
        break
      case 'etcd-progress-request':
        this.watches.requestProgress(from, out)
        break
      case 'etcd-forward':
        out.send(from, this.#forwarded(known, out))
        break
      case 'etcd-forwarded':
        this.#answer(known.id, known.result, out)
        break
      default:
        this.consensus.receive(known, out)
    }
  }

  onDisconnect(peer: ProcessId): void {
    this.watches.dropClient(peer)
    this.#pending.dropClient(peer)
  }

  onTimer(_kind: number, _a: number, out: Out): void {
    this.#leaderlessTimer = 0
    if (!this.#halted && this.consensus.state.leader === 0) this.watches.cancelAll(errors.NO_LEADER.message, out)
  }

  #onRequest(client: ProcessId, { id: clientId, request }: RequestMessage, out: Out): void {
    const refusal = checkRequest(request, this.#options) ?? this.#overloaded()
    if (refusal !== undefined) {
      this.#reply(client, clientId, refusal, out)
      return
    }
    switch (request.type) {
      case 'range':
        if (request.serializable === true) this.#reply(client, clientId, this.#range(request), out)
        else {
          this.#reads.add({ id: this.#wait(client, clientId, request, false, out), request })
          this.#reads.begin(out)
          this.#reads.serve(this.consensus.state.applied, out)
        }
        break
      case 'status':
        this.#reply(client, clientId, this.#status(), out)
        break
      case 'lease-keep-alive':
      case 'lease-time-to-live':
        this.#leaderRequest(client, clientId, request, out)
        break
      default:
        this.#propose(request, this.#wait(client, clientId, request, true, out))
        this.onStepEnded(out)
    }
  }

  /** Notes that a client waits for the answer to the request with the number that this gives. */
  #wait(client: ProcessId, clientId: number, request: EtcdRequest, isWrite: boolean, out: Out): number {
    const id = this.nextId()
    this.#pending.add(id, client, clientId, request.type, isWrite, out)
    return id
  }

  nextId(): number {
    return ++this.#lastId
  }

  #propose(request: WriteRequest, id = this.nextId()): void {
    const data: LoggedRequest = { origin: this.#options.index, id, request }
    this.#proposals.push({ data, bytes: requestBytes(request) })
  }

  /** Proposals go out together: a leader's when the sync under way has ended, a follower's when a leader is known. */
  onStepEnded(out: Out): void {
    if (this.#proposals.length > 0 && !(this.consensus.isLeader && this.consensus.isWriting)) {
      const proposals = this.#waited ? this.#proposals.filter((proposal) => this.#isAwaited(proposal)) : this.#proposals
      this.#proposals = []
      this.#waited = proposals.length > 0 && !this.consensus.propose(proposals, out)
      if (this.#waited) this.#proposals = proposals
    }
    this.#reads.serve(this.consensus.state.applied, out)
    this.#reads.begin(out)
  }

  /** Does anyone still wait for the answer? Revocations of leases are this member's own. */
  #isAwaited({ data }: Proposal): boolean {
    const { id, request } = data as LoggedRequest
    return request.type === 'lease-revoke' || this.#pending.get(id) !== undefined
  }

  onCommitted(entries: readonly Entry[], out: Out): void {
    const { store } = this.machine
    const first = entries[0] as Entry
    const last = entries[entries.length - 1] as Entry
    this.#backend.begin(last.index, out)
    for (const entry of entries) if (entry.data !== null) this.#apply(entry.data as LoggedRequest, out)
    this.watches.flush(out)
    const member = this.#options.name
    const batch: EtcdApplyBatch = {
      type: 'etcd-apply-batch',
      member,
      from: first.index,
      to: last.index,
      entries,
      revision: store.revision,
      storeHash: store.hash,
    }
    out.note(batch)
    if (last.index - this.consensus.lastSnapshotIndex >= this.#options.snapshotEntries) {
      const data: StateImage = this.machine.image()
      this.consensus.saveSnapshot({ index: last.index, term: last.term, data, bytes: 1024 + data.store.bytes }, out)
    }
  }

  #apply({ origin, id, request }: LoggedRequest, out: Out): void {
    const { machine } = this
    const wanted = origin === this.#options.index && this.#pending.get(id) !== undefined
    const result = machine.apply(request, wanted)
    const { events } = machine
    if (events.length > 0) {
      const { revision } = machine.store
      const fact: EtcdApplied = { type: 'etcd-applied', member: this.#options.name, revision, events }
      out.note(fact)
      this.watches.notice(events)
    }
    if (machine.compacted) {
      const fact: EtcdCompacted = {
        type: 'etcd-compacted',
        member: this.#options.name,
        revision: machine.store.compactRevision,
      }
      out.note(fact)
      this.watches.flush(out)
      this.watches.historyChanged(out)
    }
    if (machine.leaseGranted > 0) this.#leases.granted(machine.leaseGranted, out)
    if (machine.leaseRevoked > 0) this.#leases.revoked(machine.leaseRevoked)
    if (wanted && result !== undefined) this.#answer(id, result, out)
  }

  onInstall(snapshot: Snapshot, out: Out): void {
    const before = this.machine.store.revision
    this.machine.restore(snapshot.data as StateImage)
    this.#backend.replaced(snapshot.index)
    this.#noteRestored(snapshot.index, 'leader', out)
    this.watches.resyncAll(before, out)
  }

  onReadReady(context: number, index: number): void {
    this.#reads.confirmed(context, index)
  }

  askIndex(context: number, out: Out): boolean {
    return this.consensus.readIndex(context, out)
  }

  serve({ id, request }: WaitingRead, out: Out): void {
    if (this.#pending.get(id) !== undefined) this.#answer(id, this.#range(request), out)
  }

  onRoleChanged(out: Out): void {
    const { isLeader, state } = this.consensus
    if (isLeader !== this.#wasLeader) {
      this.#wasLeader = isLeader
      if (isLeader) this.#leases.promote(out)
      else this.#leases.demote()
    }
    if (state.leader !== 0) {
      out.cancel(this.#leaderlessTimer)
      this.#leaderlessTimer = 0
    } else if (this.#leaderlessTimer === 0) {
      this.#leaderlessTimer = out.after(this.#options.leaderlessMicros, this, LEADERLESS)
    }
  }

  onDiskFull(out: Out): void {
    if (!this.#halted) this.#halt('disk-full', out)
  }

  onPanic(out: Out): void {
    if (!this.#halted) this.#halt('lost-entries', out)
  }

  #range(request: RangeRequest): EtcdResult {
    const { store } = this.machine
    const refusal = store.refusal(request.revision ?? 0)
    if (refusal !== undefined) return refusal === 'future' ? errors.FUTURE_REVISION : errors.COMPACTED
    return { ok: true, value: store.range(request) }
  }

  #status(): EtcdResult {
    const { leader, term, applied } = this.consensus.state
    const { revision } = this.machine.store
    return { ok: true, value: { type: 'status', revision, leader, term, appliedIndex: applied } }
  }

  /** Answers from the leader's memory, here or there. */
  #leaderRequest(client: ProcessId, clientId: number, request: LeaderRequest, out: Out): void {
    if (this.consensus.isLeader) {
      this.#reply(client, clientId, this.#leases.answer(request, this.machine.store.revision, out), out)
      return
    }
    const id = this.#wait(client, clientId, request, false, out)
    const leader = this.consensus.leaderProcess
    if (leader === undefined) return
    const message: ForwardMessage = { type: 'etcd-forward', id, request }
    out.send(leader, message)
  }

  #forwarded({ id, request }: ForwardMessage, out: Out): ForwardedMessage {
    const result = this.consensus.isLeader
      ? this.#leases.answer(request, this.machine.store.revision, out)
      : errors.NO_LEADER
    return { type: 'etcd-forwarded', id, result }
  }

  #overloaded(): EtcdResult | undefined {
    const { commit, applied } = this.consensus.state
    return commit - applied > this.#options.maxUnapplied ? errors.TOO_MANY_REQUESTS : undefined
  }

  #answer(id: number, result: EtcdResult, out: Out): void {
    const waiting = this.#pending.take(id)
    if (waiting !== undefined) this.#reply(waiting.client, waiting.clientId, result, out)
  }

  #reply(client: ProcessId, id: number, result: EtcdResult, out: Out): void {
    const bytes = result.ok ? 64 + responseBytes(result.value) : 128
    out.stream(client, { type: 'etcd-reply', id, result } as Message, bytes)
  }

  #giveUp(waiting: Waiting, out: Out): void {
    if (this.#halted) return
    const fact: EtcdTimedOut = { type: 'etcd-request-timed-out', member: this.#options.name, request: waiting.name }
    out.note(fact)
    let result: EtcdResult = errors.READ_TIMED_OUT
    if (waiting.isWrite) {
      const changedLately = out.now - this.consensus.state.electionFrom < SECOND
      result = changedLately && !this.consensus.isLeader ? errors.WRITE_LOST_LEADER : errors.WRITE_TIMED_OUT
    }
    this.#reply(waiting.client, waiting.clientId, result, out)
  }

  #noteRestored(index: number, source: EtcdRestored['source'], out: Out): void {
    const { revision, hash } = this.machine.store
    const member = this.#options.name
    const fact: EtcdRestored = { type: 'etcd-restored', member, index, revision, storeHash: hash, source }
    out.note(fact)
  }
}
