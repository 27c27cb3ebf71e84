/** What the calls of one API server share. `out` is the world during the present entrance; it is set anew at each. */
import type { Out } from '../kernel/machine.ts'
import type { Rand } from '../kernel/random.ts'
import type { Resource } from '../objects/index.ts'
import type { WatchCache } from './cache.ts'
import type { Identities } from './identity.ts'
import type { CompleteApiServerOptions } from './options.ts'

export interface Context {
  readonly options: CompleteApiServerOptions
  readonly caches: Readonly<Record<Resource, WatchCache>>
  readonly identities: Identities
  readonly addresses: Rand
  out: Out
}
