/**
 * A client of the cluster: requests with answers, watches that go on after a change of member. Models etcd's clientv3,
 * v3.5 (client, retry.go, retry_interceptor.go). What may be done twice is repeated elsewhere when the connection breaks or
 * the member has lost the others: reads, and of the rest what etcd calls repeatable, leases among them. Puts, deletions and
 * transactions are not, not even those that only read: they may have taken effect, and their failure says so. Requests go to
 * one member until it fails, or, if asked, to all in turn (turns.ts); watches always share one connection.
 */
import { invariant } from '../kernel/invariant.ts'
import type { Message, Out, ProcessId, Timer, TimerTarget } from '../kernel/machine.ts'
import type { Rand, Streams } from '../kernel/random.ts'
import { MILLISECOND, type Micros, SECOND } from '../kernel/time.ts'
import { type EtcdWatchReceiver, type WatchRequest, WatchSet } from './clientwatch.ts'
import * as errors from './errors.ts'
import type { EtcdResult, MemberMessage, RequestMessage, WatchId } from './messages.ts'
import { isAskedAgain, isRead, isRepeatable } from './repeatable.ts'
import {
  type CompactRequest,
  type DeleteRequest,
  type EtcdRequest,
  type LeaseGrantRequest,
  type LeaseKeepAliveRequest,
  type LeaseRevokeRequest,
  type LeaseTimeToLiveRequest,
  type PutRequest,
  type RangeRequest,
  requestBytes,
  type TxnRequest,
} from './requests.ts'
import { isDial, Turns } from './turns.ts'

export interface EtcdClientOptions {
  /** The members' processes. */
  readonly endpoints: readonly ProcessId[]
  /** For draws: which member first, how long to pause. */
  readonly name: string
  readonly streams: Streams
  /** Without an answer for so long a request fails and another member is tried. Default 10 s. */
  readonly timeoutMicros?: Micros
  /** `pinned`, the default: all to one member as long as it will do. `round-robin`: each request to the next one. */
  readonly balance?: 'pinned' | 'round-robin'
  /** A member that knows no leader refuses requests at once, instead of letting them wait. Default false. */
  readonly requireLeader?: boolean
  /** How often the members are asked who they are, to be the endpoints from then on. Default 0: never. */
  readonly autoSyncMicros?: Micros
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
  /** It went out once, so a write may have taken effect. */
  wasSent: boolean
  /** The member that it was sent to last. */
  to: ProcessId
  /** How often it was sent. */
  tries: number
}

const DEADLINE = 1
const RECONNECT = 2
const SYNC = 3
const AGAIN = 4
const FIRST_PAUSE = 100 * MILLISECOND
const LONGEST_PAUSE = SECOND
/** Members that take turns are asked anew at once, with a pause like this whenever a majority of them was asked. */
const PAUSE_BETWEEN_MAJORITIES = 25 * MILLISECOND
const LEAST_PAUSE = PAUSE_BETWEEN_MAJORITIES * 0.9
const MOST_PAUSE = PAUSE_BETWEEN_MAJORITIES * 1.1
const MOST_TRIES = 100

export class EtcdClient implements TimerTarget, EtcdReceiver {
  #endpoints: readonly ProcessId[]
  readonly #turns: Turns | undefined
  readonly #requireLeader: boolean
  readonly #autoSyncMicros: Micros
  #isSyncing = false
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
  #reconnecting: Timer = 0
  #deadlineArmed = false
  #heardAt: Micros = 0

  constructor(options: EtcdClientOptions) {
    invariant(options.endpoints.length > 0, 'etcd: a client knows a member', options.name)
    this.#endpoints = options.endpoints
    this.#requireLeader = options.requireLeader ?? false
    this.#autoSyncMicros = options.autoSyncMicros ?? 0
    this.#timeoutMicros = options.timeoutMicros ?? 10 * SECOND
    this.#draws = options.streams.get(`etcd/client/${options.name}`)
    this.#current = this.#draws.intAt(0, options.endpoints.length - 1)
    this.#turns =
      options.balance === 'round-robin' ? new Turns(options.endpoints, this.#current, this.#draws) : undefined
    this.#watches = new WatchSet()
  }

  /** The member that requests go to now. */
  get endpoint(): ProcessId {
    return this.#endpoints[this.#current] as ProcessId
  }

  /** Nothing is sent until another member is turned to; where they take turns only watches wait. */
  get #waits(): boolean {
    return this.#isPausing && this.#turns === undefined
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
    const deadline = out.now + this.#timeoutMicros
    const call: Call = { request, receiver, tag, deadline, isSent: false, wasSent: false, to: 0, tries: 0 }
    this.#calls.set(id, call)
    if (this.#autoSyncMicros > 0 && !this.#isSyncing) {
      this.#isSyncing = true
      out.after(this.#autoSyncMicros, this, SYNC)
    }
    if (!this.#waits) this.#send(id, call, out)
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
    this.#turns?.heard(from)
    switch (known.type) {
      case 'etcd-reply':
        if (!isDial(known.id)) this.#onReply(from, known.id, known.result, out)
        return true
      case 'etcd-watch-cancelled':
        if (from !== this.endpoint) return true
        if (known.compactRevision > 0 || known.isFinal === true) this.#watches.cancelled(known, out)
        // A member that stops serving says so for each watch: one of them is enough.
        else if (this.#watches.has(known.watch) && !this.#isPausing) this.#failOver(out)
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
    this.#turns?.broke(peer, out)
    if (peer === this.endpoint && !this.#isPausing) this.#failOver(out)
    else if (this.#turns !== undefined) {
      this.#lose(peer, out)
      this.#connect(out)
    }
  }

  /** Asks the members who they are: those that are no learners are the endpoints from then on. */
  sync(out: Out): void {
    this.call({ type: 'member-list' }, this, 0, out)
  }

  onEtcdReply(_tag: number, result: EtcdResult, out: Out): void {
    if (!result.ok || result.value.type !== 'members') return
    const used = this.endpoint
    const endpoints = result.value.members.filter(({ isLearner }) => !isLearner).map(({ process }) => process)
    if (endpoints.length === 0) return
    this.#endpoints = endpoints
    this.#turns?.setMembers(endpoints)
    const place = endpoints.indexOf(used)
    this.#current = Math.max(0, place)
    if (place >= 0) return
    // The member in use belongs no more: everything goes on at another one.
    this.#lose(used, out)
    out.hangUp(used)
    this.#reconnectIn(0, out)
  }

  onTimer(kind: number, id: number, out: Out): void {
    if (kind === AGAIN) {
      const call = this.#calls.get(id)
      if (call !== undefined && !call.isSent) this.#send(id, call, out)
    } else if (kind === RECONNECT) {
      this.#isPausing = false
      this.#connect(out)
      this.#watches.createAll(this.endpoint, out)
    } else if (kind === SYNC) {
      this.sync(out)
      out.after(this.#autoSyncMicros, this, SYNC)
    } else this.#checkDeadlines(out)
  }

  #onReply(from: ProcessId, id: number, result: EtcdResult, out: Out): void {
    const call = this.#calls.get(id)
    if (call === undefined || !call.isSent || call.to !== from) return
    const isCutOff = !result.ok && result.code === 14
    if (isAskedAgain(call.request, result, this.#endpoints.length) && out.now < call.deadline) {
      if (this.#turns === undefined) {
        call.isSent = false
        if (!this.#isPausing) this.#failOver(out)
        return
      }
      if (call.tries < MOST_TRIES) {
        this.#askAgain(id, call, out)
        return
      }
    }
    this.#calls.delete(id)
    if (!isCutOff) this.#heard(out)
    call.receiver.onEtcdReply(call.tag, result, out)
    // The member is there but has lost the others: another one may not have.
    if (isCutOff && !this.#isPausing && this.#turns === undefined) this.#failOver(out)
  }

  /** The next member may know better. */
  #askAgain(id: number, call: Call, out: Out): void {
    call.isSent = false
    const majority = Math.floor(this.#endpoints.length / 2) + 1
    if (call.tries % majority > 0) this.#send(id, call, out)
    else out.after(this.#draws.intAt(LEAST_PAUSE, MOST_PAUSE, out.now, call.tries, id), this, AGAIN, id)
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
      const unknown = call.wasSent && !isRead(call.request)
      call.receiver.onEtcdReply(call.tag, unknown ? errors.WRITE_DEADLINE : errors.READ_DEADLINE, out)
    }
    if (isSilent && !this.#isPausing && this.#turns === undefined) this.#failOver(out)
    const next = this.#calls.values().next().value
    if (next === undefined || this.#deadlineArmed) return
    this.#deadlineArmed = true
    out.after(Math.max(0, next.deadline - out.now), this, DEADLINE)
  }

  /** Goes to the next member. Writes that were sent fail; what may be repeated and watches go along. */
  #failOver(out: Out): void {
    const left = this.endpoint
    out.hangUp(left)
    this.#failures++
    this.#current =
      this.#turns === undefined
        ? (this.#current + 1) % this.#endpoints.length
        : Math.max(0, this.#endpoints.indexOf(this.#turns.next()))
    this.#reconnectIn(this.#pause(out.now), out)
    this.#lose(left, out)
    if (this.#turns !== undefined) this.#connect(out)
  }

  /** However many reasons there are to begin anew, it is done once. */
  #reconnectIn(delay: Micros, out: Out): void {
    out.cancel(this.#reconnecting)
    this.#reconnecting = out.after(delay, this, RECONNECT)
    this.#isPausing = true
  }

  /** No answer will come from the member. */
  #lose(member: ProcessId, out: Out): void {
    const lost: Call[] = []
    for (const [id, call] of this.#calls) {
      if (!call.isSent || call.to !== member) continue
      if (isRepeatable(call.request)) call.isSent = false
      else {
        this.#calls.delete(id)
        lost.push(call)
      }
    }
    for (const call of lost) call.receiver.onEtcdReply(call.tag, errors.CONNECTION_LOST, out)
  }

  /** None for the first round of members, then longer and longer. */
  #pause(now: Micros): Micros {
    const rounds = Math.floor(this.#failures / this.#endpoints.length)
    if (rounds === 0) return 0
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(rounds - 1, 8))
    return this.#draws.intAt(Math.floor(pause / 2), pause, now, this.#failures)
  }

  /** Sends what waits. */
  #connect(out: Out): void {
    for (const [id, call] of this.#calls) if (!call.isSent) this.#send(id, call, out)
  }

  #send(id: number, call: Call, out: Out): void {
    call.isSent = true
    call.wasSent = true
    call.tries++
    call.to = this.#turns?.next() ?? this.endpoint
    const { request } = call
    const message: RequestMessage = this.#requireLeader
      ? { type: 'etcd-request', id, request, requireLeader: true }
      : { type: 'etcd-request', id, request }
    out.stream(call.to, message, requestBytes(request))
  }
}
