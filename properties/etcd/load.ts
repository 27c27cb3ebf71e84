/**
 * What clients of etcd asked and saw, and what truly happened to their keys, taken down once for all properties that look
 * at it. Nothing is followed before the first client asks something, so that trials without such clients pay nothing.
 */
import { type Cluster, ETCD_LOAD_PREFIX, type EtcdClientFact } from '../../src/cluster/index.ts'
import type { EtcdFact } from '../../src/etcd/index.ts'
import {
  HistoryRecorder,
  type LoggedEvent,
  type Operation,
  type StoreInput,
  type StoreOutput,
  storeOutput,
} from '../../src/history/index.ts'
import { onFact } from '../define.ts'

/** A key from one of its revisions on. */
export interface KeyState {
  readonly revision: number
  /** Undefined: it is not there. */
  readonly found: { readonly value: string; readonly createRevision: number; readonly version: number } | undefined
}

/** An operation and whether it belongs to a linearizable history. */
interface Asked {
  readonly client: string
  readonly input: StoreInput
  readonly isSerializable: boolean
  readonly atRevision: number
  /** Its number in the recorder. */
  readonly operation: number
}

export interface Answer extends Omit<Asked, 'operation'> {
  readonly output: StoreOutput
  /** The newest revision that anybody had been told when this was called. */
  readonly toldBefore: number
}

type AnswerListener = (answer: Answer) => void

export class ObservedLoad {
  /** Every write of the clients' keys in the order of revisions. */
  readonly log: LoggedEvent[] = []
  /** Each key's states, oldest first. */
  readonly states = new Map<string, KeyState[]>()
  readonly #recorder = new HistoryRecorder<StoreInput, StoreOutput>()
  readonly #open = new Map<string, Asked>()
  readonly #toldAtCall = new Map<string, number>()
  readonly #left = new Set<number>()
  readonly #listeners: AnswerListener[] = []
  #told = 0
  #revision = 0

  constructor(cluster: Cluster) {
    let isFollowing = false
    onFact<EtcdClientFact, 'etcd-called'>(cluster, 'etcd-called', (fact, at) => {
      if (!isFollowing) {
        isFollowing = true
        this.#follow(cluster)
      }
      const { client, input, isSerializable, atRevision } = fact
      const operation = this.#recorder.call(client, input, at)
      if (isSerializable) this.#left.add(operation)
      const name = `${client} ${fact.call}`
      this.#open.set(name, { client, input, isSerializable, atRevision, operation })
      this.#toldAtCall.set(name, this.#told)
    })
    onFact<EtcdClientFact, 'etcd-returned'>(cluster, 'etcd-returned', (fact, at) => {
      const name = `${fact.client} ${fact.call}`
      const asked = this.#open.get(name)
      const toldBefore = this.#toldAtCall.get(name) ?? 0
      this.#open.delete(name)
      this.#toldAtCall.delete(name)
      if (asked === undefined) return
      if (fact.outcome === 'refused') this.#left.add(asked.operation)
      if (fact.output === undefined) return
      this.#recorder.returned(asked.operation, fact.output, at)
      for (const listener of this.#listeners) listener({ ...asked, output: fact.output, toldBefore })
      if (!asked.isSerializable && fact.output.revision > this.#told) this.#told = fact.output.revision
    })
  }

  onAnswer(listener: AnswerListener): void {
    this.#listeners.push(listener)
  }

  /** Operations that a linearizable history has: no stale reads, nothing that was refused, and what leases ended. */
  history(): Operation<StoreInput, StoreOutput>[] {
    return this.#recorder.history().filter((_, index) => !this.#left.has(index))
  }

  /** The key as of a revision; undefined when it is not there. */
  at(key: string, revision: number): KeyState | undefined {
    const states = this.states.get(key)
    if (states === undefined) return undefined
    let low = 0
    let high = states.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((states[middle] as KeyState).revision <= revision) low = middle + 1
      else high = middle
    }
    const state = states[low - 1]
    return state?.found === undefined ? undefined : state
  }

  #follow(cluster: Cluster): void {
    onFact<EtcdFact, 'etcd-applied'>(cluster, 'etcd-applied', ({ revision, events, endedLease }, at) => {
      if (revision <= this.#revision) return
      this.#revision = revision
      const deleted: string[] = []
      for (const { type, key, value, createRevision, version } of events) {
        if (!key.startsWith(ETCD_LOAD_PREFIX)) continue
        this.log.push({ revision, key, type, ...(type === 'put' ? { value: String(value) } : {}) })
        const found = type === 'put' ? { value: String(value), createRevision, version } : undefined
        const states = this.states.get(key)
        if (states === undefined) this.states.set(key, [{ revision, found }])
        else states.push({ revision, found })
        if (endedLease > 0) deleted.push(key)
      }
      if (deleted.length > 0) this.#recordEnd(endedLease, deleted, revision, at)
    })
  }

  /** Keys that a lease takes with it are deleted by nobody who would tell: it took effect when the first member did it. */
  #recordEnd(lease: number, keys: readonly string[], revision: number, at: number): void {
    const [first = ''] = keys
    const input: StoreInput =
      keys.length === 1
        ? { type: 'delete', key: first }
        : { type: 'txn', compare: [], success: keys.map((key) => ({ type: 'delete', key })), failure: [] }
    const operation = this.#recorder.call(`lease ${lease}`, input, at)
    this.#recorder.returned(operation, storeOutput(revision, { deleted: keys.length }), at)
  }
}

const observed = new WeakMap<Cluster, ObservedLoad>()

/** What is known of the clients of this cluster. All properties of a trial share it. */
export function observedLoad(cluster: Cluster): ObservedLoad {
  let load = observed.get(cluster)
  if (load === undefined) {
    load = new ObservedLoad(cluster)
    observed.set(cluster, load)
  }
  return load
}
