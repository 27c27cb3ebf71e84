/** What one pod's syncs share from one to the next: why containers wait, how often images were pulled. Small, and made lazily. */
import type { Micros, Out } from '../kernel/index.ts'
import type { Container, CoreEvent, Pod } from '../objects/index.ts'
import type { BackOffs } from './backoff.ts'
import type { PodEvents } from './podevents.ts'
import type { PodRecords } from './podrecords.ts'
import type { SyncContext, WaitingReason } from './podsync.ts'
import type { WorkerWorld } from './world.ts'

const NOT_WAITING: ReadonlyMap<string, WaitingReason> = new Map()

export class WorkerSyncContext implements SyncContext {
  readonly records: PodRecords
  readonly backOffs: BackOffs
  readonly imageBackOffs: BackOffs
  readonly images: Set<string>
  pod: Pod
  /** The world during the present step of a sync. */
  out!: Out
  /** Why containers wait, by name. Replaced, never changed. */
  waiting = NOT_WAITING
  #pullAttempts: Map<string, number> | undefined

  readonly #events: PodEvents | undefined

  constructor(pod: Pod, records: PodRecords, { backOffs, imageBackOffs, images, statuses }: WorkerWorld<never>) {
    this.pod = pod
    this.records = records
    this.backOffs = backOffs
    this.imageBackOffs = imageBackOffs
    this.images = images
    this.#events = statuses.events
  }

  tell({ name }: Container, type: CoreEvent['type'], reason: string, message: string): void {
    this.#events?.tell(this.pod, name, type, reason, message, this.out)
  }

  tellBackOff({ name }: Container): void {
    this.#events?.restartBackOff(this.pod, name, this.out)
  }

  now(): Micros {
    return this.out.now
  }

  setWaiting(container: string, why: WaitingReason | undefined): void {
    if (why === undefined && !this.waiting.has(container)) return
    const waiting = new Map(this.waiting)
    if (why === undefined) waiting.delete(container)
    else waiting.set(container, why)
    this.waiting = waiting.size === 0 ? NOT_WAITING : waiting
  }

  nextPullAttempt(image: string): number {
    this.#pullAttempts ??= new Map()
    const attempt = (this.#pullAttempts.get(image) ?? 0) + 1
    this.#pullAttempts.set(image, attempt)
    return attempt
  }
}
