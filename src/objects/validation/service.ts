/** Validation of Services and EndpointSlices. Models kubernetes pkg/apis/core/validation ValidateService and pkg/apis/discovery, v1.33. IPv4 only. */
import type { EndpointSlice, Service, ServicePort } from '../kinds.ts'
import { validatePortReference } from './containers.ts'
import type { FieldErrors } from './errors.ts'
import { validateLabels } from './metadata.ts'
import { isIpv4, labelComplaint, subdomainComplaint } from './names.ts'

const AFFINITY_SECONDS_MAX = 86_400
const NODE_PORT_FIRST = 30_000
const NODE_PORT_LAST = 32_767

export function validateService(errors: FieldErrors, { spec }: Service): void {
  errors.oneOf('spec.type', spec.type, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'])
  const headless = spec.clusterIP === 'None'
  const external = spec.type === 'NodePort' || spec.type === 'LoadBalancer'
  if (!spec.ports?.length && !headless && spec.type !== 'ExternalName') errors.required('spec.ports')
  if (headless && external)
    errors.invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`)
  if (spec.clusterIP && !headless && !isIpv4(spec.clusterIP)) {
    errors.invalid(
      'spec.clusterIPs[0]',
      spec.clusterIP,
      'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    )
  }
  if (spec.type === 'ExternalName') {
    if (spec.clusterIP) errors.forbidden('spec.clusterIPs', 'may not be set for ExternalName services')
    const complaint = spec.externalName ? subdomainComplaint(spec.externalName.toLowerCase()) : undefined
    if (!spec.externalName) errors.required('spec.externalName')
    else if (complaint !== undefined) errors.invalid('spec.externalName', spec.externalName, complaint)
  }
  validateLabels(errors, 'spec.selector', spec.selector)
  validatePorts(errors, spec.ports ?? [], external)
  errors.oneOf('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None'])
  const timeout = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds
  if (timeout !== undefined && !(timeout > 0 && timeout <= AFFINITY_SECONDS_MAX)) {
    errors.invalid(
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds',
      timeout,
      `must be greater than 0 and less than ${AFFINITY_SECONDS_MAX}`,
    )
  }
  if (spec.internalTrafficPolicy !== undefined) {
    errors.oneOf('spec.internalTrafficPolicy', spec.internalTrafficPolicy, ['Cluster', 'Local'])
  }
  if (spec.externalTrafficPolicy !== undefined) {
    errors.oneOf('spec.externalTrafficPolicy', spec.externalTrafficPolicy, ['Cluster', 'Local'])
    if (!external && !spec.externalIPs?.length) {
      errors.invalid(
        'spec.externalTrafficPolicy',
        spec.externalTrafficPolicy,
        'may only be set for externally-accessible services',
      )
    }
  }
  for (const [i, address] of (spec.externalIPs ?? []).entries()) {
    if (!isIpv4(address))
      errors.invalid(`spec.externalIPs[${i}]`, address, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')
  }
}

function validatePorts(errors: FieldErrors, ports: readonly ServicePort[], external: boolean): void {
  const names = new Set<string>()
  const numbers = new Set<string>()
  const nodePorts = new Set<string>()
  for (const [i, port] of ports.entries()) {
    const field = `spec.ports[${i}]`
    if (!port.name) {
      if (ports.length > 1) errors.required(`${field}.name`)
    } else if (labelComplaint(port.name) !== undefined) {
      errors.invalid(`${field}.name`, port.name, labelComplaint(port.name) as string)
    } else if (names.has(port.name)) errors.duplicate(`${field}.name`, port.name)
    else names.add(port.name)
    errors.portNumber(`${field}.port`, port.port)
    errors.oneOf(`${field}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP'])
    if (port.targetPort !== undefined) validatePortReference(errors, `${field}.targetPort`, port.targetPort)
    const key = `${port.protocol}/${port.port}`
    if (numbers.has(key)) errors.duplicate(field, { protocol: port.protocol, port: port.port })
    numbers.add(key)
    if (!port.nodePort) continue
    if (!external) errors.forbidden(`${field}.nodePort`, "may not be used when `type` is 'ClusterIP'")
    else if (!(port.nodePort >= NODE_PORT_FIRST && port.nodePort <= NODE_PORT_LAST)) {
      errors.invalid(
        `${field}.nodePort`,
        port.nodePort,
        `provided port is not in the valid range. The range of valid ports is ${NODE_PORT_FIRST}-${NODE_PORT_LAST}`,
      )
    }
    const nodeKey = `${port.protocol}/${port.nodePort}`
    if (nodePorts.has(nodeKey)) errors.duplicate(`${field}.nodePort`, port.nodePort)
    nodePorts.add(nodeKey)
  }
}

/** A Service's address never changes while it has one (unless it becomes or was an ExternalName). */
export function validateServiceUpdate(errors: FieldErrors, after: Service, before: Service): void {
  if (after.spec.type === 'ExternalName' || before.spec.type === 'ExternalName') return
  if (before.spec.clusterIP && after.spec.clusterIP !== before.spec.clusterIP) {
    errors.invalid('spec.clusterIPs[0]', after.spec.clusterIP ?? '', 'may not change once set')
  }
}

const ENDPOINTS_MAX = 1000
const NO_ADDRESSES: readonly string[] = []

export function validateEndpointSlice(errors: FieldErrors, slice: EndpointSlice): void {
  errors.oneOf('addressType', slice.addressType, ['FQDN', 'IPv4', 'IPv6'])
  if (slice.endpoints.length > ENDPOINTS_MAX) errors.tooMany('endpoints', slice.endpoints.length, ENDPOINTS_MAX)
  for (let i = 0; i < slice.endpoints.length; i++) {
    const addresses = slice.endpoints[i]?.addresses ?? NO_ADDRESSES
    if (addresses.length === 0) errors.required(`endpoints[${i}].addresses`, 'must contain at least 1 address')
    for (let j = 0; j < addresses.length; j++) {
      const address = addresses[j] as string
      if (slice.addressType === 'IPv4' && !isIpv4(address)) {
        errors.invalid(`endpoints[${i}].addresses[${j}]`, address, 'must be a valid IPv4 address')
      }
    }
  }
  const names = new Set<string>()
  for (const [i, port] of (slice.ports ?? []).entries()) {
    if (names.has(port.name ?? '')) errors.duplicate(`ports[${i}].name`, port.name ?? '')
    names.add(port.name ?? '')
  }
}
