/**
 * A client of the cluster: requests with answers, watches that go on after a change of member. Models etcd's clientv3,
 * v3.5. Reads are repeated elsewhere when the connection breaks; writes are not, since they may have taken effect: their
 * failure says so. Simplified: one connection at a time, where the real one spreads requests over all members.
 */
import { invariant } from '../kernel/invariant.ts'
import type { Message, Out, ProcessId, TimerTarget } from '../kernel/machine.ts'
import type { Rand, Streams } from '../kernel/random.ts'
import { MILLISECOND, type Micros, SECOND } from '../kernel/time.ts'
import { type EtcdWatchReceiver, type WatchRequest, WatchSet } from './clientwatch.ts'
import * as errors from './errors.ts'
import type { EtcdResult, MemberMessage, RequestMessage, WatchId } from './messages.ts'
import {
  type CompactRequest,
  type DeleteRequest,
  type EtcdRequest,
  isReadOnly,
  type LeaseGrantRequest,
  type LeaseKeepAliveRequest,
  type LeaseRevokeRequest,
  type LeaseTimeToLiveRequest,
  type PutRequest,
  type RangeRequest,
  requestBytes,
  type TxnRequest,
} from './requests.ts'

export interface EtcdClientOptions {
  /** The members' processes. */
  readonly endpoints: readonly ProcessId[]
  /** For draws: which member first, how long to pause. */
  readonly name: string
  readonly streams: Streams
  /** Without an answer for so long a request fails and another member is tried. Default 10 s. */
  readonly timeoutMicros?: Micros
}

/** Gets the answers; `tag` is what was given with the request. */
export interface EtcdReceiver {
  onEtcdReply(tag: number, result: EtcdResult, out: Out): void
}

interface Call {
  readonly request: EtcdRequest
  readonly receiver: EtcdReceiver
  readonly tag: number
  readonly deadline: Micros
  isSent: boolean
}

const DEADLINE = 1
const RECONNECT = 2
const FIRST_PAUSE = 100 * MILLISECOND
const LONGEST_PAUSE = SECOND

export class EtcdClient implements TimerTarget {
  readonly #endpoints: readonly ProcessId[]
  readonly #timeoutMicros: Micros
  readonly #draws: Rand
  readonly #calls = new Map<number, Call>()
  readonly #watches: WatchSet
  #lastId = 0
  /** Place of the member in use. */
  #current: number
  /** Members tried in a row that gave no answer. */
  #failures = 0
  /** Waiting before the next attempt: nothing is sent. */
  #isPausing = false
  #deadlineArmed = false
  #heardAt: Micros = 0

  constructor(options: EtcdClientOptions) {
    invariant(options.endpoints.length > 0, 'etcd: a client knows a member', options.name)
    this.#endpoints = options.endpoints
    this.#timeoutMicros = options.timeoutMicros ?? 10 * SECOND
    this.#draws = options.streams.get(`etcd/client/${options.name}`)
    this.#current = this.#draws.intAt(0, options.endpoints.length - 1)
    this.#watches = new WatchSet()
  }

  /** The member that requests go to now. */
  get endpoint(): ProcessId {
    return this.#endpoints[this.#current] as ProcessId
  }

  /** Requests without an answer yet. */
  get pendingCount(): number {
    return this.#calls.size
  }

  range(request: Omit<RangeRequest, 'type'>, receiver: EtcdReceiver, tag: number, out: Out): void {
    this.call({ type: 'range', ...request }, receiver, tag, out)
  }

  put(request: Omit<PutRequest, 'type'>, receiver: EtcdReceiver, tag: number, out: Out): void {
    this.call({ type: 'put', ...request }, receiver, tag, out)
  }

  delete(request: Omit<DeleteRequest, 'type'>, receiver: EtcdReceiver, tag: number, out: Out): void {
    this.call({ type: 'delete', ...request }, receiver, tag, out)
  }

  txn(request: Omit<TxnRequest, 'type'>, receiver: EtcdReceiver, tag: number, out: Out): void {
    this.call({ type: 'txn', ...request }, receiver, tag, out)
  }

  compact(request: Omit<CompactRequest, 'type'>, receiver: EtcdReceiver, tag: number, out: Out): void {
    this.call({ type: 'compact', ...request }, receiver, tag, out)
  }

  leaseGrant(request: Omit<LeaseGrantRequest, 'type'>, receiver: EtcdReceiver, tag: number, out: Out): void {
    this.call({ type: 'lease-grant', ...request }, receiver, tag, out)
  }

  leaseRevoke(request: Omit<LeaseRevokeRequest, 'type'>, receiver: EtcdReceiver, tag: number, out: Out): void {
    this.call({ type: 'lease-revoke', ...request }, receiver, tag, out)
  }

  leaseKeepAlive(request: Omit<LeaseKeepAliveRequest, 'type'>, receiver: EtcdReceiver, tag: number, out: Out): void {
    this.call({ type: 'lease-keep-alive', ...request }, receiver, tag, out)
  }

  leaseTimeToLive(request: Omit<LeaseTimeToLiveRequest, 'type'>, receiver: EtcdReceiver, tag: number, out: Out): void {
    this.call({ type: 'lease-time-to-live', ...request }, receiver, tag, out)
  }

  status(receiver: EtcdReceiver, tag: number, out: Out): void {
    this.call({ type: 'status' }, receiver, tag, out)
  }

  /** Asks anything; exactly one answer comes, later. */
  call(request: EtcdRequest, receiver: EtcdReceiver, tag: number, out: Out): void {
    const id = ++this.#lastId
    const call: Call = { request, receiver, tag, deadline: out.now + this.#timeoutMicros, isSent: false }
    this.#calls.set(id, call)
    if (!this.#isPausing) this.#send(id, call, out)
    if (!this.#deadlineArmed) {
      this.#deadlineArmed = true
      out.after(this.#timeoutMicros, this, DEADLINE)
    }
  }

  /** Watches a key or range until it is stopped or what it needs is compacted. */
  watch(request: WatchRequest, receiver: EtcdWatchReceiver, out: Out): WatchId {
    const watch = this.#watches.add(request, receiver)
    if (!this.#isPausing) this.#watches.create(watch, this.endpoint, out)
    return watch.id
  }

  stopWatch(id: WatchId, out: Out): void {
    if (this.#watches.remove(id) && !this.#isPausing) this.#watches.cancel(id, this.endpoint, out)
  }

  /** Asks how far the watches are; each receiver hears of it once all have caught up. */
  requestProgress(out: Out): void {
    if (!this.#isPausing) this.#watches.requestProgress(this.endpoint, out)
  }

  /** True when the message was this client's. */
  onMessage(from: ProcessId, message: Message, out: Out): boolean {
    const known = message as MemberMessage
    switch (known.type) {
      case 'etcd-reply':
        if (from === this.endpoint) this.#onReply(known.id, known.result, out)
        return true
      case 'etcd-watch-cancelled':
        if (from !== this.endpoint) return true
        if (known.compactRevision > 0 || known.isFinal === true) this.#watches.cancelled(known, out)
        else if (this.#watches.has(known.watch)) this.#failOver(out)
        return true
      case 'etcd-watch-events':
      case 'etcd-watch-created':
      case 'etcd-watch-progress':
        if (from !== this.endpoint) return true
        this.#heard(out)
        this.#watches.onMessage(from, known, out)
        return true
      default:
        return false
    }
  }

  onDisconnect(peer: ProcessId, out: Out): void {
    if (peer === this.endpoint && !this.#isPausing) this.#failOver(out)
  }

  onTimer(kind: number, _a: number, out: Out): void {
    if (kind === RECONNECT) {
      this.#isPausing = false
      this.#connect(out)
    } else this.#checkDeadlines(out)
  }

  #onReply(id: number, result: EtcdResult, out: Out): void {
    const call = this.#calls.get(id)
    if (call === undefined) return
    this.#calls.delete(id)
    const isCutOff = !result.ok && result.code === 14
    if (!isCutOff) this.#heard(out)
    call.receiver.onEtcdReply(call.tag, result, out)
    // The member is there but has lost the others: another one may not have.
    if (isCutOff && !this.#isPausing) this.#failOver(out)
  }

  #heard(out: Out): void {
    this.#failures = 0
    this.#heardAt = out.now
  }

  #checkDeadlines(out: Out): void {
    this.#deadlineArmed = false
    let isSilent = false
    for (const [id, call] of this.#calls) {
      if (call.deadline > out.now) break
      this.#calls.delete(id)
      if (this.#heardAt <= call.deadline - this.#timeoutMicros) isSilent = true
      const unknown = call.isSent && !isRead(call.request)
      call.receiver.onEtcdReply(call.tag, unknown ? errors.WRITE_DEADLINE : errors.READ_DEADLINE, out)
    }
    if (isSilent && !this.#isPausing) this.#failOver(out)
    const next = this.#calls.values().next().value
    if (next === undefined || this.#deadlineArmed) return
    this.#deadlineArmed = true
    out.after(Math.max(0, next.deadline - out.now), this, DEADLINE)
  }

  /** Goes to the next member. Writes that were sent fail; reads and watches go along. */
  #failOver(out: Out): void {
    out.hangUp(this.endpoint)
    this.#failures++
    this.#current = (this.#current + 1) % this.#endpoints.length
    this.#isPausing = true
    const lost: Call[] = []
    for (const [id, call] of this.#calls) {
      if (!call.isSent) continue
      if (isRead(call.request)) call.isSent = false
      else {
        this.#calls.delete(id)
        lost.push(call)
      }
    }
    out.after(this.#pause(out.now), this, RECONNECT)
    for (const call of lost) call.receiver.onEtcdReply(call.tag, errors.CONNECTION_LOST, out)
  }

  /** None for the first round of members, then longer and longer. */
  #pause(now: Micros): Micros {
    const rounds = Math.floor(this.#failures / this.#endpoints.length)
    if (rounds === 0) return 0
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(rounds - 1, 8))
    return this.#draws.intAt(Math.floor(pause / 2), pause, now, this.#failures)
  }

  #connect(out: Out): void {
    for (const [id, call] of this.#calls) if (!call.isSent) this.#send(id, call, out)
    this.#watches.createAll(this.endpoint, out)
  }

  #send(id: number, call: Call, out: Out): void {
    call.isSent = true
    const message: RequestMessage = { type: 'etcd-request', id, request: call.request }
    out.stream(this.endpoint, message, requestBytes(call.request))
  }
}

function isRead(request: EtcdRequest): boolean {
  switch (request.type) {
    case 'range':
    case 'status':
    case 'lease-keep-alive':
    case 'lease-time-to-live':
    case 'lease-list':
    case 'member-list':
    case 'hash':
      return true
    case 'txn':
      return isReadOnly(request)
    default:
      return false
  }
}
