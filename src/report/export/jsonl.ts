/**
 * A trace as JSON lines: a header, then everything in order (events with their causes, messages as arrows, facts, object
 * versions, states of properties, what faults did), then an end. `schema.ts` documents every member. Facts are cut to
 * what is plain in them: a nested object is named by its kind and key, a list of objects by its length.
 */
import type { Fact } from '../../kernel/index.ts'
import type { Recording } from '../../trial/index.ts'
import { Events, originsOf, processNames } from './arrows.ts'
import { TRACE_FORMAT, TRACE_VERSION } from './schema.ts'

export function* jsonLines({ kernel, scenario, result, versions, properties }: Recording): Generator<string> {
  const { trace } = kernel
  const names = processNames(kernel)
  const processes = kernel.processes().map((id) => ({ id, name: kernel.nameOf(id), host: kernel.hostOf(id) }))
  yield line({
    type: 'header',
    format: TRACE_FORMAT,
    version: TRACE_VERSION,
    scenario: result.scenarioId,
    name: scenario.name,
    seed: scenario.seed,
    processes,
  })
  const events = new Events(kernel)
  const origins = originsOf(kernel)
  const deeds = new Cursor(trace.deeds, ({ afterStep }) => afterStep)
  const bites = new Cursor(trace.bites, ({ step }) => step)
  const facts = new Cursor(trace.facts, ({ step }) => step)
  const objects = new Cursor(versions, ({ step }) => step)
  const states = new Cursor(properties, ({ step }) => step)
  for (let step = 0; step <= trace.steps; step++) {
    const row = trace.row(step)
    let text = ''
    if (row !== undefined) {
      const { event, message } = events.of(row)
      const process = JSON.stringify(names[row.target] ?? `process ${row.target}`)
      text += `{"type":"event","step":${step},"time":${row.time},"process":${process},"event":${JSON.stringify(event)},"number":${row.a},"cause":${row.cause}}\n`
      const sender = message === undefined ? undefined : trace.row(origins[step] ?? 0)
      if (sender !== undefined)
        text += `{"type":"message","step":${step},"message":${JSON.stringify(message)},"from":${JSON.stringify(names[sender.target])},"to":${process},"sentStep":${sender.step},"sentAt":${sender.time},"receivedAt":${row.time}}\n`
    }
    for (let fact = facts.at(step); fact !== undefined; fact = facts.at(step))
      text += `{"type":"fact","step":${step},"time":${fact.time},"process":${JSON.stringify(names[fact.process] ?? '')},"fact":${plainFact(fact.fact)}}\n`
    for (let object = objects.at(step); object !== undefined; object = objects.at(step))
      text += line({ type: 'object', ...object })
    for (let state = states.at(step); state !== undefined; state = states.at(step))
      text += line({ type: 'property', ...state })
    for (let bite = bites.at(step); bite !== undefined; bite = bites.at(step)) {
      const { from, to, rules, dropped } = bite
      text += line({ type: 'bite', step, rules, from: names[from] ?? '', to: names[to] ?? '', dropped })
    }
    for (let deed = deeds.at(step); deed !== undefined; deed = deeds.at(step)) {
      const touched = deed.touched.map(({ process }) => names[process] ?? '')
      text += line({ type: 'deed', number: deed.number, afterStep: step, time: deed.time, name: deed.name, touched })
    }
    if (text !== '') yield text
  }
  yield line({
    type: 'end',
    verdict: result.verdict,
    signature: result.signature,
    violation:
      result.violation === undefined
        ? undefined
        : {
            property: result.violation.property,
            subject: result.violation.subject,
            message: result.violation.message,
            atMicros: result.violation.atMicros,
          },
    error: result.error?.message,
    traceHash: result.traceHash,
    virtualMicros: result.virtualMicros,
    steps: result.steps,
  })
}

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}

/** Members that are plain, as JSON. */
function plainFact(fact: Fact): string {
  let text = ''
  for (const [key, value] of Object.entries(fact)) {
    const plain = typeof value === 'object' && value !== null ? named(value) : value
    if (plain === undefined) continue
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${JSON.stringify(plain)}`
  }
  return `{${text}}`
}

/** What stands for a nested value: its length, or its kind and its id or name. */
function named(value: object): unknown {
  if (Array.isArray(value))
    return value.every((item) => typeof item !== 'object' || item === null) ? value : { length: value.length }
  const { kind, id, metadata } = value as {
    readonly kind?: unknown
    readonly id?: unknown
    readonly metadata?: { readonly name?: unknown }
  }
  return {
    ...(typeof kind === 'string' ? { kind } : {}),
    ...(typeof id === 'string' || typeof id === 'number' ? { id } : {}),
    ...(typeof metadata?.name === 'string' ? { name: metadata.name } : {}),
  }
}

/** A list in order of steps, handed out step by step. */
class Cursor<T> {
  readonly #items: readonly T[]
  readonly #stepOf: (item: T) => number
  #next = 0

  constructor(items: readonly T[], stepOf: (item: T) => number) {
    this.#items = items
    this.#stepOf = stepOf
  }

  /** The next item of this step, if there is another. */
  at(step: number): T | undefined {
    const item = this.#items[this.#next]
    if (item === undefined || this.#stepOf(item) > step) return undefined
    this.#next++
    return item
  }
}
