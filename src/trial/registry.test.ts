/** What is registered has all its members: what is missing, or of another type, is named at once. */
import { expect, test } from 'vitest'
import { Registry } from './registry.ts'
import { property, quiet } from './temporal/index.ts'

const registry = () => new Registry()
const mine = property({ id: 'mine', claim: 'c', formula: quiet })

test('a whole property is taken, once', () => {
  const filled = registry().property(mine)
  expect(filled.properties.get('mine')).toBe(mine)
  expect(() => filled.property(mine)).toThrow(/the id "mine" is already registered/)
})

test.each<readonly [string, () => unknown, RegExp]>([
  ['no id', () => registry().property({ ...mine, id: undefined as never }), /a property has no id/],
  ['an id with blanks', () => registry().property({ ...mine, id: 'my own' }), /a property has the id "my own"/],
  [
    'options instead of a property',
    () => registry().property({ id: 'mine', claim: 'c', formula: quiet } as never),
    /the property "mine": its member monitor is missing \(make it with property\(/,
  ],
  ['a claim of another type', () => registry().property({ ...mine, claim: 3 as never }), /member claim is not a text/],
  ['a fault by name only', () => registry().fault({ id: 'squall' } as never), /the fault "squall": its member title/],
  [
    'a suite without scenarios',
    () => registry().suite({ id: 'mine', title: 'mine' } as never),
    /the suite "mine": its member arbitrary is missing \(it takes arbitrary: a function\)/,
  ],
  [
    'a list for a record',
    () => registry().fault({ id: 'squall', title: 'mine', parameters: [] } as never),
    /its member parameters is not an object/,
  ],
])('%s', (_name, register, says) => {
  expect(register).toThrow(says)
})
