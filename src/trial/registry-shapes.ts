/**
 * What an entry of the registry must have. A user's own may come from JavaScript, where no compiler has looked at it: what is
 * missing is named when it is registered, not when the first trial trips over it.
 */
import { UserError } from './user-error.ts'

type Member = 'text' | 'function' | 'list' | 'record'
export type EntryWhat = 'fault' | 'property' | 'defect' | 'suite'

const SHAPES: Readonly<Record<EntryWhat, Readonly<Record<string, Member>>>> = {
  fault: {
    title: 'text',
    parameters: 'record',
    arbitrary: 'function',
    validate: 'function',
    inject: 'function',
    describe: 'function',
  },
  property: { monitor: 'function', claim: 'text', source: 'text', trigger: 'text', catches: 'list' },
  defect: { title: 'text', subsystem: 'text', sources: 'list', decisions: 'record', suite: 'text', caughtBy: 'list' },
  suite: { title: 'text', arbitrary: 'function' },
}

const MENDS: Readonly<Record<Member, string>> = {
  text: 'a text',
  function: 'a function',
  list: 'a list',
  record: 'an object, {} if there is nothing to say',
}

/** Ids stand in names of trials and files, and on command lines. */
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]*$/

/** @throws UserError that names the first member that is missing or of another type */
export function assertEntry(what: EntryWhat, entry: { readonly id: string }): void {
  const members = entry as unknown as Readonly<Record<string, unknown>>
  const { id } = members
  if (typeof id !== 'string' || !ID.test(id))
    throw new UserError({
      what: `a ${what} has ${id === undefined ? 'no id' : `the id ${JSON.stringify(id)}`}`,
      mend: `give it an id of letters, digits and dashes, such as my-${what}`,
    })
  for (const [name, member] of Object.entries(SHAPES[what])) {
    const given = members[name]
    if (fits(member, given)) continue
    const complaint = given === undefined ? 'is missing' : `is not ${MENDS[member]}`
    throw new UserError({
      what: `the ${what} "${id}": its member ${name} ${complaint}`,
      mend: mendOf(what, name, member),
    })
  }
}

function mendOf(what: EntryWhat, name: string, member: Member): string {
  if (what === 'property' && name === 'monitor')
    return 'make it with property({ id, claim, formula }), or write monitor(cluster, report) by hand'
  return `it takes ${name}: ${MENDS[member]}`
}

function fits(member: Member, given: unknown): boolean {
  if (member === 'text') return typeof given === 'string'
  if (member === 'function') return typeof given === 'function'
  if (member === 'list') return Array.isArray(given)
  return typeof given === 'object' && given !== null && !Array.isArray(given)
}
