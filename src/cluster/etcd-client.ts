/**
 * A client of etcd that asks, waits, watches and tells what it saw. It keeps at-most-once as clientv3 does: what was refused
 * is asked again, a write whose answer did not come is not, since it may have taken effect. Once the faults are healed it
 * repeats one last put, each time with another value, until that is answered, and asks how far its watches are.
 */

import type { KeyValue } from '../etcd/index.ts'
import { EtcdClient, type EtcdReceiver, type EtcdResult, type EtcdWatchReceiver, type WatchId } from '../etcd/index.ts'
import {
  type Machine,
  type Message,
  MILLISECOND,
  type Micros,
  type Out,
  type ProcessId,
  type Rand,
  SECOND,
  type Streams,
} from '../kernel/index.ts'
import type {
  EtcdCalled,
  EtcdLastPut,
  EtcdLeaseGivenUp,
  EtcdLeaseKept,
  EtcdReturned,
  EtcdWatchBegun,
  EtcdWatchShown,
} from './etcd-client-facts.ts'
import { EtcdPlanner, LOAD_END, outputOf, type Plan } from './etcd-client-plan.ts'
import { ETCD_LOAD_PREFIX, type EtcdClientSpec } from './etcd-load.ts'

type WatchEvents = Parameters<EtcdWatchReceiver['onEtcdEvents']>[1]

interface OpenWatch {
  readonly number: number
  /** The first revision that it was not shown. */
  next: number
}

const TICK = 1
const AWAKE = 2
const LAST = 3
const SHORTEST_STALL: Micros = 200 * MILLISECOND
const LONGEST_STALL: Micros = 6 * SECOND
const LAST_PUT_PAUSE: Micros = 500 * MILLISECOND
/** After its time, an extension by new leaders and the leader's look for expired ones, a lease is gone. */
const LEASE_AFTERMATH: Micros = 12 * SECOND
const RESUME_PPM = 500_000

const PURPOSE = { stall: 11, resume: 12, shape: 13 } as const

export class EtcdLoadClient implements Machine, EtcdReceiver, EtcdWatchReceiver {
  readonly #spec: EtcdClientSpec
  readonly #client: EtcdClient
  readonly #planner: EtcdPlanner
  readonly #draws: Rand
  readonly #watches = new Map<WatchId, OpenWatch>()
  #lastWatch = 0
  #calls = 0
  #waiting: { readonly call: number; readonly plan: Plan; readonly askedAt: Micros } | undefined
  /** What was refused and is asked again. */
  #again: Plan | undefined
  #hasListed = false
  /** What arrived while the client stood still; undefined while it does not. */
  #unread: ((out: Out) => void)[] | undefined
  #leasesUntil: Micros = 0
  #stoppedAt: Micros = -1
  #lastPutAt: Micros = -1
  #attempts = 0

  constructor(options: {
    readonly spec: EtcdClientSpec
    /** The client's place among all. */
    readonly place: number
    readonly members: readonly ProcessId[]
    readonly balance: 'pinned' | 'round-robin'
    readonly streams: Streams
  }) {
    const { spec, streams } = options
    this.#spec = spec
    this.#draws = streams.get(`etcd-load/${spec.id}`)
    this.#planner = new EtcdPlanner(spec, options.place, this.#draws)
    this.#client = new EtcdClient({
      endpoints: options.members,
      balance: options.balance,
      name: spec.id,
      streams,
      timeoutMicros: spec.timeoutMicros,
    })
  }

  onStart(out: Out): void {
    out.after(Math.max(0, this.#spec.startMicros - out.now), this, TICK)
  }

  /** The quiet phase: nothing new is asked but the last put and the progress of the watches. */
  stop(out: Out): void {
    this.#stoppedAt = out.now
    this.#wake(out)
    this.#lastSteps(out)
  }

  /** Answered, shown everything, and its leases have had time to run out. */
  isDone(now: Micros): boolean {
    if (this.#lastPutAt < 0 || now < this.#leasesUntil) return false
    for (const watch of this.#watches.values()) if (watch.next <= this.#planner.revision) return false
    return true
  }

  onMessage(from: ProcessId, message: Message, out: Out): void {
    if (this.#unread === undefined) this.#client.onMessage(from, message, out)
    else this.#unread.push((at) => this.#client.onMessage(from, message, at))
  }

  onDisconnect(peer: ProcessId, out: Out): void {
    if (this.#unread === undefined) this.#client.onDisconnect(peer, out)
    else this.#unread.push((at) => this.#client.onDisconnect(peer, at))
  }

  onTimer(kind: number, _a: number, out: Out): void {
    if (kind === AWAKE) this.#wake(out)
    else if (kind === LAST) this.#lastSteps(out)
    else if (this.#stoppedAt < 0) {
      out.after(this.#spec.everyMicros, this, TICK)
      if (this.#waiting === undefined && this.#unread === undefined) this.#act(out)
    }
  }

  #act(out: Out): void {
    if (!this.#hasListed) {
      this.#ask(this.#planner.list(), out)
      return
    }
    if (this.#again !== undefined) {
      this.#ask(this.#again, out)
      return
    }
    const kind = this.#planner.kindAt(out.now)
    if (kind === 'watch') this.#turnToWatches(out)
    else if (kind === 'stall') {
      this.#unread = []
      out.after(this.#draws.intAt(SHORTEST_STALL, LONGEST_STALL, out.now, PURPOSE.stall), this, AWAKE)
    } else if (kind !== undefined) this.#ask(this.#planner.plan(kind, out.now), out)
  }

  #wake(out: Out): void {
    const unread = this.#unread ?? []
    this.#unread = undefined
    for (const read of unread) read(out)
  }

  #ask(plan: Plan, out: Out): void {
    this.#again = undefined
    const call = ++this.#calls
    this.#waiting = { call, plan, askedAt: out.now }
    const { input, isSerializable, atRevision } = plan
    if (input !== undefined) {
      const fact: EtcdCalled = { type: 'etcd-called', client: this.#spec.id, call, input, isSerializable, atRevision }
      out.note(fact)
    }
    if (plan.kind === 'lease-revoke') this.#giveUpLease(plan.lease, out)
    this.#client.call(plan.request, this, call, out)
  }

  onEtcdReply(call: number, result: EtcdResult, out: Out): void {
    const waiting = this.#waiting
    if (waiting === undefined || waiting.call !== call) return
    this.#waiting = undefined
    const { plan, askedAt } = waiting
    if (plan.input !== undefined) {
      const outcome = result.ok ? 'answered' : result.outcomeUnknown ? 'unknown' : 'refused'
      const output = result.ok ? outputOf(result.value) : undefined
      const fact: EtcdReturned = { type: 'etcd-returned', client: this.#spec.id, call, outcome, output }
      out.note(fact)
    }
    if (!result.ok) {
      // gRPC's "unavailable" and "resource exhausted" are for now; other refusals would come again.
      if (!result.outcomeUnknown && (result.code === 14 || result.code === 8)) this.#again = plan
      if (plan.lease > 0 && result.code === 5) this.#giveUpLease(plan.lease, out)
      if (this.#stoppedAt >= 0) out.after(LAST_PUT_PAUSE, this, LAST)
      return
    }
    this.#planner.learn(plan, result.value)
    if (result.value.type === 'lease' && plan.kind !== 'lease-revoke') {
      this.#keepLease(plan, result.value.ttlSeconds, askedAt, out)
    }
    if (!this.#hasListed) {
      this.#hasListed = true
      for (let count = 0; count < this.#spec.watches; count++)
        this.#watch(++this.#lastWatch, this.#planner.revision + 1, out)
    }
    if (this.#stoppedAt >= 0) this.#afterStop(plan, out)
  }

  // --- Leases

  #keepLease({ kind, lease }: Plan, ttlSeconds: number, askedAt: Micros, out: Out): void {
    if (kind === 'lease-grant') this.#planner.leases.push(lease)
    this.#leasesUntil = Math.max(this.#leasesUntil, out.now + ttlSeconds * SECOND + LEASE_AFTERMATH)
    const fact: EtcdLeaseKept = { type: 'etcd-lease-kept', client: this.#spec.id, lease, ttlSeconds, askedAt }
    out.note(fact)
  }

  #giveUpLease(lease: number, out: Out): void {
    const { leases } = this.#planner
    const at = leases.indexOf(lease)
    if (at < 0) return
    leases.splice(at, 1)
    const fact: EtcdLeaseGivenUp = { type: 'etcd-lease-given-up', client: this.#spec.id, lease }
    out.note(fact)
  }

  // --- Watches

  /** The oldest watch is closed; it goes on elsewhere, or another one begins in the past. */
  #turnToWatches(out: Out): void {
    const [oldest] = this.#watches
    if (oldest !== undefined) {
      this.#client.stopWatch(oldest[0], out)
      this.#watches.delete(oldest[0])
      if (this.#draws.chanceAt(RESUME_PPM, out.now, PURPOSE.resume)) {
        this.#watch(oldest[1].number, oldest[1].next, out)
        return
      }
    }
    this.#watch(++this.#lastWatch, this.#planner.pastRevision(out.now), out)
    this.#client.requestProgress(out)
  }

  #watch(number: number, startRevision: number, out: Out): void {
    const fact: EtcdWatchBegun = {
      type: 'etcd-watch-begun',
      client: this.#spec.id,
      watch: number,
      startRevision,
    }
    out.note(fact)
    const shape = this.#draws.intAt(0, 3, out.now, PURPOSE.shape, number)
    const request = {
      key: ETCD_LOAD_PREFIX,
      rangeEnd: LOAD_END,
      startRevision,
      previousValue: shape > 1,
      fragments: shape % 2 > 0,
    }
    this.#watches.set(this.#client.watch(request, this, out), { number, next: startRevision })
  }

  onEtcdEvents(watch: WatchId, events: WatchEvents, revision: number, out: Out): void {
    for (const { type, kv } of events) this.#planner.see(type, kv)
    const shown = events.map(({ type, kv }) => ({
      revision: kv.modRevision,
      key: kv.key,
      type,
      ...(type === 'put' ? { value: textOf(kv) } : {}),
    }))
    this.#shown(watch, { events: shown, progress: revision }, out)
  }

  onEtcdProgress(watch: WatchId, revision: number, out: Out): void {
    this.#shown(watch, { progress: revision }, out)
  }

  /** As clients do, it begins anew with the oldest revision that there is. */
  onEtcdCompacted(watch: WatchId, compactRevision: number, out: Out): void {
    this.#shown(watch, { compactRevision }, out)
    this.#watches.delete(watch)
    this.#planner.compacted = Math.max(this.#planner.compacted, compactRevision)
    this.#watch(++this.#lastWatch, compactRevision, out)
  }

  #shown(id: WatchId, what: Partial<Pick<EtcdWatchShown, 'events' | 'progress' | 'compactRevision'>>, out: Out): void {
    const watch = this.#watches.get(id)
    if (watch === undefined) return
    const { events = [], progress = 0, compactRevision = 0 } = what
    if (progress > 0) watch.next = Math.max(watch.next, progress + 1)
    const client = this.#spec.id
    const fact: EtcdWatchShown = {
      type: 'etcd-watch-shown',
      client,
      watch: watch.number,
      events,
      progress,
      compactRevision,
    }
    out.note(fact)
  }

  // --- The end

  #lastSteps(out: Out): void {
    if (this.#waiting !== undefined) return
    if (this.#lastPutAt < 0) {
      this.#attempts++
      this.#ask(this.#planner.lastPut(), out)
    } else if (!this.isDone(out.now)) {
      this.#client.requestProgress(out)
      out.after(SECOND, this, LAST)
    }
  }

  #afterStop(plan: Plan, out: Out): void {
    if (this.#lastPutAt < 0 && plan.kind === 'put' && this.#attempts > 0) {
      this.#lastPutAt = out.now
      const waitedMicros = out.now - this.#stoppedAt
      const fact: EtcdLastPut = { type: 'etcd-last-put', client: this.#spec.id, attempts: this.#attempts, waitedMicros }
      out.note(fact)
    }
    out.after(MILLISECOND, this, LAST)
  }
}

function textOf({ value }: KeyValue): string {
  return String(value)
}
