/**
 * For manifests only: a client that has been served goes on being served. It claims nothing in general (a rollout without
 * preStop does lose requests); `seatrial check` uses it to tell a user whether theirs does.
 */
import type { RequestFinished } from '../../cluster/index.ts'
import { duration } from '../../report/time.ts'
import type { PropertyDefinition } from '../../trial/index.ts'

/** So many answers in a row make a client one that is being served. */
const SERVED_AFTER = 3

export const REQUESTS_SURVIVE: PropertyDefinition = {
  id: 'check-requests-survive',
  mode: 'always',
  claim: 'While somebody rolls out, drains or deletes, no request is refused, reset, timed out or misrouted.',
  source: 'kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle (termination of Pods)',
  trigger: 'A client was answered three times in a row.',
  catches: [],
  monitor(cluster, report) {
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
      const at = request.backend === '' ? '' : ` at ${request.backend}`
      report.fail({
        subject: `Service ${request.namespace}/${request.service}`,
        message: `a request to ${request.namespace}/${request.service} was ${request.outcome}${at}, ${duration(cluster.kernel.now - request.startedAt)} after it began`,
        shape: `request-${request.outcome}`,
      })
    })
    return {}
  },
}
