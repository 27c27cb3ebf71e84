/** A machine whose entrances are functions, for the kernel's own tests. Not used in a trial. */
import type { Kernel } from './kernel.ts'
import type { Machine, Message, Out, ProcessId } from './machine.ts'
import type { ProcessContext } from './process.ts'

export interface Entrances {
  start?(out: Out, context: ProcessContext): void
  message?(from: ProcessId, message: Message, out: Out): void
  disconnect?(peer: ProcessId, out: Out): void
  timer?(kind: number, a: number, out: Out): void
}

export class Scripted implements Machine {
  readonly #entrances: Entrances
  readonly #context: ProcessContext

  constructor(entrances: Entrances, context: ProcessContext) {
    this.#entrances = entrances
    this.#context = context
  }

  onStart(out: Out): void {
    this.#entrances.start?.(out, this.#context)
  }
  onMessage(from: ProcessId, message: Message, out: Out): void {
    this.#entrances.message?.(from, message, out)
  }
  onDisconnect(peer: ProcessId, out: Out): void {
    this.#entrances.disconnect?.(peer, out)
  }
  onTimer(kind: number, a: number, out: Out): void {
    this.#entrances.timer?.(kind, a, out)
  }
}

/** Spawns a scripted process on a host of its own (or on a given one, which is made when needed). */
export function spawn(kernel: Kernel, name: string, entrances: Entrances, host = `host-of-${name}`): ProcessId {
  if (!kernel.hosts.includes(host)) kernel.addHost(host)
  return kernel.spawn(host, name, (context) => new Scripted(entrances, context))
}

/** Runs `act` at a moment, outside of any process. */
export function at(kernel: Kernel, moment: number, act: () => void): void {
  kernel.schedule(moment - kernel.now, { onTimer: act }, 0)
}
