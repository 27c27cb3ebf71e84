/**
 * Members that take turns in answering one client. Models gRPC's round_robin balancer as clientv3 uses it, v3.5: each request
 * goes to the next member whose connection stands. One whose connection broke is dialled again at once and then after 1 s,
 * 1.6 s, 2.6 s ... up to two minutes, and takes part again once that worked. A member that answers badly stays in turn: the
 * balancer looks at connections, not at answers. Simplified: a dial is a request for the member's status.
 */
import type { Out, ProcessId, TimerTarget } from '../kernel/machine.ts'
import type { Rand } from '../kernel/random.ts'
import { MINUTE, type Micros, SECOND } from '../kernel/time.ts'
import type { RequestMessage } from './messages.ts'
import { requestBytes } from './requests.ts'

const FIRST_PAUSE: Micros = SECOND
const LONGEST_PAUSE: Micros = 2 * MINUTE
/** Each pause is 1.6 times the one before, give or take a fifth. */
const FACTOR_PERCENT = 160
const JITTER_PERCENT = 20
const PURPOSE = 2
const STATUS = { type: 'status' } as const

/** Numbers of dials are below zero, those of requests above. */
export function isDial(id: number): boolean {
  return id < 0
}

interface Broken {
  /** The pause before the next dial. */
  pause: Micros
  /** A dial is under way, or there is a timer for the next one. */
  isDialling: boolean
}

export class Turns implements TimerTarget {
  readonly #draws: Rand
  #members: readonly ProcessId[]
  #last: number
  readonly #broken = new Map<ProcessId, Broken>()
  #dials = 0

  /** The turn begins behind `last`, a place among the members. */
  constructor(members: readonly ProcessId[], last: number, draws: Rand) {
    this.#members = members
    this.#last = last
    this.#draws = draws
  }

  setMembers(members: readonly ProcessId[]): void {
    this.#members = members
    for (const member of this.#broken.keys()) if (!members.includes(member)) this.#broken.delete(member)
  }

  /** The next member whose connection stands; when none does, simply the next one. */
  next(): ProcessId {
    const count = this.#members.length
    for (let i = 1; i <= count; i++) {
      const place = (this.#last + i) % count
      if (this.#broken.has(this.#members[place] as ProcessId)) continue
      this.#last = place
      return this.#members[place] as ProcessId
    }
    this.#last = (this.#last + 1) % count
    return this.#members[this.#last] as ProcessId
  }

  /** The connection broke, or could not be made. */
  broke(member: ProcessId, out: Out): void {
    if (!this.#members.includes(member)) return
    const before = this.#broken.get(member)
    if (before === undefined) {
      this.#broken.set(member, { pause: FIRST_PAUSE, isDialling: true })
      this.#dial(member, out)
      return
    }
    if (!before.isDialling) return
    before.isDialling = false
    const spread = Math.floor((before.pause * JITTER_PERCENT) / 100)
    const pause = this.#draws.intAt(before.pause - spread, before.pause + spread, out.now, PURPOSE, member)
    before.pause = Math.min(LONGEST_PAUSE, Math.floor((before.pause * FACTOR_PERCENT) / 100))
    out.after(pause, this, 0, member)
  }

  /** Something came from there. */
  heard(member: ProcessId): void {
    if (this.#broken.size > 0) this.#broken.delete(member)
  }

  onTimer(_kind: number, member: number, out: Out): void {
    const broken = this.#broken.get(member)
    if (broken === undefined) return
    broken.isDialling = true
    this.#dial(member, out)
  }

  #dial(member: ProcessId, out: Out): void {
    const message: RequestMessage = { type: 'etcd-request', id: -++this.#dials, request: STATUS }
    out.stream(member, message, requestBytes(STATUS))
  }
}
