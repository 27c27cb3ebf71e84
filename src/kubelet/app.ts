/**
 * How the program in a container behaves, as plain data: when it listens, when it is healthy, what TERM does to it. Found by
 * image in a table of the scenario; images not named there get a web server that starts in 300 to 800 ms and ends 50 ms
 * after TERM. Source: our own; process facts (PID 1 and signals) from signal(7) and pid_namespaces(7). It computes nothing:
 * no memory, no CPU, no files.
 */
import { addressOf, invariant, MILLISECOND, type Micros, type Rand, SECOND } from '../kernel/index.ts'
import type { Container } from '../objects/index.ts'
import { commandOf } from './command.ts'

export interface AppModel {
  /** From the container's start until it listens on its ports. Left out: 300 to 800 ms, drawn by pod and container name. */
  readonly startMicros?: Micros
  /** From the container's start until the health endpoint says ok. Never before it listens. Left out: as soon as it listens. */
  readonly readyMicros?: Micros
  /**
   * `drain`: closes its listeners at once, finishes requests in flight (at most `drainMicros`), then exits.
   * `lame-duck`: goes on serving for `drainMicros`, then closes, then exits. `exit`: exits without finishing anything.
   * `ignore`: TERM does nothing (PID 1 without a handler); only KILL ends it.
   */
  readonly onTerm: 'drain' | 'lame-duck' | 'exit' | 'ignore'
  /** Default 5 s. */
  readonly drainMicros: Micros
  /** From the last thing to do after TERM to the exit. Default 50 ms. */
  readonly shutdownMicros: Micros
  /** Exit code after TERM. Left out: 0 after draining, 143 for `exit`. */
  readonly termExitCode?: number
  /** Ends by itself so long after its start, with `exitCode`. Left out: runs until stopped. */
  readonly exitAfterMicros?: Micros
  /** Default 0. */
  readonly exitCode: number
  /** Left out: the container's declared TCP ports. */
  readonly servePorts?: readonly number[]
  /** Service time of one request; also of a health check. Default 20 ms. */
  readonly requestMicros: Micros
  /** What the health endpoint says between TERM and the end, where it still answers. Default `ok`. */
  readonly healthWhileDraining: 'ok' | 'fail'
  /** Length of the preStop hook, whatever its handler says. */
  readonly preStopMicros?: Micros
}

/** The program of images that no table names. */
export const DEFAULT_APP: AppModel = Object.freeze({
  onTerm: 'drain',
  drainMicros: 5 * SECOND,
  shutdownMicros: 50 * MILLISECOND,
  exitCode: 0,
  requestMicros: 20 * MILLISECOND,
  healthWhileDraining: 'ok',
})

/** Behaviour by image name, with or without tag; the name with the tag wins. */
export type AppTable = Readonly<Record<string, Partial<AppModel>>>

/** A program in one container, with nothing left open. */
export interface ResolvedApp extends AppModel {
  readonly startMicros: Micros
  readonly readyMicros: Micros
  readonly termExitCode: number
  readonly servePorts: readonly number[]
}

const NO_PORTS: readonly number[] = Object.freeze([])

/**
 * What runs in `container`. The image's entry in the table decides; without one a command such as `sleep 5` does. Without
 * either, or where the command says nothing to us, an init container ends well after 50 to 200 ms and any other container is
 * the default web server.
 */
export function resolveApp(
  table: AppTable,
  container: Container,
  endsByItself: boolean,
  podKey: string,
  stream: Rand,
): ResolvedApp {
  const named = table[container.image] ?? table[withoutTag(container.image)]
  const app = named ?? commandApp(container)
  const address = addressOf(podKey)
  const name = addressOf(container.name)
  const base: AppModel = { ...DEFAULT_APP, ...app }
  const exitAfterMicros =
    base.exitAfterMicros ??
    (endsByItself && app === undefined
      ? stream.intAt(50 * MILLISECOND, 200 * MILLISECOND, address, name, 1)
      : undefined)
  const startMicros = base.startMicros ?? stream.intAt(300 * MILLISECOND, 800 * MILLISECOND, address, name)
  const readyMicros = Math.max(base.readyMicros ?? startMicros, startMicros)
  invariant(startMicros >= 0 && base.drainMicros >= 0, 'kubelet: an app model has no negative times', base)
  return Object.assign({}, base, {
    exitAfterMicros,
    startMicros,
    readyMicros,
    termExitCode: base.termExitCode ?? (base.onTerm === 'exit' ? 143 : 0),
    servePorts: base.servePorts ?? declaredPorts(container),
  })
}

function withoutTag(image: string): string {
  const colon = image.lastIndexOf(':')
  return colon > image.lastIndexOf('/') ? image.slice(0, colon) : image
}

function hasCommand(container: Container): boolean {
  return container.command !== undefined || container.args !== undefined
}

/** `sleep` and shells without a trap are PID 1 without a handler: TERM does nothing to them. */
function commandApp(container: Container): Partial<AppModel> | undefined {
  if (!hasCommand(container)) return undefined
  const run = commandOf([...(container.command ?? []), ...(container.args ?? [])])
  if (!run.known) return undefined
  return {
    startMicros: 0,
    onTerm: 'ignore',
    exitCode: run.exitCode,
    ...(run.micros === undefined ? {} : { exitAfterMicros: run.micros }),
  }
}

function declaredPorts(container: Container): readonly number[] {
  if (container.ports === undefined) return NO_PORTS
  return container.ports.filter((port) => (port.protocol ?? 'TCP') === 'TCP').map((port) => port.containerPort)
}
