/**
 * POST of an Eviction: a deletion that asks the pod's disruption budget first. The budget is written before the pod is deleted, on condition that
 * nobody changed it since it was read; a conflict reads it again. Models kubernetes pkg/registry/core/pod/storage/eviction.go, v1.33.
 */
import {
  type ApiRequest,
  type ApiResponse,
  type DeleteOptions,
  isPodTerminal,
  type Pod,
  type PodDisruptionBudget,
  registryKey,
  type Status,
  selectorMatches,
  timestamp,
} from '../objects/index.ts'
import type { Context } from './context.ts'
import { decode } from './decode.ts'
import { unmetPrecondition } from './deletion.ts'
import { deleteObject } from './remove.ts'
import { failure, notFound, success, tooManyRequests } from './status.ts'
import { prefixEnd, range, type Steps } from './storage.ts'
import { guaranteedUpdate, readLive } from './update.ts'

type Create = Extract<ApiRequest, { verb: 'create' }>

export function* evict(context: Context, request: Create): Steps<ApiResponse> {
  const { namespace, name = '', dryRun = false } = request
  const options = (request.object as { readonly deleteOptions?: DeleteOptions } | undefined)?.deleteOptions ?? {}
  const pod = (yield* readLive(registryKey('pods', namespace, name))) as Pod | undefined
  if (pod === undefined) return refused(notFound('pods', name))
  const mismatch = unmetPrecondition('pods', pod, options)
  if (mismatch !== undefined) return refused(mismatch)
  if (!needsNoBudget(pod)) {
    const refusal = yield* takeFromBudgets(context, pod, dryRun)
    if (refusal !== undefined) return refused(refusal)
  }
  const preconditions = { ...options.preconditions, uid: pod.metadata.uid }
  const written = yield* deleteObject(context, 'pods', namespace, name, { ...options, preconditions }, dryRun)
  return written.done === 'refused' ? refused(written.status) : { code: 201, body: success(201) }
}

function refused(status: Status): ApiResponse {
  return { code: status.code, body: status }
}

/** A pod that has ended, never started, or is going already takes nothing from a budget. */
function needsNoBudget(pod: Pod): boolean {
  return isPodTerminal(pod) || pod.status?.phase === 'Pending' || pod.metadata.deletionTimestamp !== undefined
}

function* takeFromBudgets(context: Context, pod: Pod, dryRun: boolean): Steps<Status | undefined> {
  const { namespace } = pod.metadata
  const prefix = `/registry/poddisruptionbudgets/${namespace}/`
  const reply = yield* range({ key: prefix, rangeEnd: prefixEnd(prefix) })
  const budgets = reply.values
    .map(({ value, modRevision }) => decode(value, modRevision) as PodDisruptionBudget)
    .filter((budget) => selectorMatches(budget.spec.selector, pod.metadata.labels))
  const [budget] = budgets
  if (budget === undefined) return undefined
  if (budgets.length > 1) {
    const message = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.'
    return failure(500, 'InternalError', message)
  }
  const { decisions } = context.options
  const written = yield* guaranteedUpdate(
    context,
    'poddisruptionbudgets',
    namespace,
    budget.metadata.name,
    dryRun,
    (current) => {
      const taken = decisions.takeFromBudget(current as PodDisruptionBudget, pod, timestamp(context.out.wall))
      if (taken.verdict === 'without-budget') return { outcome: 'keep', object: current }
      if (taken.verdict === 'taken') return { outcome: 'put', object: taken.budget }
      const message = "Cannot evict pod as it would violate the pod's disruption budget."
      const causes = [{ reason: 'DisruptionBudget', message: taken.cause }]
      return { outcome: 'refuse', status: tooManyRequests(message, taken.retryAfterSeconds, causes) }
    },
  )
  return written.done === 'refused' ? written.status : undefined
}
