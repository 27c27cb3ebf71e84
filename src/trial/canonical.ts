/**
 * One text for one value: object keys in code-unit order, no space. Two values that mean the same have the same text, so
 * its 64-bit hash can serve as a name. Not a security hash.
 */

/** The canonical JSON text. Members that are undefined are left out. */
export function canonicalText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalText(item === undefined ? null : item)).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const record = value as Readonly<Record<string, unknown>>
    const keys = Object.keys(record).filter((key) => record[key] !== undefined)
    keys.sort(byCodeUnit)
    return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalText(record[key])}`).join(',')}}`
  }
  return JSON.stringify(value) ?? 'null'
}

/** 16 hexadecimal digits for a text: two murmur-style lanes over its UTF-16 code units. */
export function hash64(text: string): string {
  let high = 0x9e3779b9
  let low = 0x85ebca6b
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    high = Math.imul(high ^ unit, 0x2c1b3c6d)
    high = (high << 13) | (high >>> 19)
    low = Math.imul(low ^ unit, 0x297a2d39)
    low = (low << 17) | (low >>> 15)
  }
  return hex(finish(high ^ text.length)) + hex(finish(low ^ Math.imul(high, 0x27d4eb2f)))
}

/** Comparison by code units: the same on every machine, unlike a comparison by locale. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function finish(word: number): number {
  let h = word
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0')
}
