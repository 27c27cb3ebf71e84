/** What one traffic client can see and reach, given where it stands. */
import type { Kernel, ProcessId } from '../kernel/index.ts'
import type { NodeNetwork } from '../proxy/index.ts'
import { clientPodAddress, nodeAddress, nodeIndexOfAddress, outsideAddress } from './addresses.ts'
import type { TrafficWorld } from './traffic.ts'
import type { Truth } from './truth.ts'
import type { TrafficClient } from './workload.ts'

interface Surroundings {
  readonly kernel: Kernel
  readonly truth: Truth
  readonly dns: readonly ProcessId[]
  networkOf(node: number): NodeNetwork | undefined
  wireOf(node: number): ProcessId
}

/** The world of a client; `index` tells clients outside apart by their addresses. */
export function worldOf(spec: TrafficClient, index: number, around: Surroundings): TrafficWorld {
  const node = Number(spec.node.slice('node-'.length))
  const service = `${spec.namespace}/${spec.service}`
  const source =
    spec.from === 'outside' ? outsideAddress(index) : spec.from === 'node' ? nodeAddress(node) : clientPodAddress(node)
  return {
    dns: around.dns,
    source,
    nodeAddress: nodeAddress(node),
    network: () => (around.kernel.isUp(spec.node) ? around.networkOf(node) : undefined),
    wireOf(podIp) {
      const wire = around.wireOf(nodeIndexOfAddress(podIp))
      return wire === 0 ? undefined : wire
    },
    nodePort: () =>
      around.truth.get('services', service)?.spec.ports?.find((port) => port.port === spec.port)?.nodePort,
    headlessPort() {
      const found = around.truth.get('services', service)
      if (found?.spec.clusterIP !== 'None') return undefined
      const port = found.spec.ports?.find((candidate) => candidate.port === spec.port)
      for (const slice of around.truth.list('endpointslices')) {
        if (
          slice.metadata.namespace !== spec.namespace ||
          slice.metadata.labels?.['kubernetes.io/service-name'] !== spec.service
        )
          continue
        const target = slice.ports?.find((candidate) => (candidate.name ?? '') === (port?.name ?? ''))?.port
        if (target !== undefined) return target
      }
      return undefined
    },
    serves(podIp) {
      const selector = Object.entries(around.truth.get('services', service)?.spec.selector ?? {})
      for (const pod of around.truth.list('pods')) {
        if (pod.status?.podIP !== podIp || pod.metadata.namespace !== spec.namespace) continue
        if (selector.every(([key, value]) => pod.metadata.labels?.[key] === value)) return true
      }
      return false
    },
  }
}
