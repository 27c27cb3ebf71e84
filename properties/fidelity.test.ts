/** FIDELITY.md is held to its own promise: every row says what it is, and a row that claims something points at tests that exist. */
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

interface Row {
  readonly line: number
  readonly behaviour: string
  readonly state: string
  readonly tests: string
}

const ROWS: readonly Row[] = readFileSync('FIDELITY.md', 'utf8')
  .split('\n')
  .flatMap((text, index) => {
    const cells = text.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '').trim())
    if (!text.startsWith('| ') || cells[0] === 'behaviour') return []
    return [{ line: index + 1, behaviour: cells[0] ?? '', state: cells[1] ?? '', tests: cells.at(-1) ?? '' }]
  })

test('every row says whether a behaviour is modelled', () => {
  expect(ROWS.length).toBeGreaterThan(100)
  const vague = ROWS.filter(({ state }) => !/^(modelled|simplified|left out|stricter|configurable)/.test(state))
  expect(vague.map(({ line, state }) => `FIDELITY.md:${line} "${state}"`)).toEqual([])
})

test('what is modelled has a test that is there', () => {
  const wrong = ROWS.flatMap(({ line, behaviour, state, tests }) => {
    const files = [...tests.matchAll(/`([^`]+\.ts)`/g)].map((match) => match[1] as string)
    if (files.length === 0 && /^(modelled|stricter|configurable)/.test(state))
      return [`FIDELITY.md:${line} ${behaviour}: no test`]
    return files.filter((file) => !existsSync(file)).map((file) => `FIDELITY.md:${line} ${file} does not exist`)
  })
  expect(wrong).toEqual([])
})
