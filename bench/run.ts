/**
 * Runs every bench/*.bench.ts, one after the other, each in a process of its own (so that none is slowed down by what
 * another made V8 believe), and prints one table. `--write` puts the figures into BENCHMARKS.md and keeps the old ones
 * beside them; `--json` prints JSON; a name runs only the files whose name contains it.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { merged, type Result, rendered } from './table.ts'

const folder = dirname(fileURLToPath(import.meta.url))
const page = join(folder, '..', 'BENCHMARKS.md')

const flags = process.argv.slice(2).filter((argument) => argument.startsWith('--'))
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const unknown = flags.filter((flag) => flag !== '--write' && flag !== '--json')
if (unknown.length > 0) {
  console.error(`unknown option ${unknown.join(', ')}; there are --write and --json`)
  process.exit(2)
}

const files = readdirSync(folder)
  .filter((file) => file.endsWith('.bench.ts'))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort()
if (files.length === 0) {
  console.error(`no bench/*.bench.ts matches ${wanted.join(', ')}`)
  process.exit(2)
}

const results: Result[] = []
const failed: string[] = []
for (const file of files) {
  if (!flags.includes('--json')) console.error(`${file} ...`)
  const { status, stdout } = spawnSync(process.execPath, ['--import', 'tsx', join(folder, 'one.ts'), file], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 26,
  })
  if (status === 0) results.push(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Result)
  else failed.push(file)
}

if (flags.includes('--json')) console.log(JSON.stringify(results))
else console.log(rendered(results))
if (flags.includes('--write')) {
  const before = existsSync(page) ? readFileSync(page, 'utf8') : ''
  const machine = `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} cores, Node ${process.version}`
  writeFileSync(page, merged(before, results, machine, new Date().toISOString().slice(0, 10)))
}
if (failed.length > 0) {
  console.error(`failed: ${failed.join(', ')}`)
  process.exitCode = 1
}
