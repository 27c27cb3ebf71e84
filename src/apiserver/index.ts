/** The API server: what other floors may import. */
export type { CachePhase } from './cache.ts'
export { API_SERVER_DECISIONS, type ApiServerDecisions, type BudgetVerdict, type RingState } from './decisions.ts'
export type * from './facts.ts'
export { type ApiServerOptions, type CompleteApiServerOptions, completeApiServerOptions } from './options.ts'
export { ApiServer } from './server.ts'
