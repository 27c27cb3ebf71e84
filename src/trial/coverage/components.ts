/** What kind of component a process is, by its name: `kubelet-2` is a `kubelet`. Looked up once for each process of a trial. */
import type { Kernel, ProcessId } from '../../kernel/index.ts'
import { hashText } from './hash.ts'

/** The name without its number; clients of a scenario have names of its own, all of one kind. */
export function componentOf(name: string): string {
  if (name.startsWith('client-')) return 'client'
  return name.replace(/-\d+$/, '')
}

export class Components {
  readonly #kernel: Kernel
  readonly #names: string[] = []
  readonly #hashes: number[] = []

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  name(process: ProcessId): string {
    return this.#names[process] ?? this.#learn(process)
  }

  hash(process: ProcessId): number {
    if (this.#hashes[process] === undefined) this.#learn(process)
    return this.#hashes[process] as number
  }

  #learn(process: ProcessId): string {
    const name = componentOf(this.#kernel.nameOf(process))
    this.#names[process] = name
    this.#hashes[process] = hashText(name)
    return name
  }
}
