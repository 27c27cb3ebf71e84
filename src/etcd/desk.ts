/**
 * Where a member's requests come in and their answers go out: what is refused at once, what is answered from here, what
 * asks the leader, what goes into the log. Models etcdserver's v3_server.go and the v3rpc services, v3.5. It changes no
 * state of the store; core.ts does, when the log says so.
 */
import { invariant } from '../kernel/invariant.ts'
import type { Message, Out, ProcessId, TimerTarget } from '../kernel/machine.ts'
import { SECOND } from '../kernel/time.ts'
import { type MemberId, MembershipChange, type Proposal, type Term } from '../raft/index.ts'
import { isAboutLease, isLeadersOwn, isSerializable } from './asked.ts'
import type { Backend } from './backend.ts'
import { checkRequest } from './check.ts'
import * as errors from './errors.ts'
import type { EtcdTimedOut } from './facts.ts'
import { answerLocally, memberChange, type Parts } from './local.ts'
import { Maintenance } from './maintenance.ts'
import type { EtcdResult, ForwardedMessage, ForwardMessage, LoggedRequest, RequestMessage } from './messages.ts'
import { Pending, type Waiting } from './pending.ts'
import { type ReadOwner, ReadQueue, type WaitingCall, type WaitingRead } from './reads.ts'
import {
  type EtcdRequest,
  isReadOnly,
  type LeaderRequest,
  type LeaseKeepAliveRequest,
  type RangeRequest,
  requestBytes,
  type TxnRequest,
  type WriteRequest,
} from './requests.ts'
import { responseBytes } from './responses.ts'
import { pathOf, performPath, rangeRefusal, refusalOf } from './txn.ts'
import type { AlarmKind } from './types.ts'

type ReadRequest = RangeRequest | TxnRequest

export class Desk implements ReadOwner, TimerTarget {
  readonly maintenance: Maintenance
  readonly #parts: Parts
  readonly #backend: Backend
  readonly #pending: Pending
  readonly #reads: ReadQueue
  /** What this member's requests carry, to be known again when they are applied. */
  readonly #origin: number
  /** Writes that wait for a leader, or for the sync under way. */
  #proposals: Proposal[] = []
  /** There was nobody to propose to; some of them may have been given up since. */
  #waited = false
  #lastId: number
  /** Answers to physical compactions that wait for the backend. */
  readonly #compacting = new Map<number, EtcdResult>()
  /** Requests for defragmentation, answered when it is done. */
  #defragmenting: number[] = []
  #closed = false

  constructor(parts: Parts, backend: Backend, out: Out) {
    this.#parts = parts
    this.#backend = backend
    this.#lastId = out.now * 65_536
    this.#origin = parts.consensus.state.id - 1
    const { options } = parts
    this.#pending = new Pending(options.requestTimeoutMicros, (waiting, _id, at) => this.#giveUp(waiting, at))
    this.#reads = new ReadQueue(this, options.readRetryMicros, options.decisions)
    this.maintenance = new Maintenance(options, parts.machine.store, (at) => this.#defragmented(at))
  }

  /** This life of the member is over. */
  close(): void {
    this.#closed = true
  }

  dropClient(peer: ProcessId): void {
    this.#pending.dropClient(peer)
  }

  onRequest(client: ProcessId, message: RequestMessage, out: Out): void {
    const { id: clientId, request } = message
    if (this.maintenance.isPaused) {
      this.maintenance.defer(client, message)
      return
    }
    const refusal = this.#unfit(message) ?? checkRequest(request, this.#parts.options) ?? this.#overloaded()
    if (refusal !== undefined) {
      this.#reply(client, clientId, refusal, out)
      return
    }
    switch (request.type) {
      case 'range':
        this.#read(client, clientId, request, request.serializable === true, out)
        break
      case 'txn':
        if (isReadOnly(request)) this.#read(client, clientId, request, isSerializable(request), out)
        else this.#write(client, clientId, request, out)
        break
      case 'status':
      case 'hash':
      case 'lease-list':
      case 'member-list':
        this.#reply(client, clientId, answerLocally(request, this.#parts), out)
        break
      case 'defragment':
        this.#defragmenting.push(this.#wait(client, clientId, request, false, out))
        if (this.#backend.defragment(out)) {
          this.#parts.consensus.pause()
          this.maintenance.defragment(out)
        }
        break
      case 'move-leader':
        this.#reply(client, clientId, this.#moveLeader(request.to, out), out)
        break
      case 'lease-keep-alive':
      case 'lease-time-to-live':
      case 'member-add':
      case 'member-remove':
      case 'member-promote':
        this.#askLeader(client, clientId, request, out)
        break
      default:
        this.#write(client, clientId, request, out)
    }
  }

  /** Another member asks for a client of its own. */
  onForward(from: ProcessId, { id, request }: ForwardMessage, out: Out): void {
    if (!this.#parts.consensus.isLeader) {
      const message: ForwardedMessage = { type: 'etcd-forwarded', id, result: errors.NO_LEADER }
      out.send(from, message)
    } else this.#lead(from, id, request, true, out)
  }

  /** Somebody still wants the answer to this entry's request. */
  isWanted(origin: number, id: number): boolean {
    return origin === this.#origin && this.#pending.get(id) !== undefined
  }

  answer(id: number, result: EtcdResult, out: Out): void {
    const waiting = this.#pending.take(id)
    if (waiting === undefined) return
    if (!waiting.isForwarded) {
      this.#reply(waiting.client, waiting.clientId, result, out)
      return
    }
    const message: ForwardedMessage = { type: 'etcd-forwarded', id: waiting.clientId, result }
    out.send(waiting.client, message)
  }

  /** A physical compaction took `states` out: the backend needs a pause after each batch of them. */
  answerCompacted(id: number, result: EtcdResult, states: number, out: Out): void {
    const { compactionBatch, compactionPauseMicros } = this.#parts.options
    const pauses = Math.floor(states / compactionBatch)
    if (pauses === 0) {
      this.answer(id, result, out)
      return
    }
    this.#compacting.set(id, result)
    out.after(pauses * compactionPauseMicros, this, 0, id)
  }

  onTimer(_kind: number, id: number, out: Out): void {
    const result = this.#compacting.get(id)
    this.#compacting.delete(id)
    if (result !== undefined && !this.#closed) this.answer(id, result, out)
  }

  nextId(): number {
    return ++this.#lastId
  }

  propose(request: WriteRequest, id = this.nextId()): void {
    const data: LoggedRequest = { origin: this.#origin, id, request }
    this.#addProposal({ data, bytes: requestBytes(request) })
  }

  raiseNoSpace(): void {
    this.raise(this.#parts.consensus.state.id, 'no-space')
  }

  raise(member: MemberId, alarm: AlarmKind): void {
    this.propose({ type: 'alarm', action: 'activate', member, alarm })
  }

  /** It no longer leads: what only a leader may say about leases is not handed on to the next one. */
  onDemoted(): void {
    if (this.#parts.options.decisions.formerLeaderEndsLeases()) return
    this.#proposals = this.#proposals.filter(
      ({ data }) => !isLeadersOwn(data) || this.#pending.get((data as LoggedRequest).id) !== undefined,
    )
  }

  /** Proposals go out together: a leader's when the sync under way has ended, a follower's when a leader is known. */
  onStepEnded(out: Out): void {
    const { consensus } = this.#parts
    if (this.#proposals.length > 0 && !(consensus.isLeader && consensus.isWriting)) {
      const proposals = this.#waited ? this.#proposals.filter((proposal) => this.#isAwaited(proposal)) : this.#proposals
      this.#proposals = []
      this.#waited = proposals.length > 0 && !consensus.propose(proposals, out)
      if (this.#waited) this.#proposals = proposals
    }
    if (this.maintenance.isPaused) return
    this.#reads.serve(consensus.state.applied, out)
    this.#reads.begin(out)
  }

  onReadReady(context: number, index: number): void {
    this.#reads.confirmed(context, index)
  }

  get term(): Term {
    return this.#parts.consensus.state.term
  }

  askIndex(context: number, out: Out): Term {
    return this.#parts.consensus.readIndex(context, out) ? this.term : 0
  }

  /** Calls back once everything that is committed by now is applied here. */
  readThrough(then: (out: Out) => void, out: Out): void {
    this.#reads.add({ then })
    this.#reads.begin(out)
    this.#reads.serve(this.#parts.consensus.state.applied, out)
  }

  serve(read: WaitingRead | WaitingCall, out: Out): void {
    if ('then' in read) {
      if (!this.#closed) read.then(out)
      return
    }
    const { id, request } = read
    if (this.#pending.get(id) === undefined) return
    if (request.type === 'lease-keep-alive') this.#renew(id, request, out)
    else this.answer(id, this.#result(request), out)
  }

  /** Notes that a client waits for the answer to the request with the number that this gives. */
  #wait(
    client: ProcessId,
    clientId: number,
    request: EtcdRequest,
    isWrite: boolean,
    out: Out,
    isForwarded = false,
  ): number {
    const id = this.nextId()
    this.#pending.add(id, client, clientId, request.type, isWrite, out, isForwarded)
    return id
  }

  #read(client: ProcessId, clientId: number, request: ReadRequest, isLocal: boolean, out: Out): void {
    if (isLocal) {
      this.#reply(client, clientId, this.#result(request), out)
      return
    }
    this.#reads.add({ id: this.#wait(client, clientId, request, false, out), request })
    this.#reads.begin(out)
    this.#reads.serve(this.#parts.consensus.state.applied, out)
  }

  #renew(id: number, request: LeaseKeepAliveRequest, out: Out): void {
    const { consensus, leases, machine } = this.#parts
    const result = consensus.isLeader ? leases.answer(id, request, machine.store.revision, out) : errors.LEADER_CHANGED
    if (result !== undefined) this.answer(id, result, out)
  }

  #result(request: ReadRequest): EtcdResult {
    const { store, leases } = this.#parts.machine
    if (request.type === 'range') {
      return rangeRefusal(store, request.revision ?? 0) ?? { ok: true, value: store.range(request) }
    }
    const path = pathOf(store, request)
    const refusal = refusalOf(store, leases, path)
    if (refusal !== undefined) return refusal
    const value = performPath(store, leases, path, true)
    invariant(value !== undefined, 'etcd: a wanted answer is given')
    return { ok: true, value }
  }

  #write(client: ProcessId, clientId: number, request: WriteRequest, out: Out): void {
    if (this.maintenance.passesQuota(request)) {
      this.raiseNoSpace()
      this.#reply(client, clientId, errors.NO_SPACE, out)
    } else this.propose(request, this.#wait(client, clientId, request, true, out))
    this.onStepEnded(out)
  }

  #moveLeader(to: number, out: Out): EtcdResult {
    const { consensus } = this.#parts
    if (!consensus.isLeader) return errors.NOT_LEADER
    return consensus.transfer(to, out) ? { ok: true, value: { type: 'move-leader' } } : errors.BAD_TRANSFEREE
  }

  #askLeader(client: ProcessId, clientId: number, request: LeaderRequest, out: Out): void {
    const { consensus } = this.#parts
    if (consensus.isLeader) {
      this.#lead(client, clientId, request, false, out)
      return
    }
    const id = this.#wait(client, clientId, request, !isAboutLease(request), out)
    const leader = consensus.leaderProcess
    if (leader === undefined) return
    const message: ForwardMessage = { type: 'etcd-forward', id, request }
    // A change of members must not be asked for twice.
    if (isAboutLease(request)) out.send(leader, message)
    else out.stream(leader, message)
  }

  /** Answers what only the leader can: leases from its memory, changes of members once they are made. */
  #lead(client: ProcessId, clientId: number, request: LeaderRequest, isForwarded: boolean, out: Out): void {
    const { machine, leases } = this.#parts
    const id = this.#wait(client, clientId, request, !isAboutLease(request), out, isForwarded)
    // One that stood still may not lead any more, and asks a majority before it promises anything.
    if (request.type === 'lease-keep-alive' && !this.#parts.consensus.isActive(out.now)) {
      this.#reads.add({ id, request })
      this.#reads.begin(out)
      this.#reads.serve(this.#parts.consensus.state.applied, out)
      return
    }
    if (isAboutLease(request)) {
      const result = leases.answer(id, request, machine.store.revision, out)
      if (result !== undefined) this.answer(id, result, out)
      return
    }
    const context: Pick<LoggedRequest, 'origin' | 'id'> = { origin: this.#origin, id }
    const change = memberChange(request, this.#parts, context, out.now)
    if (!(change instanceof MembershipChange)) {
      this.answer(id, change, out)
      return
    }
    this.#addProposal({ data: change, bytes: requestBytes(request) })
    this.onStepEnded(out)
  }

  /** The array travels with the proposal, which is mostly alone: a literal has no more room than it needs. */
  #addProposal(proposal: Proposal): void {
    if (this.#proposals.length === 0) this.#proposals = [proposal]
    else this.#proposals.push(proposal)
  }

  #defragmented(out: Out): void {
    if (this.#closed) return
    const asked = this.#defragmenting
    this.#defragmenting = []
    for (const id of asked) this.answer(id, { ok: true, value: { type: 'defragment' } }, out)
    this.#parts.consensus.resume(out)
    for (const { client, message } of this.maintenance.takeDeferred()) this.onRequest(client, message, out)
  }

  /** Does anyone still wait for the answer? What nobody asked for is this member's own. */
  #isAwaited({ data }: Proposal): boolean {
    if (data instanceof MembershipChange) return true
    const { id, request } = data as LoggedRequest
    if (request.type === 'lease-revoke' || request.type === 'lease-checkpoint' || request.type === 'alarm') return true
    return this.#pending.get(id) !== undefined
  }

  #overloaded(): EtcdResult | undefined {
    const { commit, applied } = this.#parts.consensus.state
    return commit - applied > this.#parts.options.maxUnapplied ? errors.TOO_MANY_REQUESTS : undefined
  }

  /** Does this member refuse what others would take? What a learner knows may be out of date. */
  #unfit({ request, requireLeader }: RequestMessage): EtcdResult | undefined {
    const { consensus } = this.#parts
    const isForAnyone = request.type === 'status' || (request.type === 'range' && request.serializable === true)
    if (consensus.isLearner && !isForAnyone) return errors.LEARNER_REFUSES
    return requireLeader === true && consensus.state.leader === 0 ? errors.NO_LEADER : undefined
  }

  #reply(client: ProcessId, id: number, result: EtcdResult, out: Out): void {
    const bytes = result.ok ? 64 + responseBytes(result.value) : 128
    out.stream(client, { type: 'etcd-reply', id, result } as Message, bytes)
  }

  #giveUp(waiting: Waiting, out: Out): void {
    if (this.#closed || waiting.isForwarded) return
    const { consensus, options } = this.#parts
    const fact: EtcdTimedOut = { type: 'etcd-request-timed-out', member: options.name, request: waiting.name }
    out.note(fact)
    let result: EtcdResult = errors.READ_TIMED_OUT
    if (waiting.isWrite) {
      const changedLately = out.now - consensus.state.electionFrom < SECOND
      result = changedLately && !consensus.isLeader ? errors.WRITE_LOST_LEADER : errors.WRITE_TIMED_OUT
    }
    this.#reply(waiting.client, waiting.clientId, result, out)
  }
}
