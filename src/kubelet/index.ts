/** Floor 4, the node: the kubelet and the container runtime, each a machine. What other floors may import. */
export { type AppModel, type AppTable, DEFAULT_APP } from './app.ts'
export type { ContainerRecord, SandboxRecord } from './cri.ts'
export { KUBELET_DECISIONS, type KubeletDecisions } from './decisions.ts'
export type { KubeletFact, RuntimeFact, StopReason } from './facts.ts'
export { Kubelet } from './kubelet.ts'
export type { ContainerRuntimeOptions, KubeletOptions } from './options.ts'
export type { ProbeKind } from './probethreshold.ts'
export { type Acceptance, ContainerRuntime } from './runtime.ts'
