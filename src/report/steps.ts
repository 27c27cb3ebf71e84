/** What people do to a cluster, in the words of kubectl and etcdctl, and how it ended. */
import { match, P } from 'ts-pattern'
import { isEtcdStep, type WorkloadStep } from '../cluster/index.ts'

/** A workload step as the command that a person would type. */
function describeStep(step: WorkloadStep): string {
  return match(step)
    .with({ kind: 'apply' }, ({ object }) => `apply ${object.kind} ${object.metadata.name}`)
    .with({ kind: 'scale' }, ({ deployment, replicas }) => `scale deployment/${deployment} to ${replicas}`)
    .with({ kind: 'set-image' }, ({ deployment, image }) => `set image of deployment/${deployment} to ${image}`)
    .with({ kind: 'restart-rollout' }, ({ deployment }) => `rollout restart deployment/${deployment}`)
    .with({ kind: 'pause-rollout' }, ({ deployment }) => `rollout pause deployment/${deployment}`)
    .with({ kind: 'resume-rollout' }, ({ deployment }) => `rollout resume deployment/${deployment}`)
    .with({ kind: 'rollback' }, ({ deployment }) => `rollout undo deployment/${deployment}`)
    .with(
      { kind: 'delete-pod', gracePeriodSeconds: 0 },
      ({ index, deployment }) => `delete pod ${index} of deployment/${deployment} by force`,
    )
    .with({ kind: 'delete-pod' }, ({ index, deployment }) => `delete pod ${index} of deployment/${deployment}`)
    .with({ kind: P.union('delete', 'patch') }, ({ kind, resource, name }) => `${kind} ${resource}/${name}`)
    .with({ kind: 'etcd-member-add' }, ({ member, learner }) => `member add ${learner ? '--learner ' : ''}${member}`)
    .with({ kind: 'etcd-member-promote' }, ({ member }) => `member promote ${member}`)
    .with({ kind: 'etcd-member-remove' }, ({ member }) => `member remove ${member}`)
    .with({ kind: 'etcd-move-leader' }, ({ member }) => `move-leader ${member}`)
    .with({ kind: 'etcd-defragment' }, ({ member }) => `defrag ${member}`)
    .with({ kind: 'etcd-compact' }, () => 'compact')
    .with({ kind: P.union('cordon', 'uncordon', 'drain') }, ({ kind, node }) => `${kind} ${node}`)
    .exhaustive()
}

/** As somebody typed it: `kubectl: drain node-1`. */
export function commandOf(step: WorkloadStep): string {
  return `${isEtcdStep(step) ? 'etcdctl' : 'kubectl'}: ${describeStep(step)}`
}

/** Reasons of Status objects by their code, as far as a step can end with one. */
const REASONS: Readonly<Record<number, string>> = {
  404: 'NotFound',
  409: 'Conflict',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
}

/** The end of a step that did not succeed. `code` 0: no answer came. */
export function failureOf(step: WorkloadStep, code: number): string {
  const reason = REASONS[code]
  return `${commandOf(step)} ${code === 0 ? 'gets no answer' : `fails: ${code}${reason === undefined ? '' : ` ${reason}`}`}`
}
