/**
 * Keeps the status of every PodDisruptionBudget, by which the API server grants or refuses evictions. Models kubernetes
 * pkg/controller/disruption, v1.33. Left out: the clean-up of stale DisruptionTarget conditions, the status condition
 * DisruptionAllowed, controllers other than ReplicaSets and Deployments, events.
 */
import {
  type ControllerLoop,
  call,
  get,
  type Handler,
  must,
  resultOf,
  type Script,
  ScriptError,
  updateRequest,
} from '../../client/index.ts'
import type { Out } from '../../kernel/index.ts'
import {
  type Deployment,
  isPodReady,
  type KubeObject,
  keyOf,
  matcherOf,
  type Pod,
  type PodDisruptionBudget,
  type ReplicaSet,
  sameValue,
} from '../../objects/index.ts'
import { BY_OWNER, type Controller, type ControllerContext } from '../context.ts'
import { controllerOf } from '../owners.ts'
import { SelectedPodHandler, type Selector, SelectorHandler } from '../selecting.ts'
import { anchorOf, Selections } from '../selections.ts'
import { type BudgetStatus, sameBudgetStatus } from './budget.ts'

const NAME = 'disruption'

export class DisruptionController implements Controller {
  readonly name = NAME
  readonly #context: ControllerContext
  readonly #loop: ControllerLoop
  readonly #selections = new Selections()

  constructor(context: ControllerContext) {
    this.#context = context
    this.#loop = context.loop(NAME, 1, (key) => this.#sync(key))
    const { budgets, pods, replicaSets, deployments } = context.informers
    budgets.addHandler(new SelectorHandler(this.#loop, this.#selections, SELECTOR))
    pods.addHandler(
      new SelectedPodHandler(this.#selections, context, {
        matters: () => true,
        changed: countsOtherwise,
        wake: (budget, out) => this.#loop.enqueue(budget, out),
      }),
    )
    const scaled = new ScaleHandler(this.#loop, this.#selections, context)
    replicaSets.addHandler(scaled as Handler<ReplicaSet>)
    deployments.addHandler(scaled as Handler<Deployment>)
  }

  start(out: Out): void {
    this.#loop.start(out)
  }

  stop(out: Out): void {
    this.#loop.stop(out)
  }

  *#sync(key: string): Script {
    const { informers, decisions } = this.#context
    const budget = informers.budgets.get(key)
    if (budget === undefined) return
    const pods: Pod[] = []
    for (const podKey of this.#selections.membersOf(key)) {
      const pod = informers.pods.get(podKey)
      if (pod !== undefined) pods.push(pod)
    }
    const { wall } = this.#context.out
    const { status, recheckMicros } = decisions.budgetStatus(budget, pods, () => this.#expectedScale(pods), wall)
    if (!sameBudgetStatus(budget.status, status)) yield* this.#write(key, budget, status)
    if (recheckMicros !== undefined) this.#loop.enqueueAfter(key, recheckMicros + 1, this.#context.out)
  }

  *#write(key: string, budget: PodDisruptionBudget, status: BudgetStatus): Script {
    const answer = yield* call(updateRequest('poddisruptionbudgets', { ...budget, status }, 'status'))
    if (answer.code === 404) return
    if (answer.code === 409) {
      const again = this.#context.decisions.budgetAfterConflict(status)
      if (again === undefined) throw new ScriptError(`budget ${key} changed while its status was computed`)
      const fresh = must(yield* get('poddisruptionbudgets', budget.metadata.namespace, budget.metadata.name))
      must(resultOf(yield* call(updateRequest('poddisruptionbudgets', { ...fresh, status: again }, 'status'))))
    } else must(resultOf(answer))
    const { disruptionsAllowed, currentHealthy } = status
    this.#context.note({ type: 'budget-written', budget: key, disruptionsAllowed, currentHealthy })
  }

  /** The desired sizes of the controllers behind the pods, each counted once; undefined when one is not in the caches. */
  #expectedScale(pods: readonly Pod[]): number | undefined {
    const scales = new Map<string, number>()
    const seen = new Set<string>()
    for (const pod of pods) {
      const reference = controllerOf(pod)
      if (reference === undefined || seen.has(reference.uid)) continue
      seen.add(reference.uid)
      const owner = this.#scaled(reference.kind, pod.metadata.namespace, reference.name, reference.uid)
      if (owner === undefined) return undefined
      scales.set(owner.metadata.uid as string, owner.spec.replicas ?? 1)
    }
    let sum = 0
    for (const scale of scales.values()) sum += scale
    return sum
  }

  /** The Deployment over a ReplicaSet, else the ReplicaSet itself. */
  #scaled(kind: string, namespace: string | undefined, name: string, uid: string): ReplicaSet | Deployment | undefined {
    const { replicaSets, deployments } = this.#context.informers
    const set = kind === 'ReplicaSet' ? replicaSets.get(`${namespace}/${name}`) : undefined
    if (set === undefined || set.metadata.uid !== uid) return undefined
    const owner = controllerOf(set)
    if (owner?.kind !== 'Deployment') return set
    const deployment = deployments.get(`${namespace}/${owner.name}`)
    return deployment?.metadata.uid === owner.uid ? deployment : set
  }
}

const SELECTOR: Selector<PodDisruptionBudget> = {
  written: ({ spec }) => spec.selector,
  compiled: ({ spec: { selector } }) => ({ anchor: anchorOf(selector?.matchLabels), matches: matcherOf(selector) }),
}

/** What a budget counts by: who is ready, who is leaving, and who is behind the pod. */
function countsOtherwise(before: Pod, pod: Pod): boolean {
  return (
    isPodReady(before) !== isPodReady(pod) ||
    before.metadata.deletionTimestamp !== pod.metadata.deletionTimestamp ||
    before.metadata.uid !== pod.metadata.uid ||
    !sameValue(controllerOf(before), controllerOf(pod))
  )
}

/** A controller was scaled: the budgets of its pods count against another size. Upstream waits for the next pod event. */
class ScaleHandler implements Handler<ReplicaSet | Deployment> {
  readonly #loop: ControllerLoop
  readonly #selections: Selections
  readonly #context: ControllerContext

  constructor(loop: ControllerLoop, selections: Selections, context: ControllerContext) {
    this.#loop = loop
    this.#selections = selections
    this.#context = context
  }

  onAdd(owner: ReplicaSet | Deployment, _isInitial: boolean, out: Out): void {
    this.#wake(owner, out)
  }

  onUpdate(before: ReplicaSet | Deployment, owner: ReplicaSet | Deployment, out: Out): void {
    if (before.spec.replicas !== owner.spec.replicas) this.#wake(owner, out)
  }

  /** One pod of the controller is enough to find the budgets: they select by labels that all its pods share. */
  #wake(owner: KubeObject, out: Out): void {
    const { replicaSets, pods } = this.#context.informers
    const uid = owner.metadata.uid as string
    const sets =
      owner.kind === 'Deployment' ? replicaSets.byIndex(BY_OWNER, uid).map((set) => set.metadata.uid as string) : [uid]
    for (const set of sets) {
      const first = pods.byIndex(BY_OWNER, set)[0]
      if (first !== undefined)
        this.#selections.forEachSelecting(keyOf(first), (budget) => this.#loop.enqueue(budget, out))
    }
  }
}
