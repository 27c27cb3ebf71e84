/**
 * One cell that is written and read, and may be changed by compare-and-set. The objects of most of the literature; a
 * Raft group that holds one value is one.
 */
import { type Model, REFUSED } from '../model.ts'

export type RegisterValue = string | number

export type RegisterInput =
  | { readonly type: 'read' }
  | { readonly type: 'write'; readonly value: RegisterValue }
  /** Writes `value` if the cell holds `expected` (null: if it was never written). */
  | { readonly type: 'compare-and-set'; readonly expected: RegisterValue | null; readonly value: RegisterValue }

export type RegisterOutput =
  /** null: never written. */
  | { readonly type: 'read'; readonly value: RegisterValue | null }
  | { readonly type: 'write' }
  | { readonly type: 'compare-and-set'; readonly succeeded: boolean }

/** A register that starts out unwritten. */
export const REGISTER: Model<RegisterValue | null, RegisterInput, RegisterOutput> = {
  name: 'register',
  init: () => null,
  step(state, input, output) {
    switch (input.type) {
      case 'read':
        return output === undefined || (output.type === 'read' && output.value === state)
          ? { ok: true, state }
          : REFUSED
      case 'write':
        return output === undefined || output.type === 'write' ? { ok: true, state: input.value } : REFUSED
      case 'compare-and-set': {
        const succeeded = state === input.expected
        if (output !== undefined && (output.type !== 'compare-and-set' || output.succeeded !== succeeded))
          return REFUSED
        return { ok: true, state: succeeded ? input.value : state }
      }
    }
  },
  // Text is kept apart from numbers, and both from nothing.
  key: (state) => (typeof state === 'string' ? `"${state}` : (state ?? 'null')),
  readOnly: (input, output) => input.type === 'read' || (output?.type === 'compare-and-set' && !output.succeeded),
  alike: describeInput,
  absorbs: (_state, _earlier, later) => later.type === 'write',
  describe(input, output) {
    if (output === undefined || output.type === 'write') return describeInput(input)
    if (output.type === 'read') return `${describeInput(input)} -> ${output.value ?? 'nothing'}`
    return `${describeInput(input)} -> ${output.succeeded ? 'done' : 'refused'}`
  },
  describeState: (state) => `${state ?? 'nothing'}`,
}

function describeInput(input: RegisterInput): string {
  switch (input.type) {
    case 'read':
      return 'read'
    case 'write':
      return `write ${input.value}`
    case 'compare-and-set':
      return `set ${input.expected ?? 'nothing'} to ${input.value}`
  }
}
