/**
 * What is asked of a store with revisions and what it answers: the vocabulary of three models that differ in how much of
 * the answers they look at. Models etcd's puts, gets, deletions and transactions with comparisons of mod revisions and of
 * values, v3.5. Left out: leases, reads at an old revision, and reads that may be stale.
 */
import type { History } from '../history.ts'
import type { Partition } from '../model.ts'

export type StoreValue = string | number

export interface GetInput {
  readonly type: 'get'
  readonly key: string
}

/** All keys from `key` up to, without, `rangeEnd`. */
export interface RangeInput {
  readonly type: 'range'
  readonly key: string
  readonly rangeEnd: string
}

export interface PutInput {
  readonly type: 'put'
  readonly key: string
  readonly value: StoreValue
}

export interface DeleteInput {
  readonly type: 'delete'
  readonly key: string
}

/** The key's mod revision is the given one (0: it is not there), or it is there with that value. */
export type Comparison =
  | { readonly key: string; readonly modRevision: number }
  | { readonly key: string; readonly value: StoreValue }

/**
 * All comparisons hold: `success` is done at one revision, else the reads of `failure`. No key is written twice. Writes on
 * failure are left out: nobody could say which branch a transaction of unknown outcome took.
 */
export interface TxnInput {
  readonly type: 'txn'
  readonly compare: readonly Comparison[]
  readonly success: readonly (PutInput | DeleteInput | GetInput)[]
  readonly failure: readonly GetInput[]
}

export type StoreInput = GetInput | RangeInput | PutInput | DeleteInput | TxnInput

/** A key as it was found. */
export interface Found {
  readonly key: string
  readonly value: StoreValue
  readonly createRevision: number
  readonly modRevision: number
  /** Puts since it was created, that one included. */
  readonly version: number
}

export interface StoreOutput {
  /** The store's revision when it answered; of a write, the one that it made. */
  readonly revision: number
  /** What the reads found, in the order asked, keys of a range in their order; keys that are not there are left out. */
  readonly found: readonly Found[]
  /** Keys that were deleted. */
  readonly deleted: number
  /** Did the comparisons hold? True for what has none. */
  readonly succeeded: boolean
}

/** An answer from its parts. */
export function storeOutput(revision: number, parts: Partial<Omit<StoreOutput, 'revision'>> = {}): StoreOutput {
  return { revision, found: parts.found ?? [], deleted: parts.deleted ?? 0, succeeded: parts.succeeded ?? true }
}

/** What one branch does, one operation after the other. */
export function branchOf(
  input: StoreInput,
  succeeded: boolean,
): readonly (GetInput | RangeInput | PutInput | DeleteInput)[] {
  if (input.type !== 'txn') return [input]
  return succeeded ? input.success : input.failure
}

/** May it write? */
export function writes(input: StoreInput): boolean {
  if (input.type === 'txn') return input.success.some((one) => one.type !== 'get')
  return input.type === 'put' || input.type === 'delete'
}

/**
 * Does the store look the same after `later` whether or not `earlier` was done before it, but for revisions that nobody
 * knows? `there`: is the key that `later` writes there before both? Without `versions` only values count.
 */
export function overwrites(later: StoreInput, earlier: StoreInput, there: boolean, versions: boolean): boolean {
  if (later.type !== 'put' && later.type !== 'delete') return false
  for (const one of branchOf(earlier, true)) {
    if (one.type === 'get' || one.type === 'range') continue
    if (one.key !== later.key) return false
    // A put upon a put that created the key, or upon a deletion, is not its first, or is: its version tells.
    if (versions && later.type === 'put' && (!there || one.type === 'delete')) return false
  }
  return true
}

function namedKeys(input: StoreInput): string[] {
  if (input.type !== 'txn') return [input.key]
  return [...input.compare, ...input.success, ...input.failure].map((one) => one.key)
}

/**
 * Cuts a history into groups of keys that no operation connects. Sound for models whose state is one thing a key; not for
 * one that counts revisions, since all keys share the counter.
 */
export function partitionByKeys(history: History<StoreInput, StoreOutput>): Partition<StoreInput, StoreOutput>[] {
  const leader = new Map<string, string>()
  const find = (key: string): string => {
    let at = key
    for (let up = leader.get(at); up !== undefined && up !== at; up = leader.get(at)) at = up
    leader.set(key, at)
    return at
  }
  for (const { input } of history) for (const key of namedKeys(input)) if (input.type !== 'range') find(key)
  const known = [...leader.keys()].sort()
  const keysOf = (input: StoreInput): string[] =>
    input.type === 'range' ? known.filter((key) => key >= input.key && key < input.rangeEnd) : namedKeys(input)
  for (const { input } of history) {
    const keys = keysOf(input)
    for (const key of keys) leader.set(find(key), find(keys[0]!))
  }
  const parts = new Map<string, History<StoreInput, StoreOutput>[number][]>()
  for (const operation of history) {
    const key = keysOf(operation.input)[0]
    // A range in which nothing was ever written; it is a part of its own.
    const name = key === undefined ? `${namedKeys(operation.input)[0]}...` : find(key)
    const part = parts.get(name)
    if (part === undefined) parts.set(name, [operation])
    else part.push(operation)
  }
  return [...parts].map(([name, operations]) => ({ name, operations }))
}

export function describeInput(input: StoreInput): string {
  switch (input.type) {
    case 'get':
      return `get ${input.key}`
    case 'range':
      return `range ${input.key}..${input.rangeEnd}`
    case 'put':
      return `put ${input.key}=${input.value}`
    case 'delete':
      return `delete ${input.key}`
    case 'txn': {
      const conditions = input.compare
        .map((one) => ('value' in one ? `${one.key}=${one.value}` : `${one.key}@${one.modRevision}`))
        .join(' and ')
      const otherwise = input.failure.length === 0 ? '' : ` else ${input.failure.map(describeInput).join(', ')}`
      return `if ${conditions}: ${input.success.map(describeInput).join(', ')}${otherwise}`
    }
  }
}

export function describeStore(input: StoreInput, output: StoreOutput | undefined): string {
  if (output === undefined) return describeInput(input)
  const parts: string[] = []
  if (input.type === 'txn') parts.push(output.succeeded ? 'held' : 'failed')
  if (branchOf(input, output.succeeded).some((one) => one.type === 'get' || one.type === 'range'))
    parts.push(
      output.found.map(({ key, value, modRevision }) => `${key}=${value}@${modRevision}`).join(' ') || 'nothing',
    )
  if (branchOf(input, output.succeeded).some((one) => one.type === 'delete')) parts.push(`${output.deleted} deleted`)
  if (output.revision > 0) parts.push(`rev ${output.revision}`)
  return `${describeInput(input)} -> ${parts.join(', ')}`
}
