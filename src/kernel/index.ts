/** Floor 0: virtual time, processes, network, disks, randomness, trace, invariants. What other floors may import. */

export type { AlarmTarget } from './alarms.ts'
export type { FactListener } from './core.ts'
export type { CrashMode, Device, DeviceCounters } from './device.ts'
export type { ConnectionLoss, KernelFact } from './facts.ts'
export { Fiber, type FiberState, type Interpreter, type Outcome, type Script } from './fiber.ts'
export { DeterminismError, guarded } from './guard.ts'
export { InvariantError, invariant, never } from './invariant.ts'
export { Kernel, type KernelOptions, type RunOptions } from './kernel.ts'
export { Latency } from './latency.ts'
export { type Busy, EventError, type RunResult } from './loop.ts'
export type {
  Disk,
  DiskRecord,
  DiskResult,
  Fact,
  Machine,
  Message,
  Out,
  ProcessId,
  Timer,
  TimerTarget,
} from './machine.ts'
export type { Network, RuleHandle } from './network.ts'
export type { PriorityChange, PrioritySchedule } from './priorities.ts'
export type { DataHandler, MachineFactory, ProcessContext } from './process.ts'
export { addressOf, Rand, Streams } from './random.ts'
export type { NetworkRule, RuleCounters, Verdict } from './rules.ts'
export { EPOCH_UNIX_MICROS, HOUR, MICROSECOND, MILLISECOND, MINUTE, type Micros, SECOND } from './time.ts'
export {
  type Bite,
  type Checkpoint,
  type Deed,
  type Difference,
  equalCheckpoints,
  firstDifference,
  type RecordedFact,
  type Trace,
  type TraceRow,
} from './trace.ts'
