/** `seatrial check`: a user's own manifests in a small cluster, through planned work and mishaps. */
import type { KubeObject } from '../../objects/index.ts'
import { counted, duration, listed, printSummary, summaryLine, textTable } from '../../report/index.ts'
import { Campaign, type CampaignSummary, exitStatusOf } from '../../trial/index.ts'
import { type Finding, findingLine, investigate, printFinding } from '../findings.ts'
import type { Io } from '../io.ts'
import { Keeper } from '../keeper.ts'
import { findPreStop, printAdvice } from '../manifests/advice.ts'
import { budgetAdvice } from '../manifests/budget-advice.ts'
import { topologyFor } from '../manifests/fit.ts'
import { assertCheckable, printComplaints, readManifests } from '../manifests/read.ts'
import { CHECK_GROUPS, preStopSuites } from '../manifests/suite.ts'
import { assertOutputs, type OutputFlags, writeOutputs } from '../outputs.ts'
import { parseCount, parseSeed } from '../parse-flags.ts'
import { openSession, type Session, type SessionFlags } from '../session.ts'
import { INTERRUPTED_STATUS, runSuites, sayInterrupted } from './run.ts'

export interface CheckFlags extends SessionFlags, OutputFlags {
  readonly seed?: string
  readonly trials?: string
  /** commander's `--no-advice`. */
  readonly advice?: boolean
}

interface GroupResult {
  readonly title: string
  readonly planned: boolean
  readonly summary: CampaignSummary
}

const DEFAULT_TRIALS = 25
const SHRINK_EXECUTIONS = 300
const FINDINGS_MAXIMUM = 3
const NAMED_MAXIMUM = 12

export async function checkCommand(io: Io, paths: readonly string[], flags: CheckFlags): Promise<number> {
  const seed = flags.seed === undefined ? 1 : parseSeed(flags.seed)
  const trials = flags.trials === undefined ? DEFAULT_TRIALS : parseCount(flags.trials, '--trials')
  const { objects, complaints } = readManifests(paths, io.folder)
  if (flags.json === true)
    for (const complaint of complaints) io.out(`${JSON.stringify({ type: 'complaint', ...complaint })}\n`)
  else io.err(printComplaints(complaints))
  assertCheckable(objects, complaints, paths)
  assertOutputs(io, flags)
  const session = await openSession(io, flags, objects)
  try {
    session.say(`${complaints.length > 0 ? '\n' : ''}${openingOf(objects, trials)}\n`)
    const results: GroupResult[] = []
    // One for all: a failure of the rollout is the same one when the drain meets it.
    const keeper = new Keeper(session)
    const whole = new Campaign(session.registry)
    const begun = performance.now()
    for (const { id, title, planned } of CHECK_GROUPS) {
      const run = { seed, trials, defects: [], title, keeper, also: whole }
      const { summary, wallMicros, interrupted } = await runSuites(session, [id], run)
      results.push({ title, planned, summary })
      if (session.json) io.out(`${summaryLine(summary, wallMicros)}\n`)
      else if (io.environment.SEATRIAL_DEBUG === '1') io.err(`${printSummary(summary, wallMicros)}\n`)
      if (!interrupted) continue
      tellVerdicts(session, results)
      sayInterrupted(session, summary, trials)
      return Math.max(...results.map((result) => exitStatusOf(result.summary.verdicts))) || INTERRUPTED_STATUS
    }
    tellVerdicts(session, results)
    const findings = await tellFindings(session, results, keeper)
    const spentMicros = Math.round((performance.now() - begun) * 1_000)
    writeOutputs(session, flags, {
      name: 'seatrial check',
      summary: whole.summary(),
      wallMicros: spentMicros,
      findings,
      keeper,
    })
    if (flags.advice !== false) tellBudgets(session, objects, results)
    if (flags.advice !== false) await tellAdvice(session, objects, results, { seed, trials })
    return session.settle(Math.max(...results.map(({ summary }) => exitStatusOf(summary.verdicts))))
  } finally {
    await session.close()
  }
}

function openingOf(objects: readonly KubeObject[], trials: number): string {
  const { etcdMembers, apiServers, nodes, nodeCapacity, nodeLabels } = topologyFor(objects)
  const labels = Object.entries(nodeLabels).map(([key, value]) => `${key}=${value}`)
  const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)
  const clients = objects.some(({ kind }) => kind === 'Service')
    ? 'clients that ask every port of every Service'
    : 'no clients, for want of a Service'
  return [
    `Checking ${listed(names.length > NAMED_MAXIMUM ? [...names.slice(0, NAMED_MAXIMUM), counted(names.length - NAMED_MAXIMUM, 'other')] : names)}`,
    `in a cluster of ${etcdMembers} etcd members, ${apiServers} API servers and ${nodes} nodes of ${nodeCapacity.cpu} CPUs and ${nodeCapacity.memory}${labels.length === 0 ? '' : `, labelled ${listed(labels)}`},`,
    `with ${clients}; ${counted(trials, 'trial')} each.`,
    'A program listens 0.3 to 0.8 s after its start and closes its ports when it is sent TERM.',
  ].join('\n')
}

function tellVerdicts(session: Session, results: readonly GroupResult[]): void {
  if (session.json) return
  const rows = results.map(({ title, summary }) => [title, ...verdictOf(summary)])
  session.io.out(`${textTable(['WHEN', 'VERDICT', ''], rows)}\n`)
  const virtualMicros = results.reduce((sum, { summary }) => sum + summary.virtualMicros, 0)
  const reached = new Set(results.flatMap(({ summary }) => summary.reached.map(({ property }) => property)))
  session.io.out(
    `\n${counted(reached.size, 'property', 'properties')} looked on at every step of ${duration(virtualMicros)} of virtual time.\n`,
  )
}

function verdictOf(summary: CampaignSummary): [verdict: string, detail: string] {
  const { failed, error, diverged, exhausted, vacuous, passed } = summary.verdicts
  if (error + diverged + exhausted > 0)
    return ['error', `${counted(error + diverged + exhausted, 'trial')} could not be judged`]
  const why = summary.failures[0]?.first.result.violation
  if (failed > 0) return ['FAILED', `${failed} of ${counted(summary.trials, 'trial')}: ${why?.message ?? ''}`]
  if (passed === 0 && vacuous > 0) return ['vacuous', 'nothing that could be checked was reached']
  return ['passed', `${counted(summary.trials, 'trial')}${vacuous === 0 ? '' : `, ${vacuous} of them vacuous`}`]
}

/** The failures, one for each signature, as planned work met them first: the one with the shortest story whole, others by name. */
async function tellFindings(session: Session, results: readonly GroupResult[], keeper: Keeper): Promise<Finding[]> {
  const groups = results.flatMap(({ summary }) => summary.failures.map((group) => ({ group, of: summary.trials })))
  const firsts = groups.filter(
    ({ group }, index) => groups.findIndex((other) => other.group.signature === group.signature) === index,
  )
  const findings: Finding[] = []
  for (const { group, of } of firsts.slice(0, FINDINGS_MAXIMUM))
    findings.push(await investigate(session, group, { maximumExecutions: SHRINK_EXECUTIONS, keeper, of }))
  const size = ({ scenario }: Finding) => scenario.faults.length + scenario.workload.length
  findings.sort((a, b) => size(a) - size(b))
  for (const [index, finding] of findings.entries()) {
    if (session.json) session.io.out(`${findingLine(session, finding)}\n`)
    else if (index === 0) session.io.out(`\n${printFinding(session, finding)}\n`)
    else
      session.io.out(
        `\nalso: ${finding.signature}: ${finding.result.violation?.message ?? finding.result.verdict}\n    replay: ${finding.replayCommand}\n`,
      )
  }
  return findings
}

/** When a drain never ended: which budgets could not have let it. */
function tellBudgets(session: Session, objects: readonly KubeObject[], results: readonly GroupResult[]): void {
  const isStuck = results.some(({ summary }) =>
    summary.failures.some(({ signature }) => signature.startsWith('check-drain-ends/')),
  )
  const advice = isStuck ? budgetAdvice(objects) : []
  if (advice.length > 0) session.say(`\n${advice.join('\n')}`)
}

/** When planned work lost requests: which preStop hook would have been enough. */
async function tellAdvice(
  session: Session,
  objects: readonly KubeObject[],
  results: readonly GroupResult[],
  { seed, trials }: { readonly seed: number; readonly trials: number },
): Promise<void> {
  const lost = results.some(
    ({ planned, summary }) =>
      planned && summary.failures.some(({ signature }) => signature.startsWith('check-requests-survive/')),
  )
  if (!lost || !objects.some(({ kind }) => kind === 'Deployment')) return
  const advice = await findPreStop(async (seconds) => {
    const suites = preStopSuites(seconds)
    const { summary, interrupted } = await runSuites(session, suites, {
      seed,
      trials,
      defects: [],
      title: `a preStop hook of ${seconds} s`,
      stopAtFailure: true,
      silent: true,
    })
    if (interrupted) return undefined
    const { passed, vacuous } = summary.verdicts
    return { seconds, trials: summary.trials, lost: summary.trials - passed - vacuous }
  })
  if (advice === undefined) return
  if (session.json) session.io.out(`${JSON.stringify({ type: 'advice', ...advice })}\n`)
  else session.io.out(`\n${printAdvice(advice, objects)}\n`)
}
