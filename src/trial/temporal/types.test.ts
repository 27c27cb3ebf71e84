/** What the types of the combinators promise: predicates are given their kind's objects and their type's facts, and nothing is `any`. */
import { expectTypeOf, test } from 'vitest'
import type { Deployment, Node, Pod } from '../../objects/index.ts'
import type { RaftRoleFact } from '../../raft/index.ts'
import {
  every,
  type FactOf,
  type FactSubject,
  type Formula,
  forEach,
  forEachFact,
  happens,
  type Subject,
  state,
  type View,
} from './index.ts'

test('an atom is typed by the kind that it is about', () => {
  forEach('pods', (pod) => {
    expectTypeOf(pod).toEqualTypeOf<Subject<'pods'>>()
    expectTypeOf(pod.gone).toEqualTypeOf<Formula>()
    pod.does('moves', (before, after) => {
      expectTypeOf(before).toEqualTypeOf<Pod>()
      expectTypeOf(after).toEqualTypeOf<Pod>()
      return false
    })
    return pod.is('odd', (object) => {
      expectTypeOf(object).toEqualTypeOf<Pod>()
      return false
    })
  })
  every('deployments', 'odd', (object) => {
    expectTypeOf(object).toEqualTypeOf<Deployment>()
    return true
  })
})

test('a view shows the declared kinds, and a kind that is not declared is no argument', () => {
  state('odd', ['nodes', 'pods'], (view) => {
    expectTypeOf(view).toEqualTypeOf<View<'nodes' | 'pods'>>()
    expectTypeOf(view.get('nodes', 'n')).toEqualTypeOf<Node | undefined>()
    expectTypeOf(view.list('pods')).toEqualTypeOf<Iterable<Pod>>()
    expectTypeOf<'services'>().not.toExtend<Parameters<typeof view.get>[0]>()
    return true
  })
  forEach('pods', (pod) =>
    pod.is('odd', ['nodes'], (object, view) => {
      expectTypeOf(object).toEqualTypeOf<Pod>()
      expectTypeOf(view).toEqualTypeOf<View<'nodes'>>()
      return false
    }),
  )
})

test('a fact is typed by its type, and a type that nobody notes is no argument', () => {
  happens('raft-role', (fact) => {
    expectTypeOf(fact).toEqualTypeOf<RaftRoleFact>()
    return false
  })
  forEachFact(
    'raft-role',
    (fact) => `${fact.term}`,
    (term) => {
      expectTypeOf(term).toEqualTypeOf<FactSubject<'raft-role'>>()
      return term.has(
        'leader-started',
        (fact) => fact.lease,
        (fact, opening) => {
          expectTypeOf(fact.type).toEqualTypeOf<FactOf<'leader-started'>['type']>()
          expectTypeOf(opening).toEqualTypeOf<RaftRoleFact>()
          return false
        },
      )
    },
  )
  expectTypeOf<'raft-rule'>().not.toExtend<Parameters<typeof happens>[0]>()
})

test('a predicate answers with a boolean, no more and no less', () => {
  type Predicate = Parameters<Subject<'pods'>['does']>[1]
  expectTypeOf<() => boolean>().toExtend<Predicate>()
  expectTypeOf<() => undefined>().not.toExtend<Predicate>()
  expectTypeOf<() => string>().not.toExtend<Predicate>()
})
