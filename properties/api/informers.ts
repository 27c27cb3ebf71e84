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
    const versions = new Map<string, { uid: string; version: number }>()
    const forget = (process: string) => {
      for (const key of versions.keys()) if (key.startsWith(`${process}\n`)) versions.delete(key)
    }
    cluster.kernel.subscribe('process-started', (fact) => forget((fact as unknown as { name: string }).name))
    onFact<ClientFact, 'leader-stopped'>(cluster, 'leader-stopped', ({ identity }) => forget(identity))
    onFact<ClientFact, 'informer-event'>(cluster, 'informer-event', (fact) => {
      const key = `${fact.process}\n${fact.resource}\n${fact.key}`
      const version = Number(fact.resourceVersion)
      const known = versions.get(key)
      if (known !== undefined) {
        report.reached()
        if (fact.uid === known.uid && version < known.version) {
          report.fail({
            subject: `${fact.resource} ${fact.key}`,
            shape: 'older-version',
            message: `${fact.process} was shown version ${version} after version ${known.version}`,
          })
        }
      }
      versions.set(key, {
        uid: fact.uid,
        version: known?.uid === fact.uid ? Math.max(version, known.version) : version,
      })
    })
    return {}
  },
}
