/** `seatrial new invariant`: a file that holds a property and a Vitest test that runs it at once. */
import { existsSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { UserError } from '../../trial/user-error.ts'
import { writeTextAtomically } from '../files.ts'
import type { Io } from '../io.ts'

export interface NewFlags {
  readonly dir?: string
  readonly json?: boolean
}

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/

export function newCommand(io: Io, what: string, name: string, flags: NewFlags): number {
  if (what !== 'invariant')
    throw new UserError({ what: `there is no scaffold for "${what}"`, mend: 'seatrial new invariant <name>' })
  if (!NAME.test(name))
    throw new UserError({
      what: `"${name}" cannot be a name`,
      mend: 'use lower-case words joined by hyphens, such as pods-spread-evenly',
    })
  const folder = resolve(io.folder, flags.dir ?? '.')
  const invariantFile = join(folder, `${name}.js`)
  const testFile = join(folder, `${name}.test.js`)
  for (const file of [invariantFile, testFile]) {
    if (existsSync(file))
      throw new UserError({
        what: 'the file is there already',
        where: relative(io.folder, file),
        mend: 'choose another name, or remove it',
      })
  }
  writeTextAtomically(invariantFile, invariantText(name))
  writeTextAtomically(testFile, testText(name))
  const near = (file: string) => relative(io.folder, file)
  if (flags.json === true) {
    io.out(`${JSON.stringify({ type: 'new', invariant: near(invariantFile), test: near(testFile) })}\n`)
    return 0
  }
  io.out(`${near(invariantFile)}: the invariant\n${near(testFile)}: a test of it\n\n`)
  io.out(`  npx vitest run ${near(testFile)}\n  npx seatrial run --properties ${near(invariantFile)}\n`)
  return 0
}

function invariantText(name: string): string {
  return `// A property of your own: temporal formulas (always, never, eventually, within, leadsTo, until, stable, next) over what
// you want to look at. They are asked again whenever that changes, and at no other time.
import { disturbed, forEach, leadsTo, or, property as define, within } from 'seatrial'

const SECOND = 1_000_000

export const property = define({
  id: '${name}',
  claim: 'A pod that is being deleted is gone within two minutes, unless a fault is at work.',
  source: 'ours',
  // For each pod, from its creation to its removal.
  formula: forEach('pods', (pod) =>
    leadsTo(
      pod.is('leaving', ({ metadata }) => metadata.deletionTimestamp !== undefined),
      within(120 * SECOND, or(pod.gone, disturbed)),
    ),
  ),
})

/** For --properties. */
export default function register(registry) {
  registry.property(property)
}
`
}

function testText(name: string): string {
  return `import { trial } from 'seatrial/vitest'
import register, { property } from './${name}.js'

trial(property.claim, { suite: 'small', register, properties: [property.id], trials: 20 })
`
}
