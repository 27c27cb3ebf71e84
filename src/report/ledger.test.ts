/** The effect ledger in words: what bit, what did not, what never had its moment. */
import { expect, test } from 'vitest'
import { printLedger } from './ledger.ts'

const entry = (fault: string, counts: Readonly<Record<string, number>>, injected = true) => ({
  fault,
  kind: 'slow-link',
  atMicros: 0,
  injected,
  bit: Object.values(counts).some((count) => count > 0),
  evidence: Object.entries(counts).map(([what, count]) => ({ what, count })),
})

test('each fault says what it did', () => {
  expect(
    printLedger({
      verdict: 'passed',
      reached: ['a'],
      ledger: [
        entry('f1', { 'messages dropped': 2, 'messages delayed': 30, 'messages duplicated': 0 }),
        entry('f2', { 'messages dropped': 0 }),
        entry('f3', {}, false),
      ],
    }).split('\n'),
  ).toEqual([
    '    f1 slow-link: 2 messages dropped and 30 messages delayed',
    '    f2 slow-link: no effect',
    '    f3 slow-link: its moment did not come',
  ])
})

test('a trial in which nothing came about says what did not', () => {
  const ledger = [entry('f1', { 'messages dropped': 0 })]
  expect(printLedger({ verdict: 'vacuous', reached: ['a'], ledger })).toMatch(
    /vacuous: none of its faults had an effect$/,
  )
  expect(printLedger({ verdict: 'vacuous', reached: [], ledger: [] })).toBe(
    '    vacuous: what its properties wait for never came up',
  )
  expect(printLedger({ verdict: 'passed', reached: ['a'], ledger: [] })).toBe('')
})
