/**
 * Builds a topology: hosts, and every component as a process on its host, started in the order in which a real cluster comes
 * up. Process ids are handed out in that order, so that components can be told of each other before they exist.
 */
import { ApiServer } from '../apiserver/index.ts'
import { ControllerManager } from '../controllers/index.ts'
import { EtcdMember } from '../etcd/index.ts'
import { type Fact, invariant, type Kernel, type MachineFactory, type Out, type ProcessId } from '../kernel/index.ts'
import { ContainerRuntime, Kubelet, type RuntimeFact } from '../kubelet/index.ts'
import { KubeProxy, NodeNetwork } from '../proxy/index.ts'
import { Scheduler } from '../scheduler/index.ts'
import { clusterCidr, nodeAddress, podCidr } from './addresses.ts'
import { DnsServer } from './dns.ts'
import { EtcdLoadClient } from './etcd-client.ts'
import type { EtcdClientSpec } from './etcd-load.ts'
import { Etcdctl } from './etcdctl.ts'
import { Operator } from './operator.ts'
import type { ClusterOptions } from './options.ts'
import { namesOf, type Topology } from './topology.ts'
import { TrafficSource } from './traffic.ts'
import { worldOf } from './traffic-world.ts'
import type { Truth } from './truth.ts'
import { Wire } from './wire.ts'
import type { EtcdStep, TrafficClient } from './workload.ts'

export interface Assembly {
  operator(): Operator
  traffic(): readonly TrafficSource[]
  startTraffic(clients: readonly TrafficClient[]): void
  etcdClients(): readonly ProcessId[]
  startEtcdClients(clients: readonly EtcdClientSpec[]): void
  etcdctls(): readonly Etcdctl[]
  startEtcdctl(steps: readonly EtcdStep[]): void
  runtimeProcess(node: string): ProcessId
  networkOf(node: string): NodeNetwork
  /** What the machine of that name offers from its next start on. */
  setCapacity(node: string, capacity: Topology['nodeCapacity']): void
}

interface Planned {
  readonly host: string
  readonly name: string
  readonly factory: MachineFactory
}

/** Adds every host and process of the topology to the kernel. */
export function assemble(kernel: Kernel, truth: Truth, options: ClusterOptions): Assembly {
  const { topology } = options
  const decisions = options.decisions ?? {}
  const streams = kernel.streams
  const names = namesOf(topology)
  const observe = options.observeInformers ?? true

  const order = [
    ...names.etcdMembers,
    ...names.eventsEtcdMembers,
    ...names.apiServers,
    ...names.controllerManagers,
    ...names.schedulers,
    ...names.dns,
    'operator',
    ...names.nodes.flatMap((_, index) => [
      names.runtimes[index],
      names.kubelets[index],
      names.proxies[index],
      names.wires[index],
    ]),
    ...names.spareEtcdMembers,
  ]
  const ids = new Map(order.map((name, index) => [name, index + 1]))
  const idOf = (name: string | undefined): ProcessId => ids.get(name ?? '') ?? 0
  const etcd = names.etcdMembers.map(idOf)
  const eventsEtcd = names.eventsEtcdMembers.map(idOf)
  const events = topology.events === 'on'
  const servers = names.apiServers.map(idOf)
  const balance = topology.etcdBalance ?? 'pinned'
  const ofEtcd = Object.freeze({ etcd, etcdBalance: balance, events, eventsEtcd, streams })
  // Frozen, so that what is spread from it keeps one hidden class (see objects/copy.ts).
  const client = Object.freeze({ servers, streams, clientDecisions: decisions.client ?? {}, observe, events })

  for (const host of [
    ...names.etcdMembers,
    ...names.eventsEtcdMembers,
    ...names.spareEtcdMembers,
    ...names.masters,
    'operator',
    'outside',
    ...names.nodes,
  ])
    kernel.addHost(host)
  const cidr = clusterCidr(topology.nodes)
  const newNetwork = (nodeName: string, index: number): NodeNetwork =>
    new NodeNetwork({ nodeName, nodeAddress: nodeAddress(index), podCidr: podCidr(index), clusterCidr: cidr })
  const networks = names.nodes.map(newNetwork)
  const master = (index: number): string => names.masters[index % names.masters.length] ?? ''

  const capacities = new Map<string, Topology['nodeCapacity']>()
  const planned: Planned[] = []
  const snapshotEntries = topology.etcdSnapshotEntries
  const chosen = Object.freeze({
    streams,
    decisions: decisions.etcd,
    raftDecisions: decisions.raft,
    ...(snapshotEntries === undefined
      ? {}
      : { snapshotEntries, catchUpEntries: Math.max(1, Math.floor(snapshotEntries / 2)) }),
  })
  const addMember = (members: readonly ProcessId[]) => (name: string, index: number) => {
    planned.push({ host: name, name, factory: () => new EtcdMember({ ...chosen, name, index, members }) })
  }
  names.etcdMembers.forEach(addMember(etcd))
  names.eventsEtcdMembers.forEach(addMember(eventsEtcd))
  names.apiServers.forEach((name, index) => {
    planned.push({
      host: master(index),
      name,
      factory: () => new ApiServer({ ...ofEtcd, name, decisions: decisions.apiServer }),
    })
  })
  names.controllerManagers.forEach((name, index) => {
    const { controllerQps: qps, controllerBurst: burst } = topology
    planned.push({
      host: master(index),
      name,
      factory: () => new ControllerManager({ ...client, name, decisions: decisions.controllers, qps, burst }),
    })
  })
  names.schedulers.forEach((name, index) => {
    const { schedulerQps: qps, schedulerBurst: burst } = topology
    planned.push({
      host: master(index),
      name,
      factory: () => new Scheduler({ ...client, name, decisions: decisions.scheduler, qps, burst }),
    })
  })
  names.dns.forEach((name, index) => {
    planned.push({
      host: master(index),
      name,
      factory: () => new DnsServer({ ...client, name, decisions: decisions.dns }),
    })
  })
  planned.push({ host: 'operator', name: 'operator', factory: () => new Operator({ servers, streams }) })
  names.nodes.forEach((node, index) => {
    const runtimeName = names.runtimes[index] ?? ''
    const runtimeProcess = idOf(runtimeName)
    const runtime = () => kernel.machineOf(runtimeProcess) as ContainerRuntime
    const place = Object.freeze({ node, nodeAddress: nodeAddress(index), podCidr: podCidr(index) })
    const labels = {
      ...topology.nodeLabels,
      'topology.kubernetes.io/zone': `zone-${index % Math.max(1, topology.zones)}`,
    }
    planned.push({
      host: node,
      name: runtimeName,
      factory: ({ boot }) => {
        if (boot > 0) networks[index] = newNetwork(node, index)
        return new ContainerRuntime({ ...place, streams, apps: options.apps })
      },
    })
    planned.push({
      host: node,
      name: names.kubelets[index] ?? '',
      factory: () =>
        new Kubelet({
          ...client,
          ...place,
          name: names.kubelets[index],
          runtimeProcess,
          runtime,
          capacity: capacities.get(node) ?? topology.nodeCapacity,
          labels,
          decisions: decisions.kubelet,
        }),
    })
    const proxyName = names.proxies[index] ?? ''
    planned.push({
      host: node,
      name: proxyName,
      factory: () =>
        new KubeProxy({
          ...client,
          name: proxyName,
          network: networks[index] as NodeNetwork,
          decisions: decisions.proxy,
        }),
    })
    planned.push({ host: node, name: names.wires[index] ?? '', factory: () => new Wire(runtime) })
  })

  for (const name of names.spareEtcdMembers)
    planned.push({
      host: name,
      name,
      factory: () => new EtcdMember({ ...chosen, members: etcd, name, index: -1, joins: true }),
    })

  for (const { host, name, factory } of planned) {
    const id = kernel.spawn(host, name, factory)
    invariant(id === idOf(name), 'cluster: processes get their ids in the planned order', { name, id })
  }
  forwardToWires(kernel, names.nodes, names.wires.map(idOf))

  const sources: { readonly process: ProcessId }[] = []
  const etcdClients: ProcessId[] = []
  const etcdctls: ProcessId[] = []
  return {
    operator: () => kernel.machineOf(idOf('operator')) as Operator,
    traffic: () => sources.map(({ process }) => kernel.machineOf(process) as TrafficSource),
    startTraffic(clients) {
      clients.forEach((spec, index) => {
        const world = worldOf(spec, index, {
          kernel,
          truth,
          dns: names.dns.map(idOf),
          networkOf: (node) => networks[node],
          wireOf: (node) => idOf(names.wires[node]),
        })
        const host = spec.from === 'outside' ? 'outside' : spec.node
        const draws = streams.get(`traffic/${spec.id}`)
        const process = kernel.spawn(
          host,
          `client-${spec.id}`,
          () => new TrafficSource({ spec, world, draws, mode: topology.proxyMode }),
        )
        sources.push({ process })
      })
    },
    setCapacity: (node, capacity) => capacities.set(node, capacity),
    etcdClients: () => etcdClients,
    startEtcdClients(clients) {
      clients.forEach((spec, place) => {
        const name = `etcd-client-${spec.id}`
        kernel.addHost(name)
        etcdClients.push(
          kernel.spawn(name, name, () => new EtcdLoadClient({ spec, place, members: etcd, balance, streams })),
        )
      })
    },
    etcdctls: () => etcdctls.map((process) => kernel.machineOf(process) as Etcdctl),
    startEtcdctl(steps) {
      const processes = new Map([...names.etcdMembers, ...names.spareEtcdMembers].map((name) => [name, idOf(name)]))
      for (const step of steps) {
        const command = () => new Etcdctl({ step, members: etcd, processes, streams })
        etcdctls.push(kernel.spawn('operator', `etcdctl-${step.id}`, command))
      }
    },
    runtimeProcess: (node) => idOf(names.runtimes[names.nodes.indexOf(node)]),
    networkOf(node) {
      const network = networks[names.nodes.indexOf(node)]
      invariant(network !== undefined, 'cluster: every node has a network', { node })
      return network
    },
  }
}

/** Tells the wire of a node when something there stops serving or dies: connections end with it. */
function forwardToWires(kernel: Kernel, nodes: readonly string[], wires: readonly ProcessId[]): void {
  const wireOf = new Map(nodes.map((node, index) => [node, wires[index]]))
  const tell = (fact: Fact, act: (wire: Wire, out: Out) => void) => {
    const wire = wireOf.get((fact as Fact & { readonly node: string }).node)
    if (wire !== undefined) kernel.enter(wire, (machine, out) => act(machine as Wire, out))
  }
  kernel.subscribe('connections-reset', (fact) => {
    tell(fact, (wire, out) => wire.onReset((fact as Extract<RuntimeFact, { type: 'connections-reset' }>).ids, out))
  })
  for (const type of ['term-sent', 'container-exited'] as const) {
    kernel.subscribe(type, (fact) => tell(fact, (wire, out) => wire.onStopping(out)))
  }
}
