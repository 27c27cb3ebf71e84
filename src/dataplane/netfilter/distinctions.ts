/**
 * What a rule set can tell apart. A packet's address becomes a number: its own if some rule names it, otherwise which of the
 * named blocks hold it. Packets with the same numbers, ports, origin and set elements fare alike, so that what is known of
 * one is known of all. For whoever asks about many packets; the walk itself knows nothing of it.
 */
import type { Address } from '../packet.ts'
import type { Chain } from './rules.ts'

/** More blocks than that, and every address is told apart: their bits must stay a small integer. */
const MAX_BLOCKS = 8
const ONE_ADDRESS = -1

/** The addresses and blocks that rules name on one side of a packet. */
class Side {
  readonly #named = new Set<number>()
  /** Address and mask in turn. */
  readonly #blocks: number[] = []

  add(address: number, mask: number): void {
    if (mask === ONE_ADDRESS) this.#named.add(address)
    if (mask === 0 || mask === ONE_ADDRESS) return
    for (let i = 0; i < this.#blocks.length; i += 2)
      if (this.#blocks[i] === address && this.#blocks[i + 1] === mask) return
    this.#blocks.push(address, mask)
  }

  number(address: Address): number {
    const signed = address | 0
    const blocks = this.#blocks
    if (this.#named.has(signed) || blocks.length > 2 * MAX_BLOCKS) return address
    let bits = 0
    for (let i = 0; i < blocks.length; i += 2)
      if (((signed ^ (blocks[i] as number)) & (blocks[i + 1] as number)) === 0) bits |= 1 << (i >> 1)
    return -1 - bits
  }
}

export class Distinctions {
  /** Sets in which rules look up the destination alone, and those in which they look up the source with it. */
  readonly sets: readonly string[]
  readonly setsWithSource: readonly string[]
  readonly #source = new Side()
  readonly #destination = new Side()
  readonly #targets = new Set<Address>()

  constructor(chains: Iterable<Chain>) {
    const sets = new Set<string>()
    const setsWithSource = new Set<string>()
    for (const { rules } of chains) {
      for (const { source, sourceMask, destination, destinationMask, matches, target } of rules) {
        this.#source.add(source, sourceMask)
        this.#destination.add(destination, destinationMask)
        if (target.kind === 'dnat') this.#targets.add(target.address)
        if (matches === null) continue
        for (const match of matches)
          if (match.kind === 'set') (match.directions.includes('src') ? setsWithSource : sets).add(match.set)
      }
    }
    this.sets = [...sets]
    this.setsWithSource = [...setsWithSource]
  }

  /** The same number for sources that no rule tells apart: 0 or more if one names this address. */
  source(address: Address): number {
    return this.#source.number(address)
  }

  /** The same for destinations. */
  destination(address: Address): number {
    return this.#destination.number(address)
  }

  /** Some rule translates packets to this address. */
  translatesTo(address: Address): boolean {
    return this.#targets.has(address)
  }
}

/** A built-in chain and all that its jumps lead to. */
export function reachable(chains: ReadonlyMap<string, Chain>, name: string): Iterable<Chain> {
  const found = new Set<Chain>()
  const visit = (at: string): void => {
    const chain = chains.get(at)
    if (chain === undefined || found.has(chain)) return
    found.add(chain)
    for (const { target } of chain.rules) if (target.kind === 'jump') visit(target.chain)
  }
  visit(name)
  return found
}
