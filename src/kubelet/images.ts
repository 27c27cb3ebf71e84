/**
 * A node's images and their pulls: one at a time unless told otherwise, each as long as a keyed draw says, kept on the node's disk.
 * Models containerd's image service under a kubelet with serializeImagePulls, v1.33. Layers, sizes and registries are not modelled:
 * a pull of what is already there only checks and is short.
 */
import { addressOf, type Micros, type Out, type Rand, type TimerTarget } from '../kernel/index.ts'
import type { RuntimeFact } from './facts.ts'

/** Who waits for a pull. */
export interface PullReceiver {
  onPulled(callId: number, ok: boolean, out: Out): void
}

interface Pull {
  readonly callId: number
  readonly image: string
  readonly attempt: number
}

export interface PullTimes {
  readonly pullMicros: readonly [low: Micros, high: Micros]
  readonly checkMicros: readonly [low: Micros, high: Micros]
  readonly serial: boolean
}

const FILE = 'images'
const PULLED = 1
const SYNCED = 2

export class Images implements TimerTarget {
  readonly #node: string
  readonly #address: number
  readonly #times: PullTimes
  readonly #stream: Rand
  readonly #receiver: PullReceiver
  readonly #present = new Set<string>()
  readonly #queue: Pull[] = []
  readonly #running = new Map<number, Pull>()
  readonly #failing = new Set<string>()

  constructor(node: string, times: PullTimes, stream: Rand, receiver: PullReceiver) {
    this.#node = node
    this.#address = addressOf(node)
    this.#times = times
    this.#stream = stream
    this.#receiver = receiver
  }

  /** Remembers what an earlier life of the host pulled. */
  load(preloaded: readonly string[], out: Out): void {
    for (const image of preloaded) this.#present.add(image)
    for (const record of out.disk.read(FILE)) if (record.state === 'ok') this.#present.add(record.value as string)
  }

  get names(): readonly string[] {
    return [...this.#present]
  }

  has(image: string): boolean {
    return this.#present.has(image)
  }

  /** Pulls of images whose name contains `pattern` fail from now on (or no longer). */
  fail(pattern: string, on: boolean): void {
    if (on) this.#failing.add(pattern)
    else this.#failing.delete(pattern)
  }

  pull(callId: number, image: string, attempt: number, out: Out): void {
    const pull: Pull = { callId, image, attempt }
    if (this.#times.serial && this.#running.size > 0) this.#queue.push(pull)
    else this.#begin(pull, out)
  }

  /** Forgets pulls that nobody waits for any more; those under way go on. */
  abandonQueue(): void {
    this.#queue.length = 0
  }

  onTimer(kind: number, callId: number, out: Out): void {
    if (kind === SYNCED) return
    const pull = this.#running.get(callId)
    if (pull === undefined) return
    this.#running.delete(callId)
    const ok = !this.#isFailing(pull.image)
    if (ok) {
      const cached = this.#present.has(pull.image)
      if (!cached) {
        this.#present.add(pull.image)
        out.disk.append(FILE, pull.image, pull.image.length)
        out.disk.sync(FILE, this, SYNCED)
      }
      this.#note({ type: 'image-pulled', node: this.#node, image: pull.image, cached }, out)
    } else this.#note({ type: 'image-pull-failed', node: this.#node, image: pull.image }, out)
    this.#receiver.onPulled(callId, ok, out)
    const next = this.#queue.shift()
    if (next !== undefined) this.#begin(next, out)
  }

  #begin(pull: Pull, out: Out): void {
    this.#running.set(pull.callId, pull)
    out.after(this.#micros(pull), this, PULLED, pull.callId)
  }

  #micros(pull: Pull): Micros {
    const [low, high] = this.#present.has(pull.image) ? this.#times.checkMicros : this.#times.pullMicros
    return this.#stream.intAt(low, high, addressOf(pull.image), this.#address, pull.attempt)
  }

  #note(fact: RuntimeFact, out: Out): void {
    out.note(fact)
  }

  #isFailing(image: string): boolean {
    for (const pattern of this.#failing) if (image.includes(pattern)) return true
    return false
  }
}
