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
    /** By process and resource, what was shown last: versions by key, and the revision of the newest list. */
    const views = new Map<string, Map<string, View>>()
    const viewOf = (process: string, resource: string): View => {
      let ofProcess = views.get(process)
      if (ofProcess === undefined) {
        ofProcess = new Map()
        views.set(process, ofProcess)
      }
      let view = ofProcess.get(resource)
      if (view === undefined) {
        // A selector lets an object in when it begins to match; only the whole of a resource shows each creation.
        view = { isSelective: process.startsWith('kubelet'), versions: new Map(), listed: 0 }
        ofProcess.set(resource, view)
      }
      return view
    }
    cluster.kernel.subscribe('process-started', (fact) => views.delete((fact as unknown as { name: string }).name))
    onFact<ClientFact, 'reflector-list'>(cluster, 'reflector-list', (fact) => {
      const { process, resource, requestedVersion, resourceVersion } = fact
      // Any version will do: a new informer, which knows nothing yet. A manager that leads again has new ones, too.
      if (requestedVersion === '0') views.get(process)?.delete(resource)
      const view = viewOf(process, resource)
      view.listed = Math.max(Number(resourceVersion), view.listed)
    })
    onFact<ClientFact, 'informer-event'>(cluster, 'informer-event', (fact) => {
      const { process, resource, key, change, tombstone } = fact
      const { versions, listed, isSelective } = viewOf(process, resource)
      const version = Number(fact.resourceVersion)
      const known = versions.get(key) ?? (isSelective ? undefined : 0)
      if (change === 'delete') versions.delete(key)
      else versions.set(key, version)
      if (known === undefined || tombstone || version <= listed) return
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

interface View {
  readonly isSelective: boolean
  readonly versions: Map<string, number>
  listed: number
}
