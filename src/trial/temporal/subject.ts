/** Atoms about one object, or one thing that facts tell of: what stands inside `forEach`. */
import type { Fact } from '../../kernel/index.ts'
import type { KubeObject, Resource, ResourceTypes } from '../../objects/index.ts'
import { type Atom, type AtomSource, callersPlace, type Duration } from './atom.ts'
import type { FactOf, FactType } from './facts.ts'
import type { Formula } from './formula.ts'
import type { View } from './view.ts'
import { assertKind, assertPredicate } from './well-formed.ts'

/** An object of a kind, from its creation to its removal. It stands for each of them; none is there yet. */
export interface Subject<R extends Resource> {
  /** A state of the object. At its removal it is that of its last version. */
  is(name: string, test: (object: ResourceTypes[R]) => boolean): Formula
  /** A state that also reads other kinds; a change of one of them asks it anew for every object. */
  is<const K extends Resource>(
    name: string,
    reads: readonly K[],
    test: (object: ResourceTypes[R], view: View<K>) => boolean,
  ): Formula
  /** An action: true at the observation of a change from one stored version to the next that is such a step. */
  does(name: string, test: (before: ResourceTypes[R], after: ResourceTypes[R]) => boolean): Formula
  /**
   * A fact about the object is noted just now. `about` gives the uid or the key (namespace/name) of the fact's object;
   * `name` is for reports.
   */
  has<T extends FactType>(
    type: T,
    about: (fact: FactOf<T>) => string | undefined,
    test?: (fact: FactOf<T>, object: ResourceTypes[R]) => boolean,
    name?: string,
  ): Formula
  /** Its first observation. */
  readonly created: Formula
  /** Its last observation: it is removed from the store. */
  readonly gone: Formula
  /** A time bound that is read off the object when it is asked for. */
  micros(name: string, test: (object: ResourceTypes[R]) => number): Duration
}

/** Whatever shares a name in facts: a term, a container, a request. It begins with the first fact of that name. */
export interface FactSubject<O extends FactType> {
  /** True of the fact with which it began. */
  was(name: string, test: (opening: FactOf<O>) => boolean): Formula
  /** A fact about it is noted just now; `opening` is the one with which it began. */
  has<T extends FactType>(
    type: T,
    about: (fact: FactOf<T>) => string | undefined,
    test?: (fact: FactOf<T>, opening: FactOf<O>) => boolean,
    name?: string,
  ): Formula
  /** Its first observation: the fact with which it began. */
  readonly created: Formula
}

export function objectSubject<R extends Resource>(): Subject<R> {
  type Test = (...objects: never[]) => boolean
  const is = (name: string, second: readonly Resource[] | Test, third?: Test): Formula => {
    const [reads, test] = typeof second === 'function' ? [[], second] : [second, third]
    assertPredicate('is', name, test)
    for (const kind of reads) assertKind(kind, 'is')
    return atom(name, { on: 'object', reads, test: test as (object: KubeObject, view: View<Resource>) => unknown })
  }
  return {
    is,
    does(name, test) {
      assertPredicate('does', name, test)
      return atom(name, { on: 'action', test: test as unknown as (before: KubeObject, after: KubeObject) => unknown })
    },
    has: factAtom,
    created: atom('created', { on: 'created' }),
    gone: atom('gone', { on: 'gone' }),
    micros: (name, test) => ({ name, place: callersPlace(), test: test as unknown as (object: KubeObject) => unknown }),
  }
}

export function factSubject<O extends FactType>(): FactSubject<O> {
  return {
    was(name, test) {
      assertPredicate('was', name, test)
      return atom(name, { on: 'opening', test: test as unknown as (opening: Fact) => unknown })
    },
    has: factAtom,
    created: atom('created', { on: 'created' }),
  }
}

function factAtom(
  type: string,
  about: (fact: never) => string | undefined,
  test?: (fact: never, subject: never) => boolean,
  name: string = type,
): Formula {
  return atom(name, {
    on: 'fact',
    type,
    about: about as (fact: Fact) => unknown,
    ...(test === undefined ? {} : { test: test as (fact: Fact, subject: KubeObject | Fact) => unknown }),
  })
}

function atom(name: string, source: AtomSource): Formula {
  const made: Atom = { name, place: callersPlace(), source }
  return { op: 'atom', atom: made }
}
