/** Links that still work, but badly: extra latency, loss, duplication, reordering, little bandwidth. */
import fc from 'fast-check'
import { namesOf, type Topology } from '../../src/cluster/index.ts'
import type { NetworkRule } from '../../src/kernel/index.ts'
import type { FaultKind, FaultStep } from '../../src/trial/registry.ts'
import {
  amount,
  hostNames,
  names,
  othersThan,
  processesOf,
  processNames,
  rounded,
  wrongAmount,
  wrongNames,
} from '../targets.ts'
import { lasting, ruleFault, seconds } from './define.ts'

type Verdict = NetworkRule['verdict']

/** Every message. */
const ALL_PPM = 1_000_000

function linkFault(options: {
  readonly id: string
  readonly title: string
  readonly parameter: string
  readonly meaning: string
  readonly low: number
  readonly high: number
  readonly unit: number
  /** What a scenario may ask for at most. Default: ten times what is drawn. */
  readonly most?: number
  /** Only datagrams feel it. The members of etcd send most of them, so their hosts are struck more often. */
  readonly datagrams?: boolean
  readonly verdict: (value: number) => Verdict
  readonly clause: (value: number) => string
}): FaultKind {
  const value = (step: FaultStep) => amount(step, options.parameter)
  return {
    id: options.id,
    title: options.title,
    parameters: {
      side: 'names of the hosts or processes whose links to all others are struck',
      [options.parameter]: options.meaning,
    },
    arbitrary: (topology) =>
      fc.record({
        durationMicros: rounded(1_000_000, 20_000_000, 500_000),
        parameters: fc.record({
          side: fc
            .constantFrom(...hostNames(topology), ...(options.datagrams === true ? moreOfEtcd(topology) : []))
            .map((name) => [name]),
          [options.parameter]: rounded(options.low, options.high, options.unit),
        }),
      }),
    validate: (step, topology) =>
      wrongNames(step, 'side', [...hostNames(topology), ...processNames(topology)]) ??
      wrongAmount(step, options.parameter, 1, options.most ?? options.high * 10),
    inject(cluster, step) {
      const inside = processesOf(cluster, names(step, 'side'))
      const outside = othersThan(cluster, inside)
      const verdict = options.verdict(value(step))
      return ruleFault(cluster, inside, [
        { id: `${step.id}/out`, from: inside, to: outside, verdict },
        { id: `${step.id}/in`, from: outside, to: inside, verdict },
      ])
    },
    describe: (step) => `${names(step, 'side').join(', ')}: ${options.clause(value(step))} ${lasting(step)}`,
  }
}

/** As often again as all other hosts together. */
function moreOfEtcd(topology: Topology): readonly string[] {
  const { etcdMembers, masters, nodes } = namesOf(topology)
  return Array.from({ length: masters.length + nodes.length }, (_, index) => etcdMembers[index % etcdMembers.length]!)
}

export const slowLink = linkFault({
  id: 'slow-link',
  title: 'adds latency to all links of a host or process',
  parameter: 'extraMicros',
  meaning: 'latency added to every message, microseconds; as much again is jitter',
  low: 10_000,
  high: 1_500_000,
  unit: 10_000,
  verdict: (extraMicros) => ({ kind: 'delay', extraMicros, jitterMicros: extraMicros }),
  clause: (extraMicros) => `every message is late by ${seconds(extraMicros)} or more`,
})

export const lossBurst = linkFault({
  id: 'loss-burst',
  title: 'loses a share of the messages of a host or process',
  parameter: 'lossPpm',
  meaning: 'share of messages lost, parts per million',
  low: 50_000,
  high: 800_000,
  unit: 50_000,
  most: ALL_PPM,
  verdict: (lossPpm) => ({ kind: 'loss', ppm: lossPpm }),
  clause: (lossPpm) => `${Math.round(lossPpm / 10_000)} % of its messages are lost`,
})

export const duplicateMessages = linkFault({
  id: 'duplicate-messages',
  title: 'delivers a share of the datagrams of a host or process twice',
  parameter: 'duplicatePpm',
  datagrams: true,
  meaning: 'share of datagrams duplicated, parts per million',
  low: 50_000,
  high: 800_000,
  unit: 50_000,
  most: ALL_PPM,
  verdict: (duplicatePpm) => ({ kind: 'duplicate', ppm: duplicatePpm }),
  clause: (duplicatePpm) => `${Math.round(duplicatePpm / 10_000)} % of its datagrams arrive twice`,
})

export const reorderMessages = linkFault({
  id: 'reorder-messages',
  title: 'lets a share of the datagrams of a host or process be overtaken',
  parameter: 'reorderPpm',
  datagrams: true,
  meaning: 'share of datagrams held back, parts per million',
  low: 50_000,
  high: 800_000,
  unit: 50_000,
  most: ALL_PPM,
  verdict: (reorderPpm) => ({ kind: 'reorder', ppm: reorderPpm, windowMicros: 400_000 }),
  clause: (reorderPpm) => `${Math.round(reorderPpm / 10_000)} % of its datagrams are overtaken`,
})

export const thinLink = linkFault({
  id: 'thin-link',
  title: 'leaves a host or process little bandwidth',
  parameter: 'bytesPerSecond',
  meaning: 'bytes a second for each of its links',
  low: 2_000,
  high: 50_000,
  unit: 1_000,
  verdict: (bytesPerSecond) => ({ kind: 'bandwidth', bytesPerSecond }),
  clause: (bytesPerSecond) => `only ${bytesPerSecond} bytes a second`,
})
