/**
 * The signature of a failure: which property, in which way, about what kind of thing. A shrink is accepted only when the
 * signature stays, so a search for one bug does not slip into another.
 */
import type { TrialResult } from './result.ts'

/** Property, shape and kind of subject, such as `replica-convergence/too-many/pod`. */
export function signatureOf(property: string, shape: string, subject: string): string {
  return `${property}/${shape}/${subjectKind(subject)}`
}

/**
 * A subject without what differs from trial to trial: `Pod default/web-7d4b9-x2x9z` is `pod`, `node-2` is `node`,
 * `etcd-1 -> etcd-0` is `etcd>etcd`.
 */
export function subjectKind(subject: string): string {
  return subject
    .split(/\s*->\s*/)
    .map((part) => {
      const words = part.trim().split(/\s+/)
      const head = words[0] ?? ''
      if (words.length > 1) return head.toLowerCase()
      if (head.includes('/')) return 'object'
      return head.replace(/[-#:]?\d+$/, '').toLowerCase()
    })
    .join('>')
}

/** Whether `result` failed in just this way. */
export function failsAs(result: TrialResult, signature: string): boolean {
  return result.signature === signature
}
