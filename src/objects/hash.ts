/**
 * The pod-template-hash. Models kubernetes pkg/controller ComputeHash and apimachinery rand.SafeEncodeString, v1.33: FNV-32a over a
 * rendering of the template, its decimal digits spelt in an alphabet without vowels. Simplified: our rendering is canonical JSON with
 * sorted keys, not Go's dump of the struct, so the values differ from a real cluster's; equal templates give equal hashes.
 */
import { addressOf } from '../kernel/random.ts'
import type { PodTemplateSpec } from './pod.ts'

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'

const remembered = new WeakMap<PodTemplateSpec, number>()

/** The hash label of a template. `collisionCount` (from a Deployment's status) makes a different name after a collision. */
export function podTemplateHash(template: PodTemplateSpec, collisionCount?: number): string {
  let hash = remembered.get(template)
  if (hash === undefined) {
    hash = addressOf(canonical(template))
    if (Object.isFrozen(template)) remembered.set(template, hash)
  }
  if (collisionCount !== undefined) hash = addressOf(`${hash}/${collisionCount}`)
  return safeEncode(String(hash))
}

/** Spells each character in the vowel-free alphabet that Kubernetes uses for generated names. */
export function safeEncode(text: string): string {
  let spelt = ''
  for (let i = 0; i < text.length; i++) spelt += ALPHABET[text.charCodeAt(i) % ALPHABET.length]
  return spelt
}

/** A suffix of `length` characters of the same alphabet, taken from a 32-bit `draw`. At most 6 characters are distinct by draw. */
export function suffixOf(draw: number, length: number): string {
  let rest = draw
  let suffix = ''
  for (let i = 0; i < length; i++) {
    suffix += ALPHABET[rest % ALPHABET.length]
    rest = Math.floor(rest / ALPHABET.length)
  }
  return suffix
}

/** JSON with the keys of every object sorted and undefined left out: equal values give equal text. Slow; not for hot paths. */
export function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  const entries = Object.entries(value).filter((entry) => entry[1] !== undefined)
  entries.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0))
  return `{${entries.map(([key, child]) => `${JSON.stringify(key)}:${canonical(child)}`).join(',')}}`
}
