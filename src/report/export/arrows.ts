/**
 * Which event sent what arrived: the message arrows of a trace. A message that the kernel held back (for a connection to
 * open, for a retransmission) is traced back through the kernel's own timers to the process whose event set it going.
 */
import type { Kernel, TraceRow } from '../../kernel/index.ts'

/** For each step the event of a process that it goes back to; below 0: a deed of the trial; 0: nothing. */
export function originsOf(kernel: Kernel): Int32Array {
  const { trace } = kernel
  const origins = new Int32Array(trace.steps + 1)
  const ofKernel = new Uint8Array(trace.steps + 1)
  for (const { step, target, cause } of trace.rows()) {
    if (target === 0) ofKernel[step] = 1
    origins[step] = cause > 0 && ofKernel[cause] === 1 ? (origins[cause] as number) : cause
  }
  return origins
}

const MESSAGE = /^(message|datagram) (.*)$/

/** The type of the message that an event brings; undefined for a timer and the like. */
export class Events {
  readonly #kernel: Kernel
  readonly #names = new Map<number, { readonly event: string; readonly message: string | undefined }>()

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  of(row: TraceRow): { readonly event: string; readonly message: string | undefined } {
    let name = this.#names.get(row.code)
    if (name === undefined) {
      const { event } = this.#kernel.eventOf(row)
      name = { event, message: MESSAGE.exec(event)?.[2] }
      this.#names.set(row.code, name)
    }
    return name
  }
}

/** Names of processes by id; 0 is the kernel. */
export function processNames(kernel: Kernel): string[] {
  const names = ['kernel']
  for (const id of kernel.processes()) names[id] = kernel.nameOf(id)
  return names
}
