/** The inputs that a member may get, as numbers: what the search takes, what it counts them as, and how a script tells them. */
import type { RaftMessage } from '../messages.ts'
import type { RaftInput } from '../step.ts'
import type { MemberId } from '../types.ts'
import type { Counted } from './bounds.ts'
import { changeOf, changeText, LEAVE } from './codes.ts'

/** The election pause is over. */
export const TICK = 0
export const HEARTBEAT = 1
/** The disk finishes its oldest write. */
export const SYNC = 2
export const CRASH = 3
export const RESTART = 4
/** The member saves its state machine and compacts its log. */
export const SNAPSHOT = 5
/** The leader counts whom it hears. */
export const CHECK = 6
/** A follower has not heard its leader for an election time-out, and does not campaign yet. */
export const LAPSE = 7
/** So much time passes as lies between two heartbeats. */
export const MOMENT = 8
/** So much time passes, and whatever is under way is lost. */
export const OUTAGE = 9
/** The next four have a member, a number or a change in the bits below. */
export const LOST = 16
export const TRANSFER = 24
export const READ = 32
export const PROPOSE = 48
export const CHANGE = 64
/** A message is its number plus this. */
export const DELIVER = 128

/** What an input is counted as; undefined when it is not bounded. */
export function countedAs(input: number): Counted | undefined {
  switch (input) {
    case CRASH:
      return 'crashes'
    case HEARTBEAT:
      return 'heartbeats'
    case SNAPSHOT:
      return 'snapshots'
    case CHECK:
      return 'checks'
    case LAPSE:
      return 'lapses'
    case MOMENT:
    case OUTAGE:
      return 'moments'
  }
  if (input < TRANSFER) return undefined
  if (input < READ) return 'transfers'
  if (input < PROPOSE) return 'reads'
  if (input < CHANGE) return 'proposals'
  return input < CHANGE + LEAVE ? 'changes' : 'joint'
}

/** The input of the machine, where it is one; `members` are all that are explored. */
export function machineInput(input: number, message: RaftMessage | undefined, members: number): RaftInput | undefined {
  if (message !== undefined) return { kind: 'message', message }
  switch (input) {
    case TICK:
      return { kind: 'election-timeout' }
    case HEARTBEAT:
    case CHECK:
      return { kind: 'heartbeat-timeout' }
    case RESTART:
      return { kind: 'start' }
  }
  if (input < LOST) return undefined
  if (input < TRANSFER) return { kind: 'snapshot-report', id: input - LOST, delivered: false }
  if (input < READ) return { kind: 'transfer', to: input - TRANSFER }
  if (input < PROPOSE) return { kind: 'read', context: input - READ }
  const data = input < CHANGE ? input - PROPOSE : changeOf(input - CHANGE, members)
  return { kind: 'propose', proposals: [{ data, bytes: 1 }] }
}

const TEXTS = [
  'election time-out',
  'heartbeat',
  'its disk finishes a write',
  'crash',
  'restart',
  'snapshot, and compact the log',
  'count who is heard',
  'the leader was not heard for long',
  'time passes',
  'time passes, and what is under way is lost',
] as const

export function inputText(id: MemberId, input: number): string {
  return `${id === 0 ? 'everybody' : `member ${id}`}: ${TEXTS[input] ?? numberedText(input)}`
}

function numberedText(input: number): string {
  if (input < TRANSFER) return `the snapshot for member ${input - LOST} is lost`
  if (input < READ) return `hand over to member ${input - TRANSFER}`
  if (input < PROPOSE) return 'read'
  return `propose ${input < CHANGE ? `v${input - PROPOSE}` : changeText(input - CHANGE)}`
}
