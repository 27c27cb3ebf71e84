/**
 * What a member refuses before it proposes anything. Models etcd's checkRangeRequest, checkPutRequest and checkTxnRequest,
 * v3.5. What depends on the store (revisions, leases) is refused when the request is applied, in apply.ts.
 */

import type { EtcdFailure } from './errors.ts'
import * as errors from './errors.ts'
import type { EtcdOptions } from './options.ts'
import { type EtcdRequest, type Operation, requestBytes, type TxnRequest } from './requests.ts'
import { inRange } from './types.ts'

const MAX_LEASE_TTL_SECONDS = 9_000_000_000

/** Why a request cannot be taken, if so. */
export function checkRequest(request: EtcdRequest, options: EtcdOptions): EtcdFailure | undefined {
  switch (request.type) {
    case 'range':
      return request.key === '' ? errors.EMPTY_KEY : undefined
    case 'put':
    case 'delete':
      if (request.key === '') return errors.EMPTY_KEY
      break
    case 'txn': {
      const refusal = checkTxn(request, options)
      if (refusal !== undefined) return refusal
      break
    }
    case 'lease-grant':
      if (request.ttlSeconds > MAX_LEASE_TTL_SECONDS) return errors.LEASE_TTL_TOO_LARGE
      return undefined
    default:
      return undefined
  }
  return requestBytes(request) > options.maxRequestBytes ? errors.TOO_LARGE : undefined
}

function checkTxn(txn: TxnRequest, options: EtcdOptions): EtcdFailure | undefined {
  const { compare, success, failure } = txn
  const limit = options.maxTxnOperations
  if (compare.length > limit || success.length > limit || failure.length > limit) return errors.TOO_MANY_OPERATIONS
  for (const { key } of compare) if (key === '') return errors.EMPTY_KEY
  return checkBranch(success, options) ?? checkBranch(failure, options)
}

function checkBranch(operations: readonly Operation[], options: EtcdOptions): EtcdFailure | undefined {
  for (const operation of operations) {
    const refusal = operation.type === 'txn' ? checkTxn(operation, options) : undefined
    if (refusal !== undefined) return refusal
    if (operation.type !== 'txn' && operation.key === '') return errors.EMPTY_KEY
  }
  if (operations.length < 2) return undefined
  return writesTwice(operations) ? errors.DUPLICATE_KEY : undefined
}

interface Writes {
  readonly puts: Set<string>
  readonly deletes: { readonly key: string; readonly rangeEnd: string | undefined }[]
}

/** Would one key be written twice, by two puts or by a put and a deletion? Branches that exclude each other do not meet. */
function writesTwice(operations: readonly Operation[]): boolean {
  return collect(operations) === undefined
}

function collect(operations: readonly Operation[]): Writes | undefined {
  const all: Writes = { puts: new Set(), deletes: [] }
  for (const operation of operations) {
    const added = writesOf(operation)
    if (added === undefined) return undefined
    for (const key of added.puts) {
      if (all.puts.has(key) || covers(all, key)) return undefined
    }
    for (const { key, rangeEnd } of added.deletes) {
      for (const put of all.puts) if (inRange(put, key, rangeEnd)) return undefined
    }
    for (const key of added.puts) all.puts.add(key)
    all.deletes.push(...added.deletes)
  }
  return all
}

function writesOf(operation: Operation): Writes | undefined {
  switch (operation.type) {
    case 'put':
      return { puts: new Set([operation.key]), deletes: [] }
    case 'delete':
      return { puts: new Set(), deletes: [{ key: operation.key, rangeEnd: operation.rangeEnd }] }
    case 'range':
      return { puts: new Set(), deletes: [] }
    case 'txn': {
      const success = collect(operation.success)
      const failure = collect(operation.failure)
      if (success === undefined || failure === undefined) return undefined
      return {
        puts: new Set([...success.puts, ...failure.puts]),
        deletes: [...success.deletes, ...failure.deletes],
      }
    }
  }
}

function covers(writes: Writes, key: string): boolean {
  return writes.deletes.some((deletion) => inRange(key, deletion.key, deletion.rangeEnd))
}
