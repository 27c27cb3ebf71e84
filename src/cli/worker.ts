/**
 * The other end of `pool.ts`: a thread, or a second process, that carries out jobs one after another. It keeps no files and
 * decides nothing; whatever it finds is told at once, so its death loses no more than the trial under way.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { UserError } from '../trial/user-error.ts'
import {
  CELL_SPEAKER,
  CELL_STOP,
  CELL_TRIALS,
  CELLS,
  type Order,
  type RefusedError,
  type Report,
  type WorkerSetup,
} from './jobs.ts'
import { registerManifestSuites } from './manifests/suite.ts'
import { perform } from './perform.ts'
import { loadRegistry } from './registry.ts'

interface WorkerData {
  readonly setup: WorkerSetup
  readonly cells: SharedArrayBuffer
}

const given = workerData as WorkerData | null
const cells = new Int32Array(given?.cells ?? new SharedArrayBuffer(CELLS * 4))

function say(report: Report): void {
  if (parentPort !== null) parentPort.postMessage(report)
  else process.send?.(report)
}

function refusal(error: unknown): RefusedError {
  if (error instanceof UserError) {
    return {
      isUserError: true,
      what: error.what,
      ...(error.where === undefined ? {} : { where: error.where }),
      ...(error.mend === undefined ? {} : { mend: error.mend }),
    }
  }
  const { message, stack } = error as Error
  return { isUserError: false, what: message, ...(stack === undefined ? {} : { stack }) }
}

async function start(setup: WorkerSetup): Promise<void> {
  say({ kind: 'loading' })
  const registry = await loadRegistry(setup.propertiesFile)
  if (setup.objects !== undefined) registerManifestSuites(registry, setup.objects)
  const speakers = [...registry.properties.keys(), ...[...registry.faults.keys()].map((kind) => `fault ${kind}`)]
  const numbers = new Map(speakers.map((speaker, index) => [speaker, index + 1]))
  process.on('unhandledRejection', (reason) =>
    say({ kind: 'stray', message: reason instanceof Error ? reason.message : String(reason) }),
  )
  const listen = ({ id, job, labelled }: Order) => {
    try {
      const answer = perform(job, {
        registry,
        tell: (news) => say({ kind: 'news', id, news }),
        beat: () => {
          Atomics.add(cells, CELL_TRIALS, 1)
          Atomics.store(cells, CELL_SPEAKER, 0)
        },
        isStopped: () => Atomics.load(cells, CELL_STOP) !== 0,
        ...(labelled
          ? { onActivity: (speaker: string) => void Atomics.store(cells, CELL_SPEAKER, numbers.get(speaker) ?? 0) }
          : {}),
      })
      // What the job left behind in promises speaks first.
      setImmediate(() => say({ kind: 'done', id, answer }))
    } catch (error) {
      say({ kind: 'refused', id, error: refusal(error) })
    }
  }
  if (parentPort !== null) parentPort.on('message', listen)
  else process.on('message', listen)
  say({ kind: 'ready', speakers })
}

function begin(setup: WorkerSetup): void {
  start(setup).catch((error: unknown) => say({ kind: 'refused', id: 0, error: refusal(error) }))
}

// A thread has its setup with it; a process is sent it as the first message.
if (given !== null) begin(given.setup)
else {
  process.once('message', (setup: WorkerSetup) => begin(setup))
  // Ctrl-C reaches every process of the terminal; when this one ends is for its parent to say.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => {})
  process.on('disconnect', () => process.exit())
}
