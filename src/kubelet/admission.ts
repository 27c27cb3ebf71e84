/**
 * May a pod run on this node: the kubelet's own check before it starts one, against what it runs already. Models kubernetes
 * pkg/kubelet/lifecycle/predicate.go and the scheduler's AdmissionCheck, v1.33: node name, selector and required node affinity, host
 * ports, cpu, memory, number of pods. Left out: extended resources, topology manager, taints, critical-pod preemption, OS and swap.
 */
import {
  type Labels,
  milliValue,
  type Node,
  type NodeSelectorTerm,
  type Pod,
  type PodSpec,
  podRequests,
  wholeValue,
} from '../objects/index.ts'

export interface Rejection {
  /** status.reason of the failed pod: `OutOfcpu`, `OutOfmemory`, `OutOfpods`, `NodePorts`, `NodeAffinity`, `NodeName`. */
  readonly reason: string
  readonly message: string
}

/** Why `pod` may not run beside `running` on `node`, or undefined when it may. */
export function rejectionOf(pod: Pod, node: Node, running: readonly Pod[]): Rejection | undefined {
  if (pod.spec.nodeName !== undefined && pod.spec.nodeName !== node.metadata.name) {
    return rejection('NodeName', `pod is bound to ${pod.spec.nodeName}`)
  }
  if (!matchesNode(pod.spec, node))
    return rejection('NodeAffinity', 'node selector or affinity does not match the node')
  const wanted = podRequests(pod.spec)
  const takesHostPorts = hasHostPorts(pod.spec)
  let milliCpu = 0
  let memoryBytes = 0
  let count = 0
  let clash = false
  for (const other of running) {
    if (other.metadata.uid === pod.metadata.uid) continue
    const used = podRequests(other.spec)
    milliCpu += used.milliCpu
    memoryBytes += used.memoryBytes
    count++
    clash ||= takesHostPorts && portsClash(pod.spec, other.spec)
  }
  const allocatable = node.status?.allocatable ?? {}
  const pods = wholeValue(allocatable.pods ?? '110')
  if (count + 1 > pods) return outOf('pods', 1, count, pods)
  const cpu = milliValue(allocatable.cpu ?? '0')
  if (wanted.milliCpu > 0 && milliCpu + wanted.milliCpu > cpu) return outOf('cpu', wanted.milliCpu, milliCpu, cpu)
  const memory = wholeValue(allocatable.memory ?? '0')
  if (wanted.memoryBytes > 0 && memoryBytes + wanted.memoryBytes > memory) {
    return outOf('memory', wanted.memoryBytes, memoryBytes, memory)
  }
  if (clash) return rejection('NodePorts', 'a host port is already in use')
  return undefined
}

function rejection(reason: string, message: string): Rejection {
  return { reason, message: `Pod was rejected: ${message}` }
}

function outOf(resource: string, requested: number, used: number, capacity: number): Rejection {
  return rejection(
    `OutOf${resource}`,
    `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
  )
}

function hasHostPorts({ containers }: PodSpec): boolean {
  return containers.some(
    ({ ports }) => ports?.some(({ hostPort }) => hostPort !== undefined && hostPort !== 0) === true,
  )
}

function portsClash(a: PodSpec, b: PodSpec): boolean {
  for (const container of a.containers) {
    for (const port of container.ports ?? []) {
      if (port.hostPort === undefined || port.hostPort === 0) continue
      for (const other of b.containers) {
        for (const taken of other.ports ?? []) {
          if (taken.hostPort === port.hostPort && (taken.protocol ?? 'TCP') === (port.protocol ?? 'TCP')) return true
        }
      }
    }
  }
  return false
}

function matchesNode(spec: PodSpec, node: Node): boolean {
  const labels = node.metadata.labels ?? {}
  for (const [key, value] of Object.entries(spec.nodeSelector ?? {})) if (labels[key] !== value) return false
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  if (required === undefined) return true
  return required.nodeSelectorTerms.some((term) => matchesTerm(term, labels, node.metadata.name))
}

function matchesTerm(term: NodeSelectorTerm, labels: Labels, name: string): boolean {
  const expressions = term.matchExpressions ?? []
  const fields = term.matchFields ?? []
  if (expressions.length === 0 && fields.length === 0) return false
  return (
    expressions.every((need) => matches(need.operator, labels[need.key], need.values ?? [])) &&
    fields.every((need) => matches(need.operator, need.key === 'metadata.name' ? name : undefined, need.values ?? []))
  )
}

function matches(operator: string, actual: string | undefined, values: readonly string[]): boolean {
  switch (operator) {
    case 'In':
      return actual !== undefined && values.includes(actual)
    case 'NotIn':
      return actual === undefined || !values.includes(actual)
    case 'Exists':
      return actual !== undefined
    case 'DoesNotExist':
      return actual === undefined
    case 'Gt':
      return actual !== undefined && Number(actual) > Number(values[0])
    case 'Lt':
      return actual !== undefined && Number(actual) < Number(values[0])
    default:
      return false
  }
}
