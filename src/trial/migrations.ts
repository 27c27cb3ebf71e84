/**
 * Scenario files of older versions, brought to the present one step by step. A change of the format's shape raises
 * `SCENARIO_VERSION` and adds the step from the version before; a version newer than this release is refused, not guessed.
 */
import { SCENARIO_VERSION } from './scenario.ts'
import { UserError } from './user-error.ts'

type Json = Readonly<Record<string, unknown>>

/** From a version to the next one. The step gets the whole document and leaves `version` alone. */
export type Migrations = ReadonlyMap<number, (document: Json) => Json>

/** Version 1 is the first, so nothing leads to it yet. */
const MIGRATIONS: Migrations = new Map()

/**
 * The document in the present version.
 * @throws UserError for a version that is newer than this release, or so old that nothing leads on from it.
 */
export function migrated(
  document: Json,
  fileName: string,
  migrations: Migrations = MIGRATIONS,
  present: number = SCENARIO_VERSION,
): Json {
  const { version } = document
  // What is no version at all is for the schema to refuse.
  if (typeof version !== 'number' || !Number.isInteger(version) || version === present) return document
  if (version > present)
    throw new UserError({
      what: `the scenario has format version ${version}; this seatrial reads version ${present}`,
      where: `${fileName} /version`,
      mend: `use the seatrial release that wrote it (one that reads scenario version ${version}), or a newer one: npm install seatrial@latest`,
    })
  let current = document
  for (let step = version; step < present; step++) {
    const migrate = migrations.get(step)
    if (migrate === undefined)
      throw new UserError({
        what: `the scenario has format version ${version}, from which nothing leads to version ${present}`,
        where: `${fileName} /version`,
        mend: `versions from ${Math.min(present, ...migrations.keys())} on can be read; keep the scenario anew with this release`,
      })
    current = { ...migrate(current), version: step + 1 }
  }
  return current
}
