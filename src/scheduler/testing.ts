/** Pods and nodes in few words, for this folder's tests. */
import type { Node, Pod, Taint } from '../objects/index.ts'

export interface PodWords {
  readonly name?: string
  readonly cpu?: string
  readonly memory?: string
  readonly hostPort?: number
  readonly nodeName?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed'
  readonly uid?: string
  readonly spec?: Partial<Pod['spec']>
}

export function podOf(words: PodWords = {}): Pod {
  const { name = 'pod', cpu, memory, hostPort, nodeName, labels, phase, uid, spec } = words
  const requests: Record<string, string> = {}
  if (cpu !== undefined) requests.cpu = cpu
  if (memory !== undefined) requests.memory = memory
  const ports = hostPort === undefined ? undefined : [{ containerPort: hostPort, hostPort }]
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid, labels },
    spec: { containers: [{ name: 'main', image: 'app', resources: { requests }, ports }], nodeName, ...spec },
    status: { phase: phase ?? 'Pending' },
  }
}

export interface NodeWords {
  readonly name?: string
  readonly cpu?: string
  readonly memory?: string
  readonly pods?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly taints?: readonly Taint[]
  readonly unschedulable?: boolean
}

export function nodeOf(words: NodeWords = {}): Node {
  const { name = 'node-0', cpu = '4', memory = '8Gi', pods = '110', labels, taints, unschedulable } = words
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec: { taints, unschedulable },
    status: { allocatable: { cpu, memory, pods } },
  }
}
