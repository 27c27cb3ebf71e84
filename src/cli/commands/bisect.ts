/**
 * `seatrial bisect`: the first commit at which a scenario fails in the way it does now. Commits are checked out into a
 * folder of their own, so the working tree is not touched; each is built and replays the scenario with its own program.
 */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { counted } from '../../report/index.ts'
import { parseScenario, UserError } from '../../trial/index.ts'
import { bisect, firstJudged, type Judgement, lastGood } from '../bisection.ts'
import { readText } from '../files.ts'
import { git, headCommit } from '../git.ts'
import type { Io } from '../io.ts'
import { parseBudget } from '../parse-flags.ts'

export interface BisectFlags {
  readonly good?: string
  readonly bad?: string
  readonly build?: string
  readonly run?: string
  readonly properties?: string
  readonly timeout?: string
  readonly json?: boolean
}

const INSTALL = 'npm ci --no-audit --no-fund --prefer-offline'
/** What `npm ci` does after it has installed, for a commit that needs the very packages that are there already. */
const REBUILD = 'npm run --silent --if-present postinstall && npm run --silent --if-present prepare'
/** Paths are long, and what is wrong stands behind them. */
const WORDS_MAXIMUM = 240
const LOCKS = ['npm-shrinkwrap.json', 'package-lock.json']
const TIMEOUT_MILLIS = 600_000

/** What is asked of each commit. */
interface Question {
  readonly io: Io
  readonly worktree: string
  readonly scenario: string
  /** Undefined: packages are installed where they differ from those of the commit before, and the commit is prepared. */
  readonly build: string | undefined
  readonly run: string | undefined
  readonly properties: string | undefined
  readonly timeoutMillis: number
  /** The list of packages that are installed now. */
  installed?: string
  /** How the newest commit fails; the others must fail alike. */
  signature?: string
}

export function bisectCommand(io: Io, what: string, flags: BisectFlags): number {
  const scenario = resolve(io.folder, what)
  parseScenario(readText(scenario), what)
  const timeoutMillis = flags.timeout === undefined ? TIMEOUT_MILLIS : parseBudget(flags.timeout, '--timeout') / 1_000
  headCommit(io.folder, 'seatrial bisect')
  const root = git(io.folder, 'rev-parse', '--show-toplevel')
  if (flags.bad === undefined) assertClean(root)
  const bad = commitOf(root, flags.bad ?? 'HEAD', '--bad')
  const good = flags.good === undefined ? undefined : commitOf(root, flags.good, '--good')
  const line = lineTo(root, bad, good)
  const folder = mkdtempSync(join(tmpdir(), 'seatrial-bisect-'))
  const worktree = join(folder, 'tree')
  git(root, 'worktree', 'add', '--detach', '--quiet', worktree, bad)
  const release = io.onInterrupt(() => io.err('\nstopping after the commit that is being tried\n'))
  try {
    const question: Question = {
      ...{ io, worktree, scenario, timeoutMillis },
      build: flags.build,
      run: flags.run,
      properties: flags.properties,
    }
    return search(question, flags, root, line, good)
  } finally {
    release()
    try {
      git(root, 'worktree', 'remove', '--force', worktree)
    } catch {
      // What is left of it is swept away with its folder.
    }
    rmSync(folder, { recursive: true, force: true })
    git(root, 'worktree', 'prune')
  }
}

function search(
  question: Question,
  flags: BisectFlags,
  root: string,
  line: readonly string[],
  good: string | undefined,
): number {
  const { io } = question
  let tried = 0
  const known = new Map<string, Judgement>()
  const judge = (commit: string): Judgement => {
    const before = known.get(commit)
    if (before !== undefined) return before
    const judged = tryCommit(question, commit)
    known.set(commit, judged)
    tried++
    if (flags.json === true) io.out(`${JSON.stringify({ type: 'judged', commit, ...judged })}\n`)
    else
      io.out(
        `${judged.judgement.padEnd(7)}  ${nameOf(root, commit)}${judged.judgement === 'skipped' ? `: ${judged.because}` : ''}\n`,
      )
    return judged
  }
  const newest = line.at(-1) as string
  const now = judge(newest)
  if (now.judgement !== 'fails')
    throw new UserError({
      what:
        now.judgement === 'passes'
          ? 'the scenario does not fail there'
          : `whether the scenario fails there cannot be told: ${now.because}`,
      where: `--bad ${newest.slice(0, 12)}`,
      mend:
        now.judgement === 'passes'
          ? 'name a commit at which it fails; "seatrial replay" shows how it ends now'
          : 'name the commands that build a commit and replay in it with --build and --run',
    })
  let rest = line
  if (good !== undefined) {
    if (judge(good).judgement !== 'passes')
      throw new UserError({
        what: 'the scenario does not pass there',
        where: `--good ${good.slice(0, 12)}`,
        mend: 'name an older commit, or leave it out and one is looked for',
      })
  } else {
    const found = lastGood(line, judge)
    if (found.good === undefined) {
      const { bad, skipped } = found
      const [first = line[bad] as string] = skipped === undefined ? [] : firstJudged(line, skipped, bad, judge)
      const before = line[line.indexOf(first) - 1] ?? ''
      const why = known.get(before)
      const because = why?.judgement === 'skipped' ? why.because : undefined
      if (flags.json === true)
        io.out(
          `${JSON.stringify({ type: 'bisect', commits: [first], tried, passed: false, ...(because && { because }) })}\n`,
        )
      else if (because === undefined)
        io.out(`\nit fails at every commit that was tried, back to ${nameOf(root, first)}\n`)
      else
        io.out(
          `\nit passes at no commit: it fails since there is all that it needs, after ${counted(tried, 'try', 'tries')}:\n${detailsOf(root, first)}\nthe commit before cannot tell: ${because}\n`,
        )
      return 1
    }
    rest = line.slice(found.good + 1, found.bad + 1)
  }
  const { commits } = bisect(rest, judge)
  if (flags.json === true) io.out(`${JSON.stringify({ type: 'bisect', commits, tried })}\n`)
  else if (commits.length === 1)
    io.out(
      `\nthe first commit at which it fails, after ${counted(tried, 'try', 'tries')}:\n${detailsOf(root, commits[0] as string)}\n`,
    )
  else
    io.out(
      `\nthe first commit at which it fails is one of these ${commits.length}; the others could not be judged:\n${commits.map((commit) => `    ${nameOf(root, commit)}`).join('\n')}\n`,
    )
  return 0
}

/** Builds a commit and replays the scenario in it. What can neither pass nor fail in the known way is skipped. */
function tryCommit(question: Question, commit: string): Judgement {
  const { io, worktree, scenario, timeoutMillis } = question
  git(worktree, 'checkout', '--quiet', '--force', '--detach', commit)
  // What a build left behind and no commit has; what is ignored (installed packages) stays and saves time.
  git(worktree, 'clean', '--quiet', '--force', '-d')
  io.err(`building ${commit.slice(0, 12)}\n`)
  const built = shell(buildOf(question), worktree, timeoutMillis)
  if (built.status !== 0) delete question.installed
  if (built.status !== 0) return { judgement: 'skipped', because: `it cannot be built (${lastWords(built)})` }
  const own = question.properties === undefined ? '' : ` --properties ${quoted(question.properties)}`
  const program = existsSync(join(worktree, 'bin/seatrial.mjs')) ? 'node bin/seatrial.mjs' : 'npx --no-install seatrial'
  const command = question.run ?? `${program} replay --json${own} {scenario}`
  const replayed = shell(command.replaceAll('{scenario}', quoted(scenario)), worktree, timeoutMillis)
  const signature = signatureIn(replayed.stdout)
  if (replayed.status === 0) return { judgement: 'passes' }
  if (replayed.status !== 1)
    return { judgement: 'skipped', because: lastWords(replayed).replaceAll(scenario, basename(scenario)) }
  question.signature ??= signature
  if (signature === question.signature) return { judgement: 'fails' }
  return { judgement: 'skipped', because: `it fails in another way, as ${signature ?? 'nothing that has a name'}` }
}

/** Installing takes most of the time, and few commits change what is to be installed. */
function buildOf(question: Question): string {
  const { worktree, build, installed } = question
  if (build !== undefined) return build
  const lock = LOCKS.map((name) => join(worktree, name)).find((file) => existsSync(file))
  const wanted = lock === undefined ? undefined : readText(lock)
  if (wanted !== undefined && wanted === installed) return REBUILD
  if (wanted === undefined) delete question.installed
  else question.installed = wanted
  return INSTALL
}

function shell(command: string, folder: string, timeoutMillis: number): SpawnSyncReturns<string> {
  return spawnSync(command, {
    cwd: folder,
    shell: true,
    encoding: 'utf8',
    timeout: timeoutMillis,
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

function quoted(path: string): string {
  return process.platform === 'win32' ? `"${path}"` : `'${path.replaceAll("'", "'\\''")}'`
}

/** How the trial failed, from the line of JSON that a replay prints. */
function signatureIn(text: string): string | undefined {
  for (const line of text.split('\n')) {
    if (!line.startsWith('{')) continue
    try {
      const { type, signature } = JSON.parse(line) as { readonly type?: string; readonly signature?: string }
      if (type === 'trial') return signature
    } catch {
      // Some other program's braces.
    }
  }
  return undefined
}

function lastWords({ status, signal, stderr, error }: SpawnSyncReturns<string>): string {
  if (signal !== null && (error as { readonly code?: string } | undefined)?.code === 'ETIMEDOUT')
    return 'it took too long; see --timeout'
  const said = (stderr ?? '')
    .trim()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('npm warn'))
  return [
    `status ${status ?? signal}`,
    ...(said[0] === undefined ? [] : [said[0].trim().slice(0, WORDS_MAXIMUM)]),
  ].join(': ')
}

function assertClean(root: string): void {
  const changed = git(root, 'status', '--porcelain', '--untracked-files=no')
    .split('\n')
    .filter((line) => line !== '')
  if (changed.length === 0) return
  throw new UserError({
    what: `the working tree has changes that no commit has (${changed[0]?.slice(3)}${changed.length > 1 ? ` and ${changed.length - 1} more` : ''})`,
    where: 'seatrial bisect',
    mend: 'commit or stash them; or say --bad HEAD to leave them out',
  })
}

function commitOf(root: string, revision: string, flag: string): string {
  try {
    return git(root, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`)
  } catch {
    throw new UserError({
      what: `there is no commit "${revision}"`,
      where: flag,
      mend: 'name a branch, a tag or a commit of this repository; a shallow clone has only the newest (git fetch --unshallow)',
    })
  }
}

/** The commits after `good`, or all, up to `bad`, old to new: first parents only, so that a merge counts as one step. */
function lineTo(root: string, bad: string, good: string | undefined): readonly string[] {
  if (good === undefined) return git(root, 'rev-list', '--first-parent', '--reverse', bad).split('\n')
  const line = git(root, 'rev-list', '--first-parent', '--reverse', `${good}..${bad}`).split('\n')
  const isBefore = git(root, 'merge-base', good, bad) === good
  if (!isBefore || line[0] === '')
    throw new UserError({
      what:
        good === bad ? 'the good and the bad commit are the same' : 'the good commit does not come before the bad one',
      where: `--good ${good.slice(0, 12)} --bad ${bad.slice(0, 12)}`,
      mend: 'name as good a commit from which the bad one came',
    })
  return line
}

function nameOf(root: string, commit: string): string {
  return git(root, 'show', '--no-patch', '--format=%h %s', commit)
}

function detailsOf(root: string, commit: string): string {
  return git(root, 'show', '--no-patch', '--format=    %h %s%n    %an, %ad', '--date=short', commit)
}
