/** An informer whose handlers fall behind: deltas wait in its queue, so its owner acts on an old picture. */
import fc from 'fast-check'
import type { FaultKind } from '../../src/trial/registry.ts'
import { amount, oneOf, processNames, rounded, text, wrongAmount, wrongName } from '../targets.ts'
import { disturbing, lasting, onceAwake, seconds } from './define.ts'

const WITH_INFORMERS = /^(controller-manager|scheduler|kube-proxy|kubelet)-/

export const slowConsumer: FaultKind = {
  id: 'slow-consumer',
  title: 'makes the informers of a process lag: every change waits before it is seen',
  parameters: { process: 'a process with informers', lagMicros: 'how long a delta waits, microseconds' },
  arbitrary: (topology) =>
    fc.record({
      durationMicros: rounded(2_000_000, 20_000_000, 500_000),
      parameters: fc.record({
        process: oneOf(consumers(processNames(topology))),
        lagMicros: rounded(100_000, 5_000_000, 100_000),
      }),
    }),
  validate: (step, topology) =>
    wrongName(step, 'process', consumers(processNames(topology))) ?? wrongAmount(step, 'lagMicros', 1, 600_000_000),
  inject(cluster, step) {
    const name = text(step, 'process')
    const struck = cluster.setInformerLag(name, amount(step, 'lagMicros')) ? 1 : 0
    return disturbing(cluster, [cluster.process(name)], {
      heal() {
        onceAwake(cluster, cluster.process(name), () => cluster.setInformerLag(name, 0))
      },
      evidence: () => [{ what: 'informers slowed down', count: struck }],
    })
  },
  describe: (step) =>
    `${text(step, 'process')} sees every change ${seconds(amount(step, 'lagMicros'))} late ${lasting(step)}`,
}

function consumers(processes: readonly string[]): readonly string[] {
  return processes.filter((name) => WITH_INFORMERS.test(name))
}
