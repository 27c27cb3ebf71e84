// Tables for the recording double: timer order, sync semantics, crash.
import { expect, test } from 'vitest'
import type { Out, TimerTarget } from './machine.ts'
import { RecordingOut } from './testing.ts'

class Log implements TimerTarget {
  readonly seen: string[] = []
  onTimer(kind: number, a: number, out: Out): void {
    this.seen.push(`${out.now}:${kind}/${a}`)
  }
}

test('timers fire in order of time, then of asking; cancelled ones never', () => {
  const out = new RecordingOut()
  const log = new Log()
  out.after(20, log, 1)
  out.after(10, log, 2, 7)
  out.after(20, log, 3)
  const gone = out.after(15, log, 4)
  out.cancel(gone)
  out.cancel(0)
  out.advance(15)
  expect(log.seen).toEqual(['10:2/7'])
  out.advance(5)
  expect(log.seen).toEqual(['10:2/7', '20:1/0', '20:3/0'])
  expect(out.fireNext()).toBe(false)
})

test('a crash keeps what was synced and loses the rest', () => {
  const out = new RecordingOut()
  const log = new Log()
  out.disk.append('wal', 'a', 1)
  out.disk.sync('wal', log, 9)
  out.disk.append('wal', 'b', 1)
  out.advance(1_000)
  expect(log.seen).toEqual(['1000:9/0'])
  out.crash()
  expect(out.disk.read('wal').map((record) => record.value)).toEqual(['a'])
})

test('a torn record is there but not ok', () => {
  const out = new RecordingOut()
  out.disk.append('wal', 'a', 1)
  out.disk.crash(true)
  expect(out.disk.read('wal').map((record) => record.state)).toEqual(['torn'])
})
