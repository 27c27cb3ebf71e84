/** Events as `kubectl events` shows them: the oldest first, with how often and for how long. Models kubectl pkg/cmd/events, v1.33. */
import type { Micros } from '../kernel/index.ts'
import { type CoreEvent, parseTime } from '../objects/index.ts'
import { textTable } from './text-table.ts'
import { age } from './time.ts'

const HEADER = ['NAMESPACE', 'LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE']

/** The table as of the wall-clock reading `wallMicros` (Unix microseconds); empty when there are no events. */
export function eventTable(events: readonly CoreEvent[], wallMicros: Micros): string {
  if (events.length === 0) return ''
  const rows = events
    .toSorted((a, b) => parseTime(a.lastTimestamp) - parseTime(b.lastTimestamp))
    .map((event) => {
      const { metadata, type, reason, involvedObject, message } = event
      const object = `${involvedObject.kind}/${involvedObject.name}`
      return [metadata.namespace ?? '', lastSeen(event, wallMicros), type, reason, object, message]
    })
  return textTable(HEADER, rows)
}

function lastSeen({ count, firstTimestamp, lastTimestamp }: CoreEvent, wallMicros: Micros): string {
  const last = age(wallMicros - parseTime(lastTimestamp))
  return count > 1 ? `${last} (x${count} over ${age(wallMicros - parseTime(firstTimestamp))})` : last
}
