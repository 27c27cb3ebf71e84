/** What the kernel itself publishes: lives and deaths of processes and hosts, and lost connections. */
import type { ProcessId } from './machine.ts'

export type KernelFact =
  | { readonly type: 'process-started'; readonly process: ProcessId; readonly name: string; readonly boot: number }
  | {
      readonly type: 'process-crashed' | 'process-paused' | 'process-resumed'
      readonly process: ProcessId
      readonly name: string
    }
  | { readonly type: 'host-crashed' | 'host-restarted'; readonly host: string }
  | {
      readonly type: 'clock-set'
      readonly host: string
      readonly skewMicros: number | undefined
      readonly driftPpm: number | undefined
    }
  /** One end has learned that its connection is gone; its `onDisconnect` follows. */
  | {
      readonly type: 'connection-lost'
      readonly process: ProcessId
      readonly peer: ProcessId
      readonly reason: ConnectionLoss
    }
  /** A crash took records that were not synced. */
  | {
      readonly type: 'records-lost'
      readonly process: ProcessId
      readonly file: string
      readonly lost: number
      readonly torn: boolean
    }
  /** A crash took a file whose name was not synced. */
  | { readonly type: 'file-lost'; readonly process: ProcessId; readonly file: string }

/** `replaced`: the other end has forgotten this connection and opened another. */
export type ConnectionLoss = 'refused' | 'dial-timed-out' | 'timed-out' | 'reset' | 'replaced'
