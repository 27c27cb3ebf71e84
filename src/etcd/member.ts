/**
 * An etcd member as a process: it recovers from its disk, then lives one life after another (core.ts). Models etcd's main
 * and bootstrap, v3.5. A corrupt log or snapshot keeps it down for good; a full disk stops it until a supervisor starts it
 * again.
 */
import type { Machine, Message, Out, ProcessId } from '../kernel/machine.ts'
import type { Entry, MemberId, RaftLog, Role } from '../raft/index.ts'
import { Core } from './core.ts'
import type { EtcdRefused, EtcdStarted } from './facts.ts'
import { ownMember } from './members.ts'
import { completeEtcdOptions, type EtcdOptions, type EtcdOptionsInput } from './options.ts'
import { recover } from './recovery.ts'
import type { KeyValue, Revision } from './types.ts'
import { prefixEnd } from './types.ts'

const RESTART = 1
/** What comes over connections that nobody would accept. */
const REFUSED: ReadonlySet<string> = new Set(['etcd-request', 'etcd-watch-create', 'etcd-hash-ask'])

/** What a property may look at. Reading changes nothing. */
export interface EtcdView {
  readonly name: string
  /** Its number among the members; 0 while it is down. */
  readonly id: MemberId
  /** Who belongs, as far as it has applied. */
  readonly voters: readonly MemberId[]
  readonly learners: readonly MemberId[]
  /** False while it is down; the rest is then as in an empty member. */
  readonly isRunning: boolean
  readonly role: Role
  readonly term: number
  /** 0 when no leader is known; otherwise its place among the members, from 1. */
  readonly leader: number
  readonly commitIndex: number
  readonly appliedIndex: number
  readonly firstIndex: number
  readonly lastIndex: number
  /** The term of an entry, -1 when it is compacted or not there. */
  termAt(index: number): number
  entryAt(index: number): Entry | undefined
  readonly revision: Revision
  readonly compactRevision: Revision
  readonly storeHash: number
  get(key: string): KeyValue | undefined
  /** The present values of all keys with the prefix, in order. */
  list(prefix: string): readonly KeyValue[]
  readonly watchCount: number
}

export class EtcdMember implements Machine {
  readonly options: EtcdOptions
  #core: Core | undefined

  constructor(options: EtcdOptionsInput) {
    this.options = completeEtcdOptions(options)
  }

  onStart(out: Out): void {
    const recovered = recover(out)
    const member = this.options.name
    if ('reason' in recovered) {
      const fact: EtcdRefused = { type: 'etcd-member-refused', member, ...recovered }
      out.note(fact)
      return
    }
    if (recovered.backend?.state.removed.includes(ownMember(this.options, out.self))) {
      const fact: EtcdRefused = { type: 'etcd-member-refused', member, reason: 'removed' }
      out.note(fact)
      return
    }
    const core = new Core(this.options, recovered, out, (reason, at) => this.#stop(reason, at))
    this.#core = core
    const { term, log, applied } = core.consensus.state
    const fact: EtcdStarted = {
      type: 'etcd-member-started',
      member,
      term,
      lastIndex: log.last,
      appliedIndex: applied,
      repairedRecords: recovered.repairedRecords,
    }
    out.note(fact)
    core.start(out)
  }

  onMessage(from: ProcessId, message: Message, out: Out): void {
    if (this.#core !== undefined) this.#core.onMessage(from, message, out)
    // Nobody listens: a client's connection is refused, other members' datagrams are lost.
    else if (REFUSED.has(message.type)) out.hangUp(from)
  }

  onDisconnect(peer: ProcessId, out: Out): void {
    this.#core?.onDisconnect(peer, out)
  }

  onTimer(_kind: number, _a: number, out: Out): void {
    if (this.#core === undefined) this.onStart(out)
  }

  #stop(reason: EtcdRefused['reason'], out: Out): void {
    const fact: EtcdRefused = { type: 'etcd-member-refused', member: this.options.name, reason }
    out.note(fact)
    this.#core?.stop(out)
    this.#core = undefined
    if (reason !== 'removed') out.after(this.options.restartMicros, this, RESTART)
  }

  view(): EtcdView {
    return viewOf(this.options.name, this.#core)
  }
}

function viewOf(name: string, core: Core | undefined): EtcdView {
  if (core === undefined) return { ...EMPTY_VIEW, name }
  const { state } = core.consensus
  const { store } = core.machine
  const log: RaftLog = state.log
  return {
    name,
    id: state.id,
    voters: state.membership.voters,
    learners: state.membership.learners,
    isRunning: true,
    role: state.role,
    term: state.term,
    leader: state.leader,
    commitIndex: state.commit,
    appliedIndex: state.applied,
    firstIndex: log.compacted + 1,
    lastIndex: log.last,
    termAt: (index) => log.termAt(index),
    entryAt: (index) => log.entryAt(index),
    revision: store.revision,
    compactRevision: store.compactRevision,
    storeHash: store.hash,
    get: (key) => store.get(key),
    list: (prefix) => store.range({ type: 'range', key: prefix, rangeEnd: prefixEnd(prefix) }).values,
    watchCount: core.watches.watchCount,
  }
}

const EMPTY_VIEW: EtcdView = Object.freeze({
  name: '',
  id: 0,
  voters: [],
  learners: [],
  isRunning: false,
  role: 'follower',
  term: 0,
  leader: 0,
  commitIndex: 0,
  appliedIndex: 0,
  firstIndex: 1,
  lastIndex: 0,
  termAt: () => -1,
  entryAt: () => undefined,
  revision: 0,
  compactRevision: 0,
  storeHash: 0,
  get: () => undefined,
  list: () => [],
  watchCount: 0,
})
