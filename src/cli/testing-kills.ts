/** A campaign that is killed, looked at, and taken up again: for tests, and for the long run of `npm run kills`. */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseKept } from '../trial/parse.ts'

export interface KillOutcome {
  /** Files that were reported as kept and whose signature is in no file of the corpus. */
  readonly lost: readonly string[]
  /** Files that cannot be read. */
  readonly halves: readonly string[]
  /** Trials that the journal names twice after the campaign went on. */
  readonly twice: readonly string[]
  /** Trials in the journal at the end. */
  readonly trials: number
  /** Kills that came before the campaign had ended. */
  readonly kills: number
}

export const TRIALS_TO_KILL = 30

/** Fails in several ways, so that there is something to keep all the time. */
const MODULE = `export default (registry) => registry.property({
  id: 'mine', mode: 'always', claim: 'c', source: 's', trigger: 't', catches: [],
  monitor(cluster, report) {
    cluster.kernel.subscribe('raft-role', () => {
      report.reached()
      const shape = 'shape-' + (cluster.kernel.now % 13)
      if (cluster.kernel.now % 3 === 0) report.fail({ subject: 'etcd-0', message: 'there is a leader', shape })
    })
    return {}
  },
})
`

/**
 * Starts a campaign in `dir` and kills it so many milliseconds after each start, checks each time what is on disk, takes it up
 * again, and at last lets it go on to its end.
 */
export async function killOften(
  file: string,
  folder: string,
  dir: string,
  afterMillis: readonly number[],
): Promise<KillOutcome> {
  writeFileSync(join(folder, 'often.mjs'), MODULE)
  const flags = ['--properties', 'often.mjs', '--dir', dir, '--workers', '2', '--no-shrink']
  const corpus = join(folder, dir, 'corpus')
  const journals = join(folder, dir, 'campaigns')
  const lost = new Set<string>()
  const halves = new Set<string>()
  const reported = new Map<string, string>()
  let kills = 0
  const look = (err: string) => {
    for (const [, signature = '', kept = ''] of err.matchAll(/^found (\S+) in \S+; kept in (\S+)$/gm))
      reported.set(signature, kept)
    const signatures = new Set<string | undefined>()
    for (const name of namesIn(corpus).filter((name) => name.endsWith('.json'))) {
      try {
        signatures.add(parseKept(readFileSync(join(corpus, name), 'utf8'), name).about?.signature)
      } catch {
        halves.add(name)
      }
    }
    for (const [signature, kept] of reported) if (!signatures.has(signature)) lost.add(kept)
  }
  // Killed before it had begun: there is nothing to go on with.
  const how = () =>
    namesIn(journals).some((name) => name.endsWith('.jsonl'))
      ? ['--resume']
      : ['--suites', 'elections', '--seed', '1', '--trials', String(TRIALS_TO_KILL)]
  for (const millis of afterMillis) {
    const { err, killed } = await run(file, folder, ['fuzz', ...how(), ...flags], millis)
    look(err)
    if (!killed) break
    kills++
  }
  look((await run(file, folder, ['fuzz', ...how(), ...flags])).err)
  const ids = namesIn(journals)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(join(journals, name), 'utf8').split('\n'))
    .flatMap((line) => /^\{"type":"trial","trial":"([^"]+)"/.exec(line)?.[1] ?? [])
    .filter((id) => !id.startsWith('corpus/'))
  const twice = ids.filter((id, index) => ids.indexOf(id) !== index)
  const leftovers = namesIn(corpus).filter((name) => name.endsWith('.tmp'))
  return { lost: [...lost], halves: [...halves, ...leftovers], twice, trials: ids.length, kills }
}

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : []
}

function run(
  file: string,
  folder: string,
  argv: readonly string[],
  killAfterMillis?: number,
): Promise<{ readonly err: string; readonly killed: boolean }> {
  const child = spawn(process.execPath, [file, ...argv], {
    cwd: folder,
    env: { ...process.env, CI: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let err = ''
  child.stderr.on('data', (data: Buffer) => {
    err += data.toString()
  })
  const timer =
    killAfterMillis === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), Math.round(killAfterMillis))
  return new Promise((settle) =>
    child.on('close', (_status, signal) => {
      clearTimeout(timer)
      settle({ err, killed: signal === 'SIGKILL' })
    }),
  )
}
