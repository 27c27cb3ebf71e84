/**
 * A claim at work in one trial. It subscribes to the kinds, facts and phases that its formula reads and to nothing else, hands
 * each change to the subjects that it concerns, and reports what failed, what was reached and what held.
 */
import type { Change, Cluster } from '../../cluster/index.ts'
import type { Fact, Micros } from '../../kernel/index.ts'
import type { KubeObject, Resource } from '../../objects/index.ts'
import type { Atom, AtomSource } from './atom.ts'
import type { Compiled, FactAtom } from './compile.ts'
import type { Moment } from './explain.ts'
import { type Claimant, Instance } from './instance.ts'
import { type Blame, PropertyError, thrown, truthOf, untouchable } from './predicate.ts'
import { begin } from './progress.ts'
import { FALSE, type Residual } from './residual.ts'
import { declaredView, type View } from './view.ts'

type Followed = Extract<Compiled['over'], { op: 'for-each-object' }>

export interface WatchListener {
  onFailure(watch: Watch, instance: Instance, left: Residual | undefined, moment: Moment): void
  /** Something that the claim waits for came up: an index into `Compiled.waitsFor`. */
  onMet(watch: Watch, index: number): void
  /** The formula has come true of one subject, for good. */
  onHeld(watch: Watch): void
}

export class Watch implements Claimant {
  readonly cluster: Cluster
  readonly compiled: Compiled
  readonly property: string
  /** Indices into `Compiled.triggers` that have not been met yet. */
  readonly unmet: number[]
  isQuiet = false
  /** The fact of the observation that is being made. */
  fact: Fact | undefined
  readonly #listener: WatchListener
  /** By id; those that have been decided are gone. */
  readonly #instances = new Map<string, Instance>()
  /** By key, where facts may call it by that. */
  readonly #byKey: Map<string, Instance> | undefined
  /** Values of the atoms that are about the whole cluster, by slot, as long as they are known. */
  #shared: (boolean | undefined)[] | undefined
  /** By what may be read. */
  #views: Map<readonly Resource[], View<Resource>> | undefined
  #blank: View<Resource> | undefined
  #hasLooked = false

  constructor(property: string, cluster: Cluster, compiled: Compiled, listener: WatchListener) {
    this.property = property
    this.cluster = cluster
    this.compiled = compiled
    this.#listener = listener
    this.unmet = compiled.triggers.map((_, index) => index)
    const { over } = compiled
    if (compiled.factTypes.length > 0) this.#byKey = new Map()
    for (const { kind, slots } of compiled.kinds) {
      const followed = over?.op === 'for-each-object' && over.kind === kind ? over : undefined
      cluster.truth.onChange(kind, (change) => this.#onChange(change as Change, followed, slots))
    }
    for (const type of compiled.factTypes) cluster.kernel.subscribe(type, (fact) => this.#onFact(untouchable(fact)))
    if (compiled.asksForDisturbance) cluster.calm.onDisturbed(() => this.#observeAll())
    if (over === undefined) this.#add(new Instance(this, '', '', undefined, undefined))
  }

  /** It has looked at something, and everything that it waits for has come up. */
  get isMet(): boolean {
    return this.#hasLooked && this.unmet.length === 0
  }

  get now(): Micros {
    return this.cluster.kernel.now
  }

  onQuiet(): void {
    this.isQuiet = true
    if (this.compiled.asksForQuiet) this.#observeAll()
  }

  onEnd(): void {
    for (const instance of this.#instances.values()) instance.onEnd(this.now)
  }

  isWaiting(limit: Micros): boolean {
    for (const instance of this.#instances.values()) if (instance.isWaiting(limit)) return true
    return false
  }

  // --- What an instance asks

  viewOf(reads: readonly Resource[]): View<Resource> {
    if (reads.length === 0) {
      this.#blank ??= declaredView(this.cluster, reads)
      return this.#blank
    }
    this.#views ??= new Map()
    let view = this.#views.get(reads)
    if (view === undefined) {
      view = declaredView(this.cluster, reads)
      this.#views.set(reads, view)
    }
    return view
  }

  shared(atom: Atom, slot: number, source: Extract<AtomSource, { on: 'state' }>): boolean {
    this.#shared ??= []
    const known = this.#shared[slot]
    if (known !== undefined) return known
    const value = truthOf(atom, this.blame(undefined), source.test(this.viewOf(source.reads)))
    this.#shared[slot] = value
    return value
  }

  happens(atom: Atom, source: Extract<AtomSource, { on: 'fact' }>, instance: Instance): unknown {
    const { fact } = this
    if (fact?.type !== source.type) return false
    const { about, test } = source
    if (about !== undefined) {
      const id = this.#idOf(atom as FactAtom, about, fact)
      if (id !== instance.id && id !== instance.key) return false
    }
    return test === undefined || test(fact, (instance.object ?? instance.opening) as KubeObject | Fact)
  }

  /** Names the property, the formula and the subject of a predicate that did wrong. */
  blame(instance: Instance | undefined): Blame {
    return ({ name, place }, what, cause) => {
      const subject = instance === undefined || instance.key === '' ? '' : ` of ${instance.key}`
      const where = place === '' ? '' : ` (${place})`
      return new PropertyError(this.property, `"${name}"${where}${subject} in "${this.compiled.text}" ${what}`, cause)
    }
  }

  meet(instance: Instance): void {
    const { unmet } = this
    for (let place = 0; place < unmet.length; ) {
      const index = unmet[place] as number
      const trigger = this.compiled.triggers[index]
      if (trigger === undefined || begin(trigger.node, instance) === FALSE) place++
      else {
        unmet.splice(place, 1)
        this.#listener.onMet(this, index + 1)
      }
    }
  }

  fail(instance: Instance, left: Residual | undefined, moment: Moment): void {
    this.#drop(instance)
    this.#listener.onFailure(this, instance, left, moment)
  }

  hold(instance: Instance): void {
    this.#drop(instance)
    this.#listener.onHeld(this)
  }

  // --- What happens

  /** `followed`: the subjects are of this kind. `slots`: of the atoms that read it. */
  #onChange(change: Change, followed: Followed | undefined, slots: readonly number[] | undefined): void {
    const own = followed === undefined ? undefined : this.#follow(change, followed)
    if (slots === undefined) {
      if (own === undefined) return
      own.observe()
      if (own.isGone) this.#remove(own)
      return
    }
    for (const slot of slots) if (this.#shared !== undefined) this.#shared[slot] = undefined
    for (const instance of this.#instances.values()) if (instance !== own) instance.forget(slots)
    this.#look()
    if (own !== undefined) this.#observe(own)
    this.#observeAll(own)
    if (own?.isGone === true) this.#remove(own)
  }

  /** The subject that a change is about, brought up to date. */
  #follow({ key, previous, current }: Change, over: Followed): Instance | undefined {
    const id = (current ?? previous)?.metadata.uid ?? key
    const known = this.#instances.get(id)
    if (current === undefined) {
      if (known !== undefined) known.isGone = true
      return known
    }
    if (known !== undefined) {
      known.change(current)
      known.isChange = true
      return known
    }
    if (previous !== undefined && previous.metadata.uid === current.metadata.uid) return undefined
    const former = previous === undefined ? undefined : this.#instances.get(previous.metadata.uid ?? key)
    if (former !== undefined) {
      // Another object took the name within one change.
      former.isGone = true
      this.#observe(former)
      this.#remove(former)
    }
    const { where } = over
    if (where !== undefined && !this.#isWanted(where, current)) return undefined
    this.#look()
    const created = new Instance(this, id, key, current, undefined)
    this.#instances.set(id, created)
    this.#byKey?.set(key, created)
    return created
  }

  #isWanted(where: (object: KubeObject) => unknown, object: KubeObject): boolean {
    const asked = { name: 'where', place: '' }
    const blame = this.blame(undefined)
    let answer: unknown
    try {
      answer = where(object)
    } catch (error) {
      throw thrown(asked, blame, error)
    }
    return truthOf(asked, blame, answer)
  }

  #onFact(fact: Fact): void {
    const { over, factAtoms } = this.compiled
    this.fact = fact
    let opened: Instance | undefined
    if (over?.op === 'for-each-fact' && over.type === fact.type) {
      const key = this.#nameOf(over.keyOf, fact, { name: 'keyOf', place: '' })
      if (key !== undefined && this.#byKey?.has(key) !== true) {
        this.#look()
        opened = new Instance(this, key, key, undefined, fact)
        this.#instances.set(key, opened)
        this.#byKey?.set(key, opened)
        this.#observe(opened)
      }
    }
    const atoms = factAtoms.get(fact.type) ?? []
    const concerned = new Set<Instance>()
    for (const atom of atoms) {
      const { about } = atom.source
      if (about === undefined) for (const instance of this.#instances.values()) concerned.add(instance)
      else {
        const id = this.#idOf(atom, about, fact)
        const instance = id === undefined ? undefined : (this.#instances.get(id) ?? this.#byKey?.get(id))
        if (instance !== undefined) concerned.add(instance)
      }
    }
    if (over === undefined && factAtoms.has(fact.type)) this.#look()
    for (const instance of concerned) if (instance !== opened) this.#observe(instance)
    this.fact = undefined
  }

  #idOf(atom: FactAtom, about: (fact: Fact) => unknown, fact: Fact): string | undefined {
    return this.#nameOf(about, fact, atom)
  }

  #nameOf(
    about: (fact: Fact) => unknown,
    fact: Fact,
    asked: { readonly name: string; readonly place: string },
  ): string | undefined {
    let name: unknown
    try {
      name = about(fact)
    } catch (error) {
      throw thrown(asked, this.blame(undefined), error)
    }
    if (name === undefined || typeof name === 'string') return name
    throw this.blame(undefined)(asked, 'gave the subject of a fact as something else than text or undefined', undefined)
  }

  #add(instance: Instance): void {
    this.#instances.set(instance.id, instance)
    instance.observe()
  }

  #observe(instance: Instance): void {
    if (this.#instances.get(instance.id) === instance) instance.observe()
  }

  #observeAll(but?: Instance): void {
    for (const instance of this.#instances.values()) if (instance !== but) instance.observe()
  }

  /** Its last observation is over. */
  #remove(instance: Instance): void {
    if (this.#instances.get(instance.id) !== instance) return
    if (this.compiled.over?.op === 'for-each-object' && this.compiled.over.removal === 'judges')
      instance.onEnd(this.now)
    this.#drop(instance)
  }

  #drop(instance: Instance): void {
    this.#instances.delete(instance.id)
    // A thing that facts name stays known by name: what was decided of it once is decided.
    if (instance.opening === undefined && this.#byKey?.get(instance.key) === instance) this.#byKey.delete(instance.key)
  }

  #look(): void {
    if (this.#hasLooked) return
    this.#hasLooked = true
    this.#listener.onMet(this, 0)
  }
}
