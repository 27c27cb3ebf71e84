/** The Kubernetes vocabulary: what other floors may import. */
export * from './api.ts'
export * from './kinds.ts'
export * from './meta.ts'
export * from './pod.ts'
export * from './resources.ts'
