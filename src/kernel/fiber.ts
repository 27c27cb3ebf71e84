/**
 * A fiber runs a generator of operations: what waits in a program is a `yield` of plain data, an interpreter performs it
 * and resumes the fiber with the answer, at once or later. `yield*` nests to any depth without the fiber knowing.
 * A fiber can be dropped at any yield (a crash: `finally` blocks do not run) or stopped (a shutdown: they do).
 * No promise and no microtask is involved; a generator cannot be copied, so state that must survive belongs to a machine.
 */
import { invariant } from './invariant.ts'
import type { Out } from './machine.ts'

export type Script<O, T = void> = Generator<O, T, unknown>

/** Performs operations. Calls `fiber.resume` or `fiber.fail` exactly once for each, inside `perform` or later. */
export interface Interpreter<O> {
  perform(operation: O, fiber: Fiber<O>, out: Out): void
}

export type FiberState = 'ready' | 'running' | 'waiting' | 'done' | 'failed' | 'dropped' | 'stopped'

/** What became of a script: its result, or what it threw. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown }

export class Fiber<O, T = unknown> {
  readonly name: string
  readonly #script: Script<O, T>
  readonly #interpreter: Interpreter<O>
  readonly #onEnd: ((outcome: Outcome<T>, out: Out) => void) | undefined
  #state: FiberState = 'ready'
  #performing = false
  /** An answer came and the script has not seen it. */
  #answered = false
  #failed = false
  #answer: unknown

  /** `onEnd` is told when the script returns or throws; not when it is dropped or stopped. */
  constructor(
    name: string,
    script: Script<O, T>,
    interpreter: Interpreter<O>,
    onEnd?: (outcome: Outcome<T>, out: Out) => void,
  ) {
    this.name = name
    this.#script = script
    this.#interpreter = interpreter
    this.#onEnd = onEnd
  }

  get state(): FiberState {
    return this.#state
  }

  /** Runs the script up to its first operation that is not answered at once. */
  start(out: Out): void {
    invariant(this.#state === 'ready', 'kernel: a fiber starts once', { fiber: this.name, state: this.#state })
    this.#go(out)
  }

  /** Answers the operation that the script waits for. A fiber that was dropped or stopped ignores it. */
  resume(value: unknown, out: Out): void {
    this.#take(value, false, out)
  }

  /** Makes the script's `yield` throw. */
  fail(error: unknown, out: Out): void {
    this.#take(error, true, out)
  }

  /** Forgets the script where it stands; nothing more of it runs. Right for a crash. */
  drop(): void {
    if (this.#isOver()) return
    invariant(this.#state !== 'running', 'kernel: a fiber is not dropped by its own script', this.name)
    this.#state = 'dropped'
  }

  /** Ends the script where it stands, running its `finally` blocks; an operation that they yield is not performed. */
  stop(): void {
    if (this.#isOver()) return
    invariant(this.#state !== 'running', 'kernel: a fiber is not stopped by its own script', this.name)
    const started = this.#state === 'waiting'
    this.#state = 'stopped'
    if (started) this.#script.return(undefined as T)
  }

  #isOver(): boolean {
    return this.#state !== 'ready' && this.#state !== 'running' && this.#state !== 'waiting'
  }

  #take(answer: unknown, failed: boolean, out: Out): void {
    if (this.#isOver()) return
    invariant(this.#state === 'waiting' && !this.#answered, 'kernel: an operation is answered once', this.name)
    this.#answer = answer
    this.#failed = failed
    this.#answered = true
    if (!this.#performing) this.#go(out)
  }

  /** Steps the script as long as its operations are answered at once: a loop, so that no stack grows. */
  #go(out: Out): void {
    do {
      this.#answered = false
      this.#state = 'running'
      let step: IteratorResult<O, T>
      try {
        step = this.#failed ? this.#script.throw(this.#answer) : this.#script.next(this.#answer)
      } catch (error) {
        this.#state = 'failed'
        this.#end({ ok: false, error }, out)
        return
      }
      this.#failed = false
      this.#answer = undefined
      if (step.done === true) {
        this.#state = 'done'
        this.#end({ ok: true, value: step.value }, out)
        return
      }
      this.#state = 'waiting'
      this.#performing = true
      try {
        this.#interpreter.perform(step.value, this as Fiber<O>, out)
      } finally {
        this.#performing = false
      }
    } while (this.#answered && this.#state === 'waiting')
  }

  #end(outcome: Outcome<T>, out: Out): void {
    if (this.#onEnd === undefined && !outcome.ok) throw outcome.error
    this.#onEnd?.(outcome, out)
  }
}
