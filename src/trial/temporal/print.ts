/** Formulas, times and bounds in words, for messages. */
import type { Micros } from '../../kernel/index.ts'
import type { Bound, Formula } from './formula.ts'

/** A formula as a person would write it: always ("leaving" implies within 30 s "gone"). */
export function printFormula(formula: Formula): string {
  switch (formula.op) {
    case 'constant':
      return `${formula.value}`
    case 'atom':
      return `"${formula.atom.name}"`
    case 'not':
      return `not ${inner(formula.of)}`
    case 'next':
      return `next ${inner(formula.of)}`
    case 'and':
    case 'or':
      return formula.of.length === 0 ? `${formula.op === 'and'}` : formula.of.map(inner).join(` ${formula.op} `)
    case 'implies':
      return `${inner(formula.when)} implies ${inner(formula.then)}`
    case 'always':
      if (formula.of.op === 'not' && formula.bound === undefined) return `never ${inner(formula.of.of)}`
      return `always ${formula.bound === undefined ? '' : `for ${printBound(formula.bound)} `}${inner(formula.of)}`
    case 'eventually':
      return `${formula.bound === undefined ? 'eventually' : `within ${printBound(formula.bound)}`} ${inner(formula.of)}`
    case 'until':
    case 'unless':
      return `${inner(formula.hold)} ${formula.op}${formula.bound === undefined ? '' : ` within ${printBound(formula.bound)}`} ${inner(formula.goal)}`
  }
}

function inner(formula: Formula): string {
  const text = printFormula(formula)
  const isBare = formula.op === 'constant' || formula.op === 'atom'
  return isBare ? text : `(${text})`
}

export function printBound(bound: Bound): string {
  return typeof bound === 'number' ? printTime(bound) : `"${bound.name}"`
}

/** A length of virtual time: 30 s, 0.044 s. */
export function printTime(micros: Micros): string {
  const seconds = micros / 1_000_000
  if (Number.isInteger(seconds)) return `${seconds} s`
  return `${seconds.toFixed(micros % 1_000 === 0 ? 3 : 6)} s`
}
