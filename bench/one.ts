/** Runs one benchmark, named by its file in this folder, in this process; its last line of output is its rows as JSON. */
import type { Row } from './row.ts'

interface Benchmark {
  readonly name: string
  run(): Row[] | Promise<Row[]>
}

const { name, run } = (await import(`./${process.argv[2]}`)) as Benchmark
const rows = await run()
process.stdout.write(`${JSON.stringify({ name, rows })}\n`)
