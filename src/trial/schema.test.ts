/** The schema file for editors is the schema that the program uses. Write it anew with `npx vitest run src/trial/schema -u`. */
import { expect, test } from 'vitest'
import { SCENARIO_SCHEMA } from './schema.ts'

test('fixtures/scenario.schema.json is up to date', async () => {
  await expect(`${JSON.stringify(SCENARIO_SCHEMA, null, 2)}\n`).toMatchFileSnapshot(
    '../../fixtures/scenario.schema.json',
  )
})
