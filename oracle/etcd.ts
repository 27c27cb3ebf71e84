/**
 * Holds our etcd to the real one of this machine: random sequences of operations are played on both, one member each, and
 * every answer, revision, event and error is compared. A sequence that differs is shrunk and printed.
 *
 *     npx tsx oracle/etcd.ts [--cases 300] [--seed 1] [--record] [--steps '[...]' [--keep 'what was learned']]
 *
 * `--record` writes fixtures/observed/etcd-sequences.json: sequences with the real one's answers, which a unit test plays
 * without it. `--steps` plays one sequence, and `--keep` adds it to fixtures/observed/etcd-differences.json, the sequences
 * that once differed. Where etcd is not installed it says so and ends with status 0 (1 with --strict). Not held: several
 * members (src/etcd/trouble.test.ts), and what depends on how fast a disk is.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import fc from 'fast-check'
import { anyExpiry, anySteps } from '../src/etcd/anyrehearsal.ts'
import { closingOf, type Observation, Rehearsal, type SeenWatch, type Step } from '../src/etcd/rehearsal.ts'
import { EDGES } from './edges.ts'
import { installedVersion, RealEtcd, type RealStream } from './realetcd.ts'

const { values: options } = parseArgs({
  options: {
    cases: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    record: { type: 'boolean', default: false },
    steps: { type: 'string' },
    keep: { type: 'string' },
    strict: { type: 'boolean', default: false },
  },
})

/** The real one looks at its unsynced watches ten times a second. */
const SYNC_MS = 130
/** Longer than this no event is waited for. */
const PATIENCE_MS = 1_500
const RECORDED = 100
const folder = new URL('../fixtures/observed/', import.meta.url)

interface Played {
  /** The steps and those that bring the sequence to its end. */
  readonly steps: readonly Step[]
  /** What the real one was seen to answer to each. */
  readonly answers: readonly Observation[]
  readonly watches: Watches
  readonly difference: string | undefined
}

type Watches = readonly (readonly SeenWatch[])[]

/** What a canary does to what the real one shows. */
interface Canary {
  readonly name: string
  readonly steps: readonly Step[]
  readonly spoil?: (answer: Observation) => Observation
  readonly spoilWatches?: (watches: Watches) => Watches
}

/** Plays a sequence on both. */
async function play(real: RealEtcd, given: readonly Step[], canary?: Canary): Promise<Played> {
  await real.begin()
  const ours = new Rehearsal()
  const streams: Open[] = []
  const answers: Observation[] = []
  const steps = [...given]
  const watches = (): Watches => streams.map(({ stream }) => seenBy(stream))
  for (let at = 0; at < steps.length; at++) {
    const step = steps[at] as Step
    if (step.do === 'stop' || (step.do === 'ask' && step.request.type === 'compact')) await catchUp(ours, streams)
    const expected = plain(ours.play(step))
    const truth = await playReal(real, step, streams)
    const answer = plain(canary?.spoil?.(truth) ?? truth)
    answers.push(answer)
    if (!isDeepStrictEqual(answer, expected)) {
      const difference = `step ${at}: ${JSON.stringify(step)}\n  etcd: ${JSON.stringify(answer)}\n  ours: ${JSON.stringify(expected)}`
      return end(streams, { steps, answers, watches: watches(), difference })
    }
    if (answer.crashed === true) {
      real.stop()
      await real.start()
      return end(streams, { steps: steps.slice(0, at + 1), answers, watches: [], difference: undefined })
    }
    if (at === given.length - 1) steps.push(...closingOf(given, ours.revision))
  }
  await catchUp(ours, streams)
  const seen = plain(canary?.spoilWatches?.(watches()) ?? watches())
  const expected = plain(ours.watches())
  const difference = isDeepStrictEqual(seen, expected)
    ? undefined
    : `watches\n  etcd: ${JSON.stringify(seen)}\n  ours: ${JSON.stringify(expected)}`
  return end(streams, { steps, answers, watches: seen, difference })
}

interface Open {
  readonly stream: RealStream
  readonly openedAt: number
  /** Some watch asked for the past. */
  readonly looksBack: boolean
}

function end(streams: readonly Open[], played: Played): Played {
  for (const { stream } of streams) stream.close()
  return played
}

async function playReal(real: RealEtcd, step: Step, streams: Open[]): Promise<Observation> {
  switch (step.do) {
    case 'ask':
      return real.ask(step.request)
    case 'watch': {
      const stream = await real.watch(step.requests)
      const looksBack = step.requests.some(({ startRevision }) => startRevision !== undefined)
      streams.push({ stream, openedAt: performance.now(), looksBack })
      return {}
    }
    case 'stop':
      streams[step.stream]?.stream.close()
      return {}
    case 'expire':
      for (let i = 0; i < 100; i++) {
        const left = await real.ask({ type: 'lease-time-to-live', lease: step.lease })
        if (left.alive === false) return {}
        await pause(100)
      }
      return { alive: true }
  }
}

function seenBy(stream: RealStream): SeenWatch[] {
  return stream.events.map((events, at) => ({ events, ended: stream.ended[at] }))
}

/** Waits until the real watches have shown as much as ours, and those that look back have had their turn. */
async function catchUp(ours: Rehearsal, streams: readonly Open[]): Promise<void> {
  const expected = ours.watches()
  const from = performance.now()
  const lags = ({ stream }: Open, at: number): boolean =>
    (expected[at] ?? []).some(
      ({ events, ended }, watch) =>
        (stream.events[watch]?.length ?? 0) < events.length ||
        (ended !== undefined && stream.ended[watch] === undefined),
    )
  while (streams.some(lags) && performance.now() - from < PATIENCE_MS) await pause(2)
  for (const { openedAt, looksBack } of streams) {
    const left = openedAt + SYNC_MS - performance.now()
    if (looksBack && left > 0) await pause(left)
  }
}

/** Without what is undefined, as it will be read back. */
function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}

/** Mistakes that the oracle must notice: it is not asleep. */
const CANARIES: readonly Canary[] = [
  {
    name: 'a put answers with the revision before it',
    steps: [{ do: 'ask', request: { type: 'put', key: 'a', value: 'v' } }],
    spoil: (answer) => ({ ...answer, revision: 3 }),
  },
  {
    name: 'a refusal has another code',
    steps: [{ do: 'ask', request: { type: 'put', key: '', value: 'v' } }],
    spoil: (answer) => ({ ...answer, code: 2 }),
  },
  {
    name: 'a watch misses an event',
    steps: [
      { do: 'watch', requests: [{ key: 'a' }] },
      { do: 'ask', request: { type: 'put', key: 'a', value: 'v' } },
    ],
    spoilWatches: (watches) => watches.map((stream) => stream.map((one) => ({ ...one, events: one.events.slice(1) }))),
  },
]

function fileOf(name: string): string {
  return fileURLToPath(new URL(name, folder))
}

/** A list in JSON, one element a line. */
function write(name: string, head: object, list: readonly object[]): void {
  const lines = list.map((one) => `    ${JSON.stringify(one)}`).join(',\n')
  writeFileSync(fileOf(name), `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "sequences": [\n${lines}\n  ]\n}\n`)
}

const version = installedVersion()
if (version === undefined) {
  console.error('ORACLE NOT RUN: this machine lacks etcd. The model of etcd was NOT compared with a real one.')
  process.exit(options.strict ? 1 : 0)
}

const real = new RealEtcd()
// Whoever stops this program stops the etcd that it started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    real.stop()
    process.exit(1)
  })
}
let failed = false
try {
  await real.start()
  if (options.steps !== undefined) await playOne(JSON.parse(options.steps) as Step[])
  else if (options.record) await record()
  else await compare()
} finally {
  real.stop()
}
process.exitCode = failed ? 1 : 0

async function compare(): Promise<void> {
  const from = performance.now()
  const anySequence = fc.oneof({ weight: 150, arbitrary: anySteps }, { weight: 1, arbitrary: anyExpiry })
  let operations = 0
  const property = fc.asyncProperty(anySequence, async (steps) => {
    const played = await play(real, steps)
    operations += played.steps.length
    if (played.difference !== undefined) throw new Error(played.difference)
  })
  for (const steps of EDGES) {
    const { difference } = await play(real, steps)
    if (difference === undefined) continue
    failed = true
    console.error(difference)
  }
  const result = await fc.check(property, { numRuns: Number(options.cases), seed: Number(options.seed) })
  const seconds = (performance.now() - from) / 1_000
  if (result.failed) {
    failed = true
    console.error(`differs (seed ${result.seed}, path ${result.counterexamplePath}), ${result.numShrinks} shrinks:`)
    console.error(String(result.errorInstance))
    console.error(JSON.stringify(result.counterexample?.[0]))
  }
  for (const canary of CANARIES) {
    const played = await play(real, canary.steps, canary)
    if (played.difference !== undefined) continue
    failed = true
    console.error(`canary: nobody noticed that ${canary.name}`)
  }
  const pace = Math.round((result.numRuns / seconds) * 60)
  console.log(
    `${result.numRuns} sequences, ${operations} operations against etcd ${version} in ${seconds.toFixed(1)} s ` +
      `(${pace} sequences a minute): ${failed ? 'there are differences' : '0 differ'}; ${EDGES.length} edges, ${CANARIES.length} canaries`,
  )
}

async function playOne(steps: readonly Step[]): Promise<void> {
  const played = await play(real, steps)
  console.log(played.difference ?? 'no difference')
  failed = played.difference !== undefined
  if (options.keep === undefined || failed) return
  const name = 'etcd-differences.json'
  const known = existsSync(fileOf(name))
    ? (JSON.parse(readFileSync(fileOf(name), 'utf8')) as { sequences: object[] }).sequences
    : []
  const { difference: _, ...kept } = played
  write(name, { etcd: version }, [...known, { learned: options.keep, ...kept }])
}

async function record(): Promise<void> {
  const sequences: object[] = []
  for (const steps of [...EDGES, ...fc.sample(anySteps, { numRuns: RECORDED, seed: Number(options.seed) })]) {
    const { difference, ...kept } = await play(real, steps)
    if (difference !== undefined) throw new Error(`what differs is no vector: ${difference}`)
    sequences.push(kept)
  }
  write('etcd-sequences.json', { etcd: version }, sequences)
  console.log(`${sequences.length} sequences recorded from etcd ${version}`)
}
