/** What a benchmark does when its file is started itself: it runs and prints its rows, as text or with --json as one line. */
import { pathToFileURL } from 'node:url'
import type { Row } from './row.ts'
import { rendered } from './table.ts'

/** Runs the benchmark if `url` (its import.meta.url) is the program that was started. */
export async function main(url: string, name: string, run: () => Row[] | Promise<Row[]>): Promise<void> {
  if (process.argv[1] === undefined || url !== pathToFileURL(process.argv[1]).href) return
  const rows = await run()
  console.log(process.argv.includes('--json') ? JSON.stringify({ name, rows }) : rendered([{ name, rows }]))
}
