/**
 * One candidate for a Lease. Models client-go tools/leaderelection and resourcelock/leaselock.go, v1.33: acquire and renew by
 * optimistic updates; another's lease is respected for its whole duration since this candidate last saw it change, by its own
 * clock. Stricter than upstream in one point: the renew deadline counts from when the last successful request was sent, so
 * that a slow answer never lengthens a leader's time. Clocks of unequal rate can still make two leaders, as the real ones can.
 */
import { invariant } from '../kernel/invariant.ts'
import type { Out, Timer, TimerTarget } from '../kernel/machine.ts'
import { addressOf, type Rand } from '../kernel/random.ts'
import { type Micros, SECOND } from '../kernel/time.ts'
import { type ApiRequest, type ApiResponse, type Lease, microTime } from '../objects/index.ts'
import type { ApiClient, CallId, ReplyReceiver } from './apiclient.ts'
import type { LeadershipLoss } from './decisions.ts'
import type { LeaderFact } from './facts.ts'
import { completeLeaderElectionOptions, type LeaderElectionOptions } from './options.ts'
import { createRequest, updateRequest } from './script.ts'

export interface LeaderCallbacks {
  onStartedLeading(out: Out): void
  /** Whatever only a leader may do must have ended when this returns. */
  onStoppedLeading(out: Out): void
}

const ATTEMPT = 1
const ABANDON = 2
const DEADLINE = 3
const GET = 0
const WRITE = 1
const NO_ANSWER = -1

export class LeaderElector implements ReplyReceiver, TimerTarget {
  /** The process's name, as facts tell it. */
  readonly identity: string
  /** What it calls itself in the lease: its name and something that no other life of it has. */
  #holder = ''
  readonly #client: ApiClient
  readonly #options: ReturnType<typeof completeLeaderElectionOptions>
  readonly #callbacks: LeaderCallbacks
  readonly #rand: Rand
  readonly #address: number
  #leading = false
  #running = false
  /** The lease as last read or written; what it said and when, by this candidate's clock, that was first seen. */
  #observed: Lease | undefined
  #observedAt: Micros = 0
  /** When the request that last gave or kept this candidate the lease was sent. */
  #heldSince: Micros = 0
  #attempt = 0
  #attemptAt: Micros = 0
  #call: CallId = 0
  #timer: Timer = 0
  #abandonTimer: Timer = 0
  #deadlineTimer: Timer = 0

  constructor(client: ApiClient, options: LeaderElectionOptions, callbacks: LeaderCallbacks) {
    this.#client = client
    this.#options = completeLeaderElectionOptions(options)
    this.#callbacks = callbacks
    this.identity = options.identity
    this.#rand = options.streams.get('client/leader-election')
    this.#address = addressOf(`${options.lease}/${options.identity}`)
    const { leaseDurationMicros, renewDeadlineMicros, retryPeriodMicros } = this.#options
    invariant(
      leaseDurationMicros > renewDeadlineMicros + retryPeriodMicros && renewDeadlineMicros > retryPeriodMicros,
      'client: a lease outlasts the renew deadline and a retry',
      { leaseDurationMicros, renewDeadlineMicros, retryPeriodMicros },
    )
  }

  isLeader(): boolean {
    return this.#leading
  }

  /** Begins to try for the lease. */
  start(out: Out): void {
    if (this.#running) return
    this.#running = true
    this.#beginLife(out)
    this.#try(out)
  }

  /** Graceful end: stops leading and, with `release`, gives the lease back so that another can have it at once. */
  stop(out: Out, release: boolean): void {
    this.#running = false
    this.#endAttempt(out)
    out.cancel(this.#timer)
    const held = this.#observed
    const wasLeading = this.#leading
    if (wasLeading) this.#stopLeading(out)
    if (!release || !wasLeading || held === undefined) return
    const spec = { ...held.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(out.wall) }
    const released: Lease = { ...held, spec }
    this.#client.call(updateRequest('leases', released), this, NO_ANSWER, out)
  }

  onTimer(kind: number, a: number, out: Out): void {
    if (kind === DEADLINE) {
      this.#deadlineTimer = 0
      if (!this.#leading) return
      this.#lose('renew-deadline-passed', out)
      if (!this.#leading) this.#giveUpAttempt(out)
    } else if (kind === ATTEMPT) {
      this.#timer = 0
      if (this.#running) this.#try(out)
    } else if (a === this.#attempt) {
      this.#giveUpAttempt(out)
    }
  }

  onReply(tag: number, response: ApiResponse, out: Out): void {
    if (tag === NO_ANSWER || tag >> 1 !== this.#attempt || this.#call === 0) return
    if ((tag & 1) === GET) this.#onRead(response, out)
    else this.#onWritten(response, out)
  }

  #try(out: Out): void {
    this.#endAttempt(out)
    this.#attempt++
    this.#attemptAt = out.now
    this.#abandonTimer = out.after(this.#options.renewDeadlineMicros / 2, this, ABANDON, this.#attempt)
    if (this.#leading && this.#observed !== undefined) this.#write(this.#observed, out)
    else this.#read(out)
  }

  #read(out: Out): void {
    const { namespace, lease } = this.#options
    this.#ask({ verb: 'get', resource: 'leases', namespace, name: lease }, GET, out)
  }

  #onRead(response: ApiResponse, out: Out): void {
    if (response.code === 404) {
      this.#observed = undefined
      this.#write(undefined, out)
      return
    }
    if (response.code !== 200) {
      this.#finish(false, out)
      return
    }
    const lease = response.body as Lease
    this.#observe(lease, out)
    const holder = lease.spec.holderIdentity ?? ''
    const taken = holder !== '' && holder !== this.#holder
    if (taken && this.#leading) this.#lose('lease-taken', out)
    const durationMicros = (lease.spec.leaseDurationSeconds ?? 0) * SECOND
    if (taken && this.#observedAt + durationMicros > out.now) this.#finish(false, out)
    else this.#write(lease, out)
  }

  #onWritten(response: ApiResponse, out: Out): void {
    if (response.code === 200 || response.code === 201) {
      this.#observe(response.body as Lease, out)
      this.#finish(true, out)
    } else if (response.code === 409 && this.#leading) {
      this.#read(out)
    } else {
      this.#finish(false, out)
    }
  }

  #write(before: Lease | undefined, out: Out): void {
    const { namespace, lease, leaseDurationMicros } = this.#options
    const stamp = microTime(out.wall)
    const mine = before?.spec.holderIdentity === this.#holder
    const transitions = before?.spec.leaseTransitions ?? 0
    const spec: Lease['spec'] = {
      holderIdentity: this.#holder,
      leaseDurationSeconds: Math.floor(leaseDurationMicros / SECOND),
      acquireTime: mine ? before?.spec.acquireTime : stamp,
      renewTime: stamp,
      leaseTransitions: mine || before === undefined ? transitions : transitions + 1,
    }
    if (before === undefined) {
      const object: Lease = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: lease, namespace },
        spec,
      }
      this.#ask(createRequest('leases', object), WRITE, out)
    } else {
      const object: Lease = { ...before, spec }
      this.#ask(updateRequest('leases', object), WRITE, out)
    }
  }

  #ask(request: ApiRequest, step: typeof GET | typeof WRITE, out: Out): void {
    this.#call = this.#client.call(request, this, this.#attempt * 2 + step, out)
  }

  #observe(lease: Lease, out: Out): void {
    const { holderIdentity, renewTime, leaseTransitions } = lease.spec
    const before = this.#observed?.spec
    if (
      before === undefined ||
      before.renewTime !== renewTime ||
      before.holderIdentity !== holderIdentity ||
      before.leaseTransitions !== leaseTransitions
    ) {
      this.#observedAt = out.now
    }
    this.#observed = lease
  }

  #finish(held: boolean, out: Out): void {
    const sentAt = this.#attemptAt
    this.#endAttempt(out)
    const { retryPeriodMicros } = this.#options
    if (held) {
      this.#heldSince = sentAt
      this.#armDeadline(out)
    }
    // Upstream's jitter applies while a candidate waits for the lease; a leader renews evenly.
    const spread = this.#leading ? 0 : Math.floor((retryPeriodMicros * 6) / 5)
    const jitter = spread === 0 ? 0 : this.#rand.intAt(0, spread, out.now, this.#address)
    if (this.#running) this.#timer = out.after(retryPeriodMicros + jitter, this, ATTEMPT)
  }

  #armDeadline(out: Out): void {
    const { renewDeadlineMicros, retryPeriodMicros } = this.#options
    const left = this.#heldSince + retryPeriodMicros + renewDeadlineMicros - out.now
    if (left <= 0) return
    out.cancel(this.#deadlineTimer)
    this.#deadlineTimer = out.after(left, this, DEADLINE)
    if (this.#leading) return
    this.#leading = true
    this.#note('leader-started', out)
    this.#callbacks.onStartedLeading(out)
  }

  #lose(loss: LeadershipLoss, out: Out): void {
    if (this.#options.decisions.stopsLeading(loss)) this.#stopLeading(out)
  }

  #stopLeading(out: Out): void {
    this.#leading = false
    out.cancel(this.#deadlineTimer)
    this.#deadlineTimer = 0
    this.#note('leader-stopped', out)
    this.#callbacks.onStoppedLeading(out)
    this.#beginLife(out)
  }

  /**
   * The real processes end when they lose the lease, and each start takes a new identity (host name and UUID). So nobody takes up
   * a lease of an earlier life before it has run out, and that is seen from here on.
   */
  #beginLife(out: Out): void {
    const token = this.#rand.intAt(0, 0xffff_ffff, out.now, this.#address, 1)
    this.#holder = `${this.identity}_${token.toString(16).padStart(8, '0')}`
    this.#observed = undefined
  }

  /** Whatever is still answered is answered too late. */
  #giveUpAttempt(out: Out): void {
    if (this.#call === 0) return
    this.#client.cancel(this.#call, out)
    this.#finish(false, out)
  }

  #endAttempt(out: Out): void {
    out.cancel(this.#abandonTimer)
    this.#abandonTimer = 0
    this.#call = 0
  }

  #note(type: LeaderFact['type'], out: Out): void {
    const { namespace, lease } = this.#options
    const fact: LeaderFact = { type, lease: `${namespace}/${lease}`, identity: this.identity }
    out.note(fact)
  }
}
