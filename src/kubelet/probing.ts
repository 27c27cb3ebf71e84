/**
 * What a probe finds in a running container: pure. Models kubernetes pkg/probe (exec, http, tcp, grpc), v1.33: an endpoint answers
 * when its port is listened on, and answers ok when the program is healthy. A command that the simulator does not know asks the same
 * health. Not modelled: paths, headers, hosts, bodies.
 */
import { type Micros, SECOND } from '../kernel/index.ts'
import { type IntOrString, type Probe, resolveContainerPort } from '../objects/index.ts'
import { commandOf } from './command.ts'
import type { ContainerProcess } from './process.ts'

export interface ProbeOutcome {
  readonly success: boolean
  /** How long the container took; beyond the probe's time-out the outcome is a failure. */
  readonly micros: Micros
}

/** `stalled`: the runtime answers nobody, so commands cannot be run. */
export function probeProcess(process: ContainerProcess, probe: Probe, now: Micros, stalled: boolean): ProbeOutcome {
  const timeoutMicros = (probe.timeoutSeconds ?? 1) * SECOND
  if (probe.exec !== undefined) {
    if (stalled) return { success: false, micros: timeoutMicros }
    const run = commandOf(probe.exec.command)
    const micros = run.micros ?? timeoutMicros
    return { success: micros < timeoutMicros && run.exitCode === 0 && (run.known || process.isHealthy(now)), micros }
  }
  const port = portOf(process, probe)
  if (!process.isListening || port === undefined || !process.app.servePorts.includes(port))
    return { success: false, micros: 0 }
  if (probe.tcpSocket !== undefined) return { success: true, micros: 0 }
  const micros = process.app.requestMicros
  return { success: micros < timeoutMicros && process.isHealthy(now), micros }
}

function portOf(process: ContainerProcess, probe: Probe): number | undefined {
  const port: IntOrString | undefined = probe.httpGet?.port ?? probe.tcpSocket?.port ?? probe.grpc?.port
  return port === undefined ? undefined : resolveContainerPort(process.record.spec, port)
}
