/**
 * The kernel: one trial's world. It owns time, order and chance; hosts and the processes on them; the network between
 * them; their disks; the trace. Faults are its methods, rules of `network` and switches of `deviceOf(process)`.
 * Everything that happens is an event at a virtual microsecond; events at one time run in the order of their scheduling,
 * or of priorities. One trial, one kernel: it is made fresh, used once and dropped.
 */
import type { AlarmTarget } from './alarms.ts'
import { Connections } from './connections.ts'
import { Core, DATA, type FactListener, KERNEL_PROCESS, START } from './core.ts'
import { type CrashMode, Device, DiskOfProcess } from './device.ts'
import type { KernelFact } from './facts.ts'
import { InvariantError, invariant } from './invariant.ts'
import { type Busy, busiest, EventError, eventName, type LoopState, type RunResult, runLoop } from './loop.ts'
import type { Fact, Machine, Out, ProcessId, Timer, TimerTarget } from './machine.ts'
import { Network } from './network.ts'
import { checkedDelay, KernelOut, ProcessOut, timerCode } from './out.ts'
import type { Scheduled } from './priorities.ts'
import { type DataHandler, Host, type MachineFactory, Process } from './process.ts'
import { Streams } from './random.ts'
import type { Micros } from './time.ts'
import type { Trace, TraceRow } from './trace.ts'

export interface KernelOptions extends Scheduled {
  /** Decides every draw. */
  readonly seed: string | number
  /** Events after which a run ends as `exhausted`. Default 20 million. */
  readonly maxSteps?: number
  /** `ring` (default): the last 65,536 events. `all`: every event and fact, for stories and `--trace`. */
  readonly trace?: 'ring' | 'all'
  /** What a crash leaves of unsynced writes, for every disk. Default `draw`. */
  readonly crashMode?: CrashMode
}

export interface RunOptions {
  /** Events up to and including this time are handled. Default: without end. */
  readonly until?: Micros
  /** Asked after every event; true ends the run. `Kernel.stop` does the same for less. */
  readonly stop?: () => boolean
}

const MAX_STEPS = 20_000_000

export class Kernel {
  readonly streams: Streams
  readonly network: Network
  readonly connections: Connections
  readonly #core: Core
  readonly #state: LoopState
  readonly #crashMode: CrashMode
  readonly #devices: (Device | undefined)[] = []
  readonly #byName = new Map<string, Process>()

  constructor(options: KernelOptions) {
    this.streams = new Streams(options.seed)
    this.#core = new Core(this.streams, options.trace ?? 'ring', options.schedule)
    this.network = new Network(this.#core)
    this.connections = new Connections(this.#core, this.network)
    this.#state = { stopped: false, maxSteps: options.maxSteps ?? MAX_STEPS }
    this.#crashMode = options.crashMode ?? 'draw'
    const kernel = new Process(KERNEL_PROCESS, 'kernel', new Host('kernel'))
    kernel.revive()
    kernel.out = new KernelOut(this.#core)
    this.#core.processes.push(kernel)
  }

  /** Virtual time since the trial began. */
  get now(): Micros {
    return this.#core.now
  }

  /** Events handled so far. */
  get steps(): number {
    return this.#core.steps
  }

  /** Events waiting. */
  get pending(): number {
    return this.#core.queue.size
  }

  get trace(): Trace {
    return this.#core.trace
  }

  /** Sixteen hexadecimal digits over every event and the type of every fact so far. */
  fingerprint(): string {
    return this.#core.trace.fingerprint()
  }

  // --- Hosts and processes

  addHost(name: string): void {
    if (this.#core.hosts.has(name)) throw new Error(`a host named "${name}" is there already; names are unique`)
    this.#core.hosts.set(name, new Host(name))
  }

  get hosts(): readonly string[] {
    return [...this.#core.hosts.keys()]
  }

  /** A new process, which starts with an event at this moment. `factory` makes its machine, now and after each restart. */
  spawn(hostName: string, processName: string, factory: MachineFactory): ProcessId {
    if (this.#byName.has(processName))
      throw new Error(`a process named "${processName}" is there already; names are unique`)
    const host = this.#host(hostName)
    const process = new Process(this.#core.processes.length, processName, host, factory)
    this.#core.processes.push(process)
    this.#byName.set(processName, process)
    host.processes.push(process)
    if (host.up) this.#start(process)
    else host.interrupted.push(process)
    return process.id
  }

  /** The process of that name. Throws when there is none. */
  processNamed(name: string): ProcessId {
    const process = this.#byName.get(name)
    if (process !== undefined) return process.id
    throw new Error(`there is no process named "${name}"; there are ${[...this.#byName.keys()].join(', ')}`)
  }

  hasProcess(name: string): boolean {
    return this.#byName.has(name)
  }

  nameOf(process: ProcessId): string {
    return this.#core.process(process).name
  }

  hostOf(process: ProcessId): string {
    return this.#core.process(process).host.name
  }

  /** Every process that was spawned, running or not, in the order of spawning; of one host if given. */
  processes(hostName?: string): ProcessId[] {
    const processes = hostName === undefined ? this.#core.processes.slice(1) : this.#host(hostName).processes
    return processes.filter((process) => process.factory !== undefined).map((process) => process.id)
  }

  /** The machine that runs, or ran last, in a process. To look at; only its own events and faults may change it. */
  machineOf(process: ProcessId): Machine {
    const { machine, name } = this.#core.process(process)
    if (machine === undefined) throw new Error(`${name} has no machine: it was never started`)
    return machine
  }

  /** Alive; a paused process is. */
  isRunning(process: ProcessId): boolean {
    return this.#core.process(process).live
  }

  isPaused(process: ProcessId): boolean {
    return this.#core.process(process).paused
  }

  isUp(hostName: string): boolean {
    return this.#host(hostName).up
  }

  /** Kills a process at once: its timers and what is under way to it are gone, its connections are reset. Nothing happens to a dead one. */
  crash(id: ProcessId): void {
    const process = this.#core.process(id)
    invariant(process.factory !== undefined, 'kernel: only a process that was spawned crashes', { id })
    if (!process.live) return
    this.#touch(id)
    process.die()
    for (const timer of process.held) this.#core.queue.cancel(timer)
    process.held = []
    if (process.out instanceof ProcessOut) process.out.disk.live = false
    this.#devices[id]?.onCrash()
    this.connections.onCrash(process)
    this.#note({ type: 'process-crashed', process: id, name: process.name })
  }

  /** Starts a dead process again: a new machine, its old disk. Nothing happens to a live one; on a dead host it waits for the host. */
  restart(id: ProcessId): void {
    const process = this.#core.process(id)
    invariant(process.factory !== undefined, 'kernel: only a process that was spawned restarts', { id })
    if (process.live) return
    if (process.host.up) this.#start(process)
    else if (!process.host.interrupted.includes(process)) process.host.interrupted.push(process)
  }

  /** Power failure: all processes of the host die, and nobody answers in their name until it is back. */
  crashHost(name: string): void {
    const host = this.#host(name)
    if (!host.up) return
    host.up = false
    host.interrupted = host.processes.filter((process) => process.live)
    for (const process of host.interrupted) this.crash(process.id)
    this.#note({ type: 'host-crashed', host: name })
  }

  /** Power is back: the processes that were running start again, in the order of spawning. */
  restartHost(name: string): void {
    const host = this.#host(name)
    if (host.up) return
    host.up = true
    this.#note({ type: 'host-restarted', host: name })
    const starting = host.processes.filter((process) => host.interrupted.includes(process))
    host.interrupted = []
    this.connections.onHostBack()
    for (const process of starting) this.#start(process)
  }

  /** SIGSTOP: what comes to the process is held; its timers expire without being served. */
  pause(id: ProcessId): void {
    const process = this.#core.process(id)
    if (!process.live || process.paused) return
    this.#touch(id)
    process.hold(true)
    this.connections.onChange(process)
    this.#note({ type: 'process-paused', process: id, name: process.name })
  }

  /** SIGCONT: what was held comes now, in order. */
  resume(id: ProcessId): void {
    const process = this.#core.process(id)
    if (!process.paused) return
    this.#touch(id)
    process.hold(false)
    for (const timer of process.held) this.#core.queue.unpark(timer, this.#core.now)
    process.held = []
    this.connections.onChange(process)
    this.#note({ type: 'process-resumed', process: id, name: process.name })
  }

  /**
   * Sets a host's wall clock ahead of the truth by `skewMicros`, and lets it and its timers run fast by `driftPpm` from
   * now on (unset: as before). Timers that are already set keep their moment.
   */
  setClock(hostName: string, clock: { readonly skewMicros?: number; readonly driftPpm?: number }): void {
    invariant((clock.driftPpm ?? 0) > -1_000_000, 'kernel: a clock does not stand still or run backwards', clock)
    this.#host(hostName).setClock(this.#core.now, clock.skewMicros, clock.driftPpm)
    this.#note({ type: 'clock-set', host: hostName, skewMicros: clock.skewMicros, driftPpm: clock.driftPpm })
  }

  /** The disk behind a process: its faults and what they did. */
  deviceOf(id: ProcessId): Device {
    this.#touch(id)
    let device = this.#devices[id]
    if (device === undefined) {
      device = new Device(this.#core, this.#core.process(id))
      device.crashMode = this.#crashMode
      this.#devices[id] = device
    }
    return device
  }

  /** What the next crashes of this process leave of its unsynced writes. */
  setCrashMode(id: ProcessId, mode: CrashMode): void {
    this.deviceOf(id).crashMode = mode
  }

  // --- What the trial does

  /** Wakes `target` outside of any process: for faults, workload steps and samplers. */
  schedule(delay: Micros, target: TimerTarget, kind: number, a = 0): Timer {
    const core = this.#core
    return core.post(core.now + checkedDelay(delay), core.process(KERNEL_PROCESS), timerCode(kind), a, target)
  }

  cancel(timer: Timer): void {
    this.#core.queue.cancel(timer)
  }

  /** Something that the trial does between two events, by name: what it sets going has it as its cause in the trace. */
  deed<T>(name: string, act: () => T): T {
    const core = this.#core
    core.cause = core.trace.deed(core.steps, core.now, name)
    try {
      return act()
    } finally {
      core.cause = 0
    }
  }

  /** Lets a fault act inside a live process, as if in an event of it: its machine and its `Out`. False when the process is not running. */
  enter(id: ProcessId, act: (machine: Machine, out: Out) => void): boolean {
    const process = this.#core.process(id)
    if (!process.live || process.paused) return false
    this.#touch(id)
    const before = this.#core.current
    this.#core.current = process
    try {
      act(process.machine as Machine, process.out as Out)
    } finally {
      this.#core.current = before
    }
    return true
  }

  /** Calls `listener` for every fact of a type, at once, in the order of subscribing. The answer ends it. */
  subscribe(type: string, listener: FactListener): () => void {
    const core = this.#core
    const deed = core.cause
    if (deed >= 0) return core.subscribe(type, listener)
    // What a fault does upon a fact is its own doing, not that of the event which published the fact.
    return core.subscribe(type, (fact, process, time) => {
      const before = core.cause
      core.cause = deed
      listener(fact, process, time)
      core.cause = before
    })
  }

  /** Calls `listener` for every fact of any type. There is one such listener, who only watches: whoever acts subscribes. */
  overhear(listener: FactListener): void {
    this.#core.overhear(listener)
  }

  /** Publishes a fact in the name of the trial. */
  note(fact: Fact): void {
    this.#core.note(fact, KERNEL_PROCESS)
  }

  /** Calls `target` when no further event can come at the moment. It is no event, so it changes nothing: for who only watches. */
  alarm(at: Micros, target: AlarmTarget): void {
    this.#core.alarms.set(Math.max(at, this.#core.now), target)
  }

  run(options: RunOptions = {}): RunResult {
    const until = options.until ?? Number.POSITIVE_INFINITY
    invariant(until >= this.#core.now, 'kernel: time does not run backwards', { until, now: this.#core.now })
    this.#state.stopped = false
    return runLoop(this.#core, this.connections, this.#state, until, options.stop)
  }

  /** Ends the run after the event that is being handled. */
  stop(): void {
    this.#state.stopped = true
  }

  /** The pairs of process and event that took most of the last 65,536 events: what a livelock is made of. */
  busiest(most = 5): Busy[] {
    return busiest(this.#core, most)
  }

  /** Whose event it was and what kind of event: `message range`, `timer 3`. */
  eventOf(row: TraceRow): { readonly process: string; readonly event: string } {
    const process = this.#core.processes[row.target]?.name ?? `process ${row.target}`
    return { process, event: eventName(this.#core, row.code) }
  }

  /** One event of the trace in words. */
  describe(row: TraceRow): string {
    const { process, event } = this.eventOf(row)
    return `${row.step} ${row.time} us ${process} ${event} ${row.a} (because of ${row.cause})`
  }

  // --- Data events

  /** A bare target of data events, for benchmarks and tests of the kernel. It lives as long as the trial. */
  register(handler: DataHandler): ProcessId {
    const id = this.#core.processes.length
    const process = new Process(id, `handler-${id}`, new Host(''), undefined, handler)
    process.revive()
    this.#core.processes.push(process)
    return id
  }

  /** Calls `on(kind, a)` of a registered handler after `delay`: the path that timers and messages use underneath. */
  post(delay: Micros, to: ProcessId, kind: number, a: number): Timer {
    return this.#core.post(this.now + delay, this.#core.processes[to] as Process, (kind << 3) | DATA, a, undefined)
  }

  #start(process: Process): void {
    process.boot++
    const disk = new DiskOfProcess(this.deviceOf(process.id))
    process.revive()
    try {
      process.machine = process.factory?.({ self: process.id, boot: process.boot, disk })
    } catch (error) {
      if (error instanceof InvariantError) throw error
      throw new EventError(process.name, 'its making', this.#core.now, error)
    }
    process.out = new ProcessOut(
      { core: this.#core, network: this.network, connections: this.connections },
      process,
      disk,
    )
    this.#core.post(this.#core.now, process, START, process.boot, undefined)
    this.#note({ type: 'process-started', process: process.id, name: process.name, boot: process.boot })
  }

  #touch(id: ProcessId): void {
    const { cause, trace, steps } = this.#core
    if (cause < 0) trace.deeds[-cause - 1]?.touched.push({ process: id, afterStep: steps })
  }

  #host(name: string): Host {
    const host = this.#core.hosts.get(name)
    if (host !== undefined) return host
    throw new Error(`there is no host named "${name}"; there are ${this.hosts.join(', ')}`)
  }

  #note(fact: KernelFact): void {
    this.#core.note(fact, KERNEL_PROCESS)
  }
}
