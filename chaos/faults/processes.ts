/** Processes and hosts that die and come back, or stop for a while and go on with their old clocks. */
import fc from 'fast-check'
import type { FaultKind } from '../../src/trial/registry.ts'
import { amount, etcdNames, hostNames, oneOf, processNames, rounded, text, wrongAmount, wrongName } from '../targets.ts'
import { disturbing, lasting, seconds } from './define.ts'
import { hold } from './hold.ts'

const DISK_FATES = ['lose-unsynced', 'keep-unsynced', 'tear'] as const

export const crashProcess: FaultKind = {
  id: 'crash-process',
  title: 'kills a process (SIGKILL) and starts it again when the fault heals',
  parameters: {
    process: 'its name',
    unsynced: 'what becomes of writes without fsync: lose-unsynced, keep-unsynced or tear',
  },
  arbitrary: (topology) =>
    fc.record({
      durationMicros: rounded(0, 15_000_000, 500_000),
      parameters: fc.record({ process: oneOf(processNames(topology)), unsynced: fc.constantFrom(...DISK_FATES) }),
    }),
  validate: (step, topology) =>
    wrongName(step, 'process', processNames(topology)) ?? wrongName(step, 'unsynced', DISK_FATES),
  inject(cluster, step) {
    const kernel = cluster.kernel
    const process = cluster.process(text(step, 'process'))
    const running = kernel.isRunning(process)
    kernel.setCrashMode(process, text(step, 'unsynced') as (typeof DISK_FATES)[number])
    if (running) kernel.crash(process)
    return disturbing(cluster, [process], {
      heal() {
        if (running && !kernel.isRunning(process)) kernel.restart(process)
      },
      evidence: () => [{ what: 'processes killed', count: running ? 1 : 0 }],
    })
  },
  describe: (step) => `${text(step, 'process')} is killed and starts again after ${seconds(step.durationMicros)}`,
}

export const crashNode: FaultKind = {
  id: 'crash-node',
  title: 'cuts the power of a host: all its processes and containers die; it boots when the fault heals',
  parameters: { host: 'its name' },
  arbitrary: (topology) =>
    fc.record({
      durationMicros: rounded(1_000_000, 30_000_000, 500_000),
      parameters: fc.record({ host: oneOf(hostNames(topology)) }),
    }),
  validate: (step, topology) => wrongName(step, 'host', hostNames(topology)),
  inject(cluster, step) {
    const kernel = cluster.kernel
    const host = text(step, 'host')
    const struck = cluster.processesNamed(host).filter((process) => kernel.isRunning(process)).length
    if (struck > 0) kernel.crashHost(host)
    return disturbing(cluster, cluster.processesNamed(host), {
      heal() {
        if (struck > 0) kernel.restartHost(host)
      },
      evidence: () => [{ what: 'processes killed', count: struck }],
    })
  },
  describe: (step) => `${text(step, 'host')} loses power ${lasting(step)}`,
}

export const pauseProcess: FaultKind = {
  id: 'pause-process',
  title: 'stops a process (SIGSTOP, a long garbage collection, a stalled VM); it goes on with its old clocks',
  parameters: { process: 'its name' },
  arbitrary: (topology) =>
    fc.record({
      durationMicros: rounded(500_000, 25_000_000, 500_000),
      parameters: fc.record({ process: oneOf(processNames(topology)) }),
    }),
  validate: (step, topology) => wrongName(step, 'process', processNames(topology)),
  inject(cluster, step) {
    const kernel = cluster.kernel
    const process = cluster.process(text(step, 'process'))
    const letGo = hold(
      cluster,
      `pause of ${text(step, 'process')}`,
      () => {
        if (kernel.isRunning(process) && !kernel.isPaused(process)) kernel.pause(process)
      },
      () => {
        if (kernel.isPaused(process)) kernel.resume(process)
      },
    )
    const struck = kernel.isPaused(process)
    return disturbing(cluster, [process], {
      heal: letGo,
      evidence: () => [{ what: 'processes paused', count: struck ? 1 : 0 }],
    })
  },
  describe: (step) => `${text(step, 'process')} stands still ${lasting(step)}`,
}

export const clockSkew: FaultKind = {
  id: 'clock-skew',
  title: 'sets the wall clock of a host wrong and lets it run fast or slow',
  parameters: {
    host: 'its name',
    skewMicros: 'added to its wall clock, microseconds',
    driftPpm: 'how much faster its timers run, parts per million',
  },
  arbitrary: (topology) =>
    fc.record({
      durationMicros: rounded(2_000_000, 30_000_000, 500_000),
      parameters: fc.record({
        host: oneOf(hostNames(topology)),
        skewMicros: fc.integer({ min: -60, max: 60 }).map((count) => count * 1_000_000),
        driftPpm: fc.constantFrom(0, 0, 1_000, -1_000, 20_000, -20_000),
      }),
    }),
  validate: (step, topology) =>
    wrongName(step, 'host', hostNames(topology)) ??
    wrongAmount(step, 'skewMicros', -86_400_000_000, 86_400_000_000) ??
    wrongAmount(step, 'driftPpm', -100_000, 100_000),
  inject(cluster, step) {
    const host = text(step, 'host')
    const skewMicros = amount(step, 'skewMicros')
    const driftPpm = amount(step, 'driftPpm')
    const letGo = hold(
      cluster,
      `clock of ${host}`,
      () => cluster.kernel.setClock(host, { skewMicros, driftPpm }),
      () => cluster.kernel.setClock(host, { skewMicros: 0, driftPpm: 0 }),
    )
    return disturbing(cluster, cluster.processesNamed(host), {
      heal: letGo,
      evidence: () => [{ what: 'clocks set wrong', count: skewMicros !== 0 || driftPpm !== 0 ? 1 : 0 }],
    })
  },
  describe: (step) =>
    `the clock of ${text(step, 'host')} is off by ${seconds(Math.abs(amount(step, 'skewMicros')))} ${lasting(step)}`,
}

const DISK_TROUBLES = ['slow', 'full', 'lost-fsync'] as const

export const diskTrouble: FaultKind = {
  id: 'disk-trouble',
  title: 'makes the disk of an etcd member slow or full, or lets its fsync lie',
  parameters: {
    process: 'an etcd member',
    trouble: 'slow, full or lost-fsync',
    factor: 'for slow: how many times longer a sync takes',
  },
  arbitrary: (topology) =>
    fc.record({
      durationMicros: rounded(1_000_000, 20_000_000, 500_000),
      parameters: fc.record({
        process: oneOf(etcdNames(topology)),
        // A disk whose fsync lies is never drawn: etcd promises nothing on it, so there is nothing to check. It can be named.
        trouble: fc.constantFrom('slow' as const, 'full' as const),
        factor: fc.constantFrom(10, 50, 200, 1000),
      }),
    }),
  validate: (step, topology) =>
    wrongName(step, 'process', etcdNames(topology)) ??
    wrongName(step, 'trouble', DISK_TROUBLES) ??
    wrongAmount(step, 'factor', 1, 100_000),
  inject(cluster, step) {
    const process = cluster.process(text(step, 'process'))
    const device = cluster.kernel.deviceOf(process)
    const trouble = text(step, 'trouble') as (typeof DISK_TROUBLES)[number]
    const before = device.counters[trouble]
    const set = (on: boolean) => {
      if (trouble === 'slow') device.setSlow(on ? amount(step, 'factor') : 1)
      else if (trouble === 'full') device.setFull(on)
      else device.setLostFsync(on)
    }
    const letGo = hold(
      cluster,
      `${trouble} disk of ${text(step, 'process')}`,
      () => set(true),
      () => set(false),
    )
    return disturbing(cluster, [process], {
      heal: letGo,
      evidence: () => [{ what: 'disk operations spoiled', count: device.counters[trouble] - before }],
    })
  },
  describe: (step) => `the disk of ${text(step, 'process')} is ${text(step, 'trouble')} ${lasting(step)}`,
}
