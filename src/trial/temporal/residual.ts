/**
 * What is left to be shown of a formula after a part of the trace: true, false, or a combination of obligations that are
 * pending. An obligation is a temporal operator that was asked for at one moment, with its deadline. Obligations that follow
 * from others of the same combination are dropped, so that it does not grow with the trace.
 */
import type { Micros } from '../../kernel/index.ts'
import type { Node, Waiting } from './normal-form.ts'

export type Residual = True | False | Obligation | Combined

interface True {
  readonly kind: 'true'
}
interface False {
  readonly kind: 'false'
}

export const TRUE: Residual = { kind: 'true' }
export const FALSE: Residual = { kind: 'false' }

export type Obligation = Pending | PendingNext

/** An until or release that is under way. */
export interface Pending {
  readonly kind: 'pending'
  readonly node: Waiting
  /** The last moment that counts; infinity without a bound. */
  readonly deadline: Micros
  /** When it was asked for. */
  readonly since: Micros
}

interface PendingNext {
  readonly kind: 'pending-next'
  readonly node: Extract<Node, { kind: 'next' }>
  readonly since: Micros
}

interface Combined {
  readonly kind: 'and' | 'or'
  readonly of: readonly Residual[]
}

/** More obligations at once than any sensible formula needs. */
const MOST = 2_000

export function both(left: Residual, right: Residual): Residual {
  return combine('and', left, right)
}

export function either(left: Residual, right: Residual): Residual {
  return combine('or', left, right)
}

function combine(kind: 'and' | 'or', left: Residual, right: Residual): Residual {
  const neutral = kind === 'and' ? TRUE : FALSE
  const absorbing = kind === 'and' ? FALSE : TRUE
  if (left === absorbing || right === absorbing) return absorbing
  if (left === neutral || left === right) return right
  if (right === neutral) return left
  const parts: Residual[] = left.kind === kind ? [...left.of] : [left]
  for (const part of right.kind === kind ? right.of : [right]) add(kind, parts, part)
  if (parts.length > MOST)
    throw new Error(`more than ${MOST} obligations are pending at once; give them a shorter bound, or ask less often`)
  return parts.length === 1 ? (parts[0] as Residual) : { kind, of: parts }
}

/** Keeps in a conjunction only what nothing else in it implies, and in a disjunction only what implies nothing else in it. */
function add(kind: 'and' | 'or', parts: Residual[], part: Residual): void {
  let kept = 0
  for (let index = 0; index < parts.length; index++) {
    const other = parts[index] as Residual
    if (kind === 'and' ? entails(other, part) : entails(part, other)) return
    if (kind === 'and' ? entails(part, other) : entails(other, part)) continue
    parts[kept++] = other
  }
  parts.length = kept
  parts.push(part)
}

/** Whether, by their form alone, the second is never less true than the first. */
export function entails(first: Residual, second: Residual): boolean {
  if (first === second || first === FALSE || second === TRUE) return true
  if (second.kind === 'and') return second.of.every((part) => entails(first, part))
  if (first.kind === 'or') return first.of.every((part) => entails(part, second))
  if (first.kind === 'and') return first.of.some((part) => entails(part, second))
  if (second.kind === 'or') return second.of.some((part) => entails(first, part))
  if (first.kind === 'pending' && second.kind === 'pending' && first.node === second.node)
    return first.node.kind === 'until' ? first.deadline <= second.deadline : first.deadline >= second.deadline
  return first.kind === 'pending-next' && second.kind === 'pending-next' && first.node === second.node
}

/** The earliest deadline at which something in it is decided; infinity if time alone decides nothing. */
export function nextDeadline(residual: Residual): Micros {
  switch (residual.kind) {
    case 'pending':
      return residual.deadline
    case 'and':
    case 'or': {
      let earliest = Number.POSITIVE_INFINITY
      for (const part of residual.of) earliest = Math.min(earliest, nextDeadline(part))
      return earliest
    }
    default:
      return Number.POSITIVE_INFINITY
  }
}
