/**
 * What clients of etcd were answered, against real time: an order of all operations that explains every answer, revisions
 * that grow from one answer to the next, and answers that show what the store held at their revision.
 */
import {
  checkLinearizability,
  describeStore,
  drawSvg,
  drawText,
  type Found,
  KEY_REVISIONS,
  type Seen,
  type StoreInput,
  settled,
  witnessOf,
} from '../../src/history/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { type Answer, type ObservedLoad, observedLoad } from './load.ts'

/** Steps of the checker that a trial may cost. What they do not suffice for is left open. */
const BUDGET = 400_000

export const linearizable: PropertyDefinition = {
  id: 'etcd-linearizable',
  mode: 'always',
  claim:
    'the reads, puts, deletions and transactions of all clients can be put into one order that agrees with real time and explains every answer, key by key; what was refused is not in it',
  source: 'etcd documentation, "KV API guarantees" (strict serializability); Herlihy and Wing, 1990',
  trigger: 'two clients of etcd were answered',
  catches: ['raft-readindex-before-term-commit'],
  monitor(cluster, report) {
    const load = observedLoad(cluster)
    return {
      onEnd() {
        const history = load.history()
        if (new Set(history.filter((one) => one.output !== undefined).map((one) => one.process)).size < 2) return
        const seen = load.log.flatMap(({ key, value, revision }): Seen[] =>
          value === undefined ? [] : [{ key, value, revision }],
        )
        const verdict = checkLinearizability(settled(history, seen, true), KEY_REVISIONS, { budget: BUDGET })
        if (verdict.verdict === 'unknown') return
        report.reached()
        if (verdict.verdict === 'linearizable') return
        const witness = witnessOf(verdict, KEY_REVISIONS)
        report.fail({
          subject: witness.part,
          shape: 'no-order',
          message: witness.explanation.join(' '),
          drawing: { text: drawText(witness, KEY_REVISIONS), svg: drawSvg(witness, KEY_REVISIONS) },
        })
      },
    }
  },
}

export const revisionsGrow: PropertyDefinition = {
  id: 'etcd-revisions-grow',
  mode: 'always',
  claim:
    'who asks after another was answered is told no lower revision, and a higher one if it writes; reads that may be stale are excepted',
  source: 'etcd documentation, "KV API guarantees"; etcd v3.5 tests/robustness/model',
  trigger: 'a client was answered after another had been',
  catches: ['raft-readindex-before-term-commit'],
  monitor(cluster, report) {
    observedLoad(cluster).onAnswer((answer) => {
      const { input, output, toldBefore, isSerializable, client } = answer
      if (isSerializable || toldBefore === 0) return
      report.reached()
      const least = toldBefore + (wrote(answer) ? 1 : 0)
      if (output.revision >= least) return
      report.fail({
        subject: client,
        shape: wrote(answer) ? 'write' : 'read',
        message: `${client} was answered "${describeStore(input, output)}", though revision ${toldBefore} had been told before it asked`,
      })
    })
    return {}
  },
}

function wrote({ input, output }: Answer): boolean {
  if (input.type === 'put') return true
  if (input.type === 'delete') return output.deleted > 0
  return input.type === 'txn' && output.succeeded && input.success.some((one) => one.type === 'put')
}

export const answersAreTrue: PropertyDefinition = {
  id: 'etcd-answers-are-true',
  mode: 'always',
  claim:
    'every answer, stale reads and reads of the past included, shows the keys as the log of all members has them at the revision that it names',
  source: 'etcd documentation, "KV API guarantees"; etcd v3.5 tests/robustness/validate',
  trigger: 'a client was answered a read',
  catches: ['etcd-applied-index-not-atomic'],
  monitor(cluster, report) {
    const load = observedLoad(cluster)
    load.onAnswer((answer) => {
      const expected = readsOf(answer, load)
      if (expected === undefined) return
      report.reached()
      const { output, input, client } = answer
      const isTrue =
        output.found.length === expected.length && output.found.every((one, index) => isSame(one, expected[index]))
      if (isTrue) return
      report.fail({
        subject: client,
        shape: answer.atRevision > 0 ? 'past' : answer.isSerializable ? 'stale' : 'read',
        message: `${client} was answered "${describeStore(input, output)}"; the log has ${expected.map(({ key, value, modRevision }) => `${key}=${value}@${modRevision}`).join(' ') || 'nothing'} there`,
      })
    })
    return {}
  },
}

/** What the reads of an operation should have found; undefined when it read nothing. */
function readsOf({ input, output, atRevision }: Answer, load: ObservedLoad): Found[] | undefined {
  const revision = atRevision > 0 ? atRevision : output.revision
  const keys = keysRead(input, output.succeeded, load)
  return keys?.flatMap((key) => {
    const state = load.at(key, revision)
    return state?.found === undefined ? [] : [{ key, ...state.found, modRevision: state.revision }]
  })
}

function keysRead(input: StoreInput, succeeded: boolean, load: ObservedLoad): readonly string[] | undefined {
  if (input.type === 'get') return [input.key]
  if (input.type === 'range')
    return [...load.states.keys()].filter((key) => key >= input.key && key < input.rangeEnd).sort()
  if (input.type === 'txn' && !succeeded) return input.failure.map(({ key }) => key)
  return undefined
}

function isSame(one: Found, other: Found | undefined): boolean {
  return (
    other !== undefined &&
    one.key === other.key &&
    one.value === other.value &&
    one.modRevision === other.modRevision &&
    one.createRevision === other.createRevision &&
    one.version === other.version
  )
}
