// The checksum against known values, and frames that are read as they were written.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MembershipChange } from '../raft/index.ts'
import { checksum } from './crc.ts'
import { decodeFrames, entryOf, FrameWriter, textOf } from './frames.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)

test.each([
  ['', 0],
  ['a', 0xc1d04330],
  ['123456789', 0xe3069283],
])('the checksum of %j', (text, expected) => {
  expect(checksum(bytesOf(text))).toBe(expected)
})

test('the checksum of two parts is that of the whole', () => {
  expect(checksum(bytesOf('6789'), checksum(bytesOf('12345')))).toBe(0xe3069283)
})

test('frames are read as they were written; a flipped bit ends the reading there, or passes for a torn write', () => {
  const texts = fc.array(fc.string({ maxLength: 1_500, unit: 'binary' }), { minLength: 1, maxLength: 6 })
  let corrupt = 0
  fc.assert(
    fc.property(texts, fc.nat(), fc.nat(7), (given, place, bit) => {
      const writer = new FrameWriter()
      writer.begin(3)
      for (const text of given) writer.add({ type: 'entry', text })
      const bytes = writer.bytes()
      expect(bytes.length % 8).toBe(0)
      const read = decodeFrames(bytes, true)
      expect(read.frames.slice(1).map(({ text }) => text)).toEqual(given)
      expect([read.stop, read.ends.at(-1)]).toEqual(['end', bytes.length])
      const at = place % bytes.length
      bytes[at] = (bytes[at] as number) ^ (1 << bit)
      const damaged = decodeFrames(bytes, true)
      if (damaged.stop === 'corrupt') corrupt++
      const before = read.ends.filter((end) => end <= at).length
      // Padding has no checksum, the unused bytes of a length are read over.
      if (damaged.stop === 'end')
        expect(damaged.frames.every(({ text }, i) => i === 0 || text === given[i - 1])).toBe(true)
      else {
        // What the checksums begin with and how much padding follows are not checked themselves: the next record fails.
        expect(damaged.frames.length).toBeGreaterThanOrEqual(before)
        expect(damaged.frames.length).toBeLessThanOrEqual(before + 1)
      }
    }),
    { seed: 5, numRuns: 400 },
  )
  expect(corrupt).toBeGreaterThan(200)
})

test('an entry is the same after its text, whatever it carries', () => {
  const request = { type: 'put', key: 'é', value: { a: [1, null] } }
  const change = new MembershipChange([{ kind: 'add-learner', member: 4 }], 'auto', { origin: 1, id: 9 })
  for (const data of [null, { origin: 0, id: 7, request }, change]) {
    const entry = { index: 3, term: 2, bytes: 10, data }
    expect(entryOf(textOf(entry))).toEqual(entry)
  }
})
