/**
 * `seatrial voyage`, which is what `npm start` does: real manifests through many trials under faults; then a historical bug
 * is switched on, found, shrunk, written down and replayed to the same trace hash. Ends with 0 when all that went well.
 */
import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SMALL_TOPOLOGY } from '../../cluster/index.ts'
import type { KubeObject } from '../../objects/index.ts'
import { counted, duration, listed, printSummary, summaryLine } from '../../report/index.ts'
import { type CampaignSummary, type Defect, exitStatusOf, suggest, UserError } from '../../trial/index.ts'
import { readText } from '../files.ts'
import { findingLine, investigateInSight, printFinding } from '../findings.ts'
import type { Io } from '../io.ts'
import { judgeManifests } from '../manifests/judge.ts'
import { loadManifests } from '../manifests/load.ts'
import { CHECK_GROUPS } from '../manifests/suite.ts'
import { parseBudget } from '../parse-flags.ts'
import { openSession, type Session, type SessionFlags } from '../session.ts'
import { findFirst } from './hunt.ts'
import { INTERRUPTED_STATUS, reportFindings, runSuites } from './run.ts'

export interface VoyageFlags extends SessionFlags {
  readonly budget?: string
  readonly defect?: string
}

const MANIFEST = 'fixtures/manifests/web.yaml'
const SEED = 1
const BUDGET = '25s'
const TRIALS_MAXIMUM = 100_000
/** The most telling first. */
const DEFECTS = ['kubelet-prestop-time-not-deducted', 'rs-no-expectations'] as const
const HUNT_TRIALS = 2_000
/** Keeps the second part within its share of 90 s, whatever the machine. */
const SHRINK_EXECUTIONS = 1_000

export async function voyageCommand(io: Io, flags: VoyageFlags): Promise<number> {
  const untilMillis = parseBudget(flags.budget ?? BUDGET, '--budget') / 1_000
  const file = join(packageFolder(), MANIFEST)
  const { objects } = judgeManifests(loadManifests(MANIFEST, readText(file)).manifests)
  const session = await openSession(io, flags, objects)
  try {
    const defect = chooseDefect(session, flags.defect)
    session.say(openingOf(session, objects, untilMillis))
    const suites = CHECK_GROUPS.map(({ id }) => id)
    const { summary, wallMicros, interrupted, keeper } = await runSuites(session, suites, {
      seed: SEED,
      trials: TRIALS_MAXIMUM,
      defects: [],
      title: 'trials',
      untilMillis,
    })
    if (session.json) io.out(`${summaryLine(summary, wallMicros)}\n`)
    else io.out(`${firstLook(summary, wallMicros)}\n`)
    if (interrupted) return exitStatusOf(summary.verdicts) || INTERRUPTED_STATUS
    await reportFindings(session, summary, { shrink: true, keeper })
    const first = exitStatusOf(summary.verdicts)
    session.say(
      first === 0
        ? '\n   So far nothing broke: these manifests lose no request in planned work, and recover from the faults.'
        : '\n   Something broke: see above.',
    )
    return session.settle(Math.max(first, await findBug(session, defect)))
  } finally {
    await session.close()
  }
}

/** The summary without its lists of names, which mean something only to who has seen them before. */
function firstLook(summary: CampaignSummary, wallMicros: number): string {
  const nameless = { ...summary, reached: [], neverReached: [], neverMet: [], vacuousSuites: [], sometimesSeen: [] }
  const all = summary.reached.length + summary.neverReached.length
  return `${printSummary(nameless, wallMicros)}\n\n${summary.reached.length} of ${all} properties had something to look at; "npx seatrial list properties" says what each claims.`
}

/** What is simulated and what is checked. */
function openingOf(session: Session, objects: readonly KubeObject[], untilMillis: number): string {
  const { etcdMembers, apiServers, controllerManagers, schedulers, nodes } = SMALL_TOPOLOGY
  const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)
  return [
    `1. ${MANIFEST}: ${listed(names)}`,
    `   in a cluster of ${etcdMembers} etcd members, ${apiServers} API servers, ${controllerManagers} controller managers, ${schedulers} schedulers and ${nodes} nodes, each with`,
    '   kubelet and kube-proxy, and clients that ask the Service all the time.',
    `   For ${duration(untilMillis * 1_000)} of real time, trial after trial, each from a seed of its own:`,
    `   ${listed(CHECK_GROUPS.map(({ title }) => title))}.`,
    `   ${counted(session.registry.propertiesFor([]).length + 1, 'property', 'properties')} look on at every step.\n`,
  ].join('\n')
}

async function findBug(session: Session, defect: Defect): Promise<number> {
  session.say(`\n2. A historical bug is switched on: ${defect.id}\n   ${defect.title}`)
  const begun = performance.now()
  const found = await findFirst(session, defect, SEED, HUNT_TRIALS)
  if (found === undefined) {
    session.say(`   it was not found in ${HUNT_TRIALS} trials`)
    return 1
  }
  const { trialId, result } = found.record
  session.say(`   found in trial ${found.number + 1} by ${result.violation?.property ?? result.verdict}; shrinking`)
  const group = { signature: result.signature ?? result.verdict, first: { trialId, result }, count: 1 }
  const finding = await investigateInSight(session, 'shrinking', group, { maximumExecutions: SHRINK_EXECUTIONS })
  if (session.json) session.io.out(`${findingLine(session, finding)}\n`)
  else session.io.out(`\n${printFinding(session, finding)}\n`)
  const { result: again } = await session.elsewhere().run({ kind: 'scenario', scenario: finding.scenario })
  const same = again.traceHash === finding.result.traceHash
  session.say(
    `\n3. Replayed in another process: trace hash ${again.traceHash}, ${same ? 'the same' : `not ${finding.result.traceHash}`} (${duration(Math.round((performance.now() - begun) * 1_000))} for all of this)`,
  )
  session.say(`   ${finding.replayCommand}\n   npx vitest run ${relative(session.io.folder, finding.testFile)}`)
  return same ? 0 : 3
}

function chooseDefect(session: Session, wanted: string | undefined): Defect {
  const { defects } = session.registry
  const id = wanted ?? DEFECTS.find((candidate) => defects.has(candidate)) ?? [...defects.keys()][0] ?? ''
  const defect = defects.get(id)
  if (defect === undefined)
    throw new UserError({ what: `there is no defect "${id}"`, where: '--defect', mend: suggest(id, defects.keys()) })
  return defect
}

/** The folder of this package: the nearest above that has the manifests. */
function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, MANIFEST))) {
    const parent = dirname(folder)
    if (parent === folder)
      throw new UserError({ what: 'it is missing from the package', where: MANIFEST, mend: 'install seatrial again' })
    folder = parent
  }
  return folder
}
