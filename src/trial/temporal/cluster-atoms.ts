/** Atoms about the cluster as a whole: what is stored, what happened, which phase the trial is in. */
import type { Cluster } from '../../cluster/index.ts'
import { RESOURCES, type Resource, type ResourceTypes } from '../../objects/index.ts'
import { type Atom, callersPlace } from './atom.ts'
import type { FactOf, FactType } from './facts.ts'
import type { Formula } from './formula.ts'
import type { View } from './view.ts'
import { assertKind, assertPredicate } from './well-formed.ts'

/** A state of the cluster. `reads` names the kinds that it looks at; it is asked anew when an object of theirs changes. */
export function state<const K extends Resource>(
  name: string,
  reads: readonly K[],
  test: (view: View<K>) => boolean,
): Formula {
  assertPredicate('state', name, test)
  for (const kind of reads) assertKind(kind, 'state')
  return atom({
    name,
    place: callersPlace(),
    source: { on: 'state', reads, test: test as (view: View<Resource>) => unknown },
  })
}

/** There is an object of the kind of which it holds. */
export function some<K extends Resource>(kind: K, name: string, test: (object: ResourceTypes[K]) => boolean): Formula {
  return quantified('some', kind, name, test, false)
}

/** It holds of every object of the kind; also when there is none. */
export function every<K extends Resource>(kind: K, name: string, test: (object: ResourceTypes[K]) => boolean): Formula {
  return quantified('every', kind, name, test, true)
}

/** Asks the objects in turn until one answers otherwise than `usual`, which is the answer when none does. */
function quantified<K extends Resource>(
  word: 'some' | 'every',
  kind: K,
  name: string,
  test: (object: ResourceTypes[K]) => boolean,
  usual: boolean,
): Formula {
  assertKind(kind, word)
  assertPredicate(word, name, test)
  const source: Atom['source'] = {
    on: 'state',
    reads: [kind],
    test: (view) => {
      for (const object of view.list(kind) as Iterable<ResourceTypes[K]>) {
        const answer: unknown = test(object)
        if (answer !== usual) return answer
      }
      return usual
    },
  }
  return atom({ name: `${word} ${RESOURCES[kind].kind} ${name}`, place: callersPlace(), source })
}

/** A fact of this type is noted just now (and `test` holds of it): true at that one observation. `name` is for reports. */
export function happens<T extends FactType>(
  type: T,
  test?: (fact: FactOf<T>) => boolean,
  name: string = type,
): Formula {
  const source = {
    on: 'fact',
    type,
    ...(test === undefined ? {} : { test: test as (fact: never) => unknown }),
  } as const
  return atom({ name, place: callersPlace(), source: source as Atom['source'] })
}

/**
 * Something read straight off the cluster, whatever it is. It is asked at each observation that other atoms of the formula
 * make, and makes none itself: put a state, action or fact beside it.
 */
export function asked(name: string, test: (cluster: Cluster) => boolean): Formula {
  assertPredicate('asked', name, test)
  return atom({ name, place: callersPlace(), source: { on: 'asked', test } })
}

/** All faults are healed and nobody works on the cluster any more: the quiet phase. */
export const quiet: Formula = atom({ name: 'quiet', place: '', source: { on: 'quiet' } })

/** A fault is at work, or its consequences have not died away (see `Calm`). For claims about a cluster that is left alone. */
export const disturbed: Formula = atom({ name: 'disturbed', place: '', source: { on: 'disturbed' } })

function atom(atomOf: Atom): Formula {
  return { op: 'atom', atom: atomOf }
}
