/**
 * The JSON Schema of the lines that `--json` prints, as data. `fixtures/lines.schema.json` is this value written out, for
 * whoever reads them with a program. Members and types of lines are only ever added, so unknown ones are let through.
 */
const text = { type: 'string' }
const count = { type: 'integer', minimum: 0 }
const micros = { type: 'integer', minimum: 0, description: 'microseconds' }
const number = { type: 'number', minimum: 0 }
const flag = { type: 'boolean' }
const texts = { type: 'array', items: text }
const verdict = { enum: ['passed', 'failed', 'vacuous', 'diverged', 'exhausted', 'error'] }

function shape(properties: Readonly<Record<string, unknown>>, optional: readonly string[] = []) {
  return {
    type: 'object',
    required: Object.keys(properties).filter((key) => !optional.includes(key)),
    properties,
  }
}

const violation = shape(
  { property: text, subject: text, message: text, shape: text, atMicros: micros, saw: text, details: {} },
  ['saw', 'details'],
)
const error = shape({ message: text, property: text }, ['property'])
const fault = shape({
  fault: text,
  kind: text,
  injected: flag,
  bit: flag,
  evidence: { type: 'array', items: shape({ what: text, count }) },
})

const item = shape({ list: { enum: ['faults', 'workload'] }, id: text, kind: text, atMicros: micros })

const estimate = {
  ...shape({ value: number, low: number, high: number }),
  description: 'with its interval of 95 %',
}
const coverage = shape({
  ...{ trials: count, features: count, once: count, twice: count, loneTrials: count, lonePairs: count },
  ...{ chanceOfNews: estimate, newFeaturesExpected: number, featuresThereAre: estimate },
  curve: { type: 'array', items: shape({ trials: count, features: count }) },
  ways: shape({ features: count, chanceOfNews: estimate }),
  phases: texts,
  faultsByPhase: { type: 'array', items: shape({ kind: text, phase: text, injected: count, bit: count }) },
  matrix: { type: 'array', items: shape({ kind: text, component: text, phase: text, injected: count, bit: count }) },
  holes: { type: 'array', items: shape({ kind: text, component: text, phases: texts }) },
})

/** Type of a line -> what it says, its members, and which of them may be left out. */
const LINES: Readonly<
  Record<
    string,
    {
      readonly title: string
      readonly members: Readonly<Record<string, unknown>>
      readonly optional?: readonly string[]
    }
  >
> = {
  trial: {
    title: 'One trial (run, fuzz, check, hunt, replay). "trial" is its id, or corpus/ and the name of an entry.',
    members: {
      ...{
        trial: text,
        scenario: text,
        verdict,
        traceHash: text,
        virtualMicros: micros,
        wallMicros: micros,
        steps: count,
      },
      ...{ signature: text, violation, error, faults: { type: 'array', items: fault } },
    },
    optional: ['wallMicros', 'signature', 'violation', 'error'],
  },
  summary: {
    title: 'The end of a campaign.',
    members: {
      ...{ trials: count, virtualMicros: micros, wallMicros: micros, steps: count },
      verdicts: shape(Object.fromEntries(verdict.enum.map((name) => [name, count]))),
      faults: { type: 'array', items: shape({ kind: text, injected: count, bit: count }) },
      reached: { type: 'array', items: shape({ property: text, trials: count }) },
      ...{ neverReached: texts, sometimesSeen: texts, sometimesNeverSeen: texts },
      neverMet: { type: 'array', items: shape({ property: text, triggers: texts }) },
      vacuousSuites: { type: 'array', items: shape({ suite: text, properties: texts }) },
      failures: {
        type: 'array',
        items: shape({ signature: text, count, trial: text, scenario: text, message: text }, ['message']),
      },
      coverage,
    },
    optional: ['coverage'],
  },
  coverage: {
    title: 'What campaigns covered together (coverage). "without" counts trials that left no footprint.',
    members: {
      ...{ campaigns: count, trials: count, without: count, coverage },
      faults: { type: 'array', items: shape({ kind: text, injected: count, bit: count }) },
    },
  },
  finding: {
    title: 'A failure that was looked into and kept. "trial" names the shrunk scenario.',
    members: {
      ...{ signature: text, count, trial: text, scenario: text, traceHash: text, faults: count, steps: count },
      ...{ executions: count, file: text, test: text, replay: text },
      violation,
      story: { type: 'array', items: shape({ atMicros: micros, text }) },
      why: { ...text, description: 'what it needs, in a sentence, where that was cheap to know' },
      unstable: { ...text, description: 'that it did not come again when it was run once more' },
    },
    optional: ['violation', 'why', 'unstable'],
  },
  explanation: {
    title: 'Why a scenario fails (explain). Where it does not fail there are only "verdict" and "scenario".',
    members: {
      ...{ verdict, scenario: text, signature: text, violation, error },
      needed: { type: 'array', items: shape({ item, passesWithout: flag, failsAlone: flag }) },
      unneeded: { type: 'array', items: item },
      subsets: shape({ tried: count, failing: count, exhaustive: flag }),
      minimal: { type: 'object', description: 'the scenario with only what it needs' },
      chain: {
        type: 'array',
        items: shape({
          atMicros: micros,
          text,
          reason: { enum: ['needed', 'so', 'only-here', 'about-it', 'violation'] },
        }),
      },
      certainty: shape(
        {
          points: { type: 'array', items: shape({ atMicros: micros, failing: count, branches: count }) },
          certainFromMicros: micros,
          withinMicros: micros,
        },
        ['certainFromMicros'],
      ),
      neighbour: shape({ item, field: text, from: micros, to: micros, scenario: { type: 'object' } }, [
        'field',
        'from',
        'to',
      ]),
      differences: shape({
        ...{ atMicros: micros, failing: text, passing: text },
        onlyFailing: { type: 'array', items: shape({ atMicros: micros, text }) },
        onlyPassing: { type: 'array', items: shape({ atMicros: micros, text }) },
      }),
      executions: count,
    },
    optional: [
      ...['verdict', 'scenario', 'signature', 'violation', 'error', 'needed', 'unneeded', 'subsets', 'minimal'],
      ...['chain', 'certainty', 'neighbour', 'differences', 'executions'],
    ],
  },
  complaint: {
    title: 'Something about a manifest (check).',
    members: {
      ...{ severity: text, file: text, line: count, column: count, what: text, mend: text, field: text },
    },
    optional: ['mend', 'field'],
  },
  advice: {
    title: 'The preStop hook that would have been enough (check).',
    members: { seconds: count, trials: count },
  },
  strategy: {
    title: 'What a strategy was given and brought (fuzz --strategy portfolio).',
    members: { strategy: text, lanes: count, features: count, failures: count, events: count },
  },
  hunt: { title: 'A historical bug (hunt).', members: { defect: text, seeds: count, caught: { type: 'array' } } },
  event: { title: 'An event of a run (replay --trace).', members: { event: text } },
  object: { title: 'An object of the cluster (replay --at).', members: { object: { type: 'object' } } },
  entry: {
    title: 'An entry of a corpus (corpus list).',
    members: {
      ...{ id: text, file: text, scenario: text, faults: count, steps: count, verdict, signature: text, message: text },
      ...{ cause: text, trial: text, shrunk: flag, failed: count, of: count, tells: text },
    },
    optional: ['verdict', 'signature', 'message', 'cause', 'trial', 'shrunk', 'failed', 'of', 'tells'],
  },
  merged: { title: 'An entry that was taken over (corpus merge).', members: { id: text, file: text, from: text } },
  merge: {
    title: 'The end of a merge.',
    members: { into: text, read: count, new: count, known: count, larger: count, damaged: count },
  },
  prune: {
    title: 'What became of an entry (corpus prune).',
    members: { id: text, file: text, verb: { enum: ['stays', 'would go', 'gone'] }, because: text, but: text },
    optional: ['because', 'but'],
  },
  told: { title: 'An entry that was explained (corpus tell).', members: { id: text, file: text, tells: text } },
  group: {
    title: 'Failures with one cause (triage). "quietTrials": so many without it, and "fixed" holds at 95 %.',
    members: {
      ...{ group: text, signature: text, cause: text, failed: count, of: count, quietTrials: count, first: text },
      ...{ examples: count, best: text, shrunk: flag, faults: count, steps: count, message: text, tells: text },
    },
    optional: ['cause', 'of', 'quietTrials', 'first', 'message', 'tells'],
  },
  judged: {
    title: 'A commit that was tried (bisect).',
    members: { commit: text, judgement: { enum: ['passes', 'fails', 'skipped'] }, because: text },
    optional: ['because'],
  },
  bisect: {
    title: 'The first commit at which a scenario fails; several where those between could not be judged (bisect).',
    members: { commits: texts, tried: count },
  },
}

export const LINES_SCHEMA = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'A line that seatrial prints with --json',
  type: 'object',
  required: ['type'],
  anyOf: [
    ...Object.entries(LINES).map(([type, { title, members, optional }]) => ({
      title,
      ...shape({ type: { const: type }, ...members }, optional),
    })),
    { title: 'A line of another type.', properties: { type: { ...text, not: { enum: Object.keys(LINES) } } } },
  ],
} as const
