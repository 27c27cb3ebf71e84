/** How faults name what they strike: processes and hosts by the names in the topology, and arbitraries that draw them. */
import fc, { type Arbitrary } from 'fast-check'
import { type Cluster, componentNames, namesOf, type Topology } from '../src/cluster/index.ts'
import type { ProcessId } from '../src/kernel/index.ts'
import type { Container, KubeObject, PodSpec, PodTemplateSpec } from '../src/objects/index.ts'
import type { FaultStep } from '../src/trial/registry.ts'

/** The containers of the pods that these objects are or make; init containers left out. */
export function containersOf(objects: readonly KubeObject[]): readonly Container[] {
  return objects.flatMap((object) => {
    const { spec } = object as { readonly spec?: Partial<PodSpec> & { readonly template?: PodTemplateSpec } }
    return spec?.template?.spec.containers ?? spec?.containers ?? []
  })
}

/** Every process that a fault may strike, control plane first. */
export function processNames(topology: Topology): readonly string[] {
  return componentNames(topology)
}

/** Every member of etcd, those of Events' own last. */
export function etcdNames(topology: Topology): readonly string[] {
  const { etcdMembers, eventsEtcdMembers } = namesOf(topology)
  return [...etcdMembers, ...eventsEtcdMembers]
}

/** Every host that a fault may strike, by name. */
export function hostNames(topology: Topology): readonly string[] {
  const names = namesOf(topology)
  return [...names.etcdMembers, ...names.eventsEtcdMembers, ...names.spareEtcdMembers, ...names.masters, ...names.nodes]
}

/** One of the names; the first is the simplest. */
export function oneOf(names: readonly string[]): Arbitrary<string> {
  return fc.constantFrom(...names)
}

/** A whole number of steps of `unit` between `low` and `high`, so that shrunk values are round. */
export function rounded(low: number, high: number, unit: number): Arbitrary<number> {
  return fc.integer({ min: Math.ceil(low / unit), max: Math.floor(high / unit) }).map((count) => count * unit)
}

/** The parameter as text; validated before. */
export function text(step: FaultStep, name: string): string {
  return String(step.parameters[name])
}

/** The parameter as a number; validated before. */
export function amount(step: FaultStep, name: string): number {
  return Number(step.parameters[name])
}

/** The parameter as a list of names; validated before. */
export function names(step: FaultStep, name: string): readonly string[] {
  return step.parameters[name] as readonly string[]
}

/** Says what is wrong with a parameter that must be one of `allowed`, or undefined. */
export function wrongName(step: FaultStep, parameter: string, allowed: readonly string[]): string | undefined {
  const value = step.parameters[parameter]
  if (typeof value === 'string' && allowed.includes(value)) return undefined
  return `parameter "${parameter}" is ${JSON.stringify(value)}; it must be one of ${allowed.join(', ')}`
}

/** The same for a list of names that must not be empty. */
export function wrongNames(step: FaultStep, parameter: string, allowed: readonly string[]): string | undefined {
  const value = step.parameters[parameter]
  if (!Array.isArray(value) || value.length === 0) return `parameter "${parameter}" must be a list of at least one name`
  const unknown = value.find((name) => !allowed.includes(String(name)))
  return unknown === undefined
    ? undefined
    : `parameter "${parameter}" names ${JSON.stringify(unknown)}; known are ${allowed.join(', ')}`
}

/** Says what is wrong with a parameter that must be a whole number in a range, or undefined. */
export function wrongAmount(step: FaultStep, parameter: string, low: number, high: number): string | undefined {
  const value = step.parameters[parameter]
  if (typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high) return undefined
  return `parameter "${parameter}" is ${JSON.stringify(value)}; it must be a whole number from ${low} to ${high}`
}

/** The processes of the named hosts and processes, as a set of ids. */
export function processesOf(cluster: Cluster, targets: readonly string[]): Set<ProcessId> {
  const ids = new Set<ProcessId>()
  for (const target of targets) for (const id of cluster.processesNamed(target)) ids.add(id)
  return ids
}

/**
 * All processes that those talk to over the network. Processes of one node have none between them: a kubelet reaches its
 * container runtime by a local socket, whatever becomes of its links.
 */
export function othersThan(cluster: Cluster, ids: ReadonlySet<ProcessId>): Set<ProcessId> {
  const nodes = new Set(Array.from(ids, (id) => cluster.nodeOfProcess(id)))
  nodes.delete(undefined)
  return new Set(cluster.allProcesses().filter((id) => !ids.has(id) && !nodes.has(cluster.nodeOfProcess(id))))
}
