/** Validation of containers, their ports, probes, hooks and resources. Models kubernetes pkg/apis/core/validation, v1.33. */
import type { IntOrString } from '../meta.ts'
import type { Container, LifecycleHandler, PodSpec, Probe, ResourceList } from '../pod.ts'
import { isSidecar } from '../podutil.ts'
import { isQuantity, tryMilliValue, tryWholeValue } from '../quantity.ts'
import type { FieldErrors } from './errors.ts'
import { labelComplaint, portNameComplaint, qualifiedNameComplaint } from './names.ts'

const HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const

/** All containers of a spec: names are unique over init and main containers, host ports over all. */
export function validateContainers(errors: FieldErrors, path: string, spec: PodSpec): void {
  if (!spec.containers?.length) errors.required(`${path}.containers`)
  const names = new Set<string>()
  const hostPorts = new Set<string>()
  for (const [i, container] of (spec.initContainers ?? []).entries()) {
    const field = `${path}.initContainers[${i}]`
    validateContainer(errors, field, container, names)
    validateHostPorts(errors, field, container, spec, isSidecar(container) ? hostPorts : new Set())
    if (container.restartPolicy !== undefined && container.restartPolicy !== 'Always') {
      errors.oneOf(`${field}.restartPolicy`, container.restartPolicy, ['Always'])
    }
    if (isSidecar(container)) continue
    for (const name of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
      if (container[name] !== undefined) {
        errors.forbidden(`${field}.${name}`, 'may not be set for init containers without restartPolicy=Always')
      }
    }
  }
  for (const [i, container] of (spec.containers ?? []).entries()) {
    const field = `${path}.containers[${i}]`
    validateContainer(errors, field, container, names)
    validateHostPorts(errors, field, container, spec, hostPorts)
    if (container.restartPolicy !== undefined) {
      errors.forbidden(`${field}.restartPolicy`, 'may not be set for non-init containers')
    }
  }
}

function validateContainer(errors: FieldErrors, path: string, container: Container, names: Set<string>): void {
  const { name, image } = container
  if (!name) errors.required(`${path}.name`)
  else if (labelComplaint(name) !== undefined) errors.invalid(`${path}.name`, name, labelComplaint(name) as string)
  else if (names.has(name)) errors.duplicate(`${path}.name`, name)
  names.add(name)
  if (!image) errors.required(`${path}.image`)
  else if (image !== image.trim())
    errors.invalid(`${path}.image`, image, 'must not have leading or trailing whitespace')
  if (container.imagePullPolicy !== undefined) {
    errors.oneOf(`${path}.imagePullPolicy`, container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never'])
  }
  validatePorts(errors, path, container)
  validateResources(errors, `${path}.resources`, container)
  validateProbe(errors, `${path}.livenessProbe`, container.livenessProbe, true)
  validateProbe(errors, `${path}.readinessProbe`, container.readinessProbe, false)
  validateProbe(errors, `${path}.startupProbe`, container.startupProbe, true)
  const { postStart, preStop } = container.lifecycle ?? {}
  if (postStart !== undefined) validateHandler(errors, `${path}.lifecycle.postStart`, postStart)
  if (preStop !== undefined) validateHandler(errors, `${path}.lifecycle.preStop`, preStop)
}

function validatePorts(errors: FieldErrors, path: string, container: Container): void {
  const names = new Set<string>()
  for (const [i, port] of (container.ports ?? []).entries()) {
    const field = `${path}.ports[${i}]`
    if (port.name) {
      const complaint = portNameComplaint(port.name)
      if (complaint !== undefined) errors.invalid(`${field}.name`, port.name, complaint)
      else if (names.has(port.name)) errors.duplicate(`${field}.name`, port.name)
      names.add(port.name)
    }
    if (port.containerPort === undefined || port.containerPort === 0) errors.required(`${field}.containerPort`)
    else errors.portNumber(`${field}.containerPort`, port.containerPort)
    if (port.hostPort) errors.portNumber(`${field}.hostPort`, port.hostPort)
    errors.oneOf(`${field}.protocol`, port.protocol, ['TCP', 'UDP', 'SCTP'])
  }
}

function validateHostPorts(
  errors: FieldErrors,
  path: string,
  container: Container,
  spec: PodSpec,
  seen: Set<string>,
): void {
  for (const [i, port] of (container.ports ?? []).entries()) {
    if (!port.hostPort) continue
    if (spec.hostNetwork === true && port.hostPort !== port.containerPort) {
      errors.invalid(
        `${path}.ports[${i}].containerPort`,
        port.containerPort,
        'must match `hostPort` when `hostNetwork` is true',
      )
    }
    const key = `${port.protocol}/${port.hostIP ?? ''}/${port.hostPort}`
    if (seen.has(key)) errors.duplicate(`${path}.ports[${i}].hostPort`, key)
    seen.add(key)
  }
}

function validateResources(errors: FieldErrors, path: string, container: Container): void {
  const { requests, limits } = container.resources ?? {}
  validateQuantities(errors, `${path}.limits`, limits)
  validateQuantities(errors, `${path}.requests`, requests)
  for (const [name, request] of Object.entries(requests ?? {})) {
    const limit = limits?.[name]
    if (limit === undefined) continue
    const value = name === 'cpu' ? tryMilliValue : tryWholeValue
    if ((value(String(request)) ?? 0) > (value(String(limit)) ?? 0)) {
      errors.invalid(`${path}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`)
    }
  }
}

function validateQuantities(errors: FieldErrors, path: string, list: ResourceList | undefined): void {
  for (const [name, text] of Object.entries(list ?? {})) {
    const complaint = qualifiedNameComplaint(name)
    if (complaint !== undefined) errors.invalid(`${path}[${name}]`, name, complaint)
    if (!isQuantity(String(text))) {
      errors.invalid(
        `${path}.${name}`,
        text,
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
      )
    } else if ((tryMilliValue(String(text)) ?? 0) < 0) {
      errors.invalid(`${path}[${name}]`, text, 'must be greater than or equal to 0')
    }
  }
}

function validateProbe(errors: FieldErrors, path: string, probe: Probe | undefined, onceIsSuccess: boolean): void {
  if (probe === undefined) return
  validateHandler(errors, path, probe)
  for (const name of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const) {
    errors.notNegative(`${path}.${name}`, probe[name])
  }
  if (onceIsSuccess && probe.successThreshold !== undefined && probe.successThreshold !== 1) {
    errors.invalid(`${path}.successThreshold`, probe.successThreshold, 'must be 1')
  }
  const grace = probe.terminationGracePeriodSeconds
  if (grace !== undefined && !onceIsSuccess) {
    errors.invalid(`${path}.terminationGracePeriodSeconds`, grace, 'must not be set for readinessProbes')
  } else if (grace !== undefined && !(grace > 0)) {
    errors.invalid(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0')
  }
}

function validateHandler(errors: FieldErrors, path: string, handler: LifecycleHandler & Probe): void {
  const present = HANDLERS.filter((name) => handler[name] !== undefined)
  if (present.length === 0) errors.required(path, 'must specify a handler type')
  for (const name of present.slice(1)) errors.forbidden(`${path}.${name}`, 'may not specify more than 1 handler type')
  if (handler.exec !== undefined && !handler.exec.command?.length) errors.required(`${path}.exec.command`)
  if (handler.httpGet !== undefined) {
    if (!handler.httpGet.path) errors.required(`${path}.httpGet.path`)
    validatePortReference(errors, `${path}.httpGet.port`, handler.httpGet.port)
    errors.oneOf(`${path}.httpGet.scheme`, handler.httpGet.scheme, ['HTTP', 'HTTPS'])
  }
  if (handler.tcpSocket !== undefined) validatePortReference(errors, `${path}.tcpSocket.port`, handler.tcpSocket.port)
  if (handler.grpc !== undefined) errors.portNumber(`${path}.grpc.port`, handler.grpc.port)
  if (handler.sleep !== undefined && !(handler.sleep.seconds >= 0)) {
    errors.invalid(`${path}.sleep.seconds`, handler.sleep.seconds, 'must be greater than or equal to 0')
  }
}

/** A port by number (1 to 65535) or by a port's name. */
export function validatePortReference(errors: FieldErrors, field: string, port: IntOrString): void {
  if (typeof port === 'string') {
    const complaint = portNameComplaint(port)
    if (complaint !== undefined) errors.invalid(field, port, complaint)
  } else {
    errors.portNumber(field, port)
  }
}
