/** IPVS: virtual servers, schedulers, connections. */
export * from './ipvs.ts'
export * from './path.ts'
export * from './scheduler.ts'
export * from './server.ts'
