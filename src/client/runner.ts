/**
 * Runs scripts over an ApiClient: one Task a script, advanced by answers and timers. A script runs at once up to its first
 * wait. A killed task is dropped where it waits, as kill -9 would: what it has sent may still take effect, its `finally`
 * blocks do not run.
 */
import { invariant, never } from '../kernel/invariant.ts'
import type { Out, TimerTarget } from '../kernel/machine.ts'
import type { ApiResponse } from '../objects/index.ts'
import type { ApiClient, ReplyReceiver } from './apiclient.ts'
import { type Script, ScriptError } from './script.ts'

/** Called once, when the script has returned or thrown a ScriptError; not for a killed one. */
export type ScriptDone<T> = (result: T | ScriptError, out: Out) => void

/** One running script. */
export class Task<T = unknown> implements ReplyReceiver, TimerTarget {
  readonly #client: ApiClient
  #script: Script<T> | undefined
  #done: ScriptDone<T> | undefined
  #awaited = 0
  #answers: ApiResponse[] | undefined
  #step = 0

  constructor(client: ApiClient, script: Script<T>, done: ScriptDone<T> | undefined) {
    this.#client = client
    this.#script = script
    this.#done = done
  }

  /** False once the script has ended or was killed. */
  get alive(): boolean {
    return this.#script !== undefined
  }

  /** Drops the script where it waits. */
  kill(): void {
    this.#script = undefined
    this.#done = undefined
    this.#answers = undefined
  }

  onReply(tag: number, response: ApiResponse, out: Out): void {
    if (this.#script === undefined) return
    const answers = this.#answers
    if (answers === undefined) {
      this.advance(response, out)
      return
    }
    answers[tag] = response
    this.#awaited--
    if (this.#awaited > 0) return
    this.#answers = undefined
    this.advance(answers, out)
  }

  onTimer(_kind: number, step: number, out: Out): void {
    if (this.#script === undefined) return
    if (step !== this.#step)
      invariant(false, 'client: a script wakes from the sleep it is in', { step, at: this.#step })
    this.advance(undefined, out)
  }

  /** Goes on with `input` as the value of the wait. */
  advance(input: unknown, out: Out): void {
    const script = this.#script as Script<T>
    this.#step++
    let next: ReturnType<Script<T>['next']>
    try {
      next = script.next(input)
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error
      this.#end(error, out)
      return
    }
    if (next.done) {
      this.#end(next.value, out)
      return
    }
    const op = next.value
    switch (op.op) {
      case 'call':
        this.#client.call(op.request, this, 0, out)
        return
      case 'sleep':
        out.after(op.micros, this, 0, this.#step)
        return
      case 'all':
        invariant(op.requests.length > 0, 'client: all waits for at least one request')
        this.#awaited = op.requests.length
        this.#answers = new Array(op.requests.length)
        op.requests.forEach((request, index) => {
          this.#client.call(request, this, index, out)
        })
        return
      default:
        never(op)
    }
  }

  #end(result: T | ScriptError, out: Out): void {
    const done = this.#done
    this.kill()
    done?.(result, out)
  }
}

export class ScriptRunner {
  readonly #client: ApiClient

  constructor(client: ApiClient) {
    this.#client = client
  }

  /** Starts a script. `done` may be called before this returns, when the script waits for nothing. */
  spawn<T>(script: Script<T>, done: ScriptDone<T> | undefined, out: Out): Task<T> {
    const task = new Task(this.#client, script, done)
    task.advance(undefined, out)
    return task
  }

  /** Drops a task where it waits; nothing when it has ended. */
  kill<T>(task: Task<T>): void {
    task.kill()
  }
}
