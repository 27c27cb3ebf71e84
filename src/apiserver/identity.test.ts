/** Names and uids: a function of the moment and of what is named, and never given twice. */
import { expect, test } from 'vitest'
import { Streams } from '../kernel/index.ts'
import { Identities } from './identity.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/

test('three hundred thousand objects have as many uids', () => {
  const identities = new Identities(new Streams('identities'))
  const seen = new Set<string>()
  const objects = 300_000
  for (let i = 0; i < objects; i++) seen.add(identities.uid(`/registry/pods/default/web-${i % 1_000}`, i * 37))
  expect(seen.size).toBe(objects)
  for (const uid of [...seen].slice(0, 100)) expect(uid).toMatch(UUID)
})

test('a uid depends on the moment, the key and the seed alone', () => {
  const one = new Identities(new Streams(1))
  const same = new Identities(new Streams(1))
  same.uid('/registry/pods/default/earlier', 5)
  expect(same.uid('/registry/pods/default/web', 10)).toBe(one.uid('/registry/pods/default/web', 10))
  expect(one.uid('/registry/pods/default/web', 11)).not.toBe(one.uid('/registry/pods/default/web', 10))
  expect(one.uid('/registry/pods/default/api', 10)).not.toBe(one.uid('/registry/pods/default/web', 10))
  expect(new Identities(new Streams(2)).uid('/registry/pods/default/web', 10)).not.toBe(
    one.uid('/registry/pods/default/web', 10),
  )
})

test('several names of one prefix at one moment differ, and a moment later counting begins anew', () => {
  const identities = new Identities(new Streams(3))
  const names = Array.from({ length: 50 }, () =>
    identities.name('default', 'web-', 10, identities.ordinal('default', 'web-', 10), 0),
  )
  expect(new Set(names).size).toBe(50)
  expect(identities.ordinal('default', 'web-', 10)).toBe(50)
  expect(identities.ordinal('default', 'web-', 11)).toBe(0)
})
