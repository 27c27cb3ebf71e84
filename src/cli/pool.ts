/**
 * Workers: threads that run trials, and now and then a second process. The pool watches them: a worker in which no trial
 * ends for too long is stopped and replaced, and the trial that hung is named. What a worker had told before is kept.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { Worker } from 'node:worker_threads'
import { UserError } from '../trial/user-error.ts'
import {
  type Answers,
  CELL_SPEAKER,
  CELL_STOP,
  CELL_TRIALS,
  CELLS,
  type Job,
  type News,
  type Order,
  type Report,
  type WorkerSetup,
} from './jobs.ts'

export interface PoolOptions {
  /** How many workers. */
  readonly size: number
  readonly setup: WorkerSetup
  /** A trial that takes longer than this of real time is given up. */
  readonly watchdogMillis: number
  /** Use processes instead of threads: for the second opinion. */
  readonly processes?: boolean
}

/** A worker died or had to be stopped in the middle of a job. */
export class WorkerLost extends Error {
  readonly hung: boolean
  /** Whose code was running, when that is known: a property's id, or `fault <kind>`. */
  readonly speaker: string | undefined

  constructor(message: string, hung: boolean, speaker: string | undefined) {
    super(message)
    this.name = 'WorkerLost'
    this.hung = hung
    this.speaker = speaker
  }
}

/** How a job is done. */
export interface RunOptions {
  /** Every call into a property or fault announces itself. Default: false. */
  readonly labelled?: boolean
  /** Told at which place of the pool the job is done. */
  onSeat?(place: number): void
  /** At which places it may be done. A pool of one asks nobody. */
  mayTake?(place: number): boolean
}

interface Waiting {
  readonly job: Job
  readonly onSeat: ((place: number) => void) | undefined
  readonly mayTake: ((place: number) => boolean) | undefined
  readonly labelled: boolean
  readonly onNews: (news: News) => void
  readonly resolve: (answer: Answers[keyof Answers]) => void
  readonly reject: (error: Error) => void
}

/** Where nothing was built, a small file puts tsx in front of the worker. */
const WORKER_FILE = import.meta.url.endsWith('.ts')
  ? new URL('../../bin/worker-from-source.mjs', import.meta.url)
  : new URL('./worker.js', import.meta.url)

/** A trial of a small cluster needs some 50 MiB; what eats this much is to be stopped before it takes the machine with it. */
const HEAP_MEBIBYTES = 2_048

/** Starting a worker on a busy machine takes a second or two. */
const START_MILLIS = 120_000

/** A trial that uses no processor at all waits for something that never comes. */
const PATIENCE = 4

export class Pool {
  /** Errors that came when no trial was running, each once. */
  readonly strays = new Set<string>()
  readonly #options: PoolOptions
  readonly #seats: Seat[] = []
  readonly #queue: Waiting[] = []
  #closed = false

  constructor(options: PoolOptions) {
    this.#options = options
    for (let index = 0; index < options.size; index++) {
      const seat = new Seat(
        options,
        () => this.#dispatch(),
        (message) => this.strays.add(message),
      )
      this.#seats.push(seat)
    }
  }

  get size(): number {
    return this.#options.size
  }

  /** Queues a job. @throws UserError, WorkerLost (by the promise) */
  run<K extends Job['kind']>(
    job: Extract<Job, { readonly kind: K }>,
    onNews: (news: News) => void = () => {},
    { labelled = false, onSeat, mayTake }: RunOptions = {},
  ): Promise<Answers[K]> {
    if (this.#closed) return Promise.reject(new Error('the pool is closed'))
    return new Promise((resolve, reject) => {
      this.#queue.push({
        job,
        labelled,
        onSeat,
        mayTake: this.size === 1 ? undefined : mayTake,
        onNews,
        resolve: resolve as Waiting['resolve'],
        reject,
      })
      this.#dispatch()
    })
  }

  /** Asks the workers to stop after the trials under way; queued jobs are still given out and end at once. */
  stopSoon(): void {
    for (const seat of this.#seats) seat.stopSoon()
  }

  /** Takes `stopSoon` back: there is other work to do, such as shrinking what was found. */
  goOn(): void {
    for (const seat of this.#seats) seat.goOn()
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#seats.map((seat) => seat.close()))
  }

  #dispatch(): void {
    for (const [place, seat] of this.#seats.entries()) {
      if (!seat.isFree) continue
      const index = this.#queue.findIndex(({ mayTake }) => mayTake?.(place) ?? true)
      if (index < 0) continue
      const [next] = this.#queue.splice(index, 1)
      next?.onSeat?.(place)
      seat.take(next as Waiting)
    }
  }
}

/** One place in the pool: the worker that sits there now, and its job. */
class Seat {
  readonly #options: PoolOptions
  readonly #onFree: () => void
  readonly #onStray: (message: string) => void
  #worker: Worker | ChildProcess | undefined
  #cells = new Int32Array(new SharedArrayBuffer(CELLS * 4))
  #speakers: readonly string[] = []
  #current: Waiting | undefined
  #ordered = false
  #ready = false
  #orders = 0
  #stop = false
  #watchdog: NodeJS.Timeout | undefined
  #trialsSeen = 0
  #lastSignAt = 0
  #cpuAtSign = process.cpuUsage()

  constructor(options: PoolOptions, onFree: () => void, onStray: (message: string) => void) {
    this.#options = options
    this.#onFree = onFree
    this.#onStray = onStray
  }

  get isFree(): boolean {
    return this.#current === undefined
  }

  take(waiting: Waiting): void {
    this.#current = waiting
    this.#ordered = false
    if (this.#worker === undefined) this.#hire()
    else if (this.#ready) this.#order()
  }

  stopSoon(): void {
    this.#stop = true
    Atomics.store(this.#cells, CELL_STOP, 1)
  }

  goOn(): void {
    this.#stop = false
    Atomics.store(this.#cells, CELL_STOP, 0)
  }

  async close(): Promise<void> {
    clearInterval(this.#watchdog)
    await this.#dismiss()
  }

  #hire(): void {
    this.#ready = false
    this.#cells = new Int32Array(new SharedArrayBuffer(CELLS * 4))
    if (this.#stop) Atomics.store(this.#cells, CELL_STOP, 1)
    const { setup, processes } = this.#options
    const worker =
      processes === true
        ? fork(WORKER_FILE, { serialization: 'advanced', execArgv: [`--max-old-space-size=${HEAP_MEBIBYTES}`] })
        : new Worker(WORKER_FILE, {
            workerData: { setup, cells: this.#cells.buffer },
            execArgv: [],
            resourceLimits: { maxOldGenerationSizeMb: HEAP_MEBIBYTES },
          })
    this.#worker = worker
    this.#limitStart(START_MILLIS, 'it did not start')
    if (!(worker instanceof Worker)) worker.send(setup)
    const mine = (act: () => void) => () => {
      if (this.#worker === worker) act()
    }
    worker.on('message', (report: unknown) => mine(() => this.#onReport(report as Report))())
    worker.on('error', (error: Error) => mine(() => this.#lose(`a worker crashed: ${error.message}`, false))())
    worker.on('exit', (code: number | null) =>
      mine(() => this.#lose(`a worker ended unexpectedly with status ${code}`, false))(),
    )
  }

  /** Until it is ready, no trial gives a sign of life. */
  #limitStart(millis: number, what: string): void {
    clearInterval(this.#watchdog)
    this.#watchdog = setTimeout(() => this.#lose(`${what} within ${millis / 1_000} s`, true), millis)
  }

  #order(): void {
    const waiting = this.#current!
    this.#ordered = true
    const order: Order = { id: ++this.#orders, job: waiting.job, labelled: waiting.labelled }
    this.#trialsSeen = -1
    this.#sign()
    clearInterval(this.#watchdog)
    this.#watchdog = setInterval(() => this.#watch(), Math.min(500, this.#options.watchdogMillis / 4))
    if (this.#worker instanceof Worker) this.#worker.postMessage(order)
    else this.#worker?.send(order)
  }

  /** A process shares no memory: there every job counts as one trial, which is all that it is given. */
  #watch(): void {
    const trials = Atomics.load(this.#cells, CELL_TRIALS)
    if (trials !== this.#trialsSeen) {
      this.#trialsSeen = trials
      this.#sign()
    } else if (this.#isOverdue()) {
      this.#lose(`no trial ended within ${this.#options.watchdogMillis / 1_000} s`, true)
    }
  }

  #sign(): void {
    this.#lastSignAt = Date.now()
    this.#cpuAtSign = process.cpuUsage()
  }

  /** A thread that got little of the machine meanwhile may only be slow, and is given more time. */
  #isOverdue(): boolean {
    const { watchdogMillis } = this.#options
    const millis = Date.now() - this.#lastSignAt
    if (millis <= watchdogMillis || !(this.#worker instanceof Worker)) return millis > watchdogMillis
    const { user, system } = process.cpuUsage(this.#cpuAtSign)
    return (user + system) / 1_000 > watchdogMillis / 2 || millis > PATIENCE * watchdogMillis
  }

  #onReport(report: Report): void {
    switch (report.kind) {
      case 'loading':
        if (this.#options.setup.propertiesFile !== undefined)
          this.#limitStart(this.#options.watchdogMillis, 'its code had not come to an end')
        return
      case 'ready':
        clearInterval(this.#watchdog)
        this.#ready = true
        this.#speakers = report.speakers
        if (this.#current !== undefined && !this.#ordered) this.#order()
        return
      case 'news':
        this.#sign()
        if (report.id === this.#orders) this.#current?.onNews(report.news)
        return
      case 'done':
        this.#finish((waiting) => waiting.resolve(report.answer))
        return
      case 'refused': {
        const { isUserError, what, where, mend, stack } = report.error
        const error = isUserError
          ? new UserError({ what, ...(where === undefined ? {} : { where }), ...(mend === undefined ? {} : { mend }) })
          : new Error(what)
        if (stack !== undefined) error.stack = stack
        if (report.id === 0) void this.#dismiss()
        this.#finish((waiting) => waiting.reject(error))
        return
      }
      case 'stray':
        this.#onStray(report.message)
        return
    }
  }

  #lose(message: string, hung: boolean): void {
    if (this.#current === undefined) this.#onStray(message)
    const number = Atomics.load(this.#cells, CELL_SPEAKER)
    const speaker = number > 0 ? this.#speakers[number - 1] : undefined
    const error = this.#ready ? new WorkerLost(message, hung, speaker) : this.#startError(message)
    void this.#dismiss()
    this.#finish((waiting) => waiting.reject(error))
  }

  /** One that never began to work would not do so the next time either. */
  #startError(message: string): Error {
    const { propertiesFile } = this.#options.setup
    if (propertiesFile === undefined) return new Error(message)
    return new UserError({
      what: `the module was not loaded: ${message}`,
      where: propertiesFile,
      mend: 'a module that is loaded only registers: no loops without end, no process.exit, no waiting',
    })
  }

  #finish(settle: (waiting: Waiting) => void): void {
    clearInterval(this.#watchdog)
    const waiting = this.#current
    this.#current = undefined
    if (waiting !== undefined) settle(waiting)
    this.#onFree()
  }

  async #dismiss(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    if (worker instanceof Worker) await worker.terminate()
    else worker?.kill('SIGKILL')
  }
}
