/**
 * Transactions: comparisons, then one of two lists of operations, all writes at one revision. Models etcd's apply of
 * TxnRequest, v3.5. Nothing is written when anything in the chosen branches must be refused. A member that answers nobody
 * computes no answers.
 */
import { invariant, never } from '../kernel/invariant.ts'
import type { EtcdFailure } from './errors.ts'
import * as errors from './errors.ts'
import type { LeaseTable } from './lease.ts'
import {
  type Compare,
  type DeleteResponse,
  type Operation,
  type OperationResponse,
  type PutRequest,
  type TxnRequest,
  type TxnResponse,
  valueBytes,
} from './requests.ts'
import type { Store } from './store.ts'
import type { KeyValue } from './types.ts'

const NO_RESPONSES: readonly OperationResponse[] = Object.freeze([])
const NO_VALUES: readonly KeyValue[] = Object.freeze([])

/** Do all comparisons hold? */
export function holds(store: Store, compare: readonly Compare[]): boolean {
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

/** Why the operations of a transaction cannot be done, if so. Comparisons of nested transactions are made now. */
export function refusalOf(store: Store, leases: LeaseTable, operations: readonly Operation[]): EtcdFailure | undefined {
  for (const operation of operations) {
    switch (operation.type) {
      case 'put':
        if (operation.lease !== undefined && operation.lease !== 0 && !leases.has(operation.lease)) {
          return errors.LEASE_NOT_FOUND
        }
        break
      case 'range': {
        const refusal = store.refusal(operation.revision ?? 0)
        if (refusal !== undefined) return refusal === 'future' ? errors.FUTURE_REVISION : errors.COMPACTED
        break
      }
      case 'txn': {
        const branch = holds(store, operation.compare) ? operation.success : operation.failure
        const refusal = refusalOf(store, leases, branch)
        if (refusal !== undefined) return refusal
        break
      }
      case 'delete':
        break
    }
  }
  return undefined
}

/** Does one operation in the transaction under way. Gives an answer only if one is wanted. */
export function perform(
  store: Store,
  leases: LeaseTable,
  operation: Operation,
  revision: number,
  wanted: boolean,
): OperationResponse | undefined {
  switch (operation.type) {
    case 'put': {
      const previous = putKey(store, leases, operation)
      return wanted ? { type: 'put', revision, previous: operation.previousValue ? previous : undefined } : undefined
    }
    case 'delete': {
      const deleted = deleteKeys(store, leases, operation.key, operation.rangeEnd)
      if (!wanted) return undefined
      const response: DeleteResponse = {
        type: 'delete',
        revision,
        deleted: deleted.length,
        previous: operation.previousValue ? deleted : NO_VALUES,
      }
      return response
    }
    case 'range':
      return wanted ? store.range(operation) : undefined
    case 'txn':
      return performTxn(store, leases, operation, revision, wanted)
    default:
      return never(operation)
  }
}

/** Compares, chooses and does. `revision` is the one that its writes will have. */
export function performTxn(
  store: Store,
  leases: LeaseTable,
  txn: TxnRequest,
  revision: number,
  wanted: boolean,
): TxnResponse | undefined {
  const succeeded = holds(store, txn.compare)
  const operations = succeeded ? txn.success : txn.failure
  if (!wanted) {
    for (const operation of operations) perform(store, leases, operation, revision, false)
    return undefined
  }
  let responses = NO_RESPONSES
  if (operations.length > 0) {
    responses = operations.map((operation) => {
      const response = perform(store, leases, operation, revision, true)
      invariant(response !== undefined, 'etcd: a wanted answer is given', operation.type)
      return response
    })
  }
  return { type: 'txn', revision, succeeded, responses }
}

function putKey(store: Store, leases: LeaseTable, put: PutRequest): KeyValue | undefined {
  const lease = put.lease ?? 0
  const previous = store.put(put.key, put.value, valueBytes(put), lease)
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
