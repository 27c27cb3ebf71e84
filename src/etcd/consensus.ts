/**
 * Raft's shell: its timers, its disk, its connections. Models etcd's raftNode and peer transport, v3.5. It owns the Raft
 * state and the write-ahead log and hands what is committed to its owner after every step; it knows nothing of keys.
 */
import type { Out, ProcessId, Timer, TimerTarget } from '../kernel/machine.ts'
import { type Micros, SECOND } from '../kernel/time.ts'
import {
  applicable,
  applyChange,
  completeRaftOptions,
  createState,
  type Entry,
  electionTimerFired,
  entriesApplied,
  followerUnreachable,
  type HardState,
  heartbeatTimerFired,
  type MemberId,
  membersOf,
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
  snapshotReported,
  snapshotTaken,
  start,
  transferLeadership,
  writeDurable,
} from '../raft/index.ts'
import type { EtcdSnapshotSaved, EtcdSnapshotSent } from './facts.ts'
import { memberOf, ownMember, processOf } from './members.ts'
import type { EtcdOptions } from './options.ts'
import type { Recovered } from './recovery.ts'
import { dropOldSnapshots, SNAPSHOT_SYNCED, saveSnapshot } from './saves.ts'
import { type SnapshotMessage, SnapshotReceiver, type SnapshotReports, SnapshotSender } from './snapshotstream.ts'
import { WAL_SYNCED, Wal } from './wal.ts'

const ELECTION = 1
const HEARTBEAT = 2
const ACTIVE_BEATS = 3

export interface ConsensusOwner {
  /** Committed entries that this member holds durably are to be applied, in order, now. */
  onCommitted(entries: readonly Entry[], out: Out): void
  /** A snapshot of the present state. */
  currentSnapshot(): Snapshot
  onInstall(snapshot: Snapshot, out: Out): void
  onReadReady(context: number, index: number, out: Out): void
  onRoleChanged(out: Out): void
  /** A step has ended: a chance to propose what waited. */
  onStepEnded(out: Out): void
  onDiskFull(out: Out): void
  onPanic(out: Out): void
}

/** A member that was not heard for so long is out of reach: the read time-out of rafthttp's streams. */
const SILENCE: Micros = 5 * SECOND

export class Consensus implements RaftOut, TimerTarget, SnapshotReports {
  readonly state: RaftState
  readonly #options: EtcdOptions
  readonly #owner: ConsensusOwner
  readonly #wal: Wal
  readonly #sender: SnapshotSender
  readonly #receiver = new SnapshotReceiver()
  #electionTimer: Timer = 0
  #heartbeatTimer: Timer = 0
  #beatAt: Micros = 0
  #changed = false
  #full = false
  #panicked = false
  #stopped = false
  /** A snapshot of this member's own that is on its way to the disk. */
  #saving: Snapshot | undefined
  /** Nothing is applied: the state machine is busy. */
  #paused = false
  /** When each member was last heard. */
  readonly #heardAt = new Map<MemberId, Micros>()
  /** Valid during a call only. */
  #out!: Out

  constructor(options: EtcdOptions, self: ProcessId, owner: ConsensusOwner, recovered: Recovered) {
    this.#options = options
    this.#owner = owner
    this.#wal = new Wal(this, options.walSegmentBytes, recovered.wal, options.decisions)
    this.#sender = new SnapshotSender(options.snapshotPieceBytes, this)
    const draws = options.streams.get(`etcd/election/${options.name}`)
    const { electionTimeoutMicros } = options
    const raftOptions = completeRaftOptions({
      id: ownMember(options, self),
      name: options.name,
      members: options.members.map((_, index) => index + 1),
      drawElectionTimeout: (term, attempt) =>
        draws.intAt(electionTimeoutMicros, 2 * electionTimeoutMicros - 1, term, attempt),
      electionTimeoutMicros,
      heartbeatMicros: options.heartbeatMicros,
      maxAppendBytes: options.maxAppendBytes,
      // A removed leader leads on for the short while that its process still runs, so that others learn of it.
      leavesWhenRemoved: false,
      decisions: options.raftDecisions,
    })
    const { hardState, snapshot, entries, backend } = recovered
    this.state = createState(raftOptions, {
      hardState,
      snapshot,
      entries,
      applied: backend?.index ?? 0,
      membership: backend?.state.membership,
    })
  }

  get isLeader(): boolean {
    return this.state.role === 'leader'
  }

  get isLearner(): boolean {
    return this.state.membership.learners.includes(this.state.id)
  }

  /** A leader beats: one that stood still has not. Models EtcdServer.isActive, v3.5. */
  isActive(now: Micros): boolean {
    return now - this.#beatAt <= ACTIVE_BEATS * this.#options.heartbeatMicros
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
    return this.state.leader === 0 ? undefined : processOf(this.state.leader, this.#options.members)
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
    this.#sender.stop(out)
  }

  receive(message: RaftMessage, out: Out): void {
    this.#out = out
    this.#heard(message.from, out)
    receive(this.state, message, out.now, this)
    this.#ended(out)
  }

  /** A piece of a snapshot, or word that one has arrived. */
  receiveSnapshot(process: ProcessId, message: SnapshotMessage, out: Out): void {
    if (this.#stopped) return
    this.#heard(message.from, out)
    if (message.type === 'etcd-snapshot-piece-received') this.#sender.onReceived(message, out)
    else this.#receiver.receive(process, message, this.state.id, (whole) => this.receive(whole, out), out)
  }

  /** Raft learns what became of a snapshot; a receiver that it could not be brought to is out of reach. */
  onSnapshotSent(to: MemberId, delivered: boolean, out: Out): void {
    if (!delivered) followerUnreachable(this.state, to)
    snapshotReported(this.state, to, delivered)
    const fact: EtcdSnapshotSent = { type: 'etcd-snapshot-sent', member: this.#options.name, to, delivered }
    out.note(fact)
  }

  /** A connection is gone: what was under way to a member is probably lost. */
  onDisconnect(process: ProcessId, out: Out): void {
    this.#sender.onDisconnect(process, out)
    this.#receiver.onDisconnect(process)
    followerUnreachable(this.state, memberOf(process, this.#options.members))
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

  /** Puts an entry that changes the members into use; called while it is applied. */
  applyChange(entry: Entry, out: Out): void {
    this.#out = out
    applyChange(this.state, entry, out.now, this)
  }

  /** Orders the leader to hand over. False when it is not this member, or `to` cannot lead. */
  transfer(to: MemberId, out: Out): boolean {
    this.#out = out
    const ordered = this.isLeader && transferLeadership(this.state, to, out.now, this)
    this.#ended(out)
    return ordered
  }

  /** When a member was last heard, undefined if never in this life. */
  heardAt(member: MemberId): Micros | undefined {
    return this.#heardAt.get(member)
  }

  /** How much of the log a member is known to hold; a leader knows. */
  match(member: MemberId): number {
    return this.state.progress[this.state.members.indexOf(member)]?.match ?? 0
  }

  /** Applies nothing until `resume`. */
  pause(): void {
    this.#paused = true
  }

  resume(out: Out): void {
    this.#out = out
    this.#paused = false
    this.#ended(out)
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
        this.#reportSilent(out)
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

  /** A connection from before a long silence is none any more: what hangs in it is lost, and what follows does not queue behind. */
  #heard(member: MemberId, out: Out): void {
    const before = this.#heardAt.get(member) ?? out.now
    if (out.now - before >= SILENCE) out.hangUp(processOf(member, this.#options.members))
    this.#heardAt.set(member, out.now)
  }

  /** What is sent to a member that answers nothing is as good as lost. */
  #reportSilent({ now }: Out): void {
    for (const member of this.state.members) {
      if (now - (this.#heardAt.get(member) ?? now) >= SILENCE) followerUnreachable(this.state, member)
    }
  }

  #snapshotSynced(index: number, out: Out): void {
    this.#wal.release(dropOldSnapshots(index, out), out)
    const snapshot = this.#saving
    if (snapshot === undefined || snapshot.index !== index) return
    this.#saving = undefined
    if (snapshot.index <= (this.state.log.snapshot?.index ?? 0)) return
    const behind = this.#sender.needsLog(out.now) ? 0 : snapshot.index - this.#options.catchUpEntries
    snapshotTaken(this.state, snapshot, Math.max(0, behind))
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
    // A change of members that is applied may commit more.
    while (!this.#stopped && !this.#paused) {
      const upTo = applicable(state)
      if (upTo <= state.applied) break
      this.#owner.onCommitted(state.log.slice(state.applied + 1, upTo, Number.POSITIVE_INFINITY), out)
      if (!this.#stopped) entriesApplied(state, upTo, out.now, this)
    }
    if (!this.#stopped) this.#owner.onStepEnded(out)
  }

  send(to: MemberId, message: RaftMessage): void {
    if (message.type === 'raft-snapshot' && !knows(message.snapshot, to)) {
      this.send(to, { ...message, snapshot: this.#owner.currentSnapshot() })
      return
    }
    const process = processOf(to, this.#options.members)
    const bytes = messageBytes(message)
    // Proposals must not be doubled and snapshots are large, so both go over a connection; the rest may be lost.
    if (message.type === 'raft-snapshot') this.#sender.send(to, process, message, bytes, this.#out)
    else if (message.type === 'raft-propose') this.#out.stream(process, message, bytes)
    else this.#out.send(process, message, bytes)
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
    this.#beatAt = this.#out.now
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

/** A member that joined after the snapshot was saved needs one that it belongs to; etcd makes each anew when it is sent. */
function knows({ membership }: Snapshot, member: MemberId): boolean {
  return membership === undefined ? true : membersOf(membership).includes(member)
}
