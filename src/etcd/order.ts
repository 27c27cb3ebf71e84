/**
 * The order of a range's values and which of them are left out. Models etcd's apply of RangeRequest (pruneKVs and the
 * sorters), v3.5. The values come in the order of their keys. Ties keep that order, where etcd's sort gives no promise.
 */
import type { RangeOrder } from './requests.ts'
import type { KeyValue } from './types.ts'

/** Must every value of the range be fetched before it is cut to its limit? Otherwise so many and one more are enough. */
export function needsAll(order: RangeOrder): boolean {
  return order.sort !== undefined || isBounded(order)
}

function isBounded({ minModRevision, maxModRevision, minCreateRevision, maxCreateRevision }: RangeOrder): boolean {
  return isSet(minModRevision) || isSet(maxModRevision) || isSet(minCreateRevision) || isSet(maxCreateRevision)
}

function isSet(revision: number | undefined): revision is number {
  return revision !== undefined && revision !== 0
}

/** The values that lie within the bounds, in the order asked for. */
export function ordered(values: readonly KeyValue[], order: RangeOrder): KeyValue[] {
  const { sort, target = 'key' } = order
  const kept = isBounded(order) ? values.filter((value) => lies(value, order)) : values.slice()
  if (sort === undefined && target === 'key') return kept
  const turn = sort === 'descending' ? -1 : 1
  return kept.sort((left, right) => turn * compare(left, right, target))
}

function lies({ modRevision, createRevision }: KeyValue, order: RangeOrder): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = order
  if (isSet(minModRevision) && modRevision < minModRevision) return false
  if (isSet(maxModRevision) && modRevision > maxModRevision) return false
  if (isSet(minCreateRevision) && createRevision < minCreateRevision) return false
  return !(isSet(maxCreateRevision) && createRevision > maxCreateRevision)
}

function compare(left: KeyValue, right: KeyValue, target: NonNullable<RangeOrder['target']>): number {
  switch (target) {
    case 'key':
      return left.key < right.key ? -1 : left.key > right.key ? 1 : 0
    case 'version':
      return left.version - right.version
    case 'create-revision':
      return left.createRevision - right.createRevision
    case 'mod-revision':
      return left.modRevision - right.modRevision
    case 'value':
      return compareValues(left.value, right.value)
  }
}

/** Values are objects that nobody encodes: only texts have an order. */
function compareValues(left: unknown, right: unknown): number {
  if (typeof left !== 'string' || typeof right !== 'string') return 0
  return left < right ? -1 : left > right ? 1 : 0
}
