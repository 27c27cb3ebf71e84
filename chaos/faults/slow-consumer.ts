/** An informer whose handlers fall behind: deltas wait in its queue, so its owner acts on an old picture. */
import fc from 'fast-check'
import type { Cluster } from '../../src/cluster/index.ts'
import type { Micros } from '../../src/kernel/index.ts'
import type { FaultKind } from '../../src/trial/registry.ts'
import { amount, oneOf, processNames, rounded, text, wrongAmount, wrongName } from '../targets.ts'
import { disturbing, lasting, onceAwake, seconds } from './define.ts'
import { hold } from './hold.ts'

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
    let struck = false
    const letGo = holdLag(cluster, name, amount(step, 'lagMicros'), (isSet) => {
      struck ||= isSet
    })
    return disturbing(cluster, [cluster.process(name)], {
      heal: letGo,
      evidence: () => [{ what: 'informers slowed down', count: struck ? 1 : 0 }],
    })
  },
  describe: (step) =>
    `${text(step, 'process')} sees every change ${seconds(amount(step, 'lagMicros'))} late ${lasting(step)}`,
}

/** Makes the informers of a process lag until the answer is called. */
export function holdLag(
  cluster: Cluster,
  name: string,
  lagMicros: Micros,
  onSet: (isSet: boolean) => void = () => {},
): () => void {
  const set = (micros: Micros) =>
    onceAwake(cluster, cluster.process(name), () => onSet(cluster.setInformerLag(name, micros)))
  return hold(
    cluster,
    `lag of ${name}`,
    () => set(lagMicros),
    () => set(0),
  )
}

function consumers(processes: readonly string[]): readonly string[] {
  return processes.filter((name) => WITH_INFORMERS.test(name))
}
