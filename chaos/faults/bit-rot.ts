/**
 * What is on a disk changes while nobody looks: a bit flips, a sector is lost. A member of etcd finds out when it reads its log
 * and snapshots anew: it does not start with a log that is broken in the middle, and takes the older of two snapshots. What it
 * would take for a write torn by a crash it cuts off, and never learns that it had promised more: for that etcd promises nothing,
 * so it is done only where `lost-end` asks for it, which is never drawn. Nor are so many members spoiled that no majority is left.
 */
import fc from 'fast-check'
import { type Cluster, namesOf } from '../../src/cluster/index.ts'
import { isSegment, isSnapshotFile, passesForTorn } from '../../src/etcd/index.ts'
import type { ProcessId } from '../../src/kernel/index.ts'
import type { FaultKind } from '../../src/trial/registry.ts'
import { amount, oneOf, rounded, text, wrongAmount, wrongName } from '../targets.ts'
import { disturbing, seconds } from './define.ts'

const DAMAGES = ['flipped-bit', 'lost-sector', 'lost-end'] as const
type Damage = (typeof DAMAGES)[number]
const WHOLE_PPM = 1_000_000
const SECTOR_BYTES = 512
/** So many bytes on from the drawn place are tried. */
const TRIES = 16

export const bitRot: FaultKind = {
  id: 'bit-rot',
  title: 'kills an etcd member and changes what is on its disk before it starts again: a flipped bit or a lost sector',
  onlyByName: true,
  parameters: {
    process: 'an etcd member',
    damage: 'flipped-bit, lost-sector, or lost-end: the last sector of the log',
    placePpm: 'where in its files, from 0 to 999999 parts per million',
    bit: 'for flipped-bit: which of the eight',
  },
  arbitrary: (topology) =>
    fc.record({
      durationMicros: rounded(0, 10_000_000, 500_000),
      parameters: fc.record({
        process: oneOf(namesOf(topology).etcdMembers),
        damage: fc.constantFrom<Damage>('flipped-bit', 'flipped-bit', 'flipped-bit', 'lost-sector'),
        placePpm: fc.integer({ min: 0, max: WHOLE_PPM - 1 }),
        bit: fc.integer({ min: 0, max: 7 }),
      }),
    }),
  validate: (step, topology) =>
    wrongName(step, 'process', namesOf(topology).etcdMembers) ??
    wrongName(step, 'damage', DAMAGES) ??
    wrongAmount(step, 'placePpm', 0, WHOLE_PPM - 1) ??
    wrongAmount(step, 'bit', 0, 7),
  inject(cluster, step) {
    const { kernel } = cluster
    const process = cluster.process(text(step, 'process'))
    const running = kernel.isRunning(process)
    kernel.setCrashMode(process, 'keep-unsynced')
    if (running) kernel.crash(process)
    const changed = leavesMajority(cluster, process)
      ? spoil(
          cluster,
          process,
          text(step, 'damage') as Damage,
          amount(step, 'placePpm') / WHOLE_PPM,
          amount(step, 'bit'),
        )
      : 0
    return disturbing(cluster, [process], {
      heal() {
        if (running && !kernel.isRunning(process)) kernel.restart(process)
      },
      evidence: () => [
        { what: 'places changed on the disk', count: changed },
        { what: 'processes killed', count: running ? 1 : 0 },
      ],
    })
  },
  describe: (step) =>
    `${text(step, 'process')} is killed, its disk has a ${text(step, 'damage').replace('-', ' ')}, and it starts again after ${seconds(step.durationMicros)}`,
}

/** Is a majority of the members left whole, by whomever they count with, when this one is spoiled too? */
function leavesMajority(cluster: Cluster, process: ProcessId): boolean {
  const views = cluster.etcdViews()
  const isWhole = (name: string) => {
    const other = cluster.process(name)
    return other !== process && cluster.kernel.deviceOf(other).counters.corrupt === 0
  }
  const whole = views.filter(({ name, isRunning }) => isRunning && isWhole(name))
  return (
    whole.length > 0 &&
    whole.every(({ voters }) => {
      return whole.filter(({ id }) => voters.includes(id)).length * 2 > voters.length
    })
  )
}

/** Changes one place; answers how many were changed. */
function spoil(cluster: Cluster, process: ProcessId, damage: Damage, place: number, bit: number): number {
  const device = cluster.kernel.deviceOf(process)
  const segments = device.files().filter(isSegment)
  const last = segments.at(-1)
  if (last === undefined) return 0
  if (damage === 'lost-end') {
    return device.loseSector(last, Math.floor((device.durableBytes(last).length - 1) / SECTOR_BYTES)) ? 1 : 0
  }
  const files = [...segments, ...device.files().filter(isSnapshotFile)]
    .filter((file) => damage === 'flipped-bit' || file !== last)
    .map((file) => ({ file, length: device.durableBytes(file).length }))
  const total = files.reduce((sum, { length }) => sum + length, 0)
  for (let attempt = 0; attempt < Math.min(TRIES, total); attempt++) {
    let at = (Math.floor(place * total) + attempt) % total
    for (const { file, length } of files) {
      if (at >= length) {
        at -= length
        continue
      }
      if (damage === 'lost-sector') return device.loseSector(file, Math.floor(at / SECTOR_BYTES)) ? 1 : 0
      const bytes = device.durableBytes(file)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
      if (file !== last || !passesForTorn(bytes)) return device.flip(file, at, 1 << bit) ? 1 : 0
      break
    }
  }
  return 0
}
