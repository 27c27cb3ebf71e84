/** What keeping costs: a corpus of ten thousand entries opened and one of them found, a journal read again, a finding written. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { corpusFolder, writeTextAtomically } from '../src/cli/files.ts'
import { Journal, readJournal } from '../src/cli/journal.ts'
import { openCorpus, printScenario, readEntry, type TrialResult } from '../src/trial/index.ts'
import { fakeScenario } from '../src/trial/testing.ts'
import { main } from './main.ts'
import { median, type Row } from './row.ts'

export const name = 'keeping'

const ENTRIES = 10_000
const TRIALS = 60_000
const WRITES = 200
const REPEATS = 5

export function run(): Row[] {
  const folder = mkdtempSync(join(tmpdir(), 'seatrial-bench-'))
  try {
    return [...corpusRows(folder), ...journalRows(folder)]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function corpusRows(folder: string): Row[] {
  const about = { verdict: 'failed', signature: 'a/late/pod', shrunk: true } as const
  for (let index = 0; index < ENTRIES; index++)
    writeFileSync(
      join(folder, `entry-${index}.scenario.json`),
      printScenario(fakeScenario({ seed: String(index) }), about),
    )
  const seconds = timed(() => {
    const found = openCorpus([corpusFolder(folder)]).find(({ id }) => id === `entry-${ENTRIES - 1}`)
    if (found === undefined || readEntry(found).scenario.seed !== String(ENTRIES - 1)) throw new Error('not found')
  })
  const written = timed(() => {
    for (let index = 0; index < WRITES; index++)
      writeTextAtomically(join(folder, `written-${index}.txt`), printScenario(fakeScenario(), about))
  })
  return [
    {
      figure: `a corpus of ${ENTRIES} entries opened, one found and read`,
      value: seconds * 1_000,
      unit: 'ms',
      target: 1_000,
      atMost: true,
    },
    { figure: 'a finding written, synced and renamed', value: (written / WRITES) * 1_000, unit: 'ms' },
  ]
}

function journalRows(folder: string): Row[] {
  const path = join(folder, 'campaign.jsonl')
  const properties = Array.from({ length: 45 }, (_, index) => `property-${index}`)
  const journal = Journal.begin(path, {
    ...{ type: 'campaign', format: 'seatrial/journal', version: 1, release: '0', seed: 1, suites: ['small'] },
    ...{ defects: [], shard: { index: 1, count: 1 }, properties },
  })
  const ledger = ['partition', 'crash-process', 'slow-link'].map((kind, index) => ({
    ...{ fault: `f${index}`, kind, atMicros: 1, injected: true, evidence: [], bit: index > 0 },
  }))
  const result: TrialResult = {
    verdict: 'passed',
    ...{ scenarioId: 'x', traceHash: '0', virtualMicros: 60_000_000, steps: 9_000 },
    ...{ ledger, reached: properties.slice(0, 30), seen: properties.slice(0, 2), facts: [] },
  }
  const begun = process.cpuUsage()
  for (let number = 0; number < TRIALS; number++)
    journal.trial({ trialId: `small:1:${number}`, result, wallMicros: 9 }, [])
  const { user, system } = process.cpuUsage(begun)
  const perTrial = (user + system) / TRIALS
  journal.close()
  const seconds = timed(() => {
    if (readJournal(path, path).done.size !== TRIALS) throw new Error('trials are missing')
  })
  return [
    { figure: 'a trial entered in the journal', value: perTrial, unit: 'us' },
    { figure: `a journal of ${TRIALS} trials read again`, value: seconds * 1_000, unit: 'ms' },
  ]
}

/** Median of the seconds of CPU time that `body` takes, which other programs change little. */
function timed(body: () => void): number {
  return median(
    Array.from({ length: REPEATS }, () => {
      const begun = process.cpuUsage()
      body()
      const { user, system } = process.cpuUsage(begun)
      return (user + system) / 1_000_000
    }),
  )
}

await main(import.meta.url, name, run)
