/**
 * The disk behind one process's directory: when a sync ends, what a crash leaves, and the faults that it can have. One
 * sync at a time, in the order of asking; each takes 0.5 to 2.5 ms (an SSD with power-loss protection is faster, a
 * cloud volume slower), drawn by (disk, virtual time, index within the microsecond).
 * Reads are free and never fail; a corrupt or torn record comes back marked. Durability itself is in `files.ts`.
 */
import { type Core, SYNCED } from './core.ts'
import type { KernelFact } from './facts.ts'
import { type Mark, type RecordFile, SECTOR_BYTES } from './files.ts'
import { Folder } from './folder.ts'
import { invariant } from './invariant.ts'
import type { Disk, DiskRecord, DiskResult, Layout, Out, Timer, TimerTarget } from './machine.ts'
import type { Process } from './process.ts'
import { addressOf, type Rand } from './random.ts'
import type { Micros } from './time.ts'

/**
 * What becomes of unsynced operations when the process dies. `lose-unsynced`: all gone. `keep-unsynced`: all there (the
 * page cache outlives a process). `tear`: a prefix is there and the next record is torn. `draw`: any prefix, torn or not.
 */
export type CrashMode = 'lose-unsynced' | 'keep-unsynced' | 'tear' | 'draw'

/** What the disk's faults, and crashes, did so far. */
export interface DeviceCounters {
  /** Syncs that took longer. */
  slow: number
  /** Writes refused. */
  full: number
  /** Syncs answered without making anything durable. */
  'lost-fsync': number
  /** Records damaged. */
  corrupt: number
  /** Unsynced operations that a crash took. */
  lost: number
  /** Records that a crash tore. */
  torn: number
}

/** By then the system has written back by itself what nobody synced (Linux: dirty_expire_centisecs). */
const WRITE_BACK_MICROS: Micros = 30_000_000
export const SYNC_LOW_MICROS: Micros = 500
export const SYNC_HIGH_MICROS: Micros = 2_500
const TORN_PPM = 250_000
const HALF_PPM = 500_000
const NONE = () => false

export class Device extends Folder {
  crashMode: CrashMode = 'draw'
  readonly counters: DeviceCounters = { slow: 0, full: 0, 'lost-fsync': 0, corrupt: 0, lost: 0, torn: 0 }
  #slowFactor = 1
  #full = false
  #losesSyncs = false
  readonly #core: Core
  readonly #process: Process
  readonly #stream: Rand
  /** Files whose names are not synced, and since when they have them. */
  readonly #named = new Map<string, Micros>()
  #busyUntil: Micros = 0
  /** Syncs asked for while the disk was slow that have not ended, in order. */
  readonly #slowed: SlowedSync[] = []
  #lastAsked: Micros = -1
  #index = 0

  constructor(core: Core, process: Process) {
    super()
    this.#core = core
    this.#process = process
    this.#stream = core.streams.get(`disk/${process.name}`)
  }

  /** Number of durable records in a file. */
  durableLength(file: string): number {
    return this.entries.get(file)?.durableLength ?? 0
  }

  /** A fault: syncs take so many times as long; 1 is healthy. What is left of those under way changes too. */
  setSlow(factor: number): void {
    invariant(factor > 0, 'kernel: a disk is slower by a factor above 0', factor)
    this.#hurry(factor / this.#slowFactor)
    this.#slowFactor = factor
  }

  /** The time that the slowed syncs still need becomes `ratio` times as long. */
  #hurry(ratio: number): void {
    const core = this.#core
    const { now, cause } = core
    let [before, end] = [now, now]
    for (const sync of this.#slowed.splice(0)) {
      if (sync.end <= now || !core.queue.cancel(sync.timer)) continue
      const left = sync.end - before
      before = sync.end
      end += Math.max(1, Math.floor(left * ratio))
      // Whoever asked for it is to blame for its end, whenever that is.
      core.cause = sync.cause
      this.#postSlow(end, sync.code, sync.a, sync.pending)
    }
    core.cause = cause
    if (end > now) this.#busyUntil = end
  }

  /** A fault: writes are refused (ENOSPC). What is written stays. */
  setFull(full: boolean): void {
    this.#full = full
  }

  /** A fault: syncs answer and make nothing durable (a write cache that lies). A later true sync covers what these left out. */
  setLostFsync(lost: boolean): void {
    this.#losesSyncs = lost
  }

  /** A fault: damages the synced record at `position`; false when there is none. */
  corrupt(file: string, position: number): boolean {
    const did = this.entries.get(file)?.corrupt(position) ?? false
    if (did) this.counters.corrupt++
    return did
  }

  /** A fault: flips the bits of `mask` in a synced byte of a file with a layout; false when there is none. */
  flip(file: string, at: number, mask: number): boolean {
    return this.#damage(file, at, 1, mask)
  }

  /** A fault: a sector of a file with a layout was never written, though its sync was answered; false when that is no matter. */
  loseSector(file: string, sector: number): boolean {
    return this.#damage(file, sector * SECTOR_BYTES, SECTOR_BYTES)
  }

  /** The synced bytes of a file with a layout, with the damage that there is; none of another file. */
  durableBytes(file: string): Uint8Array {
    return this.entries.get(file)?.durableBytes() ?? new Uint8Array(0)
  }

  override remove(file: string): void {
    super.remove(file)
    this.#named.delete(file)
  }

  leaveNameUnsynced(file: string): void {
    this.#named.set(file, this.#core.now)
  }

  append(file: string, value: unknown, bytes: number): DiskResult {
    if (this.#full) return this.#refuse()
    this.file(file).append(value, bytes)
    return 'ok'
  }

  replace(file: string, value: unknown, bytes: number): DiskResult {
    if (this.#full) return this.#refuse()
    this.file(file).replace(value, bytes)
    return 'ok'
  }

  sync(name: string, target: TimerTarget, kind: number, a: number): void {
    const core = this.#core
    const now = core.now
    if (this.#lastAsked === now) this.#index++
    else {
      this.#lastAsked = now
      this.#index = 0
    }
    let latency = this.#stream.intAt(SYNC_LOW_MICROS, SYNC_HIGH_MICROS, now, this.#index)
    if (this.#slowFactor !== 1) {
      latency = Math.floor(latency * this.#slowFactor)
      this.counters.slow++
    }
    const file = this.file(name)
    if (this.#losesSyncs) this.counters['lost-fsync']++
    const pending = new PendingSync(file, this.#losesSyncs ? 0 : file.mark(), target)
    const end = (now > this.#busyUntil ? now : this.#busyUntil) + latency
    invariant(end > this.#busyUntil, 'kernel: syncs of one disk end in the order of asking')
    this.#busyUntil = end
    const code = (kind << 3) | SYNCED
    if (this.#slowFactor === 1) core.post(end, this.#process, code, a, pending)
    else this.#postSlow(end, code, a, pending)
  }

  #postSlow(end: Micros, code: number, a: number, pending: PendingSync): void {
    const { now, cause } = this.#core
    while (this.#slowed[0] !== undefined && this.#slowed[0].end < now) this.#slowed.shift()
    const timer = this.#core.post(end, this.#process, code, a, pending)
    this.#slowed.push({ end, timer, cause, code, a, pending })
  }

  /** The process died at this moment. */
  onCrash(): void {
    this.#busyUntil = 0
    this.#slowed.length = 0
    for (const [name, file] of this.entries) {
      const unsynced = file.unsynced
      if (unsynced === 0) continue
      const { kept, torn } = this.#fateOf(name, unsynced)
      const tore = file.crash(kept, torn, torn ? this.#survivors(name) : NONE)
      const lost = unsynced - kept
      this.counters.lost += lost
      if (tore) this.counters.torn++
      if (lost === 0) continue
      const fact: KernelFact = { type: 'records-lost', process: this.#process.id, file: name, lost, torn: tore }
      this.#core.note(fact, this.#process.id)
    }
    if (this.#named.size > 0) this.#loseNames()
  }

  #loseNames(): void {
    for (const [file, since] of this.#named) {
      if (this.#core.now - since >= WRITE_BACK_MICROS || !this.#losesName(file)) continue
      this.entries.delete(file)
      const fact: KernelFact = { type: 'file-lost', process: this.#process.id, file }
      this.#core.note(fact, this.#process.id)
    }
    this.#named.clear()
  }

  #losesName(file: string): boolean {
    if (this.crashMode === 'keep-unsynced') return false
    return this.crashMode !== 'draw' || this.#stream.chanceAt(HALF_PPM, this.#core.now, addressOf(file), 0)
  }

  #fateOf(file: string, unsynced: number): { readonly kept: number; readonly torn: boolean } {
    const now = this.#core.now
    const address = addressOf(file)
    switch (this.crashMode) {
      case 'lose-unsynced':
        return { kept: 0, torn: false }
      case 'keep-unsynced':
        return { kept: unsynced, torn: false }
      case 'tear':
        return { kept: this.#stream.intAt(0, unsynced - 1, now, address, 1), torn: true }
      case 'draw': {
        const kept = this.#stream.intAt(0, unsynced, now, address, 1)
        return { kept, torn: this.#stream.chanceAt(TORN_PPM, now, address, 2) }
      }
    }
  }

  /** Which sectors of a torn write reached the disk: any, in any order, but not all of them. */
  #survivors(file: string): (sector: number) => boolean {
    const now = this.#core.now
    const address = addressOf(file)
    const lost = this.#stream.intAt(0, 3, now, address, 3)
    return (sector) => sector !== lost && this.#stream.chanceAt(HALF_PPM, now, address, 4 + sector)
  }

  #damage(file: string, from: number, count: number, mask?: number): boolean {
    const did = this.entries.get(file)?.damage(from, count, mask) ?? false
    if (did) this.counters.corrupt++
    return did
  }

  #refuse(): DiskResult {
    this.counters.full++
    return 'full'
  }
}

interface SlowedSync {
  readonly end: Micros
  readonly timer: Timer
  readonly cause: number
  readonly code: number
  readonly a: number
  readonly pending: PendingSync
}

/** A sync under way. The disk ends it whether or not its process is running; the process is told when it runs. */
export class PendingSync {
  readonly #file: RecordFile
  readonly #mark: Mark
  readonly #target: TimerTarget

  constructor(file: RecordFile, mark: Mark, target: TimerTarget) {
    this.#file = file
    this.#mark = mark
    this.#target = target
  }

  /** What was asked for is durable now. */
  settle(): void {
    this.#file.settle(this.#mark)
  }

  tell(kind: number, a: number, out: Out): void {
    this.#target.onTimer(kind, a, out)
  }
}

/** The disk as one incarnation of a process sees it: a dead one's writes go nowhere. */
export class DiskOfProcess implements Disk {
  live = true
  readonly #device: Device

  constructor(device: Device) {
    this.#device = device
  }

  append(file: string, value: unknown, bytes: number): DiskResult {
    return this.live ? this.#device.append(file, value, bytes) : 'ok'
  }

  sync(file: string, target: TimerTarget, kind: number, a = 0): void {
    if (this.live) this.#device.sync(file, target, kind, a)
  }

  replace(file: string, value: unknown, bytes: number): DiskResult {
    return this.live ? this.#device.replace(file, value, bytes) : 'ok'
  }

  truncate(file: string, from: number): void {
    if (this.live) this.#device.truncate(file, from)
  }

  release(file: string, count: number): void {
    if (this.live) this.#device.release(file, count)
  }

  read(file: string): readonly DiskRecord[] {
    return this.#device.read(file)
  }

  layOut(file: string, layout: Layout): void {
    if (this.live) this.#device.layOut(file, layout)
  }

  damaged(file: string): Uint8Array | undefined {
    return this.#device.damaged(file)
  }

  files(): readonly string[] {
    return this.#device.files()
  }

  remove(file: string): void {
    if (this.live) this.#device.remove(file)
  }

  leaveNameUnsynced(file: string): void {
    if (this.live) this.#device.leaveNameUnsynced(file)
  }
}
