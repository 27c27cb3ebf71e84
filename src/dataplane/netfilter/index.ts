/** Netfilter: rules as data, the walk, all outcomes, and the text form. */
export * from './distinctions.ts'
export * from './outcomes.ts'
export * from './path.ts'
export * from './recent.ts'
export * from './render.ts'
export * from './rules.ts'
export * from './walk.ts'
