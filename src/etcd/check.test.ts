// What a member refuses before it proposes anything, as etcd 3.4.23 answered.
import { expect, test } from 'vitest'
import { Streams } from '../kernel/index.ts'
import { checkRequest } from './check.ts'
import * as errors from './errors.ts'
import { completeEtcdOptions } from './options.ts'
import type { EtcdRequest, Operation } from './requests.ts'

const options = completeEtcdOptions({ name: 'etcd-0', index: 0, members: [1], streams: new Streams(1) })

function put(key: string): Operation {
  return { type: 'put', key, value: 1 }
}

function txn(...success: Operation[]): EtcdRequest {
  return { type: 'txn', compare: [], success, failure: [] }
}

test.each<[name: string, request: EtcdRequest, refusal: unknown]>([
  ['a put', { type: 'put', key: 'a', value: 1 }, undefined],
  ['an empty key', { type: 'put', key: '', value: 1 }, errors.EMPTY_KEY],
  ['an empty key read', { type: 'range', key: '' }, errors.EMPTY_KEY],
  ['an empty key in a transaction', txn(put('')), errors.EMPTY_KEY],
  [
    'an empty key compared',
    { type: 'txn', compare: [{ key: '', target: 'version', result: 'equal', operand: 0 }], success: [], failure: [] },
    errors.EMPTY_KEY,
  ],
  ['two puts of one key', txn(put('a'), put('a')), errors.DUPLICATE_KEY],
  ['a deletion and a put of one key', txn({ type: 'delete', key: 'a' }, put('a')), errors.DUPLICATE_KEY],
  ['a put in a deleted range', txn(put('b'), { type: 'delete', key: 'a', rangeEnd: 'c' }), errors.DUPLICATE_KEY],
  ['a put behind a deleted range', txn(put('c'), { type: 'delete', key: 'a', rangeEnd: 'c' }), undefined],
  ['two deletions of one key', txn({ type: 'delete', key: 'a' }, { type: 'delete', key: 'a' }), undefined],
  ['a put and a range', txn(put('a'), { type: 'range', key: 'a' }), undefined],
  ['a put in both branches', { type: 'txn', compare: [], success: [put('a')], failure: [put('a')] }, undefined],
  ['a put outside and inside', txn(put('a'), txn(put('a')) as Operation), errors.DUPLICATE_KEY],
  [
    'a put in branches that exclude each other',
    txn({ type: 'txn', compare: [], success: [put('a')], failure: [put('a')] }, put('b')),
    undefined,
  ],
  ['128 operations', txn(...Array.from({ length: 128 }, (_, i) => put(`k${i}`))), undefined],
  ['129 operations', txn(...Array.from({ length: 129 }, (_, i) => put(`k${i}`))), errors.TOO_MANY_OPERATIONS],
  ['2 MB', { type: 'put', key: 'a', value: 1, bytes: 2_000_000 }, errors.TOO_LARGE],
])('%s', (_name, request, refusal) => {
  expect(checkRequest(request, options)).toBe(refusal)
})
