/**
 * Transactions: comparisons, then one of two lists of operations, all writes at one revision. Models etcd's apply of
 * TxnRequest, v3.5. All comparisons, those of nested transactions too, are made before anything is written, and nothing is
 * written when anything in the chosen branches must be refused. A member that answers nobody computes no answers.
 */
import { invariant, never } from '../kernel/invariant.ts'
import type { EtcdFailure } from './errors.ts'
import * as errors from './errors.ts'
import type { LeaseTable } from './lease.ts'
import { type Compare, type Operation, type PutRequest, type TxnRequest, valueBytes } from './requests.ts'
import type { OperationResponse, TxnResponse } from './responses.ts'
import type { Store } from './store.ts'
import type { KeyValue } from './types.ts'

const NO_RESPONSES: readonly OperationResponse[] = Object.freeze([])
const NO_VALUES: readonly KeyValue[] = Object.freeze([])

/** Which branches a transaction and those nested in the branch take. */
export interface Path {
  readonly succeeded: boolean
  readonly branch: readonly Operation[]
  /** One for each nested transaction of the branch, in order; undefined when there is none. */
  readonly nested: readonly Path[] | undefined
}

export function pathOf(store: Store, txn: TxnRequest): Path {
  const succeeded = holds(store, txn.compare)
  const branch = succeeded ? txn.success : txn.failure
  let nested: Path[] | undefined
  for (const operation of branch) {
    if (operation.type !== 'txn') continue
    nested ??= []
    nested.push(pathOf(store, operation))
  }
  return { succeeded, branch, nested }
}

/** Do all comparisons hold? */
function holds(store: Store, compare: readonly Compare[]): boolean {
  for (const comparison of compare) {
    if (comparison.rangeEnd === undefined) {
      if (!holdsFor(store.get(comparison.key), comparison)) return false
      continue
    }
    const keys = store.keys(comparison.key, comparison.rangeEnd)
    // As in etcd, a range without keys is compared as one key that is not there.
    if (keys.length === 0 && !holdsFor(undefined, comparison)) return false
    for (const key of keys) if (!holdsFor(store.get(key), comparison)) return false
  }
  return true
}

function holdsFor(value: KeyValue | undefined, comparison: Compare): boolean {
  switch (comparison.target) {
    case 'mod-revision':
      return compareNumbers(value?.modRevision ?? 0, comparison.operand, comparison.result)
    case 'create-revision':
      return compareNumbers(value?.createRevision ?? 0, comparison.operand, comparison.result)
    case 'version':
      return compareNumbers(value?.version ?? 0, comparison.operand, comparison.result)
    case 'lease':
      return compareNumbers(value?.lease ?? 0, comparison.operand, comparison.result)
    case 'value':
      return value !== undefined && compareValues(value.value, comparison.operand, comparison.result)
    default:
      return never(comparison)
  }
}

function compareNumbers(left: number, right: number, result: Compare['result']): boolean {
  switch (result) {
    case 'equal':
      return left === right
    case 'not-equal':
      return left !== right
    case 'greater':
      return left > right
    case 'less':
      return left < right
  }
}

/** Texts by order, everything else by identity: values are shared and never encoded. */
function compareValues(left: unknown, right: unknown, result: Compare['result']): boolean {
  if (result === 'equal') return left === right
  if (result === 'not-equal') return left !== right
  if (typeof left !== 'string' || typeof right !== 'string') return false
  return result === 'greater' ? left > right : left < right
}

/** Why a put cannot be done, if so. A put on its own is asked for its lease first, one in a transaction for its key. */
export function putRefusal(store: Store, leases: LeaseTable, put: PutRequest): EtcdFailure | undefined {
  if (put.keeps !== undefined && store.get(put.key) === undefined) return errors.KEY_NOT_FOUND
  return leaseRefusal(leases, put)
}

export function leaseRefusal(leases: LeaseTable, { lease }: PutRequest): EtcdFailure | undefined {
  return lease !== undefined && lease !== 0 && !leases.has(lease) ? errors.LEASE_NOT_FOUND : undefined
}

/** Why the operations of a path cannot be done, if so: whatever is wrong with a put comes before wrong revisions. */
export function refusalOf(store: Store, leases: LeaseTable, path: Path): EtcdFailure | undefined {
  return putsRefusal(store, leases, path) ?? rangesRefusal(store, path)
}

function putsRefusal(store: Store, leases: LeaseTable, { branch, nested }: Path): EtcdFailure | undefined {
  let at = 0
  for (const operation of branch) {
    const refusal =
      operation.type === 'put'
        ? putRefusal(store, leases, operation)
        : operation.type === 'txn'
          ? putsRefusal(store, leases, nestedPath(nested, at++))
          : undefined
    if (refusal !== undefined) return refusal
  }
  return undefined
}

function rangesRefusal(store: Store, { branch, nested }: Path): EtcdFailure | undefined {
  let at = 0
  for (const operation of branch) {
    const refusal =
      operation.type === 'range'
        ? rangeRefusal(store, operation.revision ?? 0)
        : operation.type === 'txn'
          ? rangesRefusal(store, nestedPath(nested, at++))
          : undefined
    if (refusal !== undefined) return refusal
  }
  return undefined
}

export function rangeRefusal(store: Store, revision: number): EtcdFailure | undefined {
  const refusal = store.refusal(revision)
  return refusal === undefined ? undefined : refusal === 'future' ? errors.FUTURE_REVISION : errors.COMPACTED
}

function nestedPath(nested: readonly Path[] | undefined, at: number): Path {
  const path = nested?.[at]
  invariant(path !== undefined, 'etcd: every nested transaction has its path', at)
  return path
}

/** Does what a path says, in the transaction under way. Gives an answer only if one is wanted. */
export function performPath(store: Store, leases: LeaseTable, path: Path, wanted: boolean): TxnResponse | undefined {
  const { succeeded, branch, nested } = path
  let at = 0
  if (!wanted) {
    for (const operation of branch) {
      if (operation.type === 'txn') performPath(store, leases, nestedPath(nested, at++), false)
      else perform(store, leases, operation, false)
    }
    return undefined
  }
  let responses = NO_RESPONSES
  if (branch.length > 0) {
    responses = branch.map((operation) => {
      const response =
        operation.type === 'txn'
          ? performPath(store, leases, nestedPath(nested, at++), true)
          : perform(store, leases, operation, true)
      invariant(response !== undefined, 'etcd: a wanted answer is given', operation.type)
      return response
    })
  }
  return { type: 'txn', revision: store.pendingRevision, succeeded, responses }
}

/** Does one operation in the transaction under way. Gives an answer only if one is wanted. */
export function perform(
  store: Store,
  leases: LeaseTable,
  operation: Exclude<Operation, TxnRequest>,
  wanted: boolean,
): OperationResponse | undefined {
  switch (operation.type) {
    case 'put': {
      const previous = putKey(store, leases, operation)
      if (!wanted) return undefined
      return {
        type: 'put',
        revision: store.pendingRevision,
        previous: operation.previousValue ? previous : undefined,
      }
    }
    case 'delete': {
      const deleted = deleteKeys(store, leases, operation.key, operation.rangeEnd)
      if (!wanted) return undefined
      return {
        type: 'delete',
        revision: store.pendingRevision,
        deleted: deleted.length,
        previous: operation.previousValue ? deleted : NO_VALUES,
      }
    }
    case 'range':
      return wanted ? store.range(operation) : undefined
    default:
      return never(operation)
  }
}

/**
 * The key was there when the transaction was checked, but one whose value or lease is to be kept may have been deleted by
 * the transaction itself since: etcd then panics, on every member, whenever it applies the entry.
 */
function putKey(store: Store, leases: LeaseTable, put: PutRequest): KeyValue | undefined {
  let { value } = put
  let lease = put.lease ?? 0
  let bytes = valueBytes(put)
  if (put.keeps !== undefined) {
    const kept = store.get(put.key)
    if (kept === undefined) {
      store.failTransaction()
      return undefined
    }
    if (put.keeps !== 'lease') {
      value = kept.value
      bytes = kept.bytes
    }
    if (put.keeps !== 'value') lease = kept.lease
  }
  const previous = store.put(put.key, value, bytes, lease)
  leases.move(put.key, previous?.lease ?? 0, lease)
  return previous
}

/** Deletes what is there of a key or range, in order of the keys. */
export function deleteKeys(
  store: Store,
  leases: LeaseTable,
  key: string,
  rangeEnd: string | undefined,
): readonly KeyValue[] {
  const deleted: KeyValue[] = []
  for (const name of store.keys(key, rangeEnd)) {
    const before = store.delete(name) as KeyValue
    leases.move(name, before.lease, 0)
    deleted.push(before)
  }
  return deleted
}
