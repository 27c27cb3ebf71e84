/**
 * A client that has been served goes on being served. It claims nothing in general (a rollout without preStop does lose
 * requests), so it is checked only where a scenario names it: `seatrial check` uses it to tell a user whether theirs does.
 */
import type { RequestFinished } from '../../src/cluster/index.ts'
import type { Micros } from '../../src/kernel/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { seconds } from '../define.ts'

/** So many answers in a row make a client one that is being served. */
const SERVED_AFTER = 3

interface Owner {
  readonly pod: string
  /** When its deletion was stored. */
  readonly leftAt?: Micros
}

export const requestsSurvive: PropertyDefinition = {
  id: 'check-requests-survive',
  mode: 'always',
  onlyByName: true,
  claim: 'while somebody rolls out, drains or deletes, no request is refused, reset, timed out or misrouted',
  source: 'documentation "Pod Lifecycle", termination of pods',
  trigger: 'a client was answered three times in a row',
  catches: ['planted-hasty-term'],
  monitor(cluster, report) {
    const owners = new Map<string, Owner>()
    cluster.truth.onChange('pods', ({ current, previous }) => {
      const address = (current ?? previous)?.status?.podIP
      if (address === undefined || current === undefined) return
      const isLeaving = current.metadata.deletionTimestamp !== undefined
      const wasLeaving = previous?.metadata.deletionTimestamp !== undefined
      if (!isLeaving) owners.set(address, { pod: current.metadata.name })
      else if (!wasLeaving) owners.set(address, { pod: current.metadata.name, leftAt: cluster.kernel.now })
    })
    const inARow = new Map<string, number>()
    cluster.kernel.subscribe('request-finished', (fact) => {
      const request = fact as RequestFinished
      const before = inARow.get(request.client) ?? 0
      if (request.outcome === 'ok') {
        inARow.set(request.client, before + 1)
        if (before + 1 === SERVED_AFTER) report.reached()
        return
      }
      if (before < SERVED_AFTER) {
        inARow.set(request.client, 0)
        return
      }
      report.fail({
        subject: `Service ${request.namespace}/${request.service}`,
        message: `a request to ${request.namespace}/${request.service} was ${request.outcome}${whereabouts(request, owners, cluster.kernel.now)}`,
        shape: `request-${request.outcome}`,
      })
    })
    return {}
  },
}

/** Whom the request reached, and since when that pod had been leaving. */
function whereabouts({ backend }: RequestFinished, owners: ReadonlyMap<string, Owner>, now: Micros): string {
  if (backend === '') return ''
  const owner = owners.get(backend.slice(0, backend.lastIndexOf(':')))
  if (owner === undefined) return ` at ${backend}`
  const leaving = owner.leftAt === undefined ? '' : `, ${seconds(now - owner.leftAt)} after that pod began to leave`
  return ` at ${owner.pod} (${backend})${leaving}`
}
