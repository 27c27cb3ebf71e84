/**
 * The chain of causes from what a failure needs to the violation, in plain sentences. A line is chosen because the trace
 * puts it on the way from a needed fault or step to the violation, because it happened in this run and not in the nearest
 * one that passes, or because it is about what the violation is about. What is of the violation's past comes first; where
 * that leaves room, so does what happened beside it: no message says that a pod does not listen any more.
 */
import type { RecordedFact } from '../kernel/index.ts'
import { type Item, Past, type Recording, type Registry, type Scenario, type Stop } from '../trial/index.ts'
import { phraseOf } from './phrases.ts'
import { KEEP_CORE_DEED, quietLines } from './quiet.ts'
import { commandOf } from './steps.ts'
import type { StoryLine } from './story.ts'

/** Why a line is there. `needed`: a fault or step. `so`: on the way. `only-here`: not in the run that passes. */
export type ChainReason = 'needed' | 'so' | 'only-here' | 'about-it' | 'violation'

export interface ChainLine extends StoryLine {
  readonly reason: ChainReason
}

export const CHAIN_LINES_MAXIMUM = 12

/** At this cost of the way to the violation a line is worth half of what it would be right before it. */
const NEAR = 20
/** So many lines of one kind at about one moment are told; the others are counted. */
const ALIKE_MAXIMUM = 2
const MOMENT_MICROS = 100_000

interface Candidate extends ChainLine {
  /** Of the fact, for lines that are one. */
  readonly type?: string
  readonly rank: number
  readonly step: number
}

/** The lines, first cause first. `passing` is the nearest run that passes, if there is one. */
export function chainOf(
  failing: Recording,
  needed: readonly Item[],
  registry: Registry,
  passing: Recording | undefined,
  maximum = CHAIN_LINES_MAXIMUM,
): ChainLine[] {
  const { kernel, result } = failing
  const { violation } = result
  const endMicros = violation?.atMicros ?? result.virtualMicros
  const subject = `${violation?.subject ?? ''} ${violation?.message ?? ''}`
  const end = endStep(failing, subject)
  const past = new Past(kernel.trace, end)
  const quiet = quietLines(failing.scenario, endMicros)
  const ways = needed.map((item) => wayOf(failing, past, item))
  if (quiet.length > 0) ways.push(past.wayFromDeed(KEEP_CORE_DEED))
  const onWay = new Set(ways.flat().map(({ step }) => step))
  const firstMicros = needed[0]?.atMicros ?? quiet[0]?.atMicros ?? 0
  const elsewhere = passing === undefined ? undefined : textsOf(passing)
  const told = new Map<string, number>()
  const candidates: Candidate[] = []
  const beside: Candidate[] = []
  const deeds = [
    ...needed.map((item) => deedLine(failing, item, registry)),
    ...quiet.map((line) => quietLine(failing, line)),
  ]
  for (const recorded of kernel.trace.facts) {
    const phrase = phraseOf(recorded.fact)
    if (phrase === undefined || recorded.time > endMicros) continue
    const key = nameless(phrase.text)
    const count = (told.get(key) ?? 0) + 1
    told.set(key, count)
    if (recorded.time < firstMicros || isDeedItself(recorded, phrase.about, deeds)) continue
    const distance = past.distanceOf(recorded.step)
    const isBeside = distance === undefined && recorded.step <= end
    const about = phrase.about.some((name) => name !== '' && mentions(subject, name))
    const onlyHere = elsewhere !== undefined && count > (elsewhere.get(key) ?? 0)
    const way = onWay.has(recorded.step)
    if (isBeside ? !about : deeds.length > 0 && !way && !onlyHere && !about) continue
    const nearness = 1 - Math.min(1, (endMicros - recorded.time) / Math.max(1, endMicros - firstMicros))
    const list = isBeside ? beside : candidates
    list.push({
      atMicros: recorded.time,
      text: phrase.text,
      reason: way ? 'so' : onlyHere ? 'only-here' : 'about-it',
      step: recorded.step,
      type: recorded.fact.type,
      rank:
        (way ? 30 : 0) +
        (onlyHere ? 20 : 0) +
        (about ? 20 : 0) +
        phrase.weight * 8 +
        nearness * 10 +
        (distance === undefined ? 0 : (20 * NEAR) / (NEAR + distance)),
    })
  }
  const hops = ways
    .flatMap((way) => hopsOf(failing, way))
    .filter(({ step }) => !candidates.some((line) => line.step === step))
  const room = maximum - 1 - deeds.length
  const byRank = (lines: readonly Candidate[]) => lines.toSorted((a, b) => b.rank - a.rank)
  const chosen = fewAlike(onceEach([...byRank([...candidates, ...hops]), ...byRank(beside)])).slice(
    0,
    Math.max(0, room),
  )
  const lines = [...deeds, ...chosen].toSorted((a, b) => a.atMicros - b.atMicros || a.step - b.step)
  const ending =
    violation === undefined ? `it ends as ${result.verdict}` : `BROKEN ${violation.property}: ${violation.message}`
  return [
    ...lines.map(({ atMicros, text, reason }) => ({ atMicros, text, reason })),
    { atMicros: endMicros, text: ending, reason: 'violation' },
  ]
}

/** That a process which a fault kills dies at that moment is told with the fault. */
function isDeedItself({ fact, time }: RecordedFact, about: readonly string[], deeds: readonly Candidate[]): boolean {
  if (!/^(process|host)-(crashed|paused|started)$|^containers-collected$/.test(fact.type)) return false
  return deeds.some(({ atMicros, text }) => atMicros === time && about.some((name) => text.includes(name)))
}

/** Facts of a run by their text without generated names, with how often they came. */
function textsOf(recording: Recording): ReadonlyMap<string, number> {
  const texts = new Map<string, number>()
  for (const { fact } of recording.kernel.trace.facts) {
    const text = phraseOf(fact)?.text
    if (text !== undefined) texts.set(nameless(text), (texts.get(nameless(text)) ?? 0) + 1)
  }
  return texts
}

/** Without the random endings of names and without addresses, which differ between runs that say the same. */
export function nameless(text: string): string {
  return text
    .replace(/(-[a-z0-9]{6,10})?-[bcdfghjklmnpqrstvwxz2456789]{5}\b/g, '-*')
    .replace(/\b\d+\.\d+\.\d+\.\d+(:\d+)?\b/g, '*')
}

function mentions(subject: string, name: string): boolean {
  const plain = name.startsWith('default/') ? name.slice('default/'.length) : name
  return plain.length > 2 && subject.includes(plain)
}

/**
 * The event of the violation; where a property spoke between two events, or in a timer of its own, the last event that said
 * something about the subject.
 */
function endStep({ kernel, result }: Recording, subject: string): number {
  const at = result.violation?.atMicros ?? result.virtualMicros
  const last = kernel.trace.row(kernel.steps)
  if (last !== undefined && last.time === at && last.target !== 0) return last.step
  const said = kernel.trace.facts.findLast((recorded) => isAbout(recorded, subject))
  return said?.step ?? kernel.steps
}

function isAbout({ fact }: RecordedFact, subject: string): boolean {
  return phraseOf(fact)?.about.some((name) => mentions(subject, name)) ?? false
}

function wayOf({ kernel }: Recording, past: Past, item: Item): Stop[] {
  if (item.list === 'faults') return past.wayFromDeed(`inject ${item.id}`)
  const begun = kernel.trace.facts.find(
    ({ fact }) => fact.type === 'step-started' && (fact as { readonly id?: unknown }).id === item.id,
  )
  return begun === undefined ? [] : past.wayFrom(begun.step)
}

/** Where the way goes from one process to another. */
function hopsOf({ kernel }: Recording, way: readonly Stop[]): Candidate[] {
  const hops: Candidate[] = []
  for (let index = 1; index < way.length; index++) {
    const from = way[index - 1]!
    const row = kernel.trace.row(way[index]!.step)
    if (row === undefined || row.target === 0 || from.step <= 0) continue
    const sender = senderBefore(kernel, from.step)
    const { process, event } = kernel.eventOf(row)
    const message = /^(?:message|datagram) (.*)$/.exec(event)?.[1]
    if (message === undefined || sender === undefined || sender === process) continue
    const words = message.replace(/^api-/, '').replaceAll('-', ' ')
    const text = `${sender}'s ${words} ${words.endsWith('s') ? 'reach' : 'reaches'} ${process}`
    hops.push({ atMicros: row.time, text, reason: 'so', step: row.step, rank: 12 + (10 * index) / way.length })
  }
  return hops
}

/** The process of the event, or of the one that set going what the kernel did for it. */
function senderBefore(kernel: Recording['kernel'], step: number): string | undefined {
  const row = kernel.trace.causesOf(step, 100).find(({ target }) => target !== 0)
  return row === undefined ? undefined : kernel.eventOf(row).process
}

/** A fault or step in words: `fault: etcd-0 loses power for 2 s`. */
export function describeItem(item: Item, scenario: Scenario, registry: Registry): string {
  const fault = item.list === 'faults' ? scenario.faults.find(({ id }) => id === item.id) : undefined
  if (fault !== undefined) return `fault: ${registry.faults.get(fault.kind)?.describe(fault) ?? fault.kind}`
  const step = item.list === 'workload' ? scenario.workload.find(({ id }) => id === item.id) : undefined
  return step === undefined ? item.kind : commandOf(step)
}

function deedLine({ scenario, kernel }: Recording, item: Item, registry: Registry): Candidate {
  const text = describeItem(item, scenario, registry)
  const deed = kernel.trace.deeds.find(({ name }) => name === `inject ${item.id}`)
  return { atMicros: item.atMicros, text, reason: 'needed', step: deed?.afterStep ?? 0, rank: 1_000 }
}

function quietLine({ kernel }: Recording, line: StoryLine): Candidate {
  const deed = kernel.trace.deeds.find(({ name }) => name === KEEP_CORE_DEED)
  return { ...line, reason: 'needed', step: deed?.afterStep ?? 0, rank: 1_000 }
}

/** Of many lines of one kind at about one moment the best ones; the last of them says how many more there were. */
function fewAlike(lines: readonly Candidate[]): Candidate[] {
  const groups = new Map<string, Candidate[]>()
  const kept: Candidate[] = []
  for (const line of lines) {
    const key = line.type === undefined ? line.text : `${line.type}/${Math.floor(line.atMicros / MOMENT_MICROS)}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [line])
    else group.push(line)
    if ((group?.length ?? 1) <= ALIKE_MAXIMUM) kept.push(line)
  }
  const counts = new Map<Candidate, number>()
  for (const group of groups.values())
    if (group.length > ALIKE_MAXIMUM) counts.set(group[ALIKE_MAXIMUM - 1]!, group.length - ALIKE_MAXIMUM)
  return kept.map((line) => {
    const more = counts.get(line)
    return more === undefined ? line : { ...line, text: `${line.text}, and ${more} more like it` }
  })
}

/** The first, that is the best ranked, of each text. */
function onceEach(lines: readonly Candidate[]): Candidate[] {
  const seen = new Set<string>()
  return lines.filter(({ text }) => !seen.has(text) && seen.add(text))
}
