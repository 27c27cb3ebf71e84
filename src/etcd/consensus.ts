/**
 * Raft's shell: its timers, its disk, its connections. Models etcd's raftNode and peer transport, v3.5. It owns the Raft
 * state and the write-ahead log and hands what is committed to its owner after every step; it knows nothing of keys.
 */
import type { Out, ProcessId, Timer, TimerTarget } from '../kernel/machine.ts'
import {
  applicable,
  completeRaftOptions,
  createState,
  type Entry,
  electionTimerFired,
  type HardState,
  heartbeatTimerFired,
  type MemberId,
  messageBytes,
  type Proposal,
  proposeEntries,
  type RaftFact,
  type RaftMessage,
  type RaftOut,
  type RaftState,
  readIndex,
  receive,
  type Snapshot,
  setApplied,
  snapshotTaken,
  start,
  writeDurable,
} from '../raft/index.ts'
import type { EtcdSnapshotSaved } from './facts.ts'
import type { EtcdOptions } from './options.ts'
import { type Recovered, SNAPSHOT_SYNCED, saveSnapshot, WAL_SYNCED, Wal } from './wal.ts'

const ELECTION = 1
const HEARTBEAT = 2

export interface ConsensusOwner {
  /** Committed entries that this member holds durably are to be applied, in order, now. */
  onCommitted(entries: readonly Entry[], out: Out): void
  onInstall(snapshot: Snapshot, out: Out): void
  onReadReady(context: number, index: number, out: Out): void
  onRoleChanged(out: Out): void
  /** A step has ended: a chance to propose what waited. */
  onStepEnded(out: Out): void
  onDiskFull(out: Out): void
  onPanic(out: Out): void
}

export class Consensus implements RaftOut, TimerTarget {
  readonly state: RaftState
  readonly #options: EtcdOptions
  readonly #owner: ConsensusOwner
  readonly #wal: Wal
  #electionTimer: Timer = 0
  #heartbeatTimer: Timer = 0
  #changed = false
  #full = false
  #panicked = false
  #stopped = false
  /** A snapshot of this member's own that is on its way to the disk. */
  #saving: Snapshot | undefined
  /** Valid during a call only. */
  #out!: Out

  constructor(options: EtcdOptions, owner: ConsensusOwner, recovered: Recovered) {
    this.#options = options
    this.#owner = owner
    this.#wal = new Wal(this)
    this.#wal.adopt(recovered.lastIndexes)
    const draws = options.streams.get(`etcd/election/${options.name}`)
    const { electionTimeoutMicros } = options
    const raftOptions = completeRaftOptions({
      id: options.index + 1,
      name: options.name,
      members: options.members.map((_, index) => index + 1),
      drawElectionTimeout: (term, attempt) =>
        draws.intAt(electionTimeoutMicros, 2 * electionTimeoutMicros - 1, term, attempt),
      electionTimeoutMicros,
      heartbeatMicros: options.heartbeatMicros,
      maxAppendBytes: options.maxAppendBytes,
      decisions: options.raftDecisions,
    })
    const { hardState, snapshot, entries, backend } = recovered
    this.state = createState(raftOptions, { hardState, snapshot, entries, applied: backend?.index ?? 0 })
  }

  get isLeader(): boolean {
    return this.state.role === 'leader'
  }

  /** A sync of the log is under way. */
  get isWriting(): boolean {
    return this.#wal.busy
  }

  get lastSnapshotIndex(): number {
    return Math.max(this.state.log.snapshot?.index ?? 0, this.#saving?.index ?? 0)
  }

  /** The process of the leader, undefined when none is known. */
  get leaderProcess(): ProcessId | undefined {
    return this.state.leader === 0 ? undefined : this.#options.members[this.state.leader - 1]
  }

  start(out: Out): void {
    this.#out = out
    start(this.state, out.now, this)
    this.#ended(out)
  }

  /** No more timers, no more steps. */
  stop(out: Out): void {
    this.#stopped = true
    out.cancel(this.#electionTimer)
    out.cancel(this.#heartbeatTimer)
  }

  receive(message: RaftMessage, out: Out): void {
    this.#out = out
    receive(this.state, message, out.now, this)
    this.#ended(out)
  }

  /** False when there is nobody to propose to. */
  propose(proposals: readonly Proposal[], out: Out): boolean {
    this.#out = out
    const proposed = proposeEntries(this.state, proposals, out.now, this)
    this.#ended(out)
    return proposed
  }

  /** False when no leader is known; otherwise the owner hears of it, or never does. */
  readIndex(context: number, out: Out): boolean {
    if (this.#stopped) return false
    this.#out = out
    return readIndex(this.state, context, out.now, this)
  }

  /** Saves the state machine and, once that is durable, forgets the log up to a little before it. */
  saveSnapshot(snapshot: Snapshot, out: Out): void {
    this.#saving = snapshot
    if (!saveSnapshot(snapshot, this, out)) this.#owner.onDiskFull(out)
  }

  onTimer(kind: number, a: number, out: Out): void {
    if (this.#stopped) return
    this.#out = out
    switch (kind) {
      case ELECTION:
        this.#electionTimer = 0
        electionTimerFired(this.state, out.now, this)
        break
      case HEARTBEAT:
        this.#heartbeatTimer = 0
        heartbeatTimerFired(this.state, out.now, this)
        break
      case WAL_SYNCED:
        this.#wal.synced(a, out)
        writeDurable(this.state, a, out.now, this)
        break
      case SNAPSHOT_SYNCED:
        this.#snapshotSynced(a, out)
        return
    }
    this.#ended(out)
  }

  #snapshotSynced(index: number, out: Out): void {
    const snapshot = this.#saving
    if (snapshot === undefined || snapshot.index !== index) return
    this.#saving = undefined
    if (snapshot.index <= (this.state.log.snapshot?.index ?? 0)) return
    snapshotTaken(this.state, snapshot, Math.max(0, snapshot.index - this.#options.catchUpEntries))
    this.#wal.release(snapshot.index, out)
    const fact: EtcdSnapshotSaved = { type: 'etcd-snapshot-saved', member: this.#options.name, index }
    out.note(fact)
  }

  #ended(out: Out): void {
    if (this.#panicked) {
      this.#owner.onPanic(out)
      return
    }
    if (this.#full) {
      this.#owner.onDiskFull(out)
      return
    }
    if (this.#changed) {
      this.#changed = false
      this.#owner.onRoleChanged(out)
    }
    const { state } = this
    const upTo = applicable(state)
    if (upTo > state.applied) {
      const entries = state.log.slice(state.applied + 1, upTo, Number.POSITIVE_INFINITY)
      setApplied(state, upTo)
      this.#owner.onCommitted(entries, out)
    }
    if (!this.#stopped) this.#owner.onStepEnded(out)
  }

  send(to: MemberId, message: RaftMessage): void {
    const process = this.#options.members[to - 1] as ProcessId
    // Proposals must not be doubled and snapshots are large, so both go over a connection; the rest may be lost.
    if (message.type === 'raft-propose' || message.type === 'raft-snapshot') {
      this.#out.stream(process, message, messageBytes(message))
    } else this.#out.send(process, message, messageBytes(message))
  }

  persist(write: number, hardState: HardState, entries: readonly Entry[], snapshot: Snapshot | undefined): void {
    if (snapshot !== undefined && !saveSnapshot(snapshot, this, this.#out)) this.#full = true
    if (!this.#wal.append(write, hardState, entries, snapshot?.index ?? 0, this.#out)) this.#full = true
  }

  install(snapshot: Snapshot): void {
    this.#owner.onInstall(snapshot, this.#out)
  }

  readReady(context: number, index: number): void {
    this.#owner.onReadReady(context, index, this.#out)
  }

  armElection(delay: number): void {
    this.#out.cancel(this.#electionTimer)
    this.#electionTimer = this.#out.after(delay, this, ELECTION)
  }

  disarmElection(): void {
    this.#out.cancel(this.#electionTimer)
    this.#electionTimer = 0
  }

  armHeartbeat(delay: number): void {
    this.#out.cancel(this.#heartbeatTimer)
    this.#heartbeatTimer = this.#out.after(delay, this, HEARTBEAT)
  }

  disarmHeartbeat(): void {
    this.#out.cancel(this.#heartbeatTimer)
    this.#heartbeatTimer = 0
  }

  panic(): void {
    this.#panicked = true
  }

  changed(): void {
    this.#changed = true
  }

  note(fact: RaftFact): void {
    this.#out.note(fact)
  }
}
