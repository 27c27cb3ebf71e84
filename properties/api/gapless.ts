/** Lists and watches together leave nothing out: between two lists an informer is shown every version, one after the other. */
import type { ClientFact } from '../../src/client/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { onFact } from '../define.ts'
import { historyOf } from './history.ts'

export const informerSeesEveryChange: PropertyDefinition = {
  id: 'informer-sees-every-change',
  mode: 'always',
  claim: 'what an informer is shown of an object by a watch follows directly on what it was shown before',
  source: 'kubernetes API concepts, "Efficient detection of changes"; etcd "KV API guarantees" (watches are reliable)',
  trigger: 'a watch showed an informer a further version of an object',
  catches: ['watchcache-reinit-orphans-watch', 'watchcache-empty-history-off-by-one'],
  monitor(cluster, report) {
    const history = historyOf(cluster)
    /** By process, what was shown last: versions by resource and key, and the revision of the newest list by resource. */
    const shown = new Map<string, Map<string, number>>()
    const listed = new Map<string, Map<string, number>>()
    cluster.kernel.subscribe('process-started', (fact) => {
      const { name } = fact as unknown as { name: string }
      shown.delete(name)
      listed.delete(name)
    })
    onFact<ClientFact, 'reflector-list'>(cluster, 'reflector-list', ({ process, resource, resourceVersion }) => {
      const lists = listed.get(process) ?? new Map<string, number>()
      listed.set(process, lists)
      lists.set(resource, Math.max(Number(resourceVersion), lists.get(resource) ?? 0))
    })
    onFact<ClientFact, 'informer-event'>(cluster, 'informer-event', (fact) => {
      const { process, resource, key, change, tombstone } = fact
      const versions = shown.get(process) ?? new Map<string, number>()
      shown.set(process, versions)
      const id = `${resource} ${key}`
      const version = Number(fact.resourceVersion)
      // A selector lets an object in when it begins to match; only the whole of a resource shows each creation.
      const known = versions.get(id) ?? (process.startsWith('kubelet') ? undefined : 0)
      if (change === 'delete') versions.delete(id)
      else versions.set(id, version)
      if (known === undefined || tombstone || version <= (listed.get(process)?.get(resource) ?? 0)) return
      const previous = history.before(resource, key, version)
      if (previous === undefined) return
      report.reached()
      if (previous === known) return
      report.fail({
        subject: `${resource} ${key}`,
        shape: 'gap',
        message: `${process} was shown version ${version} by a watch after ${known === 0 ? 'nothing' : `version ${known}`}; version ${previous} came before it`,
      })
    })
    return {}
  },
}
