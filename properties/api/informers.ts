/** What informers may show their owners: never an older version from the same server, and in the end exactly what is stored. */
import type { ClientFact } from '../../src/client/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { onFact } from '../define.ts'

export const neverBackInTime: PropertyDefinition = {
  id: 'informer-never-goes-back',
  mode: 'always',
  claim:
    'an informer never shows an older version of an object than it showed before, in one life of its process (which upstream ends when its lease is lost)',
  source: 'client-go tools/cache/reflector.go (relist from the last sync version), v1.33',
  trigger: 'an informer showed a second version of an object',
  catches: ['planted-any-list'],
  monitor(cluster, report) {
    /** What was shown last, by process, resource and key. Nested, for a joined key would be a new text for every event. */
    const shown = new Map<string, Map<string, Map<string, Shown>>>()
    const forget = (process: string) => shown.delete(process)
    cluster.kernel.subscribe('process-started', (fact) => forget((fact as unknown as { name: string }).name))
    onFact<ClientFact, 'leader-stopped'>(cluster, 'leader-stopped', ({ identity }) => forget(identity))
    onFact<ClientFact, 'informer-event'>(cluster, 'informer-event', (fact) => {
      const versions = shownOf(shown, fact.process, fact.resource)
      const version = Number(fact.resourceVersion)
      const known = versions.get(fact.key)
      if (known === undefined) {
        versions.set(fact.key, { uid: fact.uid, version })
        return
      }
      report.reached()
      const isSame = fact.uid === known.uid
      if (isSame && version < known.version) {
        report.fail({
          subject: `${fact.resource} ${fact.key}`,
          shape: 'older-version',
          message: `${fact.process} was shown version ${version} after version ${known.version}`,
        })
      }
      known.version = isSame ? Math.max(version, known.version) : version
      known.uid = fact.uid
    })
    return {}
  },
}

interface Shown {
  uid: string
  version: number
}

function shownOf(
  shown: Map<string, Map<string, Map<string, Shown>>>,
  process: string,
  resource: string,
): Map<string, Shown> {
  let ofProcess = shown.get(process)
  if (ofProcess === undefined) {
    ofProcess = new Map()
    shown.set(process, ofProcess)
  }
  let ofResource = ofProcess.get(resource)
  if (ofResource === undefined) {
    ofResource = new Map()
    ofProcess.set(resource, ofResource)
  }
  return ofResource
}
