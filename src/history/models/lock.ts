/** Locks by name: each is held by one owner or by nobody. Acquiring is tried once and answered, not waited for. */
import { partitionBy } from '../linearizability.ts'
import { type Model, REFUSED } from '../model.ts'

export interface LockInput {
  readonly type: 'acquire' | 'release'
  readonly lock: string
  readonly owner: string
}

/** Did it get, or give back, the lock? A release by somebody who does not hold it is refused. */
export interface LockOutput {
  readonly granted: boolean
}

/** The holders of the locks that are held, each as `lock owner`, in order. */
type Held = readonly string[]

export const LOCK: Model<Held, LockInput, LockOutput> = {
  name: 'lock',
  init: () => [],
  step(held, { type, lock, owner }, output) {
    const own = entry(lock, owner)
    const granted = type === 'acquire' ? !held.some((one) => one.startsWith(entry(lock, ''))) : held.includes(own)
    if (output !== undefined && output.granted !== granted) return REFUSED
    if (!granted) return { ok: true, state: held }
    return { ok: true, state: type === 'acquire' ? [...held, own].sort() : held.filter((one) => one !== own) }
  },
  key: (held) => held.join('\n'),
  partition: (history) => partitionBy(history, (input) => input.lock),
  readOnly: (_, output) => output?.granted === false,
  alike: ({ type, lock, owner }) => `${type} ${entry(lock, owner)}`,
  describe({ type, lock, owner }, output) {
    const answer = output === undefined ? '' : output.granted ? ' -> granted' : ' -> refused'
    return `${type} ${lock} for ${owner}${answer}`
  },
  describeState: (held) => (held.length === 0 ? 'all free' : `held: ${held.join(', ')}`),
}

function entry(lock: string, owner: string): string {
  return `${JSON.stringify(lock)} by ${owner}`
}
