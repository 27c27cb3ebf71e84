/** A member of etcd that loses power at the worst moment of an election: when it has just given its vote away. */
import fc from 'fast-check'
import { namesOf } from '../../src/cluster/index.ts'
import type { Micros } from '../../src/kernel/index.ts'
import type { RaftFact } from '../../src/raft/index.ts'
import type { DrawnFault, FaultKind } from '../../src/trial/registry.ts'
import { amount, oneOf, rounded, text, wrongAmount, wrongName } from '../targets.ts'
import { disturbing, lasting, seconds } from './define.ts'

/** The members elect for the first time at about one second. */
const FIRST_ELECTION_MICROS: Micros = 1_000_000

/** It strikes a member of etcd or its host: perhaps the leader's, and then the others vote. */
function strikesEtcd({ parameters }: DrawnFault): boolean {
  return Object.values(parameters)
    .flat()
    .some((value) => String(value).startsWith('etcd-'))
}

export const crashAtVote: FaultKind = {
  id: 'crash-at-vote',
  title: 'kills an etcd member right after each vote that it gives: what its disk has not synced by then is lost',
  parameters: {
    process: 'an etcd member',
    downMicros: 'how long it stays down each time, microseconds',
  },
  occasions({ fromMicros, faults }) {
    const later = faults.filter(strikesEtcd).map(({ atMicros }) => atMicros)
    // All vote in the first election; later ones come only if the leader was struck.
    return fromMicros < FIRST_ELECTION_MICROS ? [fromMicros, ...later.map(() => fromMicros), ...later] : later
  },
  arbitrary: (topology) =>
    fc.record({
      durationMicros: rounded(5_000_000, 30_000_000, 500_000),
      parameters: fc.record({
        process: oneOf(namesOf(topology).etcdMembers),
        downMicros: rounded(0, 1_000_000, 50_000),
      }),
    }),
  validate: (step, topology) =>
    wrongName(step, 'process', namesOf(topology).etcdMembers) ?? wrongAmount(step, 'downMicros', 0, 600_000_000),
  inject(cluster, step) {
    const { kernel } = cluster
    const process = cluster.process(text(step, 'process'))
    const downMicros: Micros = amount(step, 'downMicros')
    let killed = 0
    let healed = false
    const restart = () => {
      if (!kernel.isRunning(process)) kernel.restart(process)
    }
    const stop = kernel.subscribe('raft-vote-granted', (fact) => {
      if ((fact as Extract<RaftFact, { type: 'raft-vote-granted' }>).member !== text(step, 'process')) return
      // The answer is on the wire, and the disk has not had time for anything.
      cluster.later(0, () => {
        if (healed || !kernel.isRunning(process)) return
        killed++
        kernel.setCrashMode(process, 'lose-unsynced')
        kernel.crash(process)
        cluster.later(downMicros, () => {
          if (!healed) restart()
        })
      })
    })
    return disturbing(cluster, [process], {
      heal() {
        healed = true
        stop()
        if (killed > 0) restart()
      },
      evidence: () => [{ what: 'processes killed', count: killed }],
    })
  },
  describe: (step) =>
    `${text(step, 'process')} is killed right after each vote it gives and stays down ${seconds(amount(step, 'downMicros'))}, ${lasting(step)}`,
}
