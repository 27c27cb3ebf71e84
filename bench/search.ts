/**
 * The ablation of the strategies: for defects and seeds, in how many trials each strategy first finds the bug, beside plain random
 * search on the same seeds. `npm run bench:search -- --minutes 40` goes on where it stopped (`--state`), a seed of all
 * defects and strategies after the other; `--write` puts the table into BENCHMARKS.md. A trial counts as a find only if the same
 * scenario without the defect does not fail in the same way.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { PORTFOLIO_STRATEGY } from '../src/cli/fuzz-plan.ts'
import { standardRegistry } from '../src/standard-registry.ts'
import { printTrialId, runScenario, STRATEGIES, trialsOf } from '../src/trial/index.ts'
import { portfolioTrials } from './search-portfolio.ts'
import { ablationTable, type Cell } from './search-table.ts'

/** Those that plain random search finds seldom first, then some that it finds soon. */
const DEFECTS = [
  'raft-append-acked-before-fsync',
  'raft-vote-not-persisted',
  'apiserver-stale-finalizer-bypass',
  'leader-keeps-acting-after-losing-lease',
  'proxy-loses-changes-after-failed-restore',
  'nodelifecycle-notready-lost-on-restart',
  'rs-no-expectations',
  'informer-stale-list-time-travel',
  'controller-ignores-tombstone',
  'kubelet-restarts-finished-pods',
  'raft-disruptive-rejoin',
  'watchcache-reinit-orphans-watch',
]
const SEEDS = 10
const CAP = 128
const MINUTES = 40
const START = '<!-- search: written by npm run bench:search -- --write -->'
const END = '<!-- end of search -->'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { values } = parseArgs({
  options: {
    defects: { type: 'string', default: DEFECTS.join(',') },
    strategies: { type: 'string', default: [...STRATEGIES.map(({ id }) => id), PORTFOLIO_STRATEGY].join(',') },
    seeds: { type: 'string', default: String(SEEDS) },
    cap: { type: 'string', default: String(CAP) },
    minutes: { type: 'string', default: String(MINUTES) },
    state: { type: 'string', default: join(root, '.seatrial', 'search.jsonl') },
    write: { type: 'boolean', default: false },
  },
})
const cap = Number(values.cap)
const strategies = values.strategies.split(',')
const registry = standardRegistry()

function cpuMicros(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

async function searchFor(defect: string, strategy: string, seed: number): Promise<Cell> {
  const suite = registry.defects.get(defect)?.suite
  if (suite === undefined) throw new Error(`there is no defect "${defect}"`)
  const begun = cpuMicros()
  const source = { suite, defects: [defect], seed }
  const trials =
    strategy === PORTFOLIO_STRATEGY ? portfolioTrials(registry, source) : trialsOf(registry, { ...source, strategy })
  let alarms = 0
  let done = 0
  const cell = () => ({ defect, suite, strategy, seed, cap, alarms, trials: done, cpuMicros: cpuMicros() - begun })
  for (let next = await trials.next(); next.done !== true && done < cap; ) {
    const { scenario, options } = next.value
    const result = runScenario(scenario, registry, options)
    done++
    if (result.verdict === 'failed' || result.verdict === 'error' || result.verdict === 'exhausted') {
      const without = runScenario({ ...scenario, defects: [] }, registry)
      const signature = result.signature ?? result.verdict
      if ((without.signature ?? without.verdict) !== signature) return { ...cell(), found: done, signature }
      alarms++
      console.error(
        `alarm without the defect: ${printTrialId({ suite, defects: [], strategy, seed, path: `${next.value.number}` })} ${signature}`,
      )
    }
    next = await trials.next(result)
  }
  return cell()
}

function keyOf({ defect, strategy, seed, cap: most }: Pick<Cell, 'defect' | 'strategy' | 'seed' | 'cap'>): string {
  return `${defect} ${strategy} ${seed} ${most}`
}

mkdirSync(dirname(values.state), { recursive: true })
const lines = existsSync(values.state) ? readFileSync(values.state, 'utf8').split('\n') : []
const cells = new Map<string, Cell>()
for (const line of lines) {
  if (line === '') continue
  const cell = JSON.parse(line) as Cell
  cells.set(keyOf(cell), cell)
}
const deadline = cpuMicros() + Number(values.minutes) * 60_000_000
const wanted = values.defects.split(',')
search: for (let seed = 1; seed <= Number(values.seeds); seed++)
  for (const defect of wanted)
    for (const strategy of strategies) {
      if (cells.has(keyOf({ defect, strategy, seed, cap }))) continue
      if (cpuMicros() > deadline) break search
      const cell = await searchFor(defect, strategy, seed)
      cells.set(keyOf(cell), cell)
      appendFileSync(values.state, `${JSON.stringify(cell)}\n`)
      console.error(`seed ${seed} ${defect} ${strategy}: ${cell.found ?? `> ${cell.trials}`} (${cell.signature ?? ''})`)
    }

const measured = [...cells.values()].filter(
  (cell) => wanted.includes(cell.defect) && strategies.includes(cell.strategy) && cell.cap === cap,
)
const minutes = Math.round(measured.reduce((sum, cell) => sum + cell.cpuMicros, 0) / 60_000_000)
const seeds = [...new Set(measured.map(({ seed }) => seed))].sort((a, b) => a - b)
const isWhole = measured.length === wanted.length * strategies.length * seeds.length
const section = [
  `Last run: ${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model.trim() ?? 'unknown'}, Node ${process.version}, ${minutes} minutes of processor time.`,
  `Seeds ${seeds.join(', ')}, at most ${cap} trials each${isWhole ? '' : '; some defects and strategies had fewer seeds, as the second number in brackets says'}.`,
  `A figure is the median number of trials until the first find (of an even number of seeds the lower of the two), how many of the seeds found it, and on how many seeds the strategy was earlier and later than plain random search.`,
  '',
  ablationTable(measured, strategies),
  '',
  `Trials that failed without the defect as well, and so do not count: ${measured.reduce((sum, cell) => sum + cell.alarms, 0)}.`,
].join('\n')
console.log(section)
if (values.write) {
  const page = join(root, 'BENCHMARKS.md')
  const text = readFileSync(page, 'utf8')
  const from = text.indexOf(START)
  const to = text.indexOf(END)
  if (from < 0 || to < from) throw new Error(`BENCHMARKS.md has no "${START}" … "${END}"`)
  writeFileSync(page, `${text.slice(0, from)}${START}\n${section}\n${text.slice(to)}`)
}
