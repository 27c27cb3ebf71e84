/**
 * Do the members hold the same? Models etcdserver's corrupt.go, v3.5: a member may compare itself with its peers before it
 * serves anybody; the leader may compare everybody from time to time, at the present revision or at one that all have
 * compacted, and raises the CORRUPT alarm for who differs. All three are off unless asked for, as in etcd. A member that
 * gives no answer, or none for that revision, is passed over: a check finds what it can and promises nothing.
 */
import type { Message, Out, ProcessId, TimerTarget } from '../kernel/machine.ts'
import { type MemberId, membersOf } from '../raft/index.ts'
import type { EtcdCorruptionFound } from './facts.ts'
import { hashOf, type Parts } from './local.ts'
import { processOf } from './members.ts'
import type { HashAskMessage, HashToldMessage } from './messages.ts'
import type { HashResponse } from './responses.ts'
import type { Revision } from './types.ts'

const PERIODIC = 1
const COMPACTED = 2
const GIVE_UP = 3
/** Hashes of compactions that are kept. */
const HASHES_KEPT = 10
/** The member of an alarm that concerns the whole cluster. */
const EVERYBODY: MemberId = 0

export interface CorruptionOwner extends Parts {
  raiseCorrupt(member: MemberId, out: Out): void
  /** Calls back once everything committed by now is applied here, and only while a leader can say so. */
  readThrough(then: (out: Out) => void, out: Out): void
  /** The check before serving anybody has ended. */
  onChecked(isSame: boolean, out: Out): void
}

/** What is under way: peers were asked, some have answered. */
interface Round {
  readonly id: number
  readonly own: HashResponse
  readonly asked: Set<MemberId>
  readonly told: Map<MemberId, HashResponse>
  readonly end: (round: Round, out: Out) => void
}

export class CorruptionChecker implements TimerTarget {
  readonly #owner: CorruptionOwner
  /** Hashes as of the newest compactions, newest last. */
  #compactions: HashResponse[] = []
  /** Up to where the store was compacted before the newest of them. */
  #compactedBefore: Revision
  #latestChecked: Revision = 0
  #round: Round | undefined
  #lastId = 0
  #stopped = false

  constructor(owner: CorruptionOwner) {
    this.#owner = owner
    this.#compactedBefore = owner.machine.store.compactRevision
  }

  start(out: Out): void {
    const { corruptCheckMicros, compactHashCheckMicros } = this.#owner.options
    if (corruptCheckMicros > 0) out.after(corruptCheckMicros, this, PERIODIC)
    if (compactHashCheckMicros > 0) out.after(compactHashCheckMicros, this, COMPACTED)
  }

  stop(): void {
    this.#stopped = true
    this.#round = undefined
  }

  /** Compares this member with its peers before it serves anybody. */
  checkFirst(out: Out): void {
    this.#ask(this.#own(0), (round, at) => this.#owner.onChecked(isSameAsPeers(round), at), out)
  }

  /** The store was compacted. */
  compacted(): void {
    if (this.#owner.options.compactHashCheckMicros === 0) return
    const { store } = this.#owner.machine
    const { compactRevision, revision } = store
    const hash = store.hashAt(compactRevision)
    const before = this.#compactedBefore
    this.#compactedBefore = compactRevision
    this.#compactions.push({ type: 'hash', revision, compactRevision: before, hashRevision: compactRevision, hash })
    if (this.#compactions.length > HASHES_KEPT) this.#compactions.shift()
  }

  /** The store was replaced by a snapshot. */
  replaced(): void {
    this.#compactedBefore = this.#owner.machine.store.compactRevision
  }

  /** A peer asks for this member's hash. */
  onAsked(from: ProcessId, { id, revision }: HashAskMessage, out: Out): void {
    const stored = this.#compactions.find(({ hashRevision }) => hashRevision === revision)
    const result = stored ?? hashOf({ type: 'hash', revision }, this.#owner)
    const { id: member } = this.#owner.consensus.state
    const told = 'ok' in result ? (result.ok ? (result.value as HashResponse) : undefined) : result
    out.stream(from, { type: 'etcd-hash-told', id, member, told } satisfies HashToldMessage as Message, 128)
  }

  onTold({ id, member, told }: HashToldMessage, out: Out): void {
    const round = this.#round
    if (round === undefined || round.id !== id || !round.asked.delete(member)) return
    if (told !== undefined) round.told.set(member, told)
    this.#endIfComplete(round, out)
  }

  /** The connection to a peer is gone: it will not answer. */
  onDisconnect(peer: ProcessId, out: Out): void {
    const round = this.#round
    if (round === undefined) return
    for (const member of round.asked) if (this.#processOf(member) === peer) round.asked.delete(member)
    this.#endIfComplete(round, out)
  }

  onTimer(kind: number, a: number, out: Out): void {
    if (this.#stopped) return
    const { options, consensus } = this.#owner
    if (kind === GIVE_UP) {
      const round = this.#round
      if (round?.id !== a) return
      round.asked.clear()
      this.#endIfComplete(round, out)
      return
    }
    out.after(kind === PERIODIC ? options.corruptCheckMicros : options.compactHashCheckMicros, this, kind)
    if (!consensus.isLeader || this.#round !== undefined) return
    if (kind === PERIODIC) {
      this.#ask(this.#own(0), (round, at) => this.#owner.readThrough((then) => this.#compareNow(round, then), at), out)
    } else this.#checkCompactions(this.#unchecked(), out)
  }

  /** Everybody's state as of one revision, and what nobody may be ahead of. */
  #compareNow({ own, told }: Round, out: Out): void {
    if (this.#stopped) return
    const { consensus, machine } = this.#owner
    const { store } = machine
    const suspects: MemberId[] = []
    if (own.hashRevision > store.compactRevision && store.hashAt(own.hashRevision) !== own.hash) {
      suspects.push(consensus.state.id)
    }
    for (const [member, theirs] of told) {
      const isAhead = theirs.revision > store.revision || theirs.compactRevision > store.compactRevision
      const differs = theirs.compactRevision === own.compactRevision && theirs.hash !== own.hash
      if (isAhead || differs) suspects.push(member)
    }
    // One alarm a check: whoever is found first.
    if (suspects.length > 0) this.#found(suspects[0] as MemberId, own.hashRevision, out)
  }

  /** Compactions that not everybody was found to agree about, newest first. */
  #unchecked(): HashResponse[] {
    return this.#compactions.filter(({ hashRevision }) => hashRevision > this.#latestChecked).reverse()
  }

  #checkCompactions([next, ...older]: HashResponse[], out: Out): void {
    if (next === undefined) return
    this.#ask(
      next,
      (round, at) => {
        if (!this.#isSettled(round, at)) this.#checkCompactions(older, at)
      },
      out,
    )
  }

  /** False when somebody could not be compared, so that an older compaction is worth a look. */
  #isSettled({ own, told }: Round, out: Out): boolean {
    const { id, membership } = this.#owner.consensus.state
    const peers = membersOf(membership).length - 1
    const byHash = new Map<number, MemberId[]>([[own.hash, [id]]])
    let compared = 0
    for (const [member, theirs] of told) {
      if (theirs.compactRevision !== own.compactRevision) continue
      compared++
      const same = byHash.get(theirs.hash)
      if (same === undefined) byHash.set(theirs.hash, [member])
      else same.push(member)
    }
    if (byHash.size === 1) {
      if (compared === peers) this.#latestChecked = Math.max(this.#latestChecked, own.hashRevision)
      return compared === peers
    }
    const quorum = Math.floor((peers + 1) / 2) + 1
    const groups = [...byHash.values()]
    const right = groups.find((group) => group.length >= quorum)
    if (right === undefined) this.#found(EVERYBODY, own.hashRevision, out)
    else
      for (const group of groups) if (group !== right) for (const one of group) this.#found(one, own.hashRevision, out)
    return true
  }

  #found(suspect: MemberId, revision: Revision, out: Out): void {
    const { options } = this.#owner
    const fact: EtcdCorruptionFound = { type: 'etcd-corruption-found', member: options.name, suspect, revision }
    out.note(fact)
    this.#owner.raiseCorrupt(suspect, out)
  }

  #ask(own: HashResponse, end: Round['end'], out: Out): void {
    const { consensus, options } = this.#owner
    const { id: self, membership } = consensus.state
    const asked = new Set(membersOf(membership).filter((member) => member !== self))
    const round: Round = { id: ++this.#lastId, own, asked, told: new Map(), end }
    this.#round = round
    const message: HashAskMessage = { type: 'etcd-hash-ask', id: round.id, revision: own.hashRevision }
    for (const member of [...asked]) out.stream(this.#processOf(member), message as Message, 96)
    out.after(options.requestTimeoutMicros, this, GIVE_UP, round.id)
    this.#endIfComplete(round, out)
  }

  #endIfComplete(round: Round, out: Out): void {
    if (round.asked.size > 0 || this.#round !== round) return
    this.#round = undefined
    round.end(round, out)
  }

  #own(revision: Revision): HashResponse {
    const { store } = this.#owner.machine
    const at = revision > 0 ? revision : store.revision
    const { compactRevision } = store
    return { type: 'hash', revision: store.revision, compactRevision, hashRevision: at, hash: store.hashAt(at) }
  }

  #processOf(member: MemberId): ProcessId {
    return processOf(member, this.#owner.options.members)
  }
}

/** As of the same compaction, nobody who answered holds anything else. */
function isSameAsPeers({ own, told }: Round): boolean {
  for (const { hash, compactRevision } of told.values()) {
    if (hash !== own.hash && compactRevision === own.compactRevision) return false
  }
  return true
}
