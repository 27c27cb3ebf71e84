/**
 * The request rate of one controller. Models client-go flowcontrol token buckets as kube-controller-manager has them, v1.33: each
 * controller has its own client, hence its own bucket, and leader election has another; so a busy controller never starves a lease.
 * A script's requests wait in the script: this wraps the generator, so the client below needs no limit.
 */
import { type ApiClient, type Op, type Script, type ScriptDone, ScriptRunner, type Task } from '../client/index.ts'
import { type Micros, type Out, SECOND } from '../kernel/index.ts'
import type { ApiRequest } from '../objects/index.ts'

/** The `Out` of the entrance that is running: what a script, which is given none when it goes on, notes facts to. */
export interface Moment {
  out: Out
}

/** So many permits a second, so many at once. */
export class Permits {
  readonly #intervalMicros: Micros
  readonly #leewayMicros: Micros
  /** When the bucket would be full again. */
  #fullAt: Micros = 0

  constructor(perSecond: number, burst: number) {
    this.#intervalMicros = Math.floor(SECOND / perSecond)
    this.#leewayMicros = (burst - 1) * this.#intervalMicros
  }

  /** Takes a permit and answers how long to wait before using it. */
  reserve(now: Micros): Micros {
    const from = Math.max(this.#fullAt, now)
    this.#fullAt = from + this.#intervalMicros
    return Math.max(0, from - now - this.#leewayMicros)
  }

  /** Takes a permit only if there is one now. */
  tryTake(now: Micros): boolean {
    const from = Math.max(this.#fullAt, now)
    if (from - now > this.#leewayMicros) return false
    this.#fullAt = from + this.#intervalMicros
    return true
  }
}

export class ThrottledRunner extends ScriptRunner {
  readonly #permits: Permits | undefined
  readonly #moment: Moment

  /** `qps` 0: no limit. */
  constructor(client: ApiClient, qps: number, burst: number, moment: Moment) {
    super(client)
    this.#permits = qps === 0 ? undefined : new Permits(qps, burst)
    this.#moment = moment
  }

  override spawn<T>(script: Script<T>, done: ScriptDone<T> | undefined, out: Out): Task<T> {
    this.#moment.out = out
    const limited = this.#permits === undefined ? script : throttled(script, this.#permits, this.#moment)
    return super.spawn(limited, done, out)
  }
}

function* throttled<T>(script: Script<T>, permits: Permits, moment: Moment): Script<T> {
  let step = script.next(undefined)
  while (!step.done) {
    const op: Op = step.value
    let answer: unknown
    if (op.op === 'all') {
      answer = yield* throttledAll(op.requests, permits, moment)
    } else {
      const wait = op.op === 'call' ? permits.reserve(moment.out.now) : 0
      if (wait > 0) yield { op: 'sleep', micros: wait }
      answer = yield op
    }
    step = script.next(answer)
  }
  return step.value
}

/** As many at once as there are permits; the rest follow. */
function* throttledAll(requests: readonly ApiRequest[], permits: Permits, moment: Moment): Script<unknown[]> {
  const answers: unknown[] = []
  let next = 0
  while (next < requests.length) {
    let now = moment.out.now
    const wait = permits.reserve(now)
    if (wait > 0) yield { op: 'sleep', micros: wait }
    now += wait
    let end = next + 1
    while (end < requests.length && permits.tryTake(now)) end++
    const some = (yield { op: 'all', requests: requests.slice(next, end) }) as readonly unknown[]
    for (const answer of some) answers.push(answer)
    next = end
  }
  return answers
}
