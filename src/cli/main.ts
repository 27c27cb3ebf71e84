/**
 * The command line. Commands are loaded when they are called, so that --help is quick. Status: 0 passed, 1 a property
 * failed, 2 bad input or usage, 3 two runs differed or the harness erred.
 */
import { Command, CommanderError } from 'commander'
import type { Io } from './io.ts'
import { packageVersion } from './version.ts'

const EPILOGUE = `
Status: 0 passed, 1 a property failed, 2 bad input or usage, 3 two runs differed or the harness erred, 130 interrupted.
SEATRIAL_DEBUG=1 shows stacks.`

/** Runs a command. @returns the exit status; it never throws. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  let status = 0
  const act =
    <A extends unknown[]>(command: (...parameters: A) => Promise<number> | number) =>
    async (...parameters: A): Promise<void> => {
      status = await command(...parameters)
    }
  try {
    await buildProgram(io, act).parseAsync([...argv], { from: 'user' })
    return status
  } catch (error) {
    return await explain(error, io)
  }
}

type Act = <A extends unknown[]>(
  command: (...parameters: A) => Promise<number> | number,
) => (...parameters: A) => Promise<void>

function buildProgram(io: Io, act: Act): Command {
  const program = new Command('seatrial')
    .description(
      'Whole Kubernetes clusters in one thread, from a seed, in virtual time: faults go in, properties are checked, what fails is shrunk to a story that anyone can replay.',
    )
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) })
    .addHelpText('after', EPILOGUE)
    .showSuggestionAfterError()
    .version(packageVersion(), '-V, --version')
  const common = (command: Command) =>
    command
      .option('--json', 'one line of JSON for each trial on standard output')
      .option('--workers <count>', 'worker threads; default: as many as there are cores')
      .option('--watchdog <time>', 'real time after which a trial is given up; default 30s')
      .option('--properties <file>', 'a module of your own that registers properties: export default (registry) => …')
      .option('--dir <folder>', 'where findings go; default .seatrial')

  const outputs = (command: Command) =>
    command
      .option('--junit <file>', 'also write a JUnit file: a test case for each property')
      .option('--sarif <file>', 'also write a SARIF 2.1.0 file, for code scanning')
      .option('--summary <file>', 'also write a page in Markdown')
      .option('--github', 'annotations and a job summary as GitHub Actions shows them; there it is the default')
      .option('--no-github', 'not even in GitHub Actions')

  program
    .command('voyage')
    .description(
      'a first look: trials of a small cluster, then a historical bug found, shrunk and replayed (what npm start does)',
    )
    .option('--json', 'JSON lines instead of prose')
    .option('--workers <count>', 'worker threads; default: as many as there are cores')
    .option('--dir <folder>', 'where the reproduction goes; default .seatrial')
    .option('--budget <time>', 'real time for the trials of the first part; default 25s')
    .option('--defect <id>', 'the historical bug of the second part')
    .action(act(async (flags: object) => (await import('./commands/voyage.ts')).voyageCommand(io, flags)))
  outputs(common(program.command('run').argument('[suite...]', 'suites; default: all')))
    .description('trials of suites under a seed; the same result on every machine')
    .option('--seed <number>', 'default 1')
    .option('--trials <count>', 'trials of each suite; default 100')
    .option('--defects <ids...>', 'historical bugs to switch on')
    .option('--no-shrink', 'report failures as they were drawn')
    .option('--strict', 'fail when a property was never reached or a hoped-for sight never seen')
    .option('--coverage', 'also what each kind of fault struck: component by phase of the cluster')
    .action(
      act(async (suites: string[], flags: object) => (await import('./commands/run.ts')).runCommand(io, suites, flags)),
    )
  outputs(common(program.command('check').argument('<files...>', 'YAML or JSON files, or folders of them')))
    .description('your own manifests through rollouts, drains, lost nodes and faults')
    .option('--seed <number>', 'default 1')
    .option('--trials <count>', 'trials of each kind; default 25')
    .option('--no-advice', 'do not look for the preStop hook that would be enough')
    .action(
      act(async (files: string[], flags: object) =>
        (await import('./commands/check.ts')).checkCommand(io, files, flags),
      ),
    )
  common(
    program
      .command('replay')
      .argument('[what]', 'a scenario file, a trial id (suite:seed:path) or an entry of the corpus'),
  )
    .description('one scenario again')
    .option('--trace', 'print every event')
    .option('--twice', 'run it in a second process as well and compare the two, event by event')
    .option('--svg <file>', 'write the picture of a history that has no order, if that is what failed')
    .option('--at <time>', 'stop at this virtual time, such as 12.5s, and print the objects as kubectl get would')
    .option(
      '--export <format-and-file...>',
      'jsonl, perfetto or shiviz: the whole trace into a file, or onto standard output',
    )
    .action(
      act(async (what: string | undefined, flags: object) =>
        (await import('./commands/replay.ts')).replayCommand(io, what, flags),
      ),
    )
  common(
    program
      .command('explain')
      .argument('<what>', 'a scenario file, a trial id (suite:seed:path) or an entry of the corpus'),
  )
    .description('why a scenario fails: what it needs, how it came about, when it was certain, what would have passed')
    .option('--branches <count>', 'runs with other randomness from each point along the run; default 10')
    .option('--no-certainty', 'do not ask when it was certain, which takes most of the time')
    .action(
      act(async (what: string, flags: object) =>
        (await import('./commands/explain.ts')).explainCommand(io, what, flags),
      ),
    )
  common(program.command('hunt').argument('<defect>', 'a defect, or all'))
    .description('how soon a historical bug is found, and how small the failure becomes')
    .option('--seed <number>', 'default 1')
    .option('--seeds <count>', 'medians over so many seeds; default 1')
    .option('--no-story', 'only the table, even for a single defect')
    .option('--trials <count>', 'give up after so many; default 2000')
    .action(
      act(async (defect: string, flags: object) => (await import('./commands/hunt.ts')).huntCommand(io, defect, flags)),
    )
  outputs(common(program.command('fuzz')))
    .description('trials of all suites until the budget is used up; the corpus first')
    .option('--budget <time>', 'real time, such as 10m')
    .option('--trials <count>', 'trials in all; with --budget, whichever is used up first')
    .option(
      '--until-new-state-rate <share>',
      'ends when, with 95 % confidence, fewer trials than this (0.05, 5%) would still show something new',
    )
    .option('--seed <number>', 'a number, or from-git: a number made of the commit; default: drawn and printed')
    .option('--shard <i/n>', 'part i of n: the parts of one seed have no trial in common')
    .option(
      '--strategy <name>',
      'portfolio (default: swarm and targeted, as they pay), random, swarm, pct, targeted, feedback or exhaustive: see "list strategies"',
    )
    .option('--resume', 'go on with the last campaign that these flags fit; nothing is run twice')
    .option('--suites <ids...>', 'default: all')
    .option('--defects <ids...>', 'historical bugs to switch on')
    .option('--no-shrink', 'keep failures as they were drawn')
    .option('--strict', 'fail when a property was never reached or a hoped-for sight never seen')
    .option('--coverage', 'also what each kind of fault struck: component by phase of the cluster')
    .action(act(async (flags: object) => (await import('./commands/fuzz.ts')).fuzzCommand(io, flags)))
  program
    .command('coverage')
    .argument('[paths...]', 'journals of campaigns, or folders in which they are; default .seatrial/campaigns')
    .description('what campaigns covered together, such as the shards of a CI run')
    .option('--coverage', 'also what each kind of fault struck: component by phase of the cluster')
    .option('--dir <folder>', 'where findings are; default .seatrial')
    .option('--json', 'a JSON line')
    .action(
      act(async (paths: string[], flags: object) =>
        (await import('./commands/coverage.ts')).coverageCommand(io, paths, flags),
      ),
    )
  addCorpusCommands(program, common, io, act)
  program
    .command('triage')
    .argument('[folder]', 'a folder of findings or a corpus; default .seatrial')
    .description(
      'the failures that are kept, grouped by cause: one best example each, how often it came, when it counts as fixed',
    )
    .option('--json', 'a JSON line for each group')
    .action(
      act(async (folder: string | undefined, flags: object) =>
        (await import('./commands/triage.ts')).triageCommand(io, folder, flags),
      ),
    )
  program
    .command('bisect')
    .argument('<scenario>', 'a scenario file that fails')
    .description('the first git commit at which a scenario fails; each is built and replays it in a folder of its own')
    .option('--bad <revision>', 'a commit at which it fails; default HEAD')
    .option('--good <revision>', 'a commit at which it passes; default: looked for, further back each time')
    .option('--build <command>', 'makes a commit ready; default: npm ci, where other packages are needed than before')
    .option('--run <command>', 'replays {scenario} and ends with 0 or 1; default: seatrial replay of that commit')
    .option('--properties <file>', 'a module of your own, by its path in the repository')
    .option('--timeout <time>', 'for each build and each replay; default 10m')
    .option('--json', 'a JSON line for each commit that was tried, and one for the answer')
    .action(
      act(async (what: string, flags: object) => (await import('./commands/bisect.ts')).bisectCommand(io, what, flags)),
    )
  program
    .command('new')
    .argument('<what>', 'invariant')
    .argument('<name>', 'lower-case words joined by hyphens')
    .description('a property of your own and a test that runs at once')
    .option('--dir <folder>', 'default: this folder')
    .option('--json', 'a JSON line')
    .action(
      act(async (what: string, name: string, flags: object) =>
        (await import('./commands/new-invariant.ts')).newCommand(io, what, name, flags),
      ),
    )
  program
    .command('list')
    .argument('[which]', 'properties, faults, defects, suites or strategies')
    .description('everything that can be named, a line each')
    .option('--json', 'JSON lines')
    .option('--properties <file>', 'a module of your own that registers properties')
    .action(
      act(async (which: string | undefined, flags: object) =>
        (await import('./commands/list.ts')).listCommand(io, which, flags),
      ),
    )
  for (const command of program.commands.flatMap((outer) => [outer, ...outer.commands]))
    command
      .showHelpAfterError(`    see "seatrial ${pathOf(command)} --help"`)
      .exitOverride()
      .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) })
  return program
}

function pathOf(command: Command): string {
  const parent = command.parent
  return parent === null || parent.parent === null ? command.name() : `${parent.name()} ${command.name()}`
}

function addCorpusCommands(program: Command, common: (command: Command) => Command, io: Io, act: Act): void {
  const corpus = program.command('corpus').description('the scenarios that are kept: list, merge, prune, tell')
  const load = () => import('./commands/corpus.ts')
  corpus
    .command('list')
    .argument('[folders...]', 'default: .seatrial/corpus and fixtures/corpus')
    .description('every entry, how it failed, its size, what it tells')
    .option('--json', 'a JSON line for each entry')
    .option('--dir <folder>', 'where findings are; default .seatrial')
    .action(act(async (paths: string[], flags: object) => (await load()).corpusListCommand(io, paths, flags)))
  corpus
    .command('merge')
    .argument('<sources...>', 'folders of a CI run, other corpora, or single scenario files')
    .description('takes over what is new: other scenarios, and of each group of failures the smallest example')
    .option('--into <folder>', 'the corpus; default .seatrial/corpus')
    .option('--dir <folder>', 'where findings are; default .seatrial')
    .option('--dry-run', 'say what would be done')
    .option('--json', 'JSON lines')
    .action(act(async (sources: string[], flags: object) => (await load()).corpusMergeCommand(io, sources, flags)))
  common(corpus.command('prune').argument('[folder]', 'default .seatrial/corpus'))
    .description('runs every entry and takes out those that do not fail as recorded any more, or have a smaller twin')
    .option('--dry-run', 'say what would go')
    .action(act(async (path: string | undefined, flags: object) => (await load()).corpusPruneCommand(io, path, flags)))
  corpus
    .command('tell')
    .argument('<entry>', 'its name, as "corpus list" prints it')
    .argument('<words...>', 'what it tells, in a sentence or two')
    .description('explains an entry and may give it a name; what is explained is never pruned')
    .option('--name <name>', 'a new name')
    .option('--into <folder>', 'the corpus; default .seatrial/corpus, then fixtures/corpus')
    .option('--dir <folder>', 'where findings are; default .seatrial')
    .option('--json', 'a JSON line')
    .action(
      act(async (entry: string, words: string[], flags: object) =>
        (await load()).corpusTellCommand(io, entry, words, flags),
      ),
    )
}

async function explain(error: unknown, io: Io): Promise<number> {
  const debug = io.environment.SEATRIAL_DEBUG === '1'
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  const { UserError } = await import('../trial/user-error.ts')
  if (error instanceof UserError) {
    const where = error.where === undefined ? '' : `${error.where}: `
    io.err(`seatrial: ${where}${error.what}\n${error.mend === undefined ? '' : `    ${error.mend}\n`}`)
    if (debug) io.err(`${error.stack ?? ''}\n`)
    return 2
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  io.err(
    `seatrial: ${message}\n    this is a fault of Seatrial or of code that it was given; SEATRIAL_DEBUG=1 shows the stack\n`,
  )
  if (debug) io.err(`${stack ?? ''}\n`)
  return 3
}
