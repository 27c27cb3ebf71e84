/**
 * One key of a store in the eyes of a checker that may not know its revisions: after a write of unknown outcome they are
 * only bounded from below, until an answer tells them. Models etcd's mvccpb.KeyValue, v3.5.
 */
import type { Found, StoreValue } from './store.ts'

/** A key that is there. One that is not there is undefined. */
export interface Cell {
  readonly value: StoreValue
  /** Puts since it was created; where they are not counted 1 or 2, which means more than one. 0: not looked at. */
  readonly version: number
  /** The revision itself if `modExact`, else a bound from below. */
  readonly modRevision: number
  readonly modExact: boolean
  readonly createRevision: number
  readonly createExact: boolean
  /** All of the above as text: equal if and only if the cells are equal. */
  readonly text: string
}

function cellOf(
  value: StoreValue,
  version: number,
  modRevision: number,
  modExact: boolean,
  createRevision: number,
  createExact: boolean,
): Cell {
  const text = `${typeof value === 'string' ? JSON.stringify(value) : value}/${version}/${modExact ? '' : '>'}${modRevision}/${createExact ? '' : '>'}${createRevision}`
  return { value, version, modRevision, modExact, createRevision, createExact, text }
}

/** The key with its value and nothing else: its revisions and its version are never looked at. */
export function bareCell(value: StoreValue): Cell {
  return cellOf(value, 0, 0, false, 0, false)
}

/** A put at `revision`; not `exact`: at that revision or a later one. `counted`: are all puts known? */
export function putCell(
  cell: Cell | undefined,
  value: StoreValue,
  revision: number,
  exact: boolean,
  counted: boolean,
): Cell {
  if (cell === undefined) return cellOf(value, 1, revision, exact, revision, exact)
  const version = counted ? cell.version + 1 : 2
  return cellOf(value, version, revision, exact, cell.createRevision, cell.createExact)
}

/** Is the key's mod revision this one (0: it is not there)? Undefined: it may be. */
export function comparesEqual(cell: Cell | undefined, modRevision: number): boolean | undefined {
  if (cell === undefined) return modRevision === 0
  if (cell.modExact) return cell.modRevision === modRevision
  return modRevision !== 0 && modRevision >= cell.modRevision ? undefined : false
}

/** The cell once it is known that its mod revision is this one, which must be possible. */
export function withModRevision(cell: Cell, modRevision: number): Cell {
  if (cell.modExact) return cell
  const first = cell.version === 1
  return cellOf(
    cell.value,
    cell.version,
    modRevision,
    true,
    first ? modRevision : cell.createRevision,
    first || cell.createExact,
  )
}

/** The cell once a read has shown it like that; undefined if it cannot have looked like that. */
export function cellAsFound(cell: Cell, found: Found, counted: boolean): Cell | undefined {
  const { value, version, modRevision, createRevision } = found
  if (value !== cell.value || (counted ? version : Math.min(version, 2)) !== cell.version) return undefined
  if (comparesEqual(cell, modRevision) === false) return undefined
  if (cell.createExact ? createRevision !== cell.createRevision : createRevision < cell.createRevision) return undefined
  if (version === 1 ? createRevision !== modRevision : createRevision >= modRevision) return undefined
  if (cell.modExact && cell.createExact) return cell
  return cellOf(value, cell.version, modRevision, true, createRevision, true)
}
