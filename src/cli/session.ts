/** What every command that runs trials needs: a registry, workers, a place for findings. Opened from its flags, closed at the end. */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import type { KubeObject } from '../objects/index.ts'
import type { Registry } from '../trial/index.ts'
import type { Io } from './io.ts'
import type { WorkerSetup } from './jobs.ts'
import { registerManifestSuites } from './manifests/suite.ts'
import { parseBudget, parseCount } from './parse-flags.ts'
import { Pool } from './pool.ts'
import { assertModule, loadRegistry } from './registry.ts'

/** Flags that these commands share. */
export interface SessionFlags {
  readonly json?: boolean
  readonly workers?: string
  readonly watchdog?: string
  readonly properties?: string
  readonly dir?: string
}

export interface Session {
  readonly io: Io
  readonly json: boolean
  readonly registry: Registry
  readonly pool: Pool
  /** A single second process, for samples of determinism. Made when first asked for. */
  elsewhere(): Pool
  /** Folder of findings, absolute. */
  readonly dir: string
  readonly propertiesFile: string | undefined
  /** The exit status: 3 if errors came that belong to no trial, which it names; otherwise the given one. */
  settle(status: number): number
  /** Prints for people; with `--json` this goes to standard error. */
  say(text: string): void
  close(): Promise<void>
}

const WATCHDOG_MILLIS = 30_000
const WORKERS_MAXIMUM = 64

/** @throws UserError for flags that make no sense or a module that cannot be loaded. */
export async function openSession(io: Io, flags: SessionFlags, objects?: readonly KubeObject[]): Promise<Session> {
  const size =
    flags.workers === undefined
      ? Math.min(availableParallelism(), 8)
      : parseCount(flags.workers, '--workers', WORKERS_MAXIMUM)
  const watchdogMillis =
    flags.watchdog === undefined ? WATCHDOG_MILLIS : parseBudget(flags.watchdog, '--watchdog') / 1_000
  const propertiesFile = flags.properties === undefined ? undefined : resolve(io.folder, flags.properties)
  const setup: WorkerSetup = {
    ...(propertiesFile === undefined ? {} : { propertiesFile }),
    ...(objects === undefined ? {} : { objects }),
  }
  const pool = new Pool({ size, setup, watchdogMillis })
  const registry = await registryOf(pool, propertiesFile)
  if (objects !== undefined) registerManifestSuites(registry, objects)
  let second: Pool | undefined
  return {
    io,
    json: flags.json === true,
    registry,
    pool,
    elsewhere() {
      second ??= new Pool({ size: 1, setup, watchdogMillis, processes: true })
      return second
    },
    dir: resolve(io.folder, flags.dir ?? '.seatrial'),
    propertiesFile,
    settle(status) {
      const strays = new Set([...pool.strays, ...(second?.strays ?? [])])
      for (const message of strays)
        io.err(
          `seatrial: outside of any trial: ${message}\n    code of a property runs to its end at once: no promises, no callbacks of the outside world\n`,
        )
      return strays.size > 0 ? 3 : status
    },
    say(text) {
      if (flags.json === true) io.err(`${text}\n`)
      else io.out(`${text}\n`)
    },
    async close() {
      await Promise.all([pool.close(), second?.close()])
    },
  }
}

/**
 * The registry of this thread. A user's module is loaded by a worker first, which can be stopped: one that never comes to
 * its end would take this thread with it, and the campaign.
 */
async function registryOf(pool: Pool, propertiesFile: string | undefined): Promise<Registry> {
  if (propertiesFile === undefined) return loadRegistry()
  try {
    assertModule(propertiesFile)
    await pool.run({ kind: 'hello' })
    return await loadRegistry(propertiesFile)
  } catch (error) {
    await pool.close()
    throw error
  }
}
