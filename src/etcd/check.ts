/**
 * What a member refuses before it proposes anything. Models etcd's checkRangeRequest, checkPutRequest and checkTxnRequest,
 * v3.5. What depends on the store (revisions, leases) is refused when the request is applied, in apply.ts.
 */

import type { EtcdFailure } from './errors.ts'
import * as errors from './errors.ts'
import type { EtcdOptions } from './options.ts'
import { type EtcdRequest, type Operation, type PutRequest, requestBytes, type TxnRequest } from './requests.ts'
import { FROM_KEY, inRange } from './types.ts'

/** Why a request cannot be taken, if so. */
export function checkRequest(request: EtcdRequest, options: EtcdOptions): EtcdFailure | undefined {
  switch (request.type) {
    case 'range':
      return request.key === '' ? errors.EMPTY_KEY : undefined
    case 'put':
    case 'delete': {
      const refusal = checkOperation(request, 0)
      if (refusal !== undefined) return refusal
      break
    }
    case 'txn': {
      const refusal =
        checkTxn(request, options.maxTxnOperations) ?? checkWrites(request.success) ?? checkWrites(request.failure)
      if (refusal !== undefined) return refusal
      break
    }
    default:
      return undefined
  }
  return requestBytes(request) > options.maxRequestBytes ? errors.TOO_LARGE : undefined
}

/** A transaction within others may have as many operations as they left of the limit. */
function checkTxn({ compare, success, failure }: TxnRequest, limit: number): EtcdFailure | undefined {
  const operations = Math.max(compare.length, success.length, failure.length)
  if (operations > limit) return errors.TOO_MANY_OPERATIONS
  for (const { key } of compare) if (key === '') return errors.EMPTY_KEY
  return checkBranch(success, limit - operations) ?? checkBranch(failure, limit - operations)
}

function checkBranch(operations: readonly Operation[], limit: number): EtcdFailure | undefined {
  for (const operation of operations) {
    const refusal = checkOperation(operation, limit)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

function checkOperation(operation: Operation, limit: number): EtcdFailure | undefined {
  if (operation.type === 'txn') return checkTxn(operation, limit)
  if (operation.key === '') return errors.EMPTY_KEY
  return operation.type === 'put' ? checkPut(operation) : undefined
}

function checkPut({ keeps, value, lease = 0 }: PutRequest): EtcdFailure | undefined {
  if (keeps === undefined) return undefined
  if (keeps !== 'lease' && value !== undefined && value !== '') return errors.VALUE_PROVIDED
  return keeps !== 'value' && lease !== 0 ? errors.LEASE_PROVIDED : undefined
}

/** A branch with fewer than two operations, and no transaction in it, can write nothing twice. */
function checkWrites(branch: readonly Operation[]): EtcdFailure | undefined {
  if (branch.length < 2 && branch[0]?.type !== 'txn') return undefined
  return writesOf(branch) === undefined ? errors.DUPLICATE_KEY : undefined
}

interface Writes {
  readonly puts: Set<string>
  readonly deletes: { readonly key: string; readonly rangeEnd: string | undefined }[]
}

/**
 * What a branch may write, undefined when one key would be written twice: by two puts, or by a put and a deletion. The
 * order of the looks is etcd's checkIntervals: a put in one nested transaction and a deletion in a later one are let
 * through, and so is a put under a deletion of all keys from one on.
 */
function writesOf(branch: readonly Operation[]): Writes | undefined {
  const all: Writes = { puts: new Set(), deletes: [] }
  for (const operation of branch) {
    if (operation.type === 'delete') all.deletes.push({ key: operation.key, rangeEnd: operation.rangeEnd })
  }
  for (const operation of branch) {
    if (operation.type !== 'txn') continue
    const success = writesOf(operation.success)
    const failure = writesOf(operation.failure)
    if (success === undefined || failure === undefined) return undefined
    for (const key of success.puts) if (all.puts.has(key) || isDeleted(all, key)) return undefined
    for (const key of success.puts) all.puts.add(key)
    for (const key of failure.puts) {
      // Branches that exclude each other may write the same key.
      if ((all.puts.has(key) && !success.puts.has(key)) || isDeleted(all, key)) return undefined
    }
    for (const key of failure.puts) all.puts.add(key)
    all.deletes.push(...success.deletes, ...failure.deletes)
  }
  for (const operation of branch) {
    if (operation.type !== 'put') continue
    if (all.puts.has(operation.key) || isDeleted(all, operation.key)) return undefined
    all.puts.add(operation.key)
  }
  return all
}

function isDeleted({ deletes }: Writes, put: string): boolean {
  return deletes.some(({ key, rangeEnd }) => rangeEnd !== FROM_KEY && inRange(put, key, rangeEnd))
}
