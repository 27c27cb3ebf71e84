/** Where the effects of a step go. The shell behind it owns timers, connections, the disk and the state machine. */
import type { Micros } from '../kernel/time.ts'
import type { RaftFact } from './facts.ts'
import type { RaftMessage } from './messages.ts'
import type { Entry, HardState, LogIndex, MemberId, Snapshot } from './types.ts'

export interface RaftOut {
  /** Sends a datagram to another member. */
  send(to: MemberId, message: RaftMessage): void
  /**
   * Writes to the log on disk, in the order of the calls, and says so later with `durable(write)`. Entries replace what
   * the disk has from their first index on. A snapshot replaces everything, and comes before the entries.
   */
  persist(write: number, hardState: HardState, entries: readonly Entry[], snapshot: Snapshot | undefined): void
  /** The state machine is to be replaced by the snapshot at once. The call to `persist` for it follows. */
  install(snapshot: Snapshot): void
  /** A local read that asked with `context` may be answered once `index` is applied. */
  readReady(context: number, index: LogIndex): void
  /** Wakes `electionTimeout` after `delay`, instead of what was armed before. */
  armElection(delay: Micros): void
  disarmElection(): void
  armHeartbeat(delay: Micros): void
  disarmHeartbeat(): void
  /** This member cannot go on: what it promised to hold is not there. Its process ends, as etcd's does. */
  panic(reason: string): void
  /** Role, term or known leader changed. */
  changed(): void
  note(fact: RaftFact): void
}
