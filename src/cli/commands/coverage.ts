/** `seatrial coverage`: what campaigns covered together, from their journals: the shards of one seed, or one after the other. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { counted, printDiscovery, printFaults, printMatrix } from '../../report/index.ts'
import { CoverageBook, isDrawn, type LedgerRow, UserError } from '../../trial/index.ts'
import type { Io } from '../io.ts'
import { JOURNAL_ENDING, type Past, readJournal } from '../journal.ts'

export interface CoverageFlags {
  readonly json?: boolean
  readonly dir?: string
  /** The whole matrix of faults. */
  readonly coverage?: boolean
}

/** A folder of findings of a CI run may lie this deep in what was downloaded. */
const DEPTH_MOST = 4

export function coverageCommand(io: Io, paths: readonly string[], flags: CoverageFlags): number {
  const places = paths.length > 0 ? paths : [join(flags.dir ?? '.seatrial', 'campaigns')]
  const files = [...new Set(places.flatMap((path) => journalsAt(resolve(io.folder, path), path)))]
  const pasts = files.flatMap((path) => {
    const file = relative(io.folder, path)
    try {
      return [{ file, past: readJournal(path, file) }]
    } catch (error) {
      // One that is damaged keeps nobody from what the others covered.
      if (!(error instanceof UserError) || files.length === 1) throw error
      io.err(`passed over: ${error.message}\n`)
      return []
    }
  })
  if (pasts.length === 0)
    throw new UserError({
      what: `none of the ${files.length} campaigns there can be read`,
      where: places.join(', '),
      mend: 'see what is said of each',
    })
  assertOneRelease(pasts)
  const book = new CoverageBook()
  const faults = new Map<string, { injected: number; bit: number }>()
  const added = new Set<string>()
  let without = 0
  for (const { record } of pasts.flatMap(({ past }) => past.trials)) {
    // Two campaigns of one seed, or a shard that was downloaded twice.
    if (added.has(record.trialId)) continue
    added.add(record.trialId)
    const { footprint, ledger } = record.result
    if (footprint === undefined) without++
    else book.add(footprint, isDrawn(record.trialId))
    for (const { kind, injected, bit } of ledger) {
      const row = faults.get(kind) ?? { injected: 0, bit: 0 }
      faults.set(kind, { injected: row.injected + (injected ? 1 : 0), bit: row.bit + (bit ? 1 : 0) })
    }
  }
  const coverage = book.summary()
  const rows: LedgerRow[] = [...faults].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, row]) => ({ kind, ...row }))
  if (flags.json === true) {
    io.out(
      `${JSON.stringify({ type: 'coverage', campaigns: pasts.length, trials: added.size, without, faults: rows, coverage })}\n`,
    )
    return 0
  }
  io.out(`${counted(pasts.length, 'campaign')}, ${counted(added.size, 'trial')}\n\n`)
  if (rows.length > 0) io.out(`${printFaults(rows, coverage)}\n\n`)
  if (flags.coverage === true && coverage.matrix.length > 0) io.out(`${printMatrix(coverage)}\n\n`)
  io.out(`${printDiscovery(coverage, added.size - without)}\n`)
  if (without > 0) io.out(`${counted(without, 'trial')} came to no end by themselves and left no footprint\n`)
  return 0
}

function journalsAt(path: string, shown: string): string[] {
  if (!existsSync(path))
    throw new UserError({
      what: 'there is no such file or folder',
      where: shown,
      mend: 'give the folder that a campaign left (.seatrial), or one into which such folders were downloaded',
    })
  const found = statSync(path).isDirectory() ? journalsBelow(path, DEPTH_MOST) : [path]
  if (found.length > 0) return found
  throw new UserError({
    what: 'no campaign has left its journal there',
    where: shown,
    mend: 'campaigns of "seatrial fuzz" do, in .seatrial/campaigns',
  })
}

function journalsBelow(folder: string, depth: number): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return depth === 0 || entry.name === 'node_modules' ? [] : journalsBelow(path, depth - 1)
      return entry.name.endsWith(JOURNAL_ENDING) && folder.endsWith('campaigns') ? [path] : []
    })
}

/** What is seen and how it is named changes with the release, and so do the trials of a seed. */
function assertOneRelease(pasts: readonly { readonly file: string; readonly past: Past }[]): void {
  const [first] = pasts
  const other = pasts.find(({ past }) => past.head.release !== first?.past.head.release)
  if (first === undefined || other === undefined) return
  throw new UserError({
    what: `this campaign is of seatrial ${other.past.head.release}, ${first.file} of ${first.past.head.release}: they do not see alike`,
    where: other.file,
    mend: 'give campaigns of one release',
  })
}
