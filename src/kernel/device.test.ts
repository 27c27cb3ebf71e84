// The disk: latencies in order, what crashes leave, faults and their evidence; and that synced records always survive.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CrashMode } from './device.ts'
import type { KernelFact } from './facts.ts'
import { at, spawn } from './fixture.ts'
import { Kernel } from './kernel.ts'
import type { Out } from './machine.ts'
import { SECOND } from './time.ts'

function world(crashMode: CrashMode = 'draw', seed = 1) {
  const kernel = new Kernel({ seed, crashMode })
  const synced: { readonly a: number; readonly at: number }[] = []
  const a = spawn(kernel, 'a', { timer: (_kind, number, out) => synced.push({ a: number, at: out.now }) })
  const act = (moment: number, body: (out: Out, sync: (a: number) => void) => void) =>
    at(kernel, moment, () =>
      kernel.enter(a, (self, out) => body(out, (number) => out.disk.sync('wal', self, 0, number))),
    )
  const read = () => kernel.deviceOf(a).read('wal')
  return { kernel, a, act, synced, read, device: kernel.deviceOf(a) }
}

test('syncs take 0.5 to 2.5 ms, one after the other, in the order of asking', () => {
  const { kernel, act, synced } = world()
  act(1_000, (out, sync) => {
    for (let i = 0; i < 50; i++) {
      out.disk.append('wal', i, 10)
      sync(i)
    }
  })
  kernel.run()
  expect(synced.map((entry) => entry.a)).toEqual(Array.from({ length: 50 }, (_, i) => i))
  const gaps = synced.map(({ at }, i) => at - (synced[i - 1]?.at ?? 1_000))
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(500)
  expect(Math.max(...gaps)).toBeLessThanOrEqual(2_500)
})

test('a disk that is well again also makes short work of the syncs that waited while it was slow', () => {
  const run = (healAt?: number) => {
    const { kernel, act, synced, device } = world()
    device.setSlow(1_000)
    act(1_000, (out, sync) => {
      for (let i = 0; i < 20; i++) {
        out.disk.append('wal', i, 10)
        sync(i)
      }
    })
    if (healAt !== undefined) at(kernel, healAt, () => device.setSlow(1))
    kernel.run()
    return synced
  }
  const slow = run()
  const healed = run(3 * SECOND)
  expect(healed.map(({ a }) => a)).toEqual(slow.map(({ a }) => a))
  expect(slow.at(-1)?.at).toBeGreaterThan(10 * SECOND)
  // What ended before is as it was; the rest takes a thousandth of what was left.
  const before = slow.filter(({ at }) => at <= 3 * SECOND)
  expect(healed.slice(0, before.length)).toEqual(before)
  const left = (slow.at(-1)?.at ?? 0) - 3 * SECOND
  expect(healed.at(-1)?.at).toBeLessThanOrEqual(3 * SECOND + left / 1_000 + 20)
  expect(healed.at(-1)?.at).toBeGreaterThanOrEqual(3 * SECOND + left / 1_000 - 20)
})

test('a sync that a crash took is not brought back when the disk is well again', () => {
  const { kernel, a, act, synced, device } = world('lose-unsynced')
  device.setSlow(1_000)
  act(1_000, (out, sync) => {
    out.disk.append('wal', 0, 10)
    sync(0)
  })
  at(kernel, 10_000, () => kernel.crash(a))
  at(kernel, 11_000, () => kernel.restart(a))
  at(kernel, 12_000, () => device.setSlow(1))
  kernel.run()
  expect(synced).toEqual([])
})

test.each<[CrashMode, readonly string[]]>([
  ['lose-unsynced', ['0 ok', '1 ok']],
  ['keep-unsynced', ['0 ok', '1 ok', '2 ok', '3 ok', '4 ok']],
])('%s', (mode, expected) => {
  expect(afterCrash(mode, 1)).toEqual(expected)
})

test('tear leaves a prefix and a torn record; draw leaves any prefix, torn or not', () => {
  const torn = new Set<string>()
  const drawn = new Set<string>()
  for (let seed = 0; seed < 60; seed++) {
    const left = afterCrash('tear', seed)
    expect(left.slice(0, 2)).toEqual(['0 ok', '1 ok'])
    expect(left.at(-1)).toMatch(/torn$/)
    torn.add(left.join(', '))
    drawn.add(afterCrash('draw', seed).join(', '))
  }
  expect(torn.size).toBe(3)
  expect(drawn.size).toBe(7)
})

test('what was synced survives any sequence of writes and crashes, and what survives was written, in order', () => {
  const program = (...acts: string[]) =>
    fc.array(fc.record({ pause: fc.nat(2_000), act: fc.constantFrom(...acts) }), { maxLength: 80, size: 'max' })
  const plain = ['append', 'append', 'append', 'sync', 'crash', 'power']
  const programs = fc.oneof(program(...plain), program(...plain, 'truncate', 'release'))
  let survivors = 0
  fc.assert(
    fc.property(fc.nat(), programs, (seed, steps) => {
      const { kernel, a, act, read, device } = world('draw', seed)
      let written = 0
      let moment = 0
      for (const { pause, act: kind } of steps) {
        moment += pause
        if (kind === 'append') act(moment, (out) => out.disk.append('wal', written++, 1))
        else if (kind === 'sync') act(moment, (_out, sync) => sync(0))
        else if (kind === 'truncate')
          act(moment, (out) => out.disk.truncate('wal', Math.max(0, out.disk.read('wal').length - 2)))
        else if (kind === 'release') act(moment, (out) => out.disk.release('wal', 1))
        else
          at(kernel, moment, () => {
            const before = device.read('wal').slice(0, device.durableLength('wal'))
            if (kind === 'crash') kernel.crash(a)
            else kernel.crashHost('host-of-a')
            const after = read()
            // An unsynced truncation may be lost or kept; without one, what is durable is untouched.
            if (!truncated) {
              expect(after.slice(0, before.length)).toEqual(before)
              survivors += before.length
            }
            const values = after.map((record) => record.value as number)
            expect(values).toEqual([...new Set(values)].sort((x, y) => x - y))
            expect(after.slice(0, -1).every((record) => record.state === 'ok' || truncated || torn)).toBe(true)
            torn ||= after.some((record) => record.state === 'torn')
            kernel.restartHost('host-of-a')
            kernel.restart(a)
          })
      }
      const truncated = steps.some((entry) => entry.act === 'truncate' || entry.act === 'release')
      let torn = false
      kernel.run()
    }),
    { seed: 3, numRuns: 1_000 },
  )
  expect(survivors).toBeGreaterThan(2_000)
})

test('a sync that was answered is durable, even if the process was paused when it ended', () => {
  const { kernel, a, act, synced, read } = world('lose-unsynced')
  act(10, (out, sync) => {
    out.disk.append('wal', 'x', 1)
    sync(1)
  })
  at(kernel, 20, () => kernel.pause(a))
  at(kernel, SECOND, () => kernel.crash(a))
  kernel.run()
  expect(synced).toEqual([])
  expect(read().length).toBe(1)
})

test('a slow disk is slower by its factor, a full one refuses, a lying one loses: each with evidence', () => {
  const { kernel, a, act, synced, read, device } = world('lose-unsynced')
  at(kernel, 5, () => device.setSlow(100))
  act(10, (out, sync) => {
    expect(out.disk.append('wal', 'slow', 1)).toBe('ok')
    sync(1)
  })
  at(kernel, SECOND, () => {
    device.setSlow(1)
    device.setFull(true)
  })
  act(SECOND + 1, (out) => {
    expect(out.disk.append('wal', 'full', 1)).toBe('full')
    expect(out.disk.replace('wal', 'full', 1)).toBe('full')
    device.setFull(false)
    device.setLostFsync(true)
    out.disk.append('wal', 'lied about', 1)
  })
  act(SECOND + 2, (_out, sync) => sync(2))
  at(kernel, 2 * SECOND, () => kernel.crash(a))
  kernel.run()
  expect(synced.map((entry) => entry.a)).toEqual([1, 2])
  expect(synced[0]?.at).toBeGreaterThan(50_000)
  expect(read().map((record) => record.value)).toEqual(['slow'])
  expect(device.counters).toEqual({ slow: 1, full: 2, 'lost-fsync': 1, corrupt: 0, lost: 1, torn: 0 })
})

test('a corrupt record is marked; it is the same file otherwise', () => {
  const { kernel, act, read, device } = world()
  act(10, (out, sync) => {
    for (const value of ['a', 'b', 'c']) out.disk.append('wal', value, 1)
    sync(1)
  })
  kernel.run()
  expect(device.corrupt('wal', 1)).toBe(true)
  expect(device.corrupt('wal', 9)).toBe(false)
  expect(device.corrupt('none', 0)).toBe(false)
  expect(read().map((record) => `${record.value} ${record.state}`)).toEqual(['a ok', 'b corrupt', 'c ok'])
})

/** Texts, one behind the other. */
const TEXTS = {
  encode(values: readonly unknown[]) {
    const ends: number[] = []
    let text = ''
    for (const value of values) {
      text += value as string
      ends.push(text.length)
    }
    return { bytes: new TextEncoder().encode(text), ends }
  },
}

test('of a torn write in a file with a layout some sectors are there and the others are zero', () => {
  const kinds = new Set<string>()
  for (let seed = 0; seed < 200; seed++) {
    const { kernel, a, act, read, device } = world('draw', seed)
    act(10, (out, sync) => {
      out.disk.layOut('wal', TEXTS)
      out.disk.append('wal', 'a'.repeat(700), 700)
      sync(1)
    })
    act(10_000, (out) => out.disk.append('wal', 'b'.repeat(1_000), 1_000))
    at(kernel, 20_000, () => kernel.crash(a))
    kernel.run()
    const bytes = device.damaged('wal')
    if (bytes === undefined) {
      kinds.add(`whole ${read().length}`)
      continue
    }
    expect(read().map(({ state }) => state)).toEqual(['ok', 'torn'])
    // The write begins in the second sector, whose first part was there before.
    const sectors = [bytes.subarray(700, 1024), bytes.subarray(1024, 1536), bytes.subarray(1536, 1700)]
    expect(bytes.subarray(0, 700).every((byte) => byte === 97)).toBe(true)
    kinds.add(sectors.map((part) => [...new Set(part)].join()).join(' '))
  }
  expect([...kinds].sort()).toEqual(
    ['0 0 98', '0 98 0', '0 98 98', '98 0 0', '98 0 98', '98 98 0', '98 98 98', 'whole 1', 'whole 2'].sort(),
  )
})

test('faults of single bytes and sectors are seen by whoever reads the file anew, and cut off with what they hit', () => {
  const { kernel, act, device } = world()
  act(10, (out, sync) => {
    out.disk.layOut('wal', TEXTS)
    for (const text of ['a', 'b', 'c']) out.disk.append('wal', text.repeat(512), 512)
    sync(1)
  })
  kernel.run()
  expect(device.damaged('wal')).toBeUndefined()
  expect([device.flip('wal', 600, 1), device.flip('wal', 9_999, 1), device.loseSector('wal', 2)]).toEqual([
    true,
    false,
    true,
  ])
  expect(device.loseSector('none', 0)).toBe(false)
  const bytes = device.damaged('wal') as Uint8Array
  expect([bytes[599], bytes[600], bytes[1024], bytes.length]).toEqual([98, 99, 0, 1536])
  expect(device.counters.corrupt).toBe(2)
  act(kernel.now + 10, (out, sync) => {
    out.disk.truncate('wal', 1)
    sync(2)
  })
  kernel.run()
  expect(device.damaged('wal')).toBeUndefined()
  expect(device.durableLength('wal')).toBe(1)
})

test('a file replaced but not synced is the old one or the new one, never a mixture', () => {
  const left = new Set<string>()
  for (let seed = 0; seed < 40; seed++) {
    const { kernel, a, act, read } = world('draw', seed)
    act(10, (out, sync) => {
      out.disk.append('wal', 'old 1', 1)
      out.disk.append('wal', 'old 2', 1)
      sync(1)
    })
    act(20_000, (out) => out.disk.replace('wal', 'new', 1))
    at(kernel, 20_001, () => kernel.crash(a))
    kernel.run()
    left.add(
      read()
        .map((record) => `${record.value}`)
        .join(),
    )
  }
  expect([...left].sort()).toEqual(['new', 'old 1,old 2'])
})

test.each<[name: string, CrashMode, seconds: number, left: readonly string[]]>([
  ['a loss of power takes it', 'lose-unsynced', 1, ['old']],
  ['the end of a process does not', 'keep-unsynced', 1, ['old', 'new']],
  ['the system has written the folder back', 'lose-unsynced', 31, ['old', 'new']],
])('a file whose name was not synced: %s', (_name, mode, seconds, left) => {
  const { kernel, a, act } = world(mode)
  const lost: string[] = []
  kernel.subscribe('file-lost', (fact) => lost.push((fact as Extract<KernelFact, { type: 'file-lost' }>).file))
  act(10, (out) => {
    for (const file of ['old', 'new']) {
      out.disk.append(file, 1, 1)
      out.disk.sync(file, { onTimer() {} }, 0)
    }
    out.disk.leaveNameUnsynced('new')
  })
  at(kernel, seconds * SECOND, () => kernel.crash(a))
  kernel.run()
  expect(kernel.deviceOf(a).files()).toEqual(left)
  expect(lost).toEqual(['old', 'new'].filter((file) => !left.includes(file)))
})

function afterCrash(mode: CrashMode, seed: number): string[] {
  const { kernel, a, act, read } = world(mode, seed)
  act(10, (out, sync) => {
    out.disk.append('wal', 0, 1)
    out.disk.append('wal', 1, 1)
    sync(1)
  })
  act(10_000, (out) => {
    for (const value of [2, 3, 4]) out.disk.append('wal', value, 1)
  })
  at(kernel, 20_000, () => kernel.crash(a))
  kernel.run()
  return read().map((record) => `${record.value} ${record.state}`)
}
