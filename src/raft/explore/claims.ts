/** What two members say of each other in any one state: Raft's claims that no member can break alone. (Raft paper, figure 3) */
import { termOf } from './codes.ts'
import type { Facts } from './turns.ts'

/** Election safety: at most one leader a term, over all time. */
export function ledTwice(member: Facts, other: Facts): string | undefined {
  if (member.role !== 'leader' || !other.led.includes(member.term)) return undefined
  return `election safety: members ${member.id} and ${other.id} lead term ${member.term}`
}

/** Log matching: logs that have an entry of one term at one index are equal up to there. */
export function logsDiffer(member: Facts, other: Facts): string | undefined {
  const [mine, theirs] = [member.log, other.log]
  let agreed = false
  const low = Math.max(member.compacted, other.compacted)
  for (let index = Math.min(mine.length, theirs.length) - 1; index > low; index--) {
    const [code, code2] = [mine[index] as number, theirs[index] as number]
    if (termOf(code) === termOf(code2)) agreed = true
    if (agreed && code !== code2) return `log matching: members ${member.id} and ${other.id} differ at ${index}`
  }
  return undefined
}
