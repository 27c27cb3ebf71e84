/**
 * Facts in words: for each type of fact that can matter to a story, one clause, the names that it is about, and how much
 * it weighs. A type that is not here does not appear in stories.
 */
import type { ApiServerFact } from '../apiserver/facts.ts'
import type { ClientFact } from '../client/facts.ts'
import type { EtcdClientFact, RequestFinished, StepFact } from '../cluster/index.ts'
import type { ControllerFact } from '../controllers/facts.ts'
import type { EtcdFact } from '../etcd/facts.ts'
import type { KernelFact } from '../kernel/facts.ts'
import type { Fact } from '../kernel/index.ts'
import type { KubeletFact, RuntimeFact } from '../kubelet/facts.ts'
import { RESOURCES } from '../objects/index.ts'
import type { ProxyFact } from '../proxy/facts.ts'
import type { SchedulerFact } from '../scheduler/facts.ts'
import { counted, short } from './names.ts'
import { failureOf } from './steps.ts'

export interface Phrase {
  readonly text: string
  /** Object, node, process and client names in the text; a violation about one of them makes the line more telling. */
  readonly about: readonly string[]
  /** 1: background. 2: a change of the cluster. 3: something went wrong. */
  readonly weight: 1 | 2 | 3
}

type KnownFact =
  | ApiServerFact
  | ClientFact
  | ControllerFact
  | EtcdFact
  | KernelFact
  | KubeletFact
  | RuntimeFact
  | ProxyFact
  | RequestFinished
  | SchedulerFact
  | StepFact
  | EtcdClientFact

/** The fact of a type, also where one shape serves several types. */
type FactOf<T, F = KnownFact> = F extends { readonly type: infer U } ? (T extends U ? F : never) : never

type Phrases = { readonly [T in KnownFact['type']]?: (fact: FactOf<T>) => Phrase | undefined }

const phrase = (weight: 1 | 2 | 3, text: string, ...about: readonly string[]): Phrase => ({ weight, text, about })

const PHRASES: Phrases = {
  'process-crashed': ({ name }) => phrase(2, `${name} crashes`, name),
  'process-started': ({ name, boot }) => (boot === 0 ? undefined : phrase(2, `${name} starts again`, name)),
  'process-paused': ({ name }) => phrase(2, `${name} stands still`, name),
  'process-resumed': ({ name }) => phrase(2, `${name} goes on`, name),
  'host-crashed': ({ host }) => phrase(2, `${host} loses power`, host),
  'host-restarted': ({ host }) => phrase(2, `${host} has power again`, host),
  'records-lost': ({ file, lost, torn }) =>
    phrase(3, `the crash takes ${counted(lost, 'unsynced record')} of ${file}${torn ? ', one is torn' : ''}`, file),
  'file-lost': ({ file }) => phrase(3, `the crash takes the whole file ${file}, whose name was not synced`, file),
  'raft-role': ({ member, role, term }) =>
    role === 'leader' ? phrase(2, `${member} leads term ${term}`, member) : undefined,
  'raft-log-truncated': ({ member, from, committedIndex }) =>
    phrase(
      from <= committedIndex ? 3 : 1,
      `${member} cuts its log off at ${from} (committed: ${committedIndex})`,
      member,
    ),
  'raft-vote-granted': ({ member, id, term, candidate }) =>
    phrase(
      1,
      `${member} votes for ${candidate === id ? 'itself' : `member ${candidate} (it is member ${id})`} in term ${term}`,
      member,
    ),
  'etcd-member-started': ({ member, term, lastIndex, repairedRecords }) =>
    lastIndex === 0
      ? undefined
      : phrase(
          repairedRecords > 0 ? 3 : 1,
          `${member} reads its log: term ${term}, up to ${lastIndex}${repairedRecords > 0 ? `, and cuts off ${counted(repairedRecords, 'torn record')}` : ''}`,
          member,
        ),
  'etcd-member-refused': ({ member, reason }) => phrase(3, `${member} refuses to run: ${reason}`, member),
  'etcd-restored': ({ member, source, revision }) =>
    source === 'leader'
      ? phrase(2, `${member} takes a snapshot from the leader, revision ${revision}`, member)
      : undefined,
  'cache-held': ({ server, resource, revision }) =>
    phrase(1, `the watch cache of ${server} for ${resource} stands still at ${revision}`, server, resource),
  'cache-broken': ({ server, resource }) =>
    phrase(1, `the watch cache of ${server} for ${resource} breaks off`, server, resource),
  'cache-filled': ({ server, resource, revision, generation }) =>
    generation > 1 ? phrase(1, `${server} lists ${resource} anew, at ${revision}`, server, resource) : undefined,
  'stale-read': ({ server, resource, revision }) =>
    phrase(3, `${server} answers a read of ${resource} from the past, revision ${revision}`, server, resource),
  'history-compacted': ({ server, revision }) =>
    phrase(2, `${server} has the history before ${revision} compacted`, server),
  'pod-scheduled': ({ pod, node }) => phrase(1, `pod ${short(pod)} is bound to ${node}`, pod, node),
  'pod-unschedulable': ({ pod, message }) => phrase(2, `no node takes pod ${short(pod)}: ${message}`, pod),
  'bind-failed': ({ pod, node, code }) =>
    phrase(2, `binding pod ${short(pod)} to ${node} ends with ${code}`, pod, node),
  'leader-started': ({ identity, lease }) => phrase(2, `${identity} leads by the lease ${short(lease)}`, identity),
  'leader-stopped': ({ identity, lease }) =>
    phrase(2, `${identity} no longer leads by the lease ${short(lease)}`, identity),
  'client-timeout': ({ client, verb, resource }) =>
    phrase(3, `${client} gets no answer to "${verb} ${resource}" and cannot know whether it took effect`, client),
  'client-failover': ({ client }) => phrase(1, `${client} goes to another API server`, client),
  'sync-given-up': ({ controller, key, failures }) =>
    phrase(3, `the ${controller} controller gives up on ${short(key)} after ${failures} retries`, key),
  'controller-created-pod': ({ controller, owner, pod }) =>
    phrase(2, `${controller} creates pod ${short(pod)} for ${short(owner)}`, pod, owner),
  'controller-deleted-pod': ({ controller, owner, pod }) =>
    phrase(2, `${controller} deletes pod ${short(pod)} of ${short(owner)}`, pod, owner),
  'replicaset-resized': ({ deployment, replicaSet, from, to }) =>
    phrase(
      2,
      `the rollout of ${short(deployment)} takes ${short(replicaSet)} from ${from} to ${to}`,
      deployment,
      replicaSet,
    ),
  'node-marked-unknown': ({ node }) => phrase(2, `${node} is marked Unknown`, node),
  'node-pods-marked-not-ready': ({ node, pods }) => phrase(2, `${pods} pods on ${node} are marked not ready`, node),
  'node-tainted-noexecute': ({ node }) => phrase(2, `${node} is tainted NoExecute`, node),
  'pod-evicted-by-taint': ({ pod, node }) => phrase(3, `pod ${short(pod)} is evicted from ${node}`, pod, node),
  'endpointslice-cache-stale': ({ service }) =>
    phrase(1, `the slices of ${short(service)} are older than what was written: the sync waits`, service),
  'podgc-deleted': ({ pod, reason }) => phrase(2, `the pod collector deletes pod ${short(pod)} (${reason})`, pod),
  'gc-deleted': ({ resource, key }) =>
    phrase(2, `the garbage collector deletes ${RESOURCES[resource].kind} ${short(key)}`, key),
  'pod-rejected': ({ podKey, node, reason }) =>
    phrase(3, `${node} rejects pod ${short(podKey)}: ${reason}`, podKey, node),
  'termination-started': ({ podKey, node, graceSeconds, cause }) =>
    phrase(2, `${node} begins to stop pod ${short(podKey)} (${cause}), grace ${graceSeconds} s`, podKey, node),
  'termination-shortened': ({ podKey, graceSeconds }) =>
    phrase(2, `the grace of pod ${short(podKey)} is cut to ${graceSeconds} s`, podKey),
  'prestop-started': ({ podKey, container }) => phrase(2, `preStop of ${short(podKey)}/${container} begins`, podKey),
  'prestop-ended': ({ podKey, container, outcome }) =>
    phrase(
      outcome === 'ok' ? 2 : 3,
      `preStop of ${short(podKey)}/${container} ${outcome === 'ok' ? 'is done' : `ends: ${outcome}`}`,
      podKey,
    ),
  'term-sent': ({ podKey, container, graceSeconds }) =>
    phrase(2, `TERM to ${short(podKey)}/${container}, ${graceSeconds} s left`, podKey),
  'kill-sent': ({ podKey, container }) => phrase(3, `KILL to ${short(podKey)}/${container}`, podKey),
  'container-started': ({ podKey, container, node, attempt }) =>
    phrase(
      attempt > 0 ? 2 : 1,
      `${short(podKey)}/${container} starts on ${node}${attempt > 0 ? ` (attempt ${attempt + 1})` : ''}`,
      podKey,
      node,
    ),
  'container-exited': ({ podKey, container, exitCode }) =>
    phrase(2, `${short(podKey)}/${container} exits with ${exitCode}`, podKey),
  'containers-collected': ({ node, count }) => phrase(2, `${count} dead containers on ${node} are cleared away`, node),
  'image-pull-failed': ({ node, image }) => phrase(3, `${node} cannot pull ${image}`, node),
  'pod-phase': ({ podKey, phase, ready }) =>
    phrase(1, `pod ${short(podKey)} is ${phase}${ready ? ' and ready' : ''}`, podKey),
  'pod-readiness': ({ podKey, ready }) =>
    phrase(2, `pod ${short(podKey)} is ${ready ? 'ready' : 'no longer ready'}`, podKey),
  'pod-removed': ({ podKey }) => phrase(2, `pod ${short(podKey)} is gone`, podKey),
  'proxy-sync-failed': ({ node }) => phrase(3, `kube-proxy on ${node} fails to write its rules`, node),
  'request-finished': ({ client, namespace, service, outcome, backend }) =>
    outcome === 'ok'
      ? undefined
      : phrase(
          3,
          `${client} asks ${service}: ${outcome}${backend === '' ? '' : ` at ${backend}`}`,
          client,
          `${namespace}/${service}`,
          backend,
        ),
  'etcd-returned': ({ client, outcome }) =>
    outcome === 'unknown'
      ? phrase(2, `${client} gets no answer from etcd and cannot know whether its request took effect`, client)
      : undefined,
  'etcd-watch-shown': ({ client, watch, compactRevision }) =>
    compactRevision > 0
      ? phrase(2, `watch ${watch} of ${client} ends: what it needs is compacted`, `${client}/${watch}`)
      : undefined,
  'step-finished': ({ id, step, code }) =>
    code >= 400 || code === 0 ? phrase(3, failureOf(step, code), id) : undefined,
}

/** The types of facts that stories need; pass them as `factTypes` of a trial. */
export const STORY_FACT_TYPES: readonly string[] = Object.keys(PHRASES)

/** A fact in words, or undefined when it has nothing to tell. */
export function phraseOf(fact: Fact): Phrase | undefined {
  const format = PHRASES[fact.type as KnownFact['type']] as ((fact: Fact) => Phrase | undefined) | undefined
  return format?.(fact)
}
