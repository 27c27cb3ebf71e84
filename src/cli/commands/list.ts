/** `seatrial list`: everything that can be named, a line each. */
import { textTable } from '../../report/text-table.ts'
import { STRATEGIES } from '../../trial/index.ts'
import { UserError } from '../../trial/user-error.ts'
import type { Io } from '../io.ts'
import { openSession } from '../session.ts'

export interface ListFlags {
  readonly json?: boolean
  readonly properties?: string
}

const SECTIONS = ['properties', 'faults', 'defects', 'suites', 'strategies'] as const

export async function listCommand(io: Io, which: string | undefined, flags: ListFlags): Promise<number> {
  if (which !== undefined && !SECTIONS.some((section) => section === which)) {
    throw new UserError({ what: `there is no list of "${which}"`, mend: `choose one of ${SECTIONS.join(', ')}` })
  }
  const session = await openSession(io, { ...flags, workers: '1' })
  await session.close()
  const { registry } = session
  const rows: Readonly<Record<(typeof SECTIONS)[number], readonly (readonly string[])[]>> = {
    properties: [...registry.properties.values()].map(({ id, mode, claim }) => [id, mode, claim]),
    faults: [...registry.faults.values()].map(({ id, title }) => [id, title]),
    defects: [...registry.defects.values()].map(({ id, subsystem, title }) => [id, subsystem, title]),
    suites: [...registry.suites.values()].map(({ id, title }) => [id, title]),
    strategies: STRATEGIES.map(({ id, title, source }) => [id, source, title]),
  }
  for (const section of SECTIONS) {
    if (which !== undefined && which !== section) continue
    if (flags.json === true) {
      for (const row of rows[section]) io.out(`${JSON.stringify({ type: section, id: row[0], title: row.at(-1) })}\n`)
      continue
    }
    io.out(
      `${textTable([section.toUpperCase(), ...(rows[section][0]?.slice(1).map(() => '') ?? [])], rows[section])}\n\n`,
    )
  }
  return 0
}
