/**
 * A field is a type, a table of fields, or a list of one of these. A type may start with `-`: accepted, without effect on what is simulated;
 * or with `!`: it would change behaviour in a real cluster and is not modelled.
 */

export type FieldType =
  | 'string'
  | 'integer'
  | 'boolean'
  | 'integer-or-string'
  /** Text by text: labels and the like. */
  | 'strings-by-name'
  /** Quantities by name; numbers are allowed as in YAML. */
  | 'quantities'
  | 'anything'

export type Field = FieldType | `-${FieldType}` | `!${FieldType}` | FieldTable | readonly [Field]

export interface FieldTable {
  readonly [name: string]: Field
}
