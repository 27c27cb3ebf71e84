/** A first-in-first-out queue that never fills. Different elements do not make it separable: their order is the point. */
import { type Model, REFUSED } from '../model.ts'

export type QueueInput = { readonly type: 'enqueue'; readonly element: string | number } | { readonly type: 'dequeue' }

export type QueueOutput =
  | { readonly type: 'enqueue' }
  /** null: there was nothing. */
  | { readonly type: 'dequeue'; readonly element: string | number | null }

export const QUEUE: Model<readonly (string | number)[], QueueInput, QueueOutput> = {
  name: 'queue',
  init: () => [],
  step(state, input, output) {
    if (input.type === 'enqueue')
      return output === undefined || output.type === 'enqueue'
        ? { ok: true, state: [...state, input.element] }
        : REFUSED
    if (output !== undefined && (output.type !== 'dequeue' || output.element !== (state[0] ?? null))) return REFUSED
    return { ok: true, state: state.slice(1) }
  },
  key: (state) => JSON.stringify(state),
  alike: (input) => (input.type === 'enqueue' ? JSON.stringify(input.element) : ''),
  describe(input, output) {
    if (input.type === 'enqueue') return `enqueue ${input.element}`
    return output?.type === 'dequeue' ? `dequeue -> ${output.element ?? 'nothing'}` : 'dequeue'
  },
  describeState: (state) => `[${state.join(' ')}]`,
}
