/**
 * What the trial floor knows of faults, properties, defects and suites: their shapes, and a registry that the floors above
 * (and users) fill. The trial floor imports none of them, so a user's own is as good as a built-in one.
 */
import type { Arbitrary } from 'fast-check'
import type { Cluster, DecisionOverrides, Topology, WorkloadStep } from '../cluster/index.ts'
import type { Micros } from '../kernel/index.ts'
import type { KubeObject } from '../objects/index.ts'
import { assertEntry, type EntryWhat } from './registry-shapes.ts'
import type { FaultStep, Scenario } from './scenario.ts'

export type { FaultStep } from './scenario.ts'

/** One line of the effect ledger: what a fault did to the run. */
export interface Evidence {
  /** For example "messages dropped", "processes killed", "reads served stale". */
  readonly what: string
  readonly count: number
}

/** A fault that has been injected. */
export interface ActiveFault {
  /** Undoes what can be undone. Called once, when the duration is over or the active phase ends. */
  heal(): void
  /** What it did so far. The fault bit if any count is above 0. */
  evidence(): readonly Evidence[]
}

/** A fault as it was drawn, before it has its place among the others. */
export type DrawnFault = Omit<FaultStep, 'id'>

/** What else goes on in a scenario for which a fault is drawn. */
export interface Surroundings {
  /** When faults may begin. */
  readonly fromMicros: Micros
  readonly workload: readonly WorkloadStep[]
  /** Faults that were drawn before; none for kinds without `occasions`. */
  readonly faults: readonly DrawnFault[]
}

export interface FaultKind {
  readonly id: string
  /** One line: what breaks. */
  readonly title: string
  /** Parameter name -> meaning with unit. */
  readonly parameters: Readonly<Record<string, string>>
  /**
   * Parameters and duration for a topology; `objects` are the scenario's, for kinds that strike only some of them, `around` is
   * what else goes on.
   */
  arbitrary(
    topology: Topology,
    objects: readonly KubeObject[],
    around: Surroundings,
  ): Arbitrary<Pick<FaultStep, 'durationMicros' | 'parameters'>>
  /** Steps of the workload during which it usually bites and without which it seldom does. Left out: it bites at any time. */
  readonly bitesDuring?: readonly WorkloadStep['kind'][]
  /**
   * Further moments at which it finds something to strike, other faults considered; `own` is what was drawn of itself, left out
   * when the question is whether to draw it at all. Kinds that have it are drawn when all others are known.
   */
  occasions?(around: Surroundings, own?: Pick<FaultStep, 'durationMicros' | 'parameters'>): readonly Micros[]
  /** It strikes where few suites look: only suites that name it draw it. Default: false. */
  readonly onlyByName?: boolean
  /** False when nothing in a cluster with these objects could ever feel it; it is not drawn then. Left out: always true. */
  canBite?(objects: readonly KubeObject[]): boolean
  /** What is wrong with the parameters, in words, or undefined. */
  validate(step: FaultStep, topology: Topology): string | undefined
  inject(cluster: Cluster, step: FaultStep): ActiveFault
  /** A short clause for the story: "cut etcd-0 off from etcd-1 and etcd-2 for 4 s". */
  describe(step: FaultStep): string
}

export interface Violation {
  /** What it is about: an object, node, member or client by name. */
  readonly subject: string
  /** One sentence: what was seen and what should have been. */
  readonly message: string
  /** The kind of failure within the property; with the property's id it makes the signature. Few values, no names or times. */
  readonly shape: string
  /** What was seen of it, short: fields before and after. A line of its own at the end of the story. */
  readonly saw?: string
  readonly details?: unknown
  /** A picture of what is wrong, for a terminal and for a page. */
  readonly drawing?: { readonly text: string; readonly svg: string }
}

export interface Reporter {
  /** Reports a violation at this moment. The first one decides the verdict; the trial stops there. */
  fail(violation: Violation): void
  /** The property's trigger was met: it looked at something. */
  reached(): void
  /** For a `sometimes` property: it was seen to hold. */
  seen(): void
  /** One of the definition's `triggers` came up. */
  met?(trigger: string): void
}

/** A property at work in one trial. It subscribes to facts in `monitor()`; these are the other moments it may use. */
export interface Monitor {
  /** The active phase is over, all faults are healed. */
  onQuiet?(): void
  /** The trial is over (also after early quiescence). Convergence is judged here. */
  onEnd?(): void
  /** Something is pending that will be decided by `limit` at the latest: a trial that has come to rest goes on until then. */
  isWaiting?(limit: Micros): boolean
}

export interface PropertyDefinition {
  readonly id: string
  /** `always` fails a trial; `sometimes` must be seen to hold in at least one trial of a campaign. */
  readonly mode: 'always' | 'sometimes'
  /** It claims more than Kubernetes promises: only scenarios that name it are held to it. Default: false. */
  readonly onlyByName?: boolean
  /** One line. */
  readonly claim: string
  /** Where the claim comes from: upstream file, documentation or paper section. */
  readonly source: string
  /** What must have happened for the property to have looked at something. */
  readonly trigger: string
  /** For a property made of formulas: each of them in words, and everything that they wait for. */
  readonly formulas?: readonly string[]
  readonly triggers?: readonly string[]
  /** Defects that it is known to catch. */
  readonly catches: readonly string[]
  monitor(cluster: Cluster, report: Reporter): Monitor
}

export interface Defect {
  readonly id: string
  readonly title: string
  readonly subsystem: string
  readonly sources: readonly string[]
  /** What the bug replaces. */
  readonly decisions: DecisionOverrides
  /** The suite whose scenarios reach its trigger. */
  readonly suite: string
  /** The properties that catch it. */
  readonly caughtBy: readonly string[]
}

/** A named source of scenarios. */
export interface Suite {
  readonly id: string
  readonly title: string
  /** The objects and the cluster are somebody's own: shrinking leaves replicas and cluster as they are. Default: false. */
  readonly keepsCluster?: boolean
  /** Scenarios without defects and with all properties; `seed` of the scenario is part of the value and does not shrink. */
  arbitrary(options: { readonly horizonMicros?: Micros }): Arbitrary<Scenario>
}

/** Everything that a run may name. */
export class Registry {
  readonly faults = new Map<string, FaultKind>()
  readonly properties = new Map<string, PropertyDefinition>()
  readonly defects = new Map<string, Defect>()
  readonly suites = new Map<string, Suite>()

  fault(kind: FaultKind): this {
    return add(this.faults, kind, 'fault', this)
  }
  property(definition: PropertyDefinition): this {
    return add(this.properties, definition, 'property', this)
  }
  defect(defect: Defect): this {
    return add(this.defects, defect, 'defect', this)
  }
  suite(suite: Suite): this {
    return add(this.suites, suite, 'suite', this)
  }

  /** The properties that a scenario is held to: those that it names, or all that are general. Unknown names are left out. */
  propertiesFor(ids: readonly string[]): readonly PropertyDefinition[] {
    if (ids.length === 0) return [...this.properties.values()].filter((property) => property.onlyByName !== true)
    return ids.flatMap((id) => this.properties.get(id) ?? [])
  }
}

function add<T extends { readonly id: string }, R>(map: Map<string, T>, item: T, what: EntryWhat, self: R): R {
  assertEntry(what, item)
  if (map.has(item.id)) throw new Error(`a ${what} with the id "${item.id}" is already registered; ids are unique`)
  map.set(item.id, item)
  return self
}
