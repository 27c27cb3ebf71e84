// Faults that hold one switch at once, a row a case: who has its way, and when all is well again; and a disk that two faults fill.
import { expect, test } from 'vitest'
import { Cluster, SMALL_TOPOLOGY } from '../../src/cluster/index.ts'
import { hold } from './hold.ts'
import { diskTrouble, pauseProcess } from './processes.ts'

test.each<[string, readonly string[], readonly string[]]>([
  ['one after the other', ['+a', '-a', '+b', '-b'], ['a', 'well', 'b', 'well']],
  ['one within the other', ['+a', '+b', '-b', '-a'], ['a', 'b', 'a', 'well']],
  ['one overlaps the other', ['+a', '+b', '-a', '-b'], ['a', 'b', 'b', 'well']],
  ['letting go twice is letting go once', ['+a', '-a', '+b', '-a'], ['a', 'well', 'b', 'b']],
  ['the middle one of three lets go first', ['+a', '+b', '+c', '-b', '-c', '-a'], ['a', 'b', 'c', 'c', 'a', 'well']],
])('%s', (_name, deeds, expected) => {
  const cluster = {} as Cluster
  const release = new Map<string, () => void>()
  let state = 'well'
  const seen = deeds.map((deed) => {
    const who = deed.slice(1)
    if (deed.startsWith('+'))
      release.set(
        who,
        hold(
          cluster,
          'switch',
          () => {
            state = who
          },
          () => {
            state = 'well'
          },
        ),
      )
    else release.get(who)?.()
    return state
  })
  expect(seen).toEqual(expected)
})

test('a disk that two faults fill is full until both are over, and a process that two faults stop stands still as long', () => {
  const cluster = new Cluster({ seed: 'hold', topology: { ...SMALL_TOPOLOGY, etcdMembers: 1 } })
  cluster.boot([])
  cluster.run(5_000_000)
  const inject = (id: string, kind: typeof diskTrouble, parameters: Record<string, string | number>) =>
    kind.inject(cluster, { id, kind: kind.id, atMicros: 0, durationMicros: 0, parameters })
  const device = cluster.kernel.deviceOf(cluster.process('etcd-0'))
  const isFull = () => device.append('probe', 0, 1) === 'full'
  const filled = ['f1', 'f2'].map((id) => inject(id, diskTrouble, { process: 'etcd-0', trouble: 'full', factor: 10 }))
  expect(isFull()).toBe(true)
  filled[0]?.heal()
  expect(isFull()).toBe(true)
  filled[1]?.heal()
  expect(isFull()).toBe(false)

  const scheduler = cluster.process('scheduler-0')
  const stopped = ['f3', 'f4'].map((id) => inject(id, pauseProcess, { process: 'scheduler-0' }))
  expect(stopped.map((fault) => fault.evidence()[0]?.count)).toEqual([1, 1])
  stopped[0]?.heal()
  expect(cluster.kernel.isPaused(scheduler)).toBe(true)
  stopped[1]?.heal()
  expect(cluster.kernel.isPaused(scheduler)).toBe(false)
})
