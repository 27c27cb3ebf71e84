/**
 * The backend's cadence: what was applied becomes durable in one transaction with its index, at most every 100 ms. Models
 * etcd's backend batch transaction and cindex, v3.5. A transaction that is still open when the commit comes is left out of
 * it, index and data alike, and follows with the next. Losing a commit loses nothing: the log has it.
 */
import { invariant } from '../kernel/invariant.ts'
import type { Out, TimerTarget } from '../kernel/machine.ts'
import type { Micros } from '../kernel/time.ts'
import type { StateImage, StateMachine } from './apply.ts'
import type { EtcdOptions } from './options.ts'
import { BACKEND_SYNCED, saveBackend } from './saves.ts'

const COMMIT = 1

export class Backend implements TimerTarget {
  readonly #options: EtcdOptions
  readonly #machine: StateMachine
  readonly #diskFull: (out: Out) => void
  /** The state before the newest transaction, which may still be open. */
  #settled: StateImage | undefined
  #settledIndex = 0
  #openIndex = 0
  #openedAt: Micros = 0
  /** The index last written to the disk. */
  #storedIndex = 0
  #armed = false
  /** A commit is under way: the backend's lock is held. */
  #saving = false
  /** A commit or a defragmentation waits for the lock. */
  #commitWaits = false
  #defragmentWaits = false
  #stopped = false

  constructor(options: EtcdOptions, machine: StateMachine, index: number, diskFull: (out: Out) => void) {
    this.#options = options
    this.#machine = machine
    this.#settledIndex = index
    this.#openIndex = index
    this.#storedIndex = index
    this.#diskFull = diskFull
  }

  /** A transaction begins that will bring the state to `index`. */
  begin(index: number, out: Out): void {
    if (index <= this.#openIndex) invariant(false, 'etcd: the applied index goes up', { index, open: this.#openIndex })
    this.#settled = this.#machine.image()
    this.#settledIndex = this.#openIndex
    this.#openIndex = index
    this.#openedAt = out.now
    if (!this.#armed) {
      this.#armed = true
      // Commits come on a grid, whatever the moment of the first write.
      const { backendCommitMicros } = this.#options
      out.after(backendCommitMicros - (out.now % backendCommitMicros), this, COMMIT)
    }
  }

  /** Writes everything anew, the state of the open transaction too, once no commit is under way. False when the disk is full. */
  defragment(out: Out): boolean {
    this.#defragmentWaits = this.#saving
    if (this.#saving) return true
    return this.#commitAll(this.#options.decisions.defragmentStoresIndex() ? this.#openIndex : this.#storedIndex, out)
  }

  /** The last commit of a member that stops in good order. */
  close(out: Out): void {
    this.#commitAll(this.#openIndex, out)
  }

  #commitAll(index: number, out: Out): boolean {
    this.#settled = undefined
    this.#settledIndex = this.#openIndex
    this.#storedIndex = index
    return this.#save(index, this.#machine.image(), out)
  }

  /** The state was replaced by a snapshot of `index`, which is durable on its own. */
  replaced(index: number): void {
    this.#settled = undefined
    this.#settledIndex = index
    this.#openIndex = index
    this.#storedIndex = index
  }

  /** This life of the member is over: nothing more is written. */
  stop(): void {
    this.#stopped = true
  }

  onTimer(kind: number, _a: number, out: Out): void {
    if (this.#stopped) return
    if (kind === BACKEND_SYNCED) {
      this.#saved(out)
      return
    }
    invariant(kind === COMMIT, 'etcd: the backend knows its timers', kind)
    this.#armed = false
    this.#commitWaits = this.#saving
    if (!this.#saving) this.#commit(out)
  }

  /** The lock is free for whoever waits for it. */
  #saved(out: Out): void {
    this.#saving = false
    if (this.#defragmentWaits) this.defragment(out)
    else if (this.#commitWaits) this.#commit(out)
  }

  #commit(out: Out): void {
    this.#commitWaits = false
    const { backendCommitMicros, openTransactionMicros, decisions } = this.#options
    const isOpen = this.#settled !== undefined && out.now - this.#openedAt < openTransactionMicros
    if (!isOpen) {
      this.#settled = undefined
      this.#settledIndex = this.#openIndex
    } else if (!this.#armed) {
      this.#armed = true
      out.after(backendCommitMicros, this, COMMIT)
    }
    const index = decisions.consistentIndex(this.#settledIndex, this.#openIndex)
    this.#storedIndex = index
    const state = this.#settled ?? this.#machine.image()
    this.#save(index, state, out)
  }

  #save(index: number, state: StateImage, out: Out): boolean {
    this.#saving = saveBackend({ index, state }, this, out)
    if (!this.#saving) this.#diskFull(out)
    return this.#saving
  }
}
