/** Errors of validation: which field, what kind of mistake, in the wording that kubectl shows. Models apimachinery util/validation/field, v1.33. */

export type FieldErrorReason =
  | 'FieldValueRequired'
  | 'FieldValueInvalid'
  | 'FieldValueDuplicate'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'

/** One mistake. `message` is without the field's path: `Invalid value: -1: must be greater than or equal to 0`. */
export interface FieldError {
  readonly field: string
  readonly reason: FieldErrorReason
  readonly message: string
}

/** Collects the mistakes of one object. */
export class FieldErrors {
  readonly list: FieldError[] = []

  required(field: string, detail = ''): void {
    this.#add(field, 'FieldValueRequired', `Required value${detail === '' ? '' : `: ${detail}`}`)
  }

  invalid(field: string, value: unknown, detail: string): void {
    this.#add(field, 'FieldValueInvalid', `Invalid value: ${shown(value)}: ${detail}`)
  }

  duplicate(field: string, value: unknown): void {
    this.#add(field, 'FieldValueDuplicate', `Duplicate value: ${shown(value)}`)
  }

  forbidden(field: string, detail: string): void {
    this.#add(field, 'FieldValueForbidden', `Forbidden: ${detail}`)
  }

  tooLong(field: string, limit: number): void {
    this.#add(field, 'FieldValueTooLong', `Too long: may not be more than ${limit} bytes`)
  }

  tooMany(field: string, count: number, limit: number): void {
    this.#add(field, 'FieldValueTooMany', `Too many: ${count}: must have at most ${limit} items`)
  }

  /** Adds an error unless `value` is one of `supported`. */
  oneOf(field: string, value: unknown, supported: readonly string[]): void {
    if (typeof value === 'string' && supported.includes(value)) return
    const list = supported.map((entry) => `"${entry}"`).join(', ')
    this.#add(field, 'FieldValueNotSupported', `Unsupported value: ${shown(value)}: supported values: ${list}`)
  }

  /** Adds an error unless `value` is undefined or an integer that is not negative. */
  notNegative(field: string, value: number | undefined): void {
    if (value !== undefined && !(value >= 0)) this.invalid(field, value, 'must be greater than or equal to 0')
  }

  /** Adds an error unless `value` is from 1 to 65535. */
  portNumber(field: string, value: number): void {
    if (!(value >= 1 && value <= 65_535)) this.invalid(field, value, 'must be between 1 and 65535, inclusive')
  }

  immutable(field: string, value: unknown): void {
    this.invalid(field, value, 'field is immutable')
  }

  #add(field: string, reason: FieldErrorReason, message: string): void {
    this.list.push({ field, reason, message })
  }
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? 'null'
}
