// When a promise may leave: one story a case, of writes that end late and of entries that were replaced meanwhile.
import { describe, expect, test } from 'vitest'
import type { Append } from './messages.ts'
import { TestCluster, type TestMember } from './testing.ts'
import { receive } from './testingstories.ts'
import type { Entry, Term } from './types.ts'

/** An append from a leader of `term` that puts one entry of `entryTerm` at index 1. */
function append(from: number, term: Term, entryTerm: Term): Append {
  const entry: Entry = { index: 1, term: entryTerm, data: `of term ${entryTerm}`, bytes: 10 }
  return {
    type: 'raft-append',
    from,
    term,
    previousIndex: 0,
    previousTerm: 0,
    entries: [entry],
    commit: 0,
    quiet: false,
  }
}

function fresh(): { c: TestCluster; member: TestMember } {
  const c = new TestCluster({ members: 5, seed: 1 })
  return { c, member: c.member(1) }
}

/** How many acknowledgements of index 1 the leader was sent. */
function acknowledged(c: TestCluster, leader: number): number {
  return c.flying.filter(({ to, message }) => {
    return to === leader && message.type === 'raft-append-reply' && message.accepted && message.index === 1
  }).length
}

describe('an entry that was replaced and came back while all three writes are under way', () => {
  // Terms 1, 2 and 3: the leader of the third holds the entry of the first.
  function thrice(): { c: TestCluster; member: TestMember } {
    const { c, member } = fresh()
    receive(c, member, append(2, 1, 1))
    receive(c, member, append(3, 2, 2))
    receive(c, member, append(4, 3, 1))
    // Sent once more, as it was not answered.
    receive(c, member, append(4, 3, 1))
    return { c, member }
  }

  test('counts only when the last write has ended: the second will still put another in its place', () => {
    const { c, member } = thrice()
    expect(member.writes).toHaveLength(3)
    const seen = [1, 2, 3].map(() => {
      c.sync(member)
      return [member.state.log.durable, acknowledged(c, 4)]
    })
    expect(seen).toEqual([
      [0, 0],
      [0, 0],
      [1, 2],
    ])
  })

  test('is not on the disk after a crash before that', () => {
    const { c, member } = thrice()
    c.sync(member)
    c.sync(member)
    c.crash(member)
    c.restart(member)
    expect([member.state.log.lastTerm, acknowledged(c, 4)]).toEqual([2, 0])
  })
})

test('entries that a later leader left in place count with the write that carried them', () => {
  const { c, member } = fresh()
  receive(c, member, append(2, 1, 1))
  const second: Entry = { index: 2, term: 1, data: 'second', bytes: 10 }
  receive(c, member, { ...append(2, 1, 1), previousIndex: 1, previousTerm: 1, entries: [second] })
  const other: Entry = { index: 2, term: 2, data: 'other', bytes: 10 }
  receive(c, member, { ...append(3, 2, 1), previousIndex: 1, previousTerm: 1, entries: [other] })
  const durable = [1, 2, 3].map(() => {
    c.sync(member)
    return member.state.log.durable
  })
  expect(durable).toEqual([1, 1, 2])
})
