/** An API server's connection to etcd: its requests in etcd's words, etcd's answers in its own. Models apiserver pkg/storage/etcd3, v1.33. */

import type {
  EtcdClient,
  EtcdFailure,
  EtcdReceiver,
  EtcdResult,
  EtcdWatchReceiver,
  LeaseId,
  Operation,
  TxnResponse,
  WatchEvent,
} from '../etcd/index.ts'
import { invariant } from '../kernel/invariant.ts'
import type { Message, Out, ProcessId } from '../kernel/machine.ts'
import {
  prefixEnd,
  type RangeReply,
  type RangeRequest,
  type StorageConnection,
  type StorageError,
  type StorageReceiver,
  type StorageWatchReceiver,
  type StoredValue,
  type TxnReply,
  type TxnRequest,
} from './storage.ts'

const NOTHING_FOUND: readonly undefined[] = Object.freeze([])
const NO_EVENTS: readonly WatchEvent[] = Object.freeze([])

export class EtcdStorage implements StorageConnection {
  readonly client: EtcdClient

  constructor(client: EtcdClient) {
    this.client = client
  }

  start(): void {}

  onMessage(from: ProcessId, message: Message, out: Out): boolean {
    return this.client.onMessage(from, message, out)
  }

  onDisconnect(peer: ProcessId, out: Out): void {
    this.client.onDisconnect(peer, out)
  }

  range(request: RangeRequest, receiver: StorageReceiver, tag: number, out: Out): void {
    this.client.range(request, new Translator(receiver), tag, out)
  }

  txn(request: TxnRequest, receiver: StorageReceiver, tag: number, out: Out): void {
    this.write(request, undefined, receiver, tag, out)
  }

  /** The transaction, with what it puts attached to a lease if there is one. */
  protected write(
    { compare, writes, otherwiseRead }: TxnRequest,
    lease: LeaseId | undefined,
    receiver: StorageReceiver,
    tag: number,
    out: Out,
  ): void {
    const success: Operation[] = writes.map((write) =>
      write.type === 'put'
        ? lease === undefined
          ? { type: 'put', key: write.key, value: write.value }
          : { type: 'put', key: write.key, value: write.value, lease }
        : { type: 'delete', key: write.key },
    )
    this.client.txn(
      {
        compare: compare.map(({ key, modRevision }) => ({
          key,
          result: 'equal',
          target: 'mod-revision',
          operand: modRevision,
        })),
        success,
        failure: otherwiseRead.map((key) => ({ type: 'range', key })),
      },
      new Translator(receiver),
      tag,
      out,
    )
  }

  compact(revision: number, receiver: StorageReceiver, tag: number, out: Out): void {
    this.client.compact({ revision }, new Translator(receiver), tag, out)
  }

  watch(prefix: string, startRevision: number, receiver: StorageWatchReceiver, out: Out): number {
    const request = { key: prefix, rangeEnd: prefixEnd(prefix), startRevision, progressNotify: true }
    return this.client.watch(request, new WatchTranslator(receiver), out)
  }

  stopWatch(watch: number, out: Out): void {
    this.client.stopWatch(watch, out)
  }

  requestProgress(out: Out): void {
    this.client.requestProgress(out)
  }
}

/** Turns one answer of etcd into the server's terms. */
class Translator implements EtcdReceiver {
  readonly #receiver: StorageReceiver

  constructor(receiver: StorageReceiver) {
    this.#receiver = receiver
  }

  onEtcdReply(tag: number, result: EtcdResult, out: Out): void {
    if (!result.ok) {
      this.#receiver.onStorageReply(tag, undefined, errorOf(result), out)
      return
    }
    const { value } = result
    switch (value.type) {
      case 'range':
        this.#receiver.onStorageReply(tag, value satisfies RangeReply, undefined, out)
        return
      case 'txn':
        this.#receiver.onStorageReply(tag, txnReply(value), undefined, out)
        return
      default:
        this.#receiver.onStorageReply(tag, undefined, undefined, out)
    }
  }
}

class WatchTranslator implements EtcdWatchReceiver {
  readonly #receiver: StorageWatchReceiver

  constructor(receiver: StorageWatchReceiver) {
    this.#receiver = receiver
  }

  onEtcdEvents(_watch: number, events: readonly WatchEvent[], revision: number, out: Out): void {
    this.#receiver.onStorageEvents(events, revision, out)
  }

  onEtcdProgress(_watch: number, revision: number, out: Out): void {
    this.#receiver.onStorageEvents(NO_EVENTS, revision, out)
  }

  onEtcdCompacted(_watch: number, _compactRevision: number, out: Out): void {
    this.#receiver.onStorageBroken(out)
  }
}

function txnReply({ succeeded, revision, responses }: TxnResponse): TxnReply {
  if (succeeded) return { succeeded, revision, found: NOTHING_FOUND }
  const found: (StoredValue | undefined)[] = []
  for (const response of responses) {
    invariant(response.type === 'range', 'apiserver: the other branch of a transaction only reads')
    found.push(response.values[0])
  }
  return { succeeded, revision, found }
}

export function errorOf({ message }: EtcdFailure): StorageError {
  if (message.endsWith('has been compacted')) return 'compacted'
  if (message.endsWith('is a future revision')) return 'future-revision'
  if (message.endsWith('database space exceeded')) return 'no-space'
  return 'unavailable'
}
