/** Every option of the container runtime, with its unit and default; made total once. */
import { MILLISECOND, type Micros, SECOND, type Streams } from '../kernel/index.ts'
import type { AppTable } from './app.ts'

export interface ContainerRuntimeOptions {
  readonly node: string
  /** The node's own address; pods on the host network have it. */
  readonly nodeAddress: string
  /** Where pod addresses come from: `10.244.0.0/24`. */
  readonly podCidr: string
  readonly streams: Streams
  /** How programs behave, by image. Default: none, so every image is the default web server. */
  readonly apps?: AppTable
  /** Images that are on the node from the start. Default: none. */
  readonly images?: readonly string[]
  /** One pull at a time. Default true. */
  readonly serialPulls?: boolean
  /** Bounds of one pull's length. Default 400 ms to 2 s. */
  readonly pullMicros?: readonly [Micros, Micros]
  /** Bounds of a pull of what is there already. Default 50 to 150 ms. */
  readonly checkMicros?: readonly [Micros, Micros]
  /** Bounds of making a sandbox: pause container, network. Default 20 to 60 ms. */
  readonly sandboxMicros?: readonly [Micros, Micros]
  /** Bounds of creating and starting a container. Default 2 to 10 ms. */
  readonly startMicros?: readonly [Micros, Micros]
  /** Bounds of taking a sandbox down. Default 5 to 20 ms. */
  readonly stopSandboxMicros?: readonly [Micros, Micros]
}

export function completeContainerRuntimeOptions(options: ContainerRuntimeOptions): Required<ContainerRuntimeOptions> {
  return {
    node: options.node,
    nodeAddress: options.nodeAddress,
    podCidr: options.podCidr,
    streams: options.streams,
    apps: options.apps ?? {},
    images: options.images ?? [],
    serialPulls: options.serialPulls ?? true,
    pullMicros: options.pullMicros ?? [400 * MILLISECOND, 2 * SECOND],
    checkMicros: options.checkMicros ?? [50 * MILLISECOND, 150 * MILLISECOND],
    sandboxMicros: options.sandboxMicros ?? [20 * MILLISECOND, 60 * MILLISECOND],
    startMicros: options.startMicros ?? [2 * MILLISECOND, 10 * MILLISECOND],
    stopSandboxMicros: options.stopSandboxMicros ?? [5 * MILLISECOND, 20 * MILLISECOND],
  }
}
