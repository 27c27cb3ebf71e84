/**
 * Atoms: the predicates at the leaves of a formula, with what they read. An atom is asked anew only when something that it
 * reads has changed. States (of an object, of the cluster) hold until they change; actions and facts hold at one observation.
 */
import type { Cluster } from '../../cluster/index.ts'
import type { Fact, Micros } from '../../kernel/index.ts'
import type { KubeObject, Resource } from '../../objects/index.ts'
import type { View } from './view.ts'

export interface Atom {
  /** In words, as in "leaving"; it stands in reports. */
  readonly name: string
  /** File and line of who made it; empty when unknown. */
  readonly place: string
  readonly source: AtomSource
}

export type AtomSource =
  | {
      readonly on: 'object'
      readonly reads: readonly Resource[]
      readonly test: (object: KubeObject, view: View<Resource>) => unknown
    }
  | { readonly on: 'action'; readonly test: (before: KubeObject, after: KubeObject) => unknown }
  | { readonly on: 'opening'; readonly test: (opening: Fact) => unknown }
  | { readonly on: 'created' | 'gone' | 'quiet' | 'disturbed' }
  | {
      readonly on: 'fact'
      readonly type: string
      /** Which subject of a quantifier it is about: its uid or key; left out for facts of the whole cluster. */
      readonly about?: (fact: Fact) => unknown
      readonly test?: (fact: Fact, subject: KubeObject | Fact) => unknown
    }
  | { readonly on: 'state'; readonly reads: readonly Resource[]; readonly test: (view: View<Resource>) => unknown }
  | { readonly on: 'asked'; readonly test: (cluster: Cluster) => unknown }

/** A time that is read off the object when it is asked for. */
export interface Duration {
  readonly name: string
  readonly place: string
  readonly test: (object: KubeObject) => unknown
}

/** One moment at which a formula is looked at: its time, and what holds. */
export interface Observation {
  readonly at: Micros
  /** `slot`: the atom's number in its formula. */
  holds(atom: Atom, slot: number): boolean
  micros(duration: Duration): Micros
}

/** Who called into this folder: file and line, for messages. */
export function callersPlace(): string {
  const lines = new Error('place').stack?.split('\n').slice(1) ?? []
  const outside = lines.find((line) => !/trial[/\\]temporal[/\\](?!.*\.test\.)/.test(line)) ?? ''
  const place = /(?:file:\/\/)?([^\s()]+:\d+):\d+\)?$/.exec(outside)?.[1] ?? ''
  return place.split(/[/\\]/).slice(-2).join('/')
}
