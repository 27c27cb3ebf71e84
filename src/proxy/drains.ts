/**
 * Real servers that left their service and still have connections: looked at once a minute until they are gone.
 * Models pkg/proxy/ipvs graceful_termination, v1.33. The list is lost with the process; the next one's first sync finds the
 * servers again by their weight of 0.
 */

import { formatBackend, protocolName } from '../dataplane/index.ts'
import type { Micros, Out, TimerTarget } from '../kernel/index.ts'
import type { IpvsDrainEnded, IpvsDrainStarted } from './facts.ts'
import type { Draining } from './ipvs-state.ts'
import type { NodeNetwork } from './network.ts'

export class Drains implements TimerTarget {
  readonly #network: NodeNetwork
  readonly #checkMicros: Micros
  #list: Draining[] = []
  #armed = false

  constructor(network: NodeNetwork, checkMicros: Micros) {
    this.#network = network
    this.#checkMicros = checkMicros
  }

  get size(): number {
    return this.#list.length
  }

  add(draining: readonly Draining[], out: Out): void {
    for (const each of draining) {
      if (this.#list.some(({ server }) => server === each.server)) continue
      this.#list.push(each)
      out.note({ type: 'ipvs-drain-started', ...this.#names(each) } satisfies IpvsDrainStarted as IpvsDrainStarted)
    }
    this.#arm(out)
  }

  onTimer(_kind: number, _a: number, out: Out): void {
    this.#armed = false
    this.#list = this.#list.filter((each) => {
      const how = this.#network.finishDrain(each, out.now)
      if (how === 'busy') return true
      out.note({ type: 'ipvs-drain-ended', ...this.#names(each), how } satisfies IpvsDrainEnded as IpvsDrainEnded)
      return false
    })
    this.#arm(out)
  }

  #arm(out: Out): void {
    if (this.#armed || this.#list.length === 0) return
    this.#armed = true
    out.after(this.#checkMicros, this, 0)
  }

  #names({ virtual, server }: Draining): { node: string; virtualServer: string; backend: string } {
    return {
      node: this.#network.options.nodeName,
      virtualServer: `${protocolName(virtual.spec.protocol)} ${formatBackend(virtual.spec)}`,
      backend: formatBackend(server),
    }
  }
}
