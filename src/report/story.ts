/**
 * The story of a failed trial: at most a dozen numbered lines with virtual times. What the scenario did comes first in
 * importance (faults and workload steps), then the facts that concern what the violation is about, then what happened
 * shortly before it. The violation is the last line.
 */
import type { Micros } from '../kernel/index.ts'
import type { Registry, Scenario, TimedFact, TrialResult } from '../trial/index.ts'
import { counted, listed, short } from './names.ts'
import { phraseOf } from './phrases.ts'
import { quietLines } from './quiet.ts'
import { commandOf } from './steps.ts'
import { duration, moment } from './time.ts'

export interface StoryLine {
  readonly atMicros: Micros
  readonly text: string
}

export const STORY_LINES_MAXIMUM = 12

interface Ranked extends StoryLine {
  readonly rank: number
  readonly order: number
}

/** The lines of the story. `result` must come from a trial run with `factTypes: STORY_FACT_TYPES`. */
export function storyOf(scenario: Scenario, result: TrialResult, registry: Registry): StoryLine[] {
  const endMicros = result.violation?.atMicros ?? result.virtualMicros
  const opening: StoryLine = { atMicros: 0, text: openingOf(scenario) }
  const ending: StoryLine = { atMicros: endMicros, text: endingOf(result) }
  const deeds = deedsOf(scenario, result, registry).filter((line) => line.atMicros <= endMicros)
  const subject = `${result.violation?.subject ?? ''} ${result.violation?.message ?? ''}`
  const told = result.facts.flatMap((timed, order) => ranked(timed, order, subject, endMicros))
  const saw = result.violation?.saw
  const seen: readonly StoryLine[] = saw === undefined ? [] : [{ atMicros: endMicros, text: `SAW ${saw}` }]
  const room = STORY_LINES_MAXIMUM - 2 - seen.length
  const chosen = [...deeds, ...told]
    .toSorted((a, b) => b.rank - a.rank || b.order - a.order)
    .slice(0, room)
    .toSorted((a, b) => a.atMicros - b.atMicros || a.order - b.order)
  return [opening, ...merged(chosen), ...seen, ending]
}

/** The story as text, numbered, ending with how to see it again. */
export function printStory(lines: readonly StoryLine[], replayCommand?: string): string {
  const width = Math.max(...lines.map((line) => moment(line.atMicros).length))
  const text = lines.map(
    (line, index) => `${String(index + 1).padStart(2)}. ${moment(line.atMicros).padStart(width)}  ${line.text}`,
  )
  return [...text, ...(replayCommand === undefined ? [] : [`    replay: ${replayCommand}`])].join('\n')
}

/** The picture that a history check gives of what it found, set in under the story; empty when there is none. */
export function printDrawing(result: TrialResult): string {
  const text = result.violation?.drawing?.text
  return text === undefined ? '' : `${text.replaceAll(/^(?=.)/gm, '    ')}\n`
}

/** The first line: the cluster. */
export function openingOf(scenario: Scenario): string {
  const { topology, objects, defects, etcdClients = [] } = scenario
  const kinds = new Map<string, number>()
  for (const object of objects) kinds.set(object.kind, (kinds.get(object.kind) ?? 0) + 1)
  const clients = etcdClients.length === 0 ? '' : `, ${counted(etcdClients.length, 'client')} of etcd`
  const things = [...kinds].map(([kind, count]) => counted(count, kind))
  const bugs = defects.length === 0 ? '' : `, with ${listed(defects)} switched on`
  const order =
    scenario.schedule === undefined
      ? ''
      : `, ordered by priorities (${counted(scenario.schedule.changes.length, 'change')})`
  return `A cluster of ${counted(topology.etcdMembers, 'etcd member')}, ${counted(topology.apiServers, 'API server')}, ${counted(topology.nodes, 'node')}${clients}${bugs}${order}${things.length === 0 ? '' : `; applied: ${listed(things)}`}`
}

function endingOf(result: TrialResult): string {
  if (result.violation !== undefined) return `BROKEN ${result.violation.property}: ${result.violation.message}`
  if (result.error !== undefined) return `ERROR: ${result.error.message}`
  return `verdict: ${result.verdict}`
}

function deedsOf(scenario: Scenario, result: TrialResult, registry: Registry): Ranked[] {
  const bit = new Map(result.ledger.map((entry) => [entry.fault, entry.bit]))
  const faults = scenario.faults.map((fault, order): Ranked => {
    const kind = registry.faults.get(fault.kind)
    const text = kind?.describe(fault) ?? fault.kind
    return {
      atMicros: fault.atMicros,
      rank: bit.get(fault.id) === false ? 5 : 100,
      order: order - 1_000,
      text: `fault: ${text}`,
    }
  })
  const steps = scenario.workload.map(
    (step, order): Ranked => ({
      atMicros: step.atMicros,
      rank: 90,
      order: order - 500,
      text: commandOf(step),
    }),
  )
  const quiet = quietLines(scenario, result.violation?.atMicros ?? result.virtualMicros)
  return [...faults, ...steps, ...quiet.map((line): Ranked => ({ ...line, rank: 95, order: -1 }))]
}

function ranked({ atMicros, fact }: TimedFact, order: number, subject: string, endMicros: Micros): Ranked[] {
  const phrase = phraseOf(fact)
  if (phrase === undefined) return []
  const concerns = phrase.about.some((name) => name !== '' && (subject.includes(name) || subject.includes(short(name))))
  const lateness = 1 - Math.min(1, (endMicros - atMicros) / 30_000_000)
  return [{ atMicros, order, text: phrase.text, rank: phrase.weight * 5 + (concerns ? 40 : 0) + lateness * 20 }]
}

/** Neighbours that say the same are told once, with their number. */
function merged(lines: readonly Ranked[]): StoryLine[] {
  const result: { atMicros: Micros; text: string; count: number }[] = []
  for (const line of lines) {
    const last = result.at(-1)
    if (last !== undefined && last.text === line.text) last.count++
    else result.push({ atMicros: line.atMicros, text: line.text, count: 1 })
  }
  return result.map(({ atMicros, text, count }) => ({
    atMicros,
    text: count === 1 ? text : `${text} (${count} times)`,
  }))
}

/** The size that a person counts: faults and workload steps. */
export function sizeInWords(scenario: Scenario): string {
  return `${counted(scenario.faults.length, 'fault')}, ${counted(scenario.workload.length, 'step')}, active for ${duration(scenario.durationMicros)}`
}
