/** The six guarantees of watches, held against what the watches of etcd's clients were shown. */
import { type Cluster, ETCD_LOAD_PREFIX, type EtcdClientFact } from '../../src/cluster/index.ts'
import { prefixEnd } from '../../src/etcd/index.ts'
import { WATCH_GUARANTEES, type WatchRecord, type WatchResponse } from '../../src/history/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { onFact } from '../define.ts'
import { observedLoad } from './load.ts'

interface Stream {
  readonly startRevision: number
  readonly responses: WatchResponse[]
}

export const watchGuarantees: PropertyDefinition = {
  id: 'etcd-watch-guarantees',
  mode: 'always',
  claim:
    'a watch is shown every change from its revision on, whole transactions, in order, none twice and none left out, also when it goes on elsewhere; when progress is told, nothing before it is missing; what is compacted is said to be',
  source: 'etcd documentation, "Watch API guarantees": ordered, unique, reliable, atomic, resumable, bookmarkable',
  trigger: 'a watch of a client was shown an event',
  catches: ['etcd-watch-skips-on-compaction', 'etcd-compaction-drops-tombstone'],
  monitor(cluster, report) {
    const load = observedLoad(cluster)
    const watches = followWatches(cluster)
    return {
      onEnd() {
        for (const watch of watches.values()) {
          if (watch.streams.some(({ responses }) => responses.some(({ type }) => type === 'events'))) report.reached()
          for (const check of WATCH_GUARANTEES) {
            const verdict = check(load.log, watch)
            if (verdict.kept) continue
            report.fail({
              subject: verdict.watcher,
              shape: verdict.guarantee,
              message: `the watch ${verdict.watcher} from revision ${watch.streams[verdict.stream]?.startRevision} is not ${verdict.guarantee}: ${verdict.message}`,
            })
            return
          }
        }
      },
    }
  },
}

/** Every watch with its streams, as its client tells it. */
function followWatches(cluster: Cluster): ReadonlyMap<string, WatchRecord> {
  const filter = { key: ETCD_LOAD_PREFIX, rangeEnd: prefixEnd(ETCD_LOAD_PREFIX) }
  const watches = new Map<
    string,
    { readonly watcher: string; readonly filter: typeof filter; readonly streams: Stream[] }
  >()
  onFact<EtcdClientFact, 'etcd-watch-begun'>(cluster, 'etcd-watch-begun', ({ client, watch, startRevision }) => {
    const watcher = `${client}/${watch}`
    const stream = { startRevision, responses: [] }
    const known = watches.get(watcher)
    if (known === undefined) watches.set(watcher, { watcher, filter, streams: [stream] })
    else known.streams.push(stream)
  })
  onFact<EtcdClientFact, 'etcd-watch-shown'>(cluster, 'etcd-watch-shown', (fact) => {
    const responses = watches.get(`${fact.client}/${fact.watch}`)?.streams.at(-1)?.responses
    if (responses === undefined) return
    if (fact.events.length > 0) responses.push({ type: 'events', events: fact.events })
    if (fact.progress > 0) responses.push({ type: 'progress', revision: fact.progress })
    if (fact.compactRevision > 0) responses.push({ type: 'cancelled', compactRevision: fact.compactRevision })
  })
  return watches
}
