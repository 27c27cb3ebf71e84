/**
 * The connections that one process knows, one for each peer. When a peer that hung up has dialled anew, the process
 * goes on with the former connection until it has been told that it is gone: what it still says belongs to that one and is
 * lost, as what is written to a socket whose end has not been read yet.
 */
import type { Connection } from './connection.ts'
import type { ProcessId } from './machine.ts'

export class ConnectionTable {
  readonly #known = new Map<ProcessId, Connection>()
  /** By peer: what the host has accepted and the process has not, oldest first. */
  readonly #accepted = new Map<ProcessId, Connection[]>()

  get(peer: ProcessId): Connection | undefined {
    return this.#known.get(peer)
  }

  /** The process dialled. */
  add(peer: ProcessId, connection: Connection): void {
    this.#known.set(peer, connection)
  }

  /** The newest connection with the peer, known to the process or not. */
  newest(peer: ProcessId): Connection | undefined {
    return this.#accepted.get(peer)?.at(-1) ?? this.#known.get(peer)
  }

  /** The peer dialled: the process knows of it once it has been told of the end of each one before. */
  accept(peer: ProcessId, connection: Connection): void {
    if (!this.#known.has(peer)) this.#known.set(peer, connection)
    else {
      const accepted = this.#accepted.get(peer)
      if (accepted === undefined) this.#accepted.set(peer, [connection])
      else accepted.push(connection)
    }
  }

  /** The process is done with the connection that it knows. */
  remove(peer: ProcessId): void {
    const accepted = this.#accepted.get(peer)
    const next = accepted?.shift()
    if (accepted?.length === 0) this.#accepted.delete(peer)
    if (next === undefined) this.#known.delete(peer)
    else this.#known.set(peer, next)
  }

  *values(): Iterable<Connection> {
    yield* this.#known.values()
    for (const accepted of this.#accepted.values()) yield* accepted
  }

  clear(): void {
    this.#known.clear()
    this.#accepted.clear()
  }
}
