/**
 * A whole Raft cluster in memory for tests and benches: members, disks that lose what was not synced, and a bag of
 * messages from which anything may be taken in any order, twice or never. Time moves only when told. It checks Raft's
 * safety claims after every step. It is not the kernel: no links, no latency, no hosts.
 */
import type { Rand } from '../kernel/random.ts'
import { Streams } from '../kernel/random.ts'
import { applyChange, entriesApplied } from './apply.ts'
import type { RaftDecisions } from './decisions.ts'
import { RAFT_DECISIONS } from './decisions.ts'
import type { RaftFact } from './facts.ts'
import { type MemberChange, MembershipChange, membersOf, type Transition } from './membership.ts'
import type { RaftMessage } from './messages.ts'
import { completeRaftOptions, type RaftOptions } from './options.ts'
import type { RaftOut } from './sink.ts'
import { applicable, createState, type RaftState } from './state.ts'
import { type RaftInput, step } from './step.ts'
import { RaftViolation, SafetyCheck } from './testingsafety.ts'
import type { Entry, HardState, MemberId, Snapshot } from './types.ts'

interface Write {
  readonly write: number
  readonly hardState: HardState
  readonly entries: readonly Entry[]
  readonly snapshot: Snapshot | undefined
}

/** What is truly on one member's disk. */
export class TestDisk {
  hardState: HardState = { term: 0, vote: 0, commit: 0 }
  entries: Entry[] = []
  snapshot: Snapshot | undefined

  settle(write: Write): void {
    this.hardState = write.hardState
    if (write.snapshot !== undefined) {
      this.snapshot = write.snapshot
      this.entries = []
    }
    const first = write.entries[0]
    if (first === undefined) return
    const base = this.snapshot?.index ?? 0
    this.entries.length = Math.max(0, Math.min(this.entries.length, first.index - base - 1))
    for (const entry of write.entries) if (entry.index > base) this.entries.push(entry)
  }

  take(snapshot: Snapshot): void {
    const base = this.snapshot?.index ?? 0
    this.entries.splice(0, snapshot.index - base)
    this.snapshot = snapshot
  }
}

export class TestMember implements RaftOut {
  readonly id: MemberId
  readonly disk = new TestDisk()
  state: RaftState
  alive = true
  writes: Write[] = []
  electionAt = 0
  heartbeatAt = 0
  readonly #cluster: TestCluster

  constructor(cluster: TestCluster, options: RaftOptions) {
    this.#cluster = cluster
    this.id = options.id
    this.state = createState(options)
  }

  send(to: MemberId, message: RaftMessage): void {
    this.#cluster.sent(this.id, to, message)
  }

  persist(write: number, hardState: HardState, entries: readonly Entry[], snapshot: Snapshot | undefined): void {
    this.writes.push({ write, hardState, entries, snapshot })
  }

  install(snapshot: Snapshot): void {
    this.#cluster.check.installed(this, snapshot)
  }

  readReady(context: number, index: number): void {
    this.#cluster.check.readReady(context, index)
  }

  armElection(delay: number): void {
    this.electionAt = this.#cluster.now + delay
  }

  disarmElection(): void {
    this.electionAt = 0
  }

  armHeartbeat(delay: number): void {
    this.heartbeatAt = this.#cluster.now + delay
  }

  disarmHeartbeat(): void {
    this.heartbeatAt = 0
  }

  panic(reason: string): void {
    throw new RaftViolation(`durability: ${this.id} stops, ${reason}`)
  }

  changed(): void {
    if (this.state.role === 'leader') this.#cluster.check.leads(this)
  }

  note(fact: RaftFact): void {
    this.#cluster.facts.push(fact)
    if (fact.type === 'raft-vote-granted') this.#cluster.check.voted(fact.id, fact.term, fact.candidate)
  }
}

export interface Flying {
  readonly from: MemberId
  readonly to: MemberId
  readonly message: RaftMessage
}

export interface TestClusterOptions {
  readonly members: number
  /** So many more that do not belong from the beginning. Default 0. */
  readonly joining?: number
  readonly seed: string | number
  readonly decisions?: Partial<RaftDecisions>
  readonly raft?: Partial<RaftOptions>
}

export class TestCluster {
  readonly members: TestMember[]
  readonly check = new SafetyCheck()
  readonly facts: RaftFact[] = []
  flying: Flying[] = []
  now = 0
  /** The transport reports what became of a snapshot, as etcd's does. */
  reportsSnapshots = true
  #context = 0
  #proposal = 0

  constructor(options: TestClusterOptions) {
    const { members, joining = 0 } = options
    const ids = Array.from({ length: members + joining }, (_, i) => i + 1)
    const draws: Rand = new Streams(options.seed).get('raft/election')
    this.members = ids.map(
      (id) =>
        new TestMember(
          this,
          completeRaftOptions({
            ...options.raft,
            id,
            members: ids.slice(0, members),
            decisions: { ...RAFT_DECISIONS, ...options.decisions },
            drawElectionTimeout: (term, attempt) => draws.intAt(1_000_000, 1_999_999, id, term, attempt),
          }),
        ),
    )
    for (const member of this.members) this.step(member, { kind: 'start' })
  }

  /** A member goes on from a given state. Its election pause, or the beat of its heart, begins now. */
  adopt(id: MemberId, state: RaftState, disk: Pick<TestDisk, 'hardState' | 'entries' | 'snapshot'>): void {
    const member = this.member(id)
    Object.assign(member.disk, { ...disk, entries: [...disk.entries] })
    member.state = { ...state, options: member.state.options }
    member.electionAt = 0
    member.heartbeatAt = 0
    if (state.role === 'leader') member.armHeartbeat(member.state.options.heartbeatMicros)
    else this.step(member, { kind: 'start' })
  }

  sent(from: MemberId, to: MemberId, message: RaftMessage): void {
    const isNew = message.type === 'raft-snapshot' && isStranger(message.snapshot, to)
    this.flying.push({ from, to, message: isNew ? { ...message, snapshot: this.#current(from) } : message })
  }

  /** Who joined after the snapshot was saved gets one that it belongs to, made anew as etcd makes each that it sends. */
  #current(from: MemberId): Snapshot {
    const { applied, log, membership } = this.member(from).state
    return { index: applied, term: log.termAt(applied), data: undefined, bytes: 100, membership }
  }

  member(id: MemberId): TestMember {
    return this.members[id - 1] as TestMember
  }

  leader(): TestMember | undefined {
    let newest: TestMember | undefined
    for (const member of this.members) {
      if (!member.alive || member.state.role !== 'leader') continue
      if (newest === undefined || member.state.term > newest.state.term) newest = member
    }
    return newest
  }

  step(member: TestMember, input: RaftInput): void {
    step(member.state, input, this.now, member)
    const upTo = applicable(member.state)
    for (let index = member.state.applied + 1; index <= upTo; index++) {
      const entry = member.state.log.entryAt(index)
      if (entry === undefined) throw new RaftViolation(`applied entry ${index} is not in the log`)
      this.check.appliedEntry(entry)
      if (entry.data instanceof MembershipChange) applyChange(member.state, entry, this.now, member)
    }
    if (upTo > member.state.applied) entriesApplied(member.state, upTo, this.now, member)
  }

  deliver(flying: Flying): void {
    const member = this.member(flying.to)
    if (member.alive) this.step(member, { kind: 'message', message: flying.message })
    this.#report(flying, member.alive)
  }

  /** A message that never arrives. */
  lose(flying: Flying): void {
    this.#report(flying, false)
  }

  #report({ from, to, message }: Flying, delivered: boolean): void {
    const sender = this.member(from)
    if (message.type === 'raft-snapshot' && sender.alive && this.reportsSnapshots) {
      this.step(sender, { kind: 'snapshot-report', id: to, delivered })
    }
  }

  /** Proposes something new, or once more what was proposed before; gives what it was. */
  propose(member: TestMember, data = `value-${++this.#proposal}`): string {
    if (member.alive) this.step(member, { kind: 'propose', proposals: [{ data, bytes: 10 }] })
    return data
  }

  /** Does the member know that it is committed? Compacted entries are forgotten. */
  knows({ alive, state: { log, commit } }: TestMember, data: string): boolean {
    for (let index = commit; alive && index > log.compacted; index--) {
      if (log.entryAt(index)?.data === data) return true
    }
    return false
  }

  change(member: TestMember, steps: readonly MemberChange[], transition?: Transition): void {
    const data = new MembershipChange(steps, transition)
    if (member.alive) this.step(member, { kind: 'propose', proposals: [{ data, bytes: 20 }] })
  }

  read(member: TestMember): void {
    const context = ++this.#context
    this.check.readAsked(context)
    if (member.alive) this.step(member, { kind: 'read', context })
  }

  /** The disk finishes its oldest write. */
  sync(member: TestMember): void {
    const write = member.writes.shift()
    if (write === undefined || !member.alive) return
    member.disk.settle(write)
    this.step(member, { kind: 'durable', write: write.write })
  }

  crash(member: TestMember): void {
    member.alive = false
    member.writes = []
    member.electionAt = 0
    member.heartbeatAt = 0
  }

  restart(member: TestMember): void {
    const { hardState, snapshot, entries } = member.disk
    member.alive = true
    member.state = createState(member.state.options, {
      hardState,
      snapshot,
      entries,
      applied: snapshot?.index ?? 0,
    })
    this.step(member, { kind: 'start' })
  }

  /** Saves the state machine and compacts the log, keeping `keep` entries. */
  snapshot(member: TestMember, keep: number): void {
    const { log, applied } = member.state
    const index = Math.min(applied, log.durable)
    if (!member.alive || index <= (log.snapshot?.index ?? 0)) return
    const term = log.termAt(index)
    // A member writes nothing while it waits for an earlier write here: the order of the two is the shell's affair.
    if (member.writes.length > 0) return
    const { membership } = member.state
    const snapshot: Snapshot = { index, term, data: undefined, bytes: 100, membership }
    member.disk.take(snapshot)
    this.step(member, { kind: 'snapshot-taken', snapshot, compactTo: Math.max(0, index - keep) })
  }

  /** The moment of the next timer, or Infinity. */
  nextTimer(): number {
    let at = Number.POSITIVE_INFINITY
    for (const { electionAt, heartbeatAt } of this.members) {
      if (electionAt > 0 && electionAt < at) at = electionAt
      if (heartbeatAt > 0 && heartbeatAt < at) at = heartbeatAt
    }
    return at
  }

  /** Fires what is due by `until`, in order of time, without delivering anything. */
  advanceTo(until: number): void {
    for (let at = this.nextTimer(); at <= until; at = this.nextTimer()) {
      this.now = Math.max(this.now, at)
      for (const member of this.members) {
        if (member.electionAt > 0 && member.electionAt <= at) {
          member.electionAt = 0
          this.step(member, { kind: 'election-timeout' })
        }
        if (member.heartbeatAt > 0 && member.heartbeatAt <= at) {
          member.heartbeatAt = 0
          this.step(member, { kind: 'heartbeat-timeout' })
        }
      }
    }
    this.now = Math.max(this.now, until)
  }

  /** Delivers everything in order and finishes all writes until nothing is under way; `cut` says which messages are lost. */
  settle(cut: (flying: Flying) => boolean = () => false): void {
    for (let round = 0; round < 100_000; round++) {
      const next = this.flying.shift()
      if (next !== undefined) {
        if (cut(next)) this.lose(next)
        else this.deliver(next)
        continue
      }
      const writer = this.members.find((member) => member.writes.length > 0)
      if (writer === undefined) return
      this.sync(writer)
    }
    throw new RaftViolation('livelock: messages without end')
  }

  /** Runs `micros` of time in which messages and writes take none. */
  run(micros: number, cut?: (flying: Flying) => boolean): void {
    const until = this.now + micros
    this.settle(cut)
    for (let at = this.nextTimer(); at <= until; at = this.nextTimer()) {
      this.advanceTo(at)
      this.settle(cut)
    }
    this.now = until
  }
}

function isStranger({ membership }: Snapshot, member: MemberId): boolean {
  return membership !== undefined && !membersOf(membership).includes(member)
}
