/**
 * Collects the footprint of a trial. It only listens: the trace, the verdict and everything else in the result are those of
 * a run without it.
 *
 * A feature is a 32-bit hash of a short tuple that begins with its family: a fact of a type, with what its outcome was, from
 * a kind of component, about so many times; an object's state, and the step from one to the next; how members of etcd stand
 * to each other; who came before whom about one object; what a fault bit, in what phase of the cluster, beside which other;
 * a property reached, seen, waited for, broken. No names, no times. Its lowest bit is its grain (`grain.ts`).
 */
import type { ApiRequestHandled } from '../../apiserver/index.ts'
import type { Cluster } from '../../cluster/index.ts'
import type { Fact, KernelFact, ProcessId } from '../../kernel/index.ts'
import { type KubeObject, RESOURCES, type Resource } from '../../objects/index.ts'
import type { RaftFact } from '../../raft/index.ts'
import type { TrialResult } from '../result.ts'
import { ClusterPhase } from './cluster-phase.ts'
import { Components, componentOf } from './components.ts'
import { Consensus } from './consensus.ts'
import { Encounters } from './encounters.ts'
import { detailsOf } from './fact-details.ts'
import { FeatureSet } from './feature-set.ts'
import type { Footprint } from './footprint.ts'
import { asState, asWay } from './grain.ts'
import { bucketOf, hashText, mix, Words } from './hash.ts'
import { type About, objectsOf } from './object-of-fact.ts'
import { stateOf } from './object-state.ts'
import { Strikes } from './strikes.ts'

const FACT = hashText('fact')
const COUNT = hashText('count')
const STATE = hashText('state')
const STEP = hashText('step')
const REACHED = hashText('reached')
const SEEN = hashText('seen')
const MET = hashText('met')
const FAILED = hashText('failed')

/** Renewed all the time; who leads comes as facts. */
const UNWATCHED: readonly Resource[] = ['leases']

/** Noted by every member for every write: they come in all trials, in all orders, and are most of all facts. */
const INCESSANT: ReadonlySet<string> = new Set(['etcd-applied', 'etcd-apply-batch', 'etcd-watch-sent'])

interface TypeOfFact {
  readonly hash: number
  readonly detail: ReturnType<typeof detailsOf>
  readonly about: ReturnType<typeof objectsOf>
  /** By process, how often. Made into features at the end: most facts need no more than this. */
  readonly counts: number[]
}

/** The part of a result that a footprint is made of. */
type Outcome = Pick<TrialResult, 'reached' | 'seen' | 'met' | 'ledger' | 'signature'>

export class FootprintCollector {
  readonly strikes: Strikes
  readonly #cluster: Cluster
  readonly #features = new FeatureSet()
  readonly #words = new Words()
  readonly #components: Components
  readonly #types = new Map<string, TypeOfFact | null>()
  /** By the name under which the API is asked, the kind of component. */
  readonly #users = new Map<string, number>()
  readonly #encounters = new Encounters(this.#features, this.#words)
  readonly #consensus = new Consensus(this.#features)
  readonly #phase: ClusterPhase

  constructor(cluster: Cluster) {
    this.#cluster = cluster
    this.#components = new Components(cluster.kernel)
    this.#phase = new ClusterPhase(cluster, this.#consensus, this.#features)
    this.strikes = new Strikes(cluster.kernel, this.#phase, this.#consensus, this.#features)
    cluster.kernel.overhear((fact, process) => this.#onFact(fact, process))
    for (const resource of Object.keys(RESOURCES) as Resource[]) {
      if (UNWATCHED.includes(resource)) continue
      cluster.truth.onChange(resource, ({ previous, current }) => this.#onChange(resource, previous, current))
    }
  }

  footprint({ reached, seen, met, ledger, signature }: Outcome): Footprint {
    const strikes = this.strikes.all(ledger)
    this.#addCounts()
    for (const id of reached) this.#features.add(asState(mix(REACHED, hashText(id))))
    for (const id of seen) this.#features.add(asState(mix(SEEN, hashText(id))))
    for (const { property, triggers } of met ?? [])
      for (const trigger of triggers) this.#features.add(asState(mix(mix(MET, hashText(property)), hashText(trigger))))
    if (signature !== undefined) this.#features.add(asState(mix(FAILED, hashText(signature))))
    return { features: this.#features.sorted(), strikes }
  }

  #onFact(fact: Fact, process: ProcessId): void {
    const known = this.#types.get(fact.type)
    const type = known === undefined ? this.#learn(fact.type) : known
    if (type === null) return
    type.counts[process] = (type.counts[process] ?? 0) + 1
    let detail = 0
    if (type.detail !== undefined) {
      detail = type.detail(fact, this.#words)
      this.#features.add(asState(mix(mix(type.hash, this.#components.hash(process)), detail)))
    }
    if (type.about !== undefined) this.#meet(fact, process, mix(type.hash, detail), type.about)
    switch (fact.type) {
      case 'raft-role':
        if (!this.#cluster.keepsEvents(process))
          this.#consensus.onRole(process, fact as Extract<RaftFact, { readonly type: 'raft-role' }>)
        break
      case 'leader-started':
      case 'leader-stopped':
        this.strikes.onFact(fact, process)
        break
      case 'process-crashed':
        this.strikes.onFact(fact, process)
        this.#consensus.onCrash((fact as Extract<KernelFact, { readonly name: string }>).process)
        break
    }
  }

  #addCounts(): void {
    for (const type of this.#types.values()) {
      const ofComponents = new Map<number, number>()
      for (const [process, count] of type?.counts.entries() ?? []) {
        if (type === null || count === undefined) continue
        const hash = mix(type.hash, this.#components.hash(process))
        ofComponents.set(hash, (ofComponents.get(hash) ?? 0) + count)
        if (type.detail === undefined) this.#features.add(asState(mix(hash, 0)))
      }
      for (const [hash, count] of ofComponents) this.#features.add(asState(mix(mix(COUNT, hash), bucketOf(count))))
    }
  }

  #meet(fact: Fact, process: ProcessId, what: number, about: About<Fact>): void {
    const key = about.key(fact)
    if (key === '') return
    const kind = typeof about.kind === 'string' ? about.kind : about.kind(fact)
    let component = this.#components.hash(process)
    let who = process
    if (fact.type === 'api-request') {
      // The server answers; what counts is who asked. Below 0: no process has that number.
      const { user } = fact as ApiRequestHandled
      who = this.#words.hash(user) | 0x8000_0000
      component = this.#users.get(user) ?? this.#learnUser(user)
    }
    this.#encounters.add(kind, key, mix(what, component), who, this.#cluster.kernel.now)
  }

  #learn(name: string): TypeOfFact | null {
    const type = INCESSANT.has(name)
      ? null
      : { hash: mix(FACT, hashText(name)), detail: detailsOf(name), about: objectsOf(name), counts: [] }
    this.#types.set(name, type)
    return type
  }

  #learnUser(user: string): number {
    const hash = hashText(componentOf(user))
    this.#users.set(user, hash)
    return hash
  }

  #onChange(resource: Resource, previous: KubeObject | undefined, current: KubeObject | undefined): void {
    const before = previous === undefined ? 0 : stateOf(resource, previous, this.#words)
    const after = current === undefined ? 1 : stateOf(resource, current, this.#words)
    if (before !== after) {
      this.#features.add(asState(mix(STATE, after)))
      this.#features.add(asWay(mix(mix(STEP, before), after)))
    }
    this.#phase.onChange(resource, previous, current)
  }
}
