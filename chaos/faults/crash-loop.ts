/**
 * A member of etcd that dies again and again, as under the OOM killer or a liveness probe that is too strict. Each death
 * comes at another moment of what the member is writing, and each restart reads back what the last one left.
 */
import fc from 'fast-check'
import { namesOf } from '../../src/cluster/index.ts'
import type { FaultKind } from '../../src/trial/registry.ts'
import { amount, oneOf, rounded, text, wrongAmount, wrongName } from '../targets.ts'
import { disturbing, lasting, seconds } from './define.ts'

const LONGEST_MICROS = 600_000_000

export const crashLoop: FaultKind = {
  id: 'crash-loop',
  title: 'kills an etcd member again and again; it starts again each time',
  onlyByName: true,
  parameters: {
    process: 'an etcd member',
    upMicros: 'the longest time that it runs, microseconds; each life draws its own',
    downMicros: 'how long it stays down each time, microseconds',
  },
  arbitrary: (topology) =>
    fc.record({
      durationMicros: rounded(3_000_000, 15_000_000, 500_000),
      parameters: fc.record({
        process: oneOf(namesOf(topology).etcdMembers),
        upMicros: fc.constantFrom(300_000, 1_000_000, 3_000_000),
        downMicros: rounded(0, 400_000, 50_000),
      }),
    }),
  validate: (step, topology) =>
    wrongName(step, 'process', namesOf(topology).etcdMembers) ??
    wrongAmount(step, 'upMicros', 1_000, LONGEST_MICROS) ??
    wrongAmount(step, 'downMicros', 0, LONGEST_MICROS),
  inject(cluster, step) {
    const { kernel } = cluster
    const process = cluster.process(text(step, 'process'))
    const draws = kernel.streams.get(`fault/${step.id}/lives`)
    let killed = 0
    let healed = false
    const live = () => {
      if (healed) return
      if (!kernel.isRunning(process)) kernel.restart(process)
      cluster.later(draws.intAt(1, amount(step, 'upMicros'), killed), die)
    }
    const die = () => {
      if (healed || !kernel.isRunning(process)) return
      killed++
      kernel.setCrashMode(process, 'lose-unsynced')
      kernel.crash(process)
      cluster.later(amount(step, 'downMicros'), live)
    }
    die()
    return disturbing(cluster, [process], {
      heal() {
        healed = true
        if (killed > 0 && !kernel.isRunning(process)) kernel.restart(process)
      },
      evidence: () => [{ what: 'processes killed', count: killed }],
    })
  },
  describe: (step) =>
    `${text(step, 'process')} dies again and again, ${seconds(amount(step, 'upMicros'))} after it started or sooner, ${lasting(step)}`,
}
