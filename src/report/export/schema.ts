/**
 * The JSON lines of an exported trace, as a JSON schema: one line is one of these. Times are microseconds of virtual time,
 * steps count events from 1; 0 is before the first. Members are only ever added; a change of meaning raises the version.
 */
export const TRACE_FORMAT = 'seatrial/trace'
export const TRACE_VERSION = 1

const text = { type: 'string' } as const
const whole = { type: 'integer', minimum: 0 } as const
const texts = { type: 'array', items: text } as const

function lineOf(type: string, description: string, members: Readonly<Record<string, object>>, optional: string[] = []) {
  return {
    type: 'object',
    description,
    properties: { type: { const: type }, ...members },
    required: ['type', ...Object.keys(members).filter((name) => !optional.includes(name))],
    additionalProperties: false,
  }
}

export const TRACE_LINE_SCHEMA = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'One line of a trace that Seatrial exported',
  oneOf: [
    lineOf('header', 'The first line.', {
      format: { const: TRACE_FORMAT },
      version: { const: TRACE_VERSION },
      scenario: { ...text, description: 'The id of the scenario.' },
      name: text,
      seed: text,
      processes: {
        type: 'array',
        items: {
          type: 'object',
          properties: { id: whole, name: text, host: text },
          required: ['id', 'name', 'host'],
          additionalProperties: false,
        },
      },
    }),
    lineOf(
      'event',
      'Something that happened to a process; `kernel` stands for connections, faults and timers of the trial.',
      {
        step: { ...whole, minimum: 1 },
        time: whole,
        process: text,
        event: {
          ...text,
          description: 'message <type>, datagram <type>, timer <kind>, start, disconnect, sync <kind>.',
        },
        number: { type: 'number', description: 'What the process knows it by: a connection, a timer’s argument.' },
        cause: { type: 'integer', description: 'The step that scheduled it; below 0 a deed’s number; 0 nothing.' },
      },
    ),
    lineOf('message', 'The arrow to the event of the same step.', {
      step: { ...whole, minimum: 1 },
      message: text,
      from: text,
      to: text,
      sentStep: { ...whole, minimum: 1 },
      sentAt: whole,
      receivedAt: whole,
    }),
    lineOf('fact', 'What a component published during the step.', {
      step: whole,
      time: whole,
      process: text,
      fact: { type: 'object', properties: { type: text }, required: ['type'] },
    }),
    lineOf('object', 'A committed change of an object: its new version.', {
      step: whole,
      time: whole,
      resource: text,
      key: text,
      revision: { ...whole, minimum: 1 },
      change: { enum: ['created', 'updated', 'deleted'] },
    }),
    lineOf('property', 'A property was reached or seen for the first time, or violated.', {
      step: whole,
      time: whole,
      property: text,
      state: { enum: ['reached', 'seen', 'violated'] },
    }),
    lineOf('bite', 'Rules of the network lost, delayed or copied a message that was sent during the step.', {
      step: whole,
      rules: texts,
      from: text,
      to: text,
      dropped: { type: 'boolean' },
    }),
    lineOf('deed', 'What the trial did between two events: injected or healed a fault, booted the cluster.', {
      number: { type: 'integer', maximum: -1 },
      afterStep: whole,
      time: whole,
      name: text,
      touched: texts,
    }),
    lineOf(
      'end',
      'The last line.',
      {
        verdict: text,
        signature: text,
        violation: {
          type: 'object',
          properties: { property: text, subject: text, message: text, atMicros: whole },
          required: ['property', 'subject', 'message', 'atMicros'],
          additionalProperties: false,
        },
        error: text,
        traceHash: { ...text, pattern: '^[0-9a-f]{16}$' },
        virtualMicros: whole,
        steps: whole,
      },
      ['signature', 'violation', 'error'],
    ),
  ],
} as const
