/** The watches of one client, message by message: what belongs to which watch when news and watches cross on the way. */
import { expect, test } from 'vitest'
import { RecordingOut } from '../kernel/testing.ts'
import { WatchSet } from './clientwatch.ts'
import type { WatchEvent } from './types.ts'

const MEMBER = 7

function put(revision: number): WatchEvent {
  const kv = { key: 'a', value: revision, bytes: 1, createRevision: 2, modRevision: revision, version: 1, lease: 0 }
  return { type: 'put', kv, previous: undefined }
}

test('news of progress that was under way before a watch was there is not about it', () => {
  const out = new RecordingOut()
  const shown: number[] = []
  const progress: number[] = []
  const watches = new WatchSet()
  const watch = watches.add(
    { key: 'a', startRevision: 5 },
    {
      onEtcdEvents: (_watch, events) => shown.push(...events.map(({ kv }) => kv.modRevision)),
      onEtcdProgress: (_watch, revision) => progress.push(revision),
      onEtcdCompacted: () => {},
    },
  )
  watches.create(watch, MEMBER, out)
  watches.onMessage(MEMBER, { type: 'etcd-watch-progress', watch: 0, revision: 9 }, out)
  watches.onMessage(MEMBER, { type: 'etcd-watch-created', watch: watch.id, revision: 9 }, out)
  const events = [put(5), put(9)]
  watches.onMessage(MEMBER, { type: 'etcd-watch-events', watch: watch.id, events, revision: 9, acknowledge: 0 }, out)
  watches.onMessage(MEMBER, { type: 'etcd-watch-progress', watch: 0, revision: 12 }, out)
  expect(shown).toEqual([5, 9])
  expect(progress).toEqual([12])
})
