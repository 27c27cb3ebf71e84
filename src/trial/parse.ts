/**
 * Scenario text in, scenario out, and back. A mistake is reported with file, line, column and JSON path and says how to
 * mend it. Members are printed in one fixed order, so two prints of one scenario are the same bytes.
 */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { About } from './about.ts'
import { canonicalText, hash64 } from './canonical.ts'
import { escapePointer, positionAt, scanJson } from './json-position.ts'
import { migrated } from './migrations.ts'
import { SCENARIO_FORMAT, type Scenario } from './scenario.ts'
import { SCENARIO_SCHEMA } from './schema.ts'
import { suggest, UserError } from './user-error.ts'

let validator: ValidateFunction<Scenario> | undefined

function validateShape(): ValidateFunction<Scenario> {
  validator ??= new Ajv({ allErrors: false, discriminator: true, strict: false, verbose: true }).compile<Scenario>(
    SCENARIO_SCHEMA,
  )
  return validator
}

/**
 * Reads a scenario. `fileName` appears in messages only.
 * @throws UserError for text that is cut off, is not JSON, is of another or newer format, or has members that do not fit.
 */
export function parseScenario(text: string, fileName: string): Scenario {
  return parseKept(text, fileName).scenario
}

/** A scenario and what is remembered of it, if anything is. @throws UserError as `parseScenario` */
export function parseKept(
  text: string,
  fileName: string,
): { readonly scenario: Scenario; readonly about: About | undefined } {
  const { mistake, offsets } = scanJson(text)
  if (mistake !== undefined) {
    throw new UserError({
      what: mistake.truncated
        ? `the file is cut off: ${mistake.what} where it ends`
        : `not valid JSON: ${mistake.what}`,
      where: `${fileName}:${mistake.line}:${mistake.column}`,
      mend: mistake.truncated
        ? 'delete it, or restore the whole file from version control; other scenarios are not affected'
        : 'correct the JSON at that place',
    })
  }
  const value = migrated(checkedFormat(parseJson(text, fileName), fileName), fileName)
  const validate = validateShape()
  if (!validate(value)) throw shapeError(validate.errors ?? [], value, text, fileName, offsets)
  const { about, ...scenario } = value as Scenario & { readonly about?: About }
  return { scenario, about }
}

/** Pretty JSON with members in the order of the schema, what is remembered of it last. Ends with a newline. */
export function printScenario(scenario: Scenario, about?: About): string {
  const ordered = Object.fromEntries(
    Object.keys(SCENARIO_SCHEMA.properties)
      .filter((key) => scenario[key as keyof Scenario] !== undefined)
      .map((key) => [key, scenario[key as keyof Scenario]]),
  )
  return `${JSON.stringify(about === undefined ? ordered : { ...ordered, about }, null, 2)}\n`
}

/** 16 hexadecimal digits that name a scenario by its content: equal content, equal id, whatever the order of members. */
export function scenarioIdOf(scenario: Scenario): string {
  return hash64(canonicalText(scenario))
}

function parseJson(text: string, fileName: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UserError({
      what: `not valid JSON: ${(error as Error).message}`,
      where: fileName,
      mend: 'correct the JSON at that place',
    })
  }
}

function checkedFormat(value: unknown, fileName: string): Readonly<Record<string, unknown>> {
  const head = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>
  if (head.format === SCENARIO_FORMAT) return head
  throw new UserError({
    what: `this is not a scenario: "format" is ${JSON.stringify(head.format) ?? 'missing'} and should be "${SCENARIO_FORMAT}"`,
    where: fileName,
    mend: 'for Kubernetes manifests use "seatrial check"',
  })
}

function shapeError(
  errors: readonly ErrorObject[],
  value: unknown,
  text: string,
  fileName: string,
  offsets: ReadonlyMap<string, number>,
): UserError {
  const error = errors.find((candidate) => candidate.keyword !== 'oneOf') ?? errors[0]
  const pointer = error?.instancePath ?? ''
  const at = (path: string) => {
    const { line, column } = positionAt(text, offsets.get(path) ?? 0)
    return `${fileName}:${line}:${column} ${path === '' ? '/' : path}`
  }
  switch (error?.keyword) {
    case 'additionalProperties': {
      const extra = (error.params as { readonly additionalProperty: string }).additionalProperty
      const known = Object.keys((error.parentSchema as { properties?: object } | undefined)?.properties ?? {})
      return new UserError({
        what: `there is no member "${extra}" here`,
        where: at(`${pointer}/${escapePointer(extra)}`),
        mend: known.length > 0 ? suggest(extra, known) : 'take it out',
      })
    }
    case 'required': {
      const missing = (error.params as { readonly missingProperty: string }).missingProperty
      return new UserError({ what: `"${missing}" is missing`, where: at(pointer), mend: `add "${missing}"` })
    }
    case 'enum':
    case 'const': {
      const parameters = error.params as {
        readonly allowedValues?: readonly unknown[]
        readonly allowedValue?: unknown
      }
      const allowed = parameters.allowedValues ?? [parameters.allowedValue]
      return new UserError({
        what: `${shown(valueAt(value, pointer))} is not allowed here`,
        where: at(pointer),
        mend: `use one of ${allowed.map(shown).join(', ')}`,
      })
    }
    case 'discriminator': {
      const { tag, tagValue } = error.params as { readonly tag: string; readonly tagValue: unknown }
      const kinds = SCENARIO_SCHEMA.properties.workload as unknown as {
        items: { oneOf: readonly { properties: { kind: { const: string } } }[] }
      }
      return new UserError({
        what: `there is no workload step of ${tag} ${shown(tagValue)}`,
        where: at(`${pointer}/${tag}`),
        mend: suggest(
          String(tagValue),
          kinds.items.oneOf.map((option) => option.properties.kind.const),
        ),
      })
    }
    default:
      return new UserError({
        what: `${shown(valueAt(value, pointer))} ${error?.message ?? 'does not fit'}`,
        where: at(pointer),
        mend: 'see fixtures/scenario.schema.json for what may stand there',
      })
  }
}

function valueAt(value: unknown, pointer: string): unknown {
  let current = value
  for (const step of pointer.split('/').slice(1)) {
    current = (current as Readonly<Record<string, unknown>> | undefined)?.[
      step.replaceAll('~1', '/').replaceAll('~0', '~')
    ]
  }
  return current
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}
