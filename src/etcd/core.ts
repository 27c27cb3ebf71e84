/**
 * One life of a member, from recovery to crash: what is committed is applied, watched, snapshot. Models etcdserver's
 * EtcdServer, v3.5. It stands on desk.ts (requests and answers), consensus.ts (the log), apply.ts (the state) and watch.ts,
 * and only connects them.
 */
import type { Message, Out, ProcessId } from '../kernel/machine.ts'
import { SECOND } from '../kernel/time.ts'
import {
  type Entry,
  type MemberId,
  MembershipChange,
  membersOf,
  type RaftMessage,
  type Snapshot,
} from '../raft/index.ts'
import { type StateImage, StateMachine } from './apply.ts'
import { Backend } from './backend.ts'
import { Consensus, type ConsensusOwner } from './consensus.ts'
import { CorruptionChecker, type CorruptionOwner } from './corruption.ts'
import { Desk } from './desk.ts'
import * as errors from './errors.ts'
import type { EtcdApplied, EtcdApplyBatch, EtcdCompacted, EtcdRefused, EtcdRestored } from './facts.ts'
import { LeaseKeeper } from './leasekeeper.ts'
import { membersAnswer } from './local.ts'
import type {
  ClientMessage,
  ForwardedMessage,
  ForwardMessage,
  HashAskMessage,
  HashToldMessage,
  LoggedRequest,
  RemovedMessage,
  WatchId,
} from './messages.ts'
import type { EtcdOptions } from './options.ts'
import type { Recovered } from './recovery.ts'
import type { SnapshotMessage } from './snapshotstream.ts'
import { WatchHub } from './watch.ts'

const LEADERLESS = 1
const LEAVE = 2
/** How long a removed member stays, so that what removed it gets around. */
const FAREWELL = SECOND
const REMOVED: RemovedMessage = Object.freeze({ type: 'etcd-removed' })

type Halt = (reason: EtcdRefused['reason'], out: Out) => void

export class Core implements ConsensusOwner, CorruptionOwner {
  readonly options: EtcdOptions
  readonly consensus: Consensus
  readonly machine: StateMachine
  readonly leases: LeaseKeeper
  readonly watches: WatchHub
  readonly #halt: Halt
  readonly #desk: Desk
  readonly #backend: Backend
  readonly #corruption: CorruptionChecker
  /** It compares itself with its peers and serves nobody yet. */
  #isChecking = false
  /** The entry that is being applied, or was last. */
  #appliedIndex: number
  #leaderlessTimer = 0
  #wasLeader = false
  #halted = false

  constructor(options: EtcdOptions, recovered: Recovered, out: Out, halt: Halt) {
    this.options = options
    this.#halt = halt
    this.machine = new StateMachine(options.decisions, Math.ceil((1.5 * options.electionTimeoutMicros) / SECOND))
    const { backend } = recovered
    this.#appliedIndex = backend?.index ?? 0
    if (backend !== undefined) {
      this.machine.restore(backend.state, true)
      this.#noteRestored(backend.index, 'disk', out)
    }
    this.watches = new WatchHub(options, this.machine.store)
    this.consensus = new Consensus(options, out.self, this, recovered)
    this.leases = new LeaseKeeper(
      options,
      this.machine.leases,
      (request, at) => {
        this.#desk.propose(request)
        this.#desk.onStepEnded(at)
      },
      (id, result, at) => this.#desk.answer(id, result, at),
    )
    this.#backend = new Backend(options, this.machine, backend?.index ?? 0, (at) => this.onDiskFull(at))
    this.#desk = new Desk(this, this.#backend, out)
    this.#corruption = new CorruptionChecker(this)
  }

  start(out: Out): void {
    if (!this.options.initialCorruptCheck) {
      this.#serve(out)
      return
    }
    this.#isChecking = true
    this.#corruption.checkFirst(out)
  }

  onChecked(isSame: boolean, out: Out): void {
    this.#isChecking = false
    if (this.#halted) return
    if (isSame) this.#serve(out)
    else this.#halt('differs-from-peers', out)
  }

  #serve(out: Out): void {
    this.#corruption.start(out)
    this.#leaderlessTimer = out.after(this.options.leaderlessMicros, this, LEADERLESS)
    this.consensus.start(out)
  }

  stop(out: Out): void {
    this.#halted = true
    this.consensus.stop(out)
    this.#corruption.stop()
    this.#desk.close()
    this.#backend.stop()
    this.leases.demote(out)
    this.watches.cancelAll('etcdserver: server stopped', out)
  }

  onMessage(from: ProcessId, message: Message, out: Out): void {
    const known = message as
      | ClientMessage
      | ForwardMessage
      | ForwardedMessage
      | HashAskMessage
      | HashToldMessage
      | SnapshotMessage
      | RemovedMessage
      | RaftMessage
    if (this.#isChecking && known.type !== 'etcd-hash-told') {
      if (!known.type.startsWith('raft-')) out.hangUp(from)
      return
    }
    switch (known.type) {
      case 'etcd-request':
        this.#desk.onRequest(from, known, out)
        break
      case 'etcd-watch-create':
        if (this.consensus.state.leader === 0 && known.outlivesLeaders !== true)
          refuseWatch(from, known.watch, errors.NO_LEADER.message, out)
        else if (this.consensus.isLearner) refuseWatch(from, known.watch, errors.LEARNER_REFUSES.message, out)
        else this.watches.create(from, known, out)
        break
      case 'etcd-watch-cancel':
        this.watches.cancel(from, known.watch)
        break
      case 'etcd-watch-ack':
        this.watches.acknowledge(from, known.count, out)
        break
      case 'etcd-progress-request':
        this.watches.requestProgress(from, out)
        break
      case 'etcd-forward':
        this.#desk.onForward(from, known, out)
        break
      case 'etcd-forwarded':
        this.#desk.answer(known.id, known.result, out)
        break
      case 'etcd-hash-ask':
        this.#corruption.onAsked(from, known, out)
        break
      case 'etcd-hash-told':
        this.#corruption.onTold(known, out)
        break
      case 'etcd-snapshot-piece':
      case 'etcd-snapshot-piece-received':
        this.consensus.receiveSnapshot(from, known, out)
        break
      case 'etcd-removed':
        // One that knows leaves anyway, and until then sees to it that others learn of it.
        if (!this.#halted && !this.machine.removed.includes(this.consensus.state.id)) this.#halt('removed', out)
        break
      default:
        if (this.machine.removed.includes(known.from)) out.send(from, REMOVED)
        else this.consensus.receive(known, out)
    }
  }

  onDisconnect(peer: ProcessId, out: Out): void {
    this.#corruption.onDisconnect(peer, out)
    this.watches.dropClient(peer)
    this.#desk.dropClient(peer)
    this.consensus.onDisconnect(peer, out)
  }

  onTimer(kind: number, _a: number, out: Out): void {
    if (kind === LEAVE) {
      if (this.#halted) return
      this.#backend.close(out)
      if (!this.#halted) this.#halt('removed', out)
      return
    }
    this.#leaderlessTimer = 0
    if (!this.#halted && this.consensus.state.leader === 0) this.watches.cancelLeaderless(errors.NO_LEADER.message, out)
  }

  raiseCorrupt(member: MemberId, out: Out): void {
    this.#desk.raise(member, 'corrupt')
    this.#desk.onStepEnded(out)
  }

  readThrough(then: (out: Out) => void, out: Out): void {
    this.#desk.readThrough(then, out)
  }

  onStepEnded(out: Out): void {
    this.#desk.onStepEnded(out)
  }

  onReadReady(context: number, index: number): void {
    this.#desk.onReadReady(context, index)
  }

  onCommitted(entries: readonly Entry[], out: Out): void {
    const { store } = this.machine
    const first = entries[0] as Entry
    const last = entries[entries.length - 1] as Entry
    this.#backend.begin(last.index, out)
    for (const entry of entries) {
      this.#appliedIndex = entry.index
      if (entry.data === null) continue
      if (entry.data instanceof MembershipChange) this.#changeMembers(entry, entry.data, out)
      else this.#apply(entry.data as LoggedRequest, out)
      if (store.hasFailed) {
        if (!this.#halted) this.#halt('panic', out)
        return
      }
    }
    this.watches.flush(out)
    const member = this.options.name
    const batch: EtcdApplyBatch = {
      type: 'etcd-apply-batch',
      member,
      from: first.index,
      to: last.index,
      entries,
      revision: store.revision,
      storeHash: store.hash,
    }
    out.note(batch)
    if (last.index - this.consensus.lastSnapshotIndex >= this.options.snapshotEntries) {
      this.consensus.saveSnapshot(this.currentSnapshot(), out)
    }
  }

  currentSnapshot(): Snapshot {
    const index = this.#appliedIndex
    const { membership, log } = this.consensus.state
    const data: StateImage = this.machine.image()
    const snapshot: Snapshot = { index, term: log.termAt(index), data, bytes: 1024 + data.store.bytes }
    // Before the first change of members everybody knows who belongs.
    const hasChanged = data.membership !== undefined || membersOf(membership).length !== this.options.members.length
    return hasChanged ? { ...snapshot, data: { ...data, membership }, membership } : snapshot
  }

  #apply({ origin, id, request }: LoggedRequest, out: Out): void {
    const { machine } = this
    const wanted = this.#desk.isWanted(origin, id)
    const isOverQuota = this.#desk.maintenance.passesQuota(request)
    let result = machine.apply(request, wanted)
    if (machine.store.hasFailed) return
    const { events } = machine
    if (events.length > 0) {
      const { revision } = machine.store
      const endedLease = request.type === 'lease-revoke' ? request.lease : 0
      const fact: EtcdApplied = { type: 'etcd-applied', member: this.options.name, revision, events, endedLease }
      out.note(fact)
      this.watches.notice(events)
    }
    if (machine.compacted >= 0) this.#noteCompacted(out)
    if (machine.leaseGranted > 0) this.leases.granted(machine.leaseGranted, out)
    if (machine.leaseRevoked > 0) this.leases.revoked(machine.leaseRevoked, out)
    if (isOverQuota && result?.ok !== false && !machine.alarms.has('no-space')) {
      // As in etcd, what was let in at the door is written all the same, and said to have failed.
      this.#desk.raiseNoSpace()
      result = errors.NO_SPACE
    }
    if (!wanted || result === undefined) return
    if (request.type === 'compact' && request.physical === true && machine.compacted >= 0) {
      this.#desk.answerCompacted(id, result, machine.compacted, out)
    } else this.#desk.answer(id, result, out)
  }

  #noteCompacted(out: Out): void {
    const { compactRevision: revision } = this.machine.store
    const fact: EtcdCompacted = { type: 'etcd-compacted', member: this.options.name, revision }
    out.note(fact)
    this.#corruption.compacted()
    this.watches.flush(out)
    this.watches.historyChanged(out)
  }

  #changeMembers(entry: Entry, { context }: MembershipChange, out: Out): void {
    const { machine, consensus } = this
    const before = consensus.state.membership
    consensus.applyChange(entry, out)
    const { membership } = consensus.state
    if (membership === before) return
    const now = membersOf(membership)
    machine.membership = membership
    machine.removed = [...machine.removed, ...membersOf(before).filter((member) => !now.includes(member))]
    const { origin, id } = context as Pick<LoggedRequest, 'origin' | 'id'>
    if (this.#desk.isWanted(origin, id)) this.#desk.answer(id, { ok: true, value: membersAnswer(this) }, out)
    if (machine.removed.includes(consensus.state.id)) out.after(FAREWELL, this, LEAVE)
  }

  onInstall(snapshot: Snapshot, out: Out): void {
    const before = this.machine.store.revision
    this.#appliedIndex = snapshot.index
    this.machine.restore(snapshot.data as StateImage)
    this.#backend.replaced(snapshot.index)
    this.#corruption.replaced()
    this.#noteRestored(snapshot.index, 'leader', out)
    this.watches.resyncAll(before, out)
  }

  onRoleChanged(out: Out): void {
    const { isLeader, state } = this.consensus
    if (isLeader !== this.#wasLeader) {
      this.#wasLeader = isLeader
      if (isLeader) this.leases.promote(out)
      else {
        this.leases.demote(out)
        this.#desk.onDemoted()
      }
    }
    if (state.leader !== 0) {
      out.cancel(this.#leaderlessTimer)
      this.#leaderlessTimer = 0
    } else if (this.#leaderlessTimer === 0) {
      this.#leaderlessTimer = out.after(this.options.leaderlessMicros, this, LEADERLESS)
    }
  }

  onDiskFull(out: Out): void {
    if (!this.#halted) this.#halt('disk-full', out)
  }

  onPanic(out: Out): void {
    if (!this.#halted) this.#halt('lost-entries', out)
  }

  #noteRestored(index: number, source: EtcdRestored['source'], out: Out): void {
    const { revision, hash } = this.machine.store
    const member = this.options.name
    const fact: EtcdRestored = { type: 'etcd-restored', member, index, revision, storeHash: hash, source }
    out.note(fact)
  }
}

function refuseWatch(client: ProcessId, watch: WatchId, reason: string, out: Out): void {
  const message = { type: 'etcd-watch-cancelled', watch, compactRevision: 0, reason } as const
  out.stream(client, message as Message, 64)
}
