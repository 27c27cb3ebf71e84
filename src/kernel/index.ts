/** Floor 0: virtual time, machines, disks, randomness, invariants. What other floors may import. */
export type { Disk, DiskRecord, DiskResult } from './disk.ts'
export { InvariantError, invariant, never } from './invariant.ts'
export type { Fact, Machine, Message, Out, ProcessId, Timer, TimerTarget } from './machine.ts'
export { addressOf, Rand, Streams } from './random.ts'
export { EPOCH_UNIX_MICROS, HOUR, MICROSECOND, MILLISECOND, MINUTE, type Micros, SECOND } from './time.ts'
