/**
 * A process that is struck in a phase of its work: at the moment of the nth event of a pattern, before anything that follows from
 * it. The pattern is a fact that some process publishes: a request that was taken, a write that was applied, a vote, a list. So a
 * client can die between its write and the answer to it. Which phases there are is learned from a run (`targeted`
 * among the strategies); Sun et al., "Automatic Reliability Testing for Cluster Management Controllers", OSDI 2022, do the like.
 */
import fc from 'fast-check'
import type { Cluster } from '../../src/cluster/index.ts'
import type { Fact, RuleHandle } from '../../src/kernel/index.ts'
import type { FaultKind, FaultStep } from '../../src/trial/registry.ts'
import { amount, oneOf, othersThan, processNames, rounded, text, wrongAmount, wrongName } from '../targets.ts'
import { disturbing, lasting, seconds } from './define.ts'

const DEEDS = ['kill', 'pause', 'cut-off'] as const

/** Facts to wait for when nothing was learned. */
const FACTS = ['api-request', 'etcd-applied', 'raft-role', 'reflector-list', 'pod-phase', 'proxy-synced'] as const

type Where = Readonly<Record<string, unknown>>

function whereOf(step: FaultStep): Where {
  return (step.parameters.where ?? {}) as Where
}

function fits(fact: Fact, where: Where): boolean {
  const members = fact as unknown as Where
  for (const name of Object.keys(where)) if (members[name] !== where[name]) return false
  return true
}

/** Calls `strike` once, right after the event that published the nth such fact. Call the answer to wait no longer. */
function onNthFact(cluster: Cluster, step: FaultStep, strike: () => void): () => void {
  const by = text(step, 'by')
  const where = whereOf(step)
  let left = amount(step, 'nth')
  return cluster.kernel.subscribe(text(step, 'fact'), (fact, process) => {
    if (left <= 0 || cluster.kernel.nameOf(process) !== by || !fits(fact, where) || --left !== 0) return
    cluster.later(0, strike)
  })
}

function wrongWhere({ parameters: { where } }: FaultStep): string | undefined {
  if (where === undefined) return undefined
  const isRecord = typeof where === 'object' && where !== null && !Array.isArray(where)
  if (isRecord && Object.values(where).every((value) => typeof value === 'string')) return undefined
  return `parameter "where" is ${JSON.stringify(where)}; it must be an object of texts`
}

function wrongText(step: FaultStep, name: string): string | undefined {
  const value = step.parameters[name]
  return typeof value === 'string' && value !== '' ? undefined : `parameter "${name}" must be a text`
}

/** "request of pods, create" of what the pattern asks for. */
function patternOf(step: FaultStep): string {
  const details = Object.values(whereOf(step)).join(' ')
  return `${text(step, 'fact')}${details === '' ? '' : ` (${details})`} number ${amount(step, 'nth')} of ${text(step, 'by')}`
}

export const struckAtPhase: FaultKind = {
  id: 'struck-at-phase',
  title: 'kills, stops or cuts off a process at the nth event of a pattern, before what follows from it',
  onlyByName: true,
  parameters: {
    process: 'who is struck, by name',
    deed: 'kill, pause or cut-off',
    forMicros: 'for how long, microseconds',
    by: 'the process that publishes the fact',
    fact: 'the type of the fact',
    where: 'members that the fact must have; may be left out',
    nth: 'which of them from the beginning of the fault on, from 1',
  },
  arbitrary: (topology) =>
    fc
      .record({
        process: oneOf(processNames(topology)),
        deed: fc.constantFrom(...DEEDS),
        forMicros: rounded(0, 10_000_000, 500_000),
        by: oneOf(processNames(topology)),
        fact: fc.constantFrom(...FACTS),
        nth: fc.integer({ min: 1, max: 40 }),
      })
      .map((parameters) => ({ durationMicros: parameters.forMicros + 20_000_000, parameters })),
  validate: (step, topology) =>
    wrongName(step, 'process', processNames(topology)) ??
    wrongName(step, 'deed', DEEDS) ??
    wrongAmount(step, 'forMicros', 0, 600_000_000) ??
    wrongText(step, 'by') ??
    wrongText(step, 'fact') ??
    wrongWhere(step) ??
    wrongAmount(step, 'nth', 1, 1_000_000),
  inject(cluster, step) {
    const { kernel } = cluster
    const process = cluster.process(text(step, 'process'))
    const deed = text(step, 'deed') as (typeof DEEDS)[number]
    const handles: RuleHandle[] = []
    let struck = 0
    let healed = false
    const undo = () => {
      if (struck === 0) return
      if (deed === 'kill' && !kernel.isRunning(process)) kernel.restart(process)
      if (deed === 'pause' && kernel.isPaused(process)) kernel.resume(process)
      for (const handle of handles) handle.remove()
    }
    const stop = onNthFact(cluster, step, () => {
      if (healed || !kernel.isRunning(process) || kernel.isPaused(process)) return
      struck++
      if (deed === 'kill') kernel.crash(process)
      else if (deed === 'pause') kernel.pause(process)
      else {
        const one = new Set([process])
        const others = othersThan(cluster, one)
        const rule = { id: step.id, verdict: { kind: 'drop' } } as const
        handles.push(kernel.network.addRule({ ...rule, from: one, to: others }))
        handles.push(kernel.network.addRule({ ...rule, from: others, to: one }))
      }
      cluster.later(amount(step, 'forMicros'), () => {
        if (!healed) undo()
      })
    })
    return disturbing(cluster, [process], {
      heal() {
        healed = true
        stop()
        undo()
      },
      evidence: () => [{ what: `processes struck (${deed})`, count: struck }],
    })
  },
  describe: (step) => {
    const deed = { kill: 'is killed', pause: 'stands still', 'cut-off': 'is cut off' }[text(step, 'deed')]
    return `${text(step, 'process')} ${deed} at ${patternOf(step)} for ${seconds(amount(step, 'forMicros'))}, once ${lasting(step)}`
  },
}
