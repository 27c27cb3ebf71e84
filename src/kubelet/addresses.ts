/**
 * Pod addresses of one node, handed out in turn round its range, so that a freed one is not used again soon. Models the CNI
 * plugin host-local (round robin from the last reserved address). Plain IPv4 ranges that end on a byte.
 */
import { invariant } from '../kernel/index.ts'

/** .0 is the network, .1 the bridge, .255 the broadcast. */
const FIRST = 2
const LAST = 254

export class AddressPool {
  readonly #prefix: string
  readonly #taken = new Set<number>()
  #next: number

  /** `cidr` such as `10.244.3.0/24`; `skip` addresses are passed over at first. */
  constructor(cidr: string, skip = 0) {
    const parts = /^(\d+\.\d+\.\d+)\.0\/24$/.exec(cidr)
    invariant(parts !== null, 'kubelet: a pod range is a /24', { cidr })
    this.#prefix = `${parts[1]}.`
    this.#next = FIRST + (skip % (LAST - FIRST + 1))
  }

  /** The next free address, or undefined when all are taken. */
  take(): string | undefined {
    for (let tried = FIRST; tried <= LAST; tried++) {
      const number = this.#next
      this.#next = number === LAST ? FIRST : number + 1
      if (this.#taken.has(number)) continue
      this.#taken.add(number)
      return this.#prefix + number
    }
    return undefined
  }

  release(address: string): void {
    invariant(address.startsWith(this.#prefix), 'kubelet: an address goes back to the pool it came from', { address })
    const freed = this.#taken.delete(Number(address.slice(this.#prefix.length)))
    invariant(freed, 'kubelet: an address is released once', { address })
  }

  get size(): number {
    return this.#taken.size
  }
}
