/**
 * The loop of every controller: takes keys from a work queue, runs one sync script a key on a number of workers, tries
 * again later when a script fails. Models the runWorker/processNextWorkItem pattern of kubernetes pkg/controller, v1.33.
 */
import { invariant } from '../kernel/invariant.ts'
import type { Out } from '../kernel/machine.ts'
import type { Micros } from '../kernel/time.ts'
import type { SyncFailedFact, SyncGivenUpFact } from './facts.ts'
import type { ScriptRunner, Task } from './runner.ts'
import { type Script, ScriptError } from './script.ts'
import { WorkQueue, type WorkQueueListener } from './workqueue.ts'

export interface ControllerLoopOptions {
  readonly name: string
  /** Scripts at once. Default 1. */
  readonly workers?: number
  /** Default: a work queue with the default rate limits. */
  readonly queue?: WorkQueue
  readonly runner: ScriptRunner
  /** Makes the script that brings the key to its desired state. It reads informers and writes by requests. */
  readonly sync: (key: string, out: Out) => Script<void>
  /** Failures of a key in a row after which it is dropped until it changes. Default: never. */
  readonly retriesMax?: number
}

export class ControllerLoop implements WorkQueueListener {
  readonly name: string
  readonly queue: WorkQueue
  readonly #workers: number
  readonly #runner: ScriptRunner
  readonly #sync: (key: string, out: Out) => Script<void>
  readonly #retriesMax: number
  readonly #tasks = new Map<string, Task<void>>()
  /** Keys whose last sync failed, and when. */
  readonly #failedAt = new Map<string, Micros>()
  #busy = 0
  #running = false
  #pumping = false

  constructor(options: ControllerLoopOptions) {
    this.name = options.name
    this.queue = options.queue ?? new WorkQueue()
    this.#workers = options.workers ?? 1
    this.#runner = options.runner
    this.#sync = options.sync
    this.#retriesMax = options.retriesMax ?? Number.POSITIVE_INFINITY
    invariant(this.#workers >= 1, 'client: a control loop has a worker', { name: this.name })
    this.queue.listen(this)
  }

  /** Keys that are with a worker. */
  get busy(): number {
    return this.#busy
  }

  get running(): boolean {
    return this.#running
  }

  enqueue(key: string, out: Out): void {
    this.queue.add(key, out)
  }

  enqueueAfter(key: string, micros: Micros, out: Out): void {
    this.queue.addAfter(key, micros, out)
  }

  /** Lets the workers run: call it when caches are filled and this process leads. Keys queue up before, too. */
  start(out: Out): void {
    this.#running = true
    this.#pump(out)
  }

  /** Stops at once: scripts are dropped where they wait; their keys go back to the queue for a later start. */
  stop(out: Out): void {
    this.#running = false
    const tasks = [...this.#tasks]
    this.#tasks.clear()
    for (const [key, task] of tasks) {
      task.kill()
      this.#busy--
      this.queue.add(key, out)
      this.queue.done(key, out)
    }
    invariant(this.#busy === 0, 'client: a stopped loop has no worker', { name: this.name })
  }

  onWork(out: Out): void {
    this.#pump(out)
  }

  #pump(out: Out): void {
    if (this.#pumping) return
    this.#pumping = true
    while (this.#running && this.#busy < this.#workers) {
      const key = this.queue.get()
      if (key === undefined) break
      this.#busy++
      const task = this.#runner.spawn(this.#sync(key, out), (result, later) => this.#onDone(key, result, later), out)
      if (task.alive) this.#tasks.set(key, task)
    }
    this.#pumping = false
  }

  #onDone(key: string, result: unknown, out: Out): void {
    this.#tasks.delete(key)
    this.#busy--
    if (result instanceof ScriptError) {
      const fact: SyncFailedFact = { type: 'sync-failed', controller: this.name, key, message: result.message }
      out.note(fact)
      this.#retry(key, out)
    } else {
      this.#failedAt.delete(key)
      this.queue.forget(key)
    }
    this.queue.done(key, out)
    this.#pump(out)
  }

  /**
   * Changes that come in one burst are one key in a real queue, for a sync takes some time there. Here each may start a sync of its
   * own; those that fail at one instant count as one failure, and wait for one retry.
   */
  #retry(key: string, out: Out): void {
    if (this.#failedAt.get(key) === out.now) return
    this.#failedAt.set(key, out.now)
    const failures = this.queue.failures(key)
    if (failures < this.#retriesMax) {
      this.queue.addRateLimited(key, out)
      return
    }
    this.queue.forget(key)
    const fact: SyncGivenUpFact = { type: 'sync-given-up', controller: this.name, key, failures }
    out.note(fact)
  }
}
