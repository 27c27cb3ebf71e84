/**
 * Rolls a deployment's ReplicaSets from one template to the next. Models kubernetes pkg/controller/deployment, v1.33. The arithmetic
 * is in this folder's other files. Left out: events, the deprecated rollback annotation (a rollback is an apply of the earlier
 * template, which finds its old set again). Simplified: an old set is resized once a pass where upstream may write it twice.
 */
import {
  type ControllerLoop,
  call,
  createRequest,
  get,
  isSuccess,
  must,
  all as requestAll,
  resultOf,
  type Script,
  ScriptError,
  update,
  updateStatus,
} from '../../client/index.ts'
import { invariant, type Out } from '../../kernel/index.ts'
import {
  type ApiRequest,
  type Deployment,
  findCondition,
  isPodTerminal,
  keyOf,
  type ReplicaSet,
  type Status,
  sameValue,
  selectorMatches,
} from '../../objects/index.ts'
import { BY_NAMESPACE, BY_OWNER, type Controller, type ControllerContext } from '../context.ts'
import { controllerOf, controllerReference, orphanIndexValue } from '../owners.ts'
import {
  hasSizeAnnotations,
  maxRevision,
  newSetAnnotations,
  REVISION,
  revisionOf,
  sizeAnnotations,
} from './annotations.ts'
import { desiredReplicas, type Fenceposts, isRollingUpdate, sumDesired } from './fenceposts.ts'
import { DeploymentHandler, RecreatePodHandler, SetHandler } from './handlers.ts'
import { compareText } from './order.ts'
import { computeProportionalScale } from './proportional.ts'
import type { Resize } from './rolling.ts'
import { computeSets, newReplicaSet, sameTemplate } from './sets.ts'
import {
  computeDeploymentStatus,
  computePauseCondition,
  computeRolloutStatus,
  type DeploymentStatus,
  hasProgressDeadline,
  isDeploymentComplete,
  nextProgressCheckMicros,
  setCondition,
} from './status.ts'

const NAME = 'deployment'
/** Failures in a row after which a deployment waits for its next change. */
const RETRIES_MAX = 15

/** What one pass works on; replaced as writes come back. */
interface Pass {
  readonly key: string
  readonly fenceposts: Fenceposts
  deployment: Deployment
  newSet: ReplicaSet | undefined
  old: readonly ReplicaSet[]
  /** The deployment's revision annotation differs from the stored one: the status write at the end carries it. */
  revised: boolean
}

export class DeploymentController implements Controller {
  readonly name = NAME
  readonly #context: ControllerContext
  readonly #loop: ControllerLoop

  constructor(context: ControllerContext) {
    this.#context = context
    this.#loop = context.loop(NAME, context.options.deployment.workers, (key, out) => this.#sync(key, out), {
      retriesMax: RETRIES_MAX,
    })
    const { deployments, replicaSets, pods } = context.informers
    deployments.addHandler(new DeploymentHandler(this.#loop))
    replicaSets.addHandler(new SetHandler(this.#loop, context))
    pods.addHandler(new RecreatePodHandler(this.#loop, context))
  }

  start(out: Out): void {
    this.#loop.start(out)
  }

  stop(out: Out): void {
    this.#loop.stop(out)
  }

  *#sync(key: string, out: Out): Script {
    const { informers, decisions } = this.#context
    const deployment = informers.deployments.get(key)
    if (deployment === undefined) return
    const sets = yield* this.#claim(deployment)
    const pass: Pass = {
      key,
      deployment,
      fenceposts: decisions.deploymentFenceposts(deployment),
      revised: false,
      ...computeSets(deployment, sets),
    }
    if (deployment.metadata.deletionTimestamp !== undefined) {
      yield* this.#writeStatus(pass, countsOnly(pass, out.wall))
      return
    }
    const pause = computePauseCondition(deployment)
    if (pause !== undefined) {
      const conditions = setCondition(deployment.status?.conditions, pause, out.wall)
      pass.deployment = must(
        yield* updateStatus('deployments', { ...deployment, status: { ...deployment.status, conditions } }),
      )
    }
    if (deployment.spec.paused === true || decisions.deploymentIsScalingEvent(deployment, sets, pass.fenceposts)) {
      yield* this.#scale(pass)
    } else if (isRollingUpdate(deployment)) yield* this.#roll(pass)
    else yield* this.#recreate(pass)
  }

  /** The deployment's sets, after orphans that it selects were taken on and sets that it no longer selects let go. */
  *#claim(deployment: Deployment): Script<readonly ReplicaSet[]> {
    const { replicaSets } = this.#context.informers
    const { namespace, name, uid, deletionTimestamp } = deployment.metadata
    const selects = (set: ReplicaSet) => selectorMatches(deployment.spec.selector, set.metadata.labels)
    const owned = replicaSets.byIndex(BY_OWNER, uid as string)
    const orphans = replicaSets.byIndex(BY_OWNER, orphanIndexValue(namespace)).filter(selects)
    if (deletionTimestamp !== undefined || (orphans.length === 0 && owned.every(selects))) return owned.filter(selects)
    const requests: ApiRequest[] = []
    for (const set of owned) if (!selects(set)) requests.push(referencePatch(set, withoutOwner(set, uid as string)))
    if (orphans.length > 0) {
      const live = must(yield* get('deployments', namespace, name))
      if (live.metadata.uid !== uid || live.metadata.deletionTimestamp !== undefined)
        throw new ScriptError('the deployment is gone')
      const reference = controllerReference(deployment)
      for (const set of orphans)
        requests.push(referencePatch(set, [...(set.metadata.ownerReferences ?? []), reference]))
    }
    const answers = yield* requestAll(requests)
    for (const answer of answers) if (!isSuccess(answer) && answer.code !== 404) must(resultOf(answer))
    const adopted = answers.slice(answers.length - orphans.length).filter(isSuccess)
    return [...owned.filter(selects), ...adopted.map((answer) => answer.body as ReplicaSet)]
  }

  /** One step of a rolling update: up if possible, else down if possible, else tidy up. */
  *#roll(pass: Pass): Script {
    yield* this.#ensureNewSet(pass, true)
    const newSet = pass.newSet as ReplicaSet
    const { deployment, old, fenceposts } = pass
    const { decisions } = this.#context
    const present = desiredReplicas(newSet)
    const wanted = desiredReplicas(deployment)
    const size =
      present >= wanted ? wanted : decisions.deploymentNewReplicas(deployment, [...old, newSet], present, fenceposts)
    if (size !== present) {
      yield* this.#resize(pass, [{ set: newSet, replicas: size }])
    } else {
      const active = old.filter((set) => desiredReplicas(set) > 0)
      const resizes = decisions.deploymentScaleDown(deployment, active, newSet, fenceposts)
      if (resizes.length > 0) yield* this.#resize(pass, resizes)
      else yield* this.#cleanUp(pass)
    }
    yield* this.#writeStatus(pass, rollout(pass, this.#context.out.wall))
  }

  /** All old pods go, then the new ones come. */
  *#recreate(pass: Pass): Script {
    yield* this.#ensureNewSet(pass, false)
    const active = pass.old.filter((set) => desiredReplicas(set) > 0)
    if (active.length > 0) {
      yield* this.#resize(
        pass,
        active.map((set) => ({ set, replicas: 0 })),
      )
    } else if (!this.#oldPodsRemain(pass)) {
      if (pass.newSet === undefined) yield* this.#ensureNewSet(pass, true)
      const newSet = pass.newSet as unknown as ReplicaSet
      const replicas = desiredReplicas(pass.deployment)
      if (desiredReplicas(newSet) !== replicas) yield* this.#resize(pass, [{ set: newSet, replicas }])
      else if (isDeploymentComplete(pass.deployment, countsOnly(pass, this.#context.out.wall)))
        yield* this.#cleanUp(pass)
    }
    yield* this.#writeStatus(pass, rollout(pass, this.#context.out.wall))
  }

  /** A deployment that is paused or was scaled: sizes change in proportion, no new set is made. */
  *#scale(pass: Pass): Script {
    yield* this.#ensureNewSet(pass, false)
    const resizes = computeProportionalScale(pass.deployment, pass.newSet, pass.old, pass.fenceposts)
    yield* this.#resize(pass, resizes)
    yield* this.#renewSizeAnnotations(pass)
    if (pass.deployment.spec.paused === true) yield* this.#cleanUp(pass)
    yield* this.#writeStatus(pass, countsOnly(pass, this.#context.out.wall))
  }

  /** Finds or creates the set of the present template, and keeps its revision and the deployment's in step. */
  *#ensureNewSet(pass: Pass, create: boolean): Script {
    const revision = maxRevision(pass.old) + 1
    const { deployment, newSet } = pass
    if (newSet === undefined) {
      if (!create) return
      pass.newSet = yield* this.#createSet(pass, revision)
    } else {
      const annotations = newSetAnnotations(deployment, newSet.metadata.annotations, revision)
      const minReadySeconds = deployment.spec.minReadySeconds
      const sameSpec = (newSet.spec.minReadySeconds ?? 0) === (minReadySeconds ?? 0)
      if (!sameSpec || !sameValue(annotations, newSet.metadata.annotations)) {
        const spec = sameSpec ? newSet.spec : { ...newSet.spec, minReadySeconds }
        pass.newSet = must(
          yield* update('replicasets', { ...newSet, spec, metadata: { ...newSet.metadata, annotations } }),
        )
      }
    }
    this.#noteNewSet(pass, newSet === undefined ? 'NewReplicaSetCreated' : 'FoundNewReplicaSet')
    const { metadata } = pass.deployment
    const present = String(revisionOf(pass.newSet as ReplicaSet))
    if (metadata.annotations?.[REVISION] === present) return
    pass.deployment = {
      ...pass.deployment,
      metadata: { ...metadata, annotations: { ...metadata.annotations, [REVISION]: present } },
    }
    pass.revised = true
  }

  /** The progress deadline counts from here: a set was made, or one was found that nobody has timed yet. */
  #noteNewSet(pass: Pass, reason: 'NewReplicaSetCreated' | 'FoundNewReplicaSet'): void {
    const { deployment } = pass
    if (!hasProgressDeadline(deployment)) return
    const timed = findCondition(deployment.status?.conditions, 'Progressing') !== undefined
    if (timed && reason === 'FoundNewReplicaSet') return
    const name = (pass.newSet as ReplicaSet).metadata.name
    const message =
      reason === 'NewReplicaSetCreated' ? `Created new replica set "${name}"` : `Found new replica set "${name}"`
    const condition = { type: 'Progressing', status: 'True', reason, message } as const
    const conditions = setCondition(deployment.status?.conditions, condition, this.#context.out.wall)
    pass.deployment = { ...deployment, status: { ...deployment.status, conditions } }
    pass.revised = true
  }

  /** A name that is taken by another template counts as a hash collision: the next try hashes differently. */
  *#createSet(pass: Pass, revision: number): Script<ReplicaSet> {
    const { deployment, fenceposts, old } = pass
    const replicas = this.#context.decisions.deploymentNewReplicas(deployment, old, 0, fenceposts)
    const wanted = newReplicaSet(deployment, replicas, revision, fenceposts)
    const answer = yield* call(createRequest('replicasets', wanted))
    if (isSuccess(answer)) {
      if (replicas > 0) this.#tellScaled(pass, wanted, 0, replicas)
      return answer.body as ReplicaSet
    }
    if ((answer.body as Status).reason !== 'AlreadyExists') return must(resultOf<ReplicaSet>(answer))
    const present = must(yield* get('replicasets', wanted.metadata.namespace, wanted.metadata.name))
    const ours = controllerOf(present)?.uid === deployment.metadata.uid
    if (ours && sameTemplate(present.spec.template, deployment.spec.template)) return present
    const collisionCount = (deployment.status?.collisionCount ?? 0) + 1
    must(yield* updateStatus('deployments', { ...deployment, status: { ...deployment.status, collisionCount } }))
    throw new ScriptError(`the name ${wanted.metadata.name} is taken by another template`)
  }

  *#resize(pass: Pass, resizes: readonly Resize[]): Script {
    const { decisions } = this.#context
    const sizes = sizeAnnotations(pass.deployment, pass.fenceposts)
    for (const { set, replicas } of resizes) {
      const from = desiredReplicas(set)
      if (from === replicas && hasSizeAnnotations(set, sizes)) continue
      invariant(replicas >= 0, 'controllers: no set has fewer than 0 replicas', { set: set.metadata.name, replicas })
      const metadata = { ...set.metadata, annotations: { ...set.metadata.annotations, ...sizes } }
      const answer = yield* call(
        decisions.deploymentResizeRequest({ ...set, metadata, spec: { ...set.spec, replicas } }),
      )
      const written = must(resultOf<ReplicaSet>(answer))
      if (set === pass.newSet) pass.newSet = written
      else pass.old = pass.old.map((entry) => (entry === set ? written : entry))
      if (from === replicas) continue
      this.#context.note({
        type: 'replicaset-resized',
        deployment: pass.key,
        replicaSet: keyOf(set),
        from,
        to: replicas,
      })
      this.#tellScaled(pass, set, from, replicas)
    }
  }

  #tellScaled(pass: Pass, { metadata }: ReplicaSet, from: number, to: number): void {
    const message = `Scaled ${to > from ? 'up' : 'down'} replica set ${metadata.name} from ${from} to ${to}`
    this.#context.tell('deployment-controller', pass.deployment, 'Normal', 'ScalingReplicaSet', message)
  }

  /** Sets whose size did not change in a scaling still learn for which size they are: else the scaling would never end. */
  *#renewSizeAnnotations(pass: Pass): Script {
    const active = [...pass.old, ...(pass.newSet === undefined ? [] : [pass.newSet])].filter(
      (set) => desiredReplicas(set) > 0,
    )
    yield* this.#resize(
      pass,
      active.map((set) => ({ set, replicas: desiredReplicas(set) })),
    )
  }

  /** Removes the oldest revisions beyond the history limit; only sets that have nothing left. */
  *#cleanUp(pass: Pass): Script {
    const limit = pass.deployment.spec.revisionHistoryLimit
    if (limit === undefined) return
    const alive = pass.old.filter((set) => set.metadata.deletionTimestamp === undefined)
    const surplus = alive.length - limit
    if (surplus <= 0) return
    alive.sort((a, b) => revisionOf(a) - revisionOf(b) || compareText(a.metadata.name, b.metadata.name))
    const empty = alive.slice(0, surplus).filter(isEmptySet)
    const requests = empty.map((set): ApiRequest => {
      const { namespace, name, uid } = set.metadata
      return { verb: 'delete', resource: 'replicasets', namespace, name, options: { preconditions: { uid } } }
    })
    for (const answer of yield* requestAll(requests)) if (answer.code !== 404) must(resultOf(answer))
  }

  *#writeStatus(pass: Pass, status: DeploymentStatus): Script {
    const { deployment, key } = pass
    const { out } = this.#context
    if (!pass.revised && sameValue(deployment.status, status)) {
      const check = nextProgressCheckMicros(deployment, status, out.wall)
      if (check !== undefined) this.#loop.enqueueAfter(key, check, out)
      return
    }
    const result = yield* updateStatus('deployments', { ...deployment, status })
    if (result.ok) {
      this.#context.note({
        type: 'deployment-progress',
        deployment: key,
        replicas: status.replicas ?? 0,
        updated: status.updatedReplicas ?? 0,
        available: status.availableReplicas ?? 0,
        complete: isDeploymentComplete(deployment, status),
      })
    } else if (result.code !== 404) must(result)
  }

  #oldPodsRemain(pass: Pass): boolean {
    const { pods, replicaSets } = this.#context.informers
    for (const set of replicaSets.byIndex(BY_NAMESPACE, pass.deployment.metadata.namespace ?? '')) {
      if (controllerOf(set)?.uid !== pass.deployment.metadata.uid || set.metadata.uid === pass.newSet?.metadata.uid)
        continue
      if ((set.status?.replicas ?? 0) > 0) return true
      for (const pod of pods.byIndex(BY_OWNER, set.metadata.uid as string)) if (!isPodTerminal(pod)) return true
    }
    return false
  }
}

function countsOnly(pass: Pass, wall: number): DeploymentStatus {
  const { deployment, newSet, old, fenceposts } = pass
  const all = newSet === undefined ? old : [...old, newSet]
  return computeDeploymentStatus(deployment, all, newSet, fenceposts, wall)
}

function rollout(pass: Pass, wall: number): DeploymentStatus {
  const { deployment, newSet, old } = pass
  const all = newSet === undefined ? old : [...old, newSet]
  return computeRolloutStatus(deployment, countsOnly(pass, wall), all, newSet, wall)
}

function isEmptySet(set: ReplicaSet): boolean {
  const seen = (set.status?.observedGeneration ?? 0) >= (set.metadata.generation ?? 0)
  return seen && sumDesired([set]) === 0 && (set.status?.replicas ?? 0) === 0
}

function withoutOwner(set: ReplicaSet, uid: string): NonNullable<ReplicaSet['metadata']['ownerReferences']> {
  return (set.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== uid)
}

function referencePatch(
  set: ReplicaSet,
  ownerReferences: NonNullable<ReplicaSet['metadata']['ownerReferences']>,
): ApiRequest {
  const { namespace, name, uid, resourceVersion } = set.metadata
  return {
    verb: 'patch',
    resource: 'replicasets',
    namespace,
    name,
    patch: { metadata: { uid, resourceVersion, ownerReferences } },
  }
}
