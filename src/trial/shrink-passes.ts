/**
 * How a scenario is made smaller, in the house's order: faults out, workload steps out, traffic out, clients of etcd out and
 * simpler, objects out, less lost for good, what is lost without power, cluster smaller, replicas fewer, durations shorter, the
 * schedule to the default order, jitter to the mean, times to round figures. Every candidate is strictly smaller by `sizeOf`, so
 * shrinking ends. The seed never changes. Whether a candidate still fails is not decided here.
 */
import type { KubeObject } from '../objects/index.ts'
import { deaderHosts, fullerCores, halfAliveHosts, lostHosts } from './core-arbitrary.ts'
import type { FaultStep, Scenario } from './scenario.ts'
import type { Candidate } from './shrink-candidate.ts'
import { smallerClusters } from './shrink-cluster.ts'
import { simplerEtcdClients, sizeOfEtcdClients } from './shrink-etcd-clients.ts'
import { simplerSchedules, sizeOfSchedule } from './shrink-schedule.ts'

export interface ShrinkPass {
  readonly name: string
  candidates(scenario: Scenario): Generator<Candidate>
}

const SECOND = 1_000_000
/** What a moment may be rounded down to, roundest first. */
const ROUND_MICROS = [10 * SECOND, 5 * SECOND, SECOND, 500_000, 100_000, 10_000, 1_000, 100, 10, 1]
const LIST_LIMIT = 100_000

export const SHRINK_PASSES: readonly ShrinkPass[] = [
  { name: 'faults out', candidates: (scenario) => listOut(scenario, 'faults') },
  { name: 'workload steps out', candidates: (scenario) => listOut(scenario, 'workload') },
  { name: 'traffic out', candidates: (scenario) => listOut(scenario, 'traffic') },
  { name: 'etcd clients out', candidates: (scenario) => listOut(scenario, 'etcdClients') },
  { name: 'etcd clients simpler', candidates: simplerEtcdClients },
  { name: 'objects out', candidates: objectsOut },
  { name: 'less is lost for good', candidates: fullerCores },
  { name: 'what is lost has no power', candidates: deaderHosts },
  { name: 'cluster smaller', candidates: smallerClusters },
  { name: 'replicas fewer', candidates: fewerReplicas },
  { name: 'durations shorter', candidates: shorterDurations },
  { name: 'schedule to the default order', candidates: simplerSchedules },
  { name: 'jitter to the mean', candidates: meanJitter },
  { name: 'times to round figures', candidates: roundTimes },
]

/** The measure that every candidate lowers, compared from left to right. */
export function sizeOf(scenario: Scenario): readonly number[] {
  const { topology } = scenario
  return [
    scenario.faults.length,
    scenario.workload.length,
    scenario.traffic.length,
    scenario.etcdClients?.length ?? 0,
    sizeOfEtcdClients(scenario),
    scenario.objects.length,
    topology.etcdMembers +
      (topology.events === 'on' ? 1 + (topology.eventsEtcdMembers ?? 0) : 0) +
      topology.apiServers +
      topology.controllerManagers +
      topology.schedulers +
      topology.nodes +
      topology.zones,
    lostHosts(scenario),
    halfAliveHosts(scenario),
    scenario.objects.reduce((sum, object) => sum + (replicasOf(object) ?? 0), 0) +
      scenario.workload.reduce((sum, step) => sum + (step.kind === 'scale' ? step.replicas : 0), 0),
    scenario.durationMicros + scenario.faults.reduce((sum, fault) => sum + fault.durationMicros, 0),
    ...sizeOfSchedule(scenario),
    scenario.jitter === 'mean' ? 0 : 1,
    [...scenario.faults, ...scenario.workload].reduce((sum, item) => sum + roughness(item.atMicros), 0) +
      scenario.traffic.reduce((sum, client) => sum + roughness(client.startMicros), 0),
  ]
}

/** Below 0 when `a` is the smaller scenario. */
export function compareSize(a: Scenario, b: Scenario): number {
  const left = sizeOf(a)
  const right = sizeOf(b)
  for (let index = 0; index < left.length; index++) {
    const difference = left[index]! - right[index]!
    if (difference !== 0) return difference
  }
  return 0
}

/** All at once, then halves, quarters, … and at last one by one. */
export function* chunks(
  length: number,
): Generator<{ readonly key: number; readonly from: number; readonly to: number }> {
  for (let size = length; size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < length; from += size) {
      yield { key: (LIST_LIMIT - size) * LIST_LIMIT + from, from, to: Math.min(length, from + size) }
    }
  }
}

function* listOut(scenario: Scenario, list: 'faults' | 'workload' | 'traffic' | 'etcdClients'): Generator<Candidate> {
  const items: readonly unknown[] = scenario[list] ?? []
  for (const { key, from, to } of chunks(items.length)) {
    yield { key, scenario: { ...scenario, [list]: [...items.slice(0, from), ...items.slice(to)] } }
  }
}

/** An object goes together with the steps and clients that name it. */
function* objectsOut(scenario: Scenario): Generator<Candidate> {
  for (const { key, from, to } of chunks(scenario.objects.length)) {
    const gone = scenario.objects.slice(from, to)
    const isGone = (kind: string, namespace: string, name: string) =>
      gone.some(
        (object) =>
          object.kind === kind &&
          object.metadata.name === name &&
          (object.metadata.namespace ?? 'default') === namespace,
      )
    yield {
      key,
      scenario: {
        ...scenario,
        objects: [...scenario.objects.slice(0, from), ...scenario.objects.slice(to)],
        workload: scenario.workload.filter(
          (step) => !('deployment' in step && isGone('Deployment', step.namespace, step.deployment)),
        ),
        traffic: scenario.traffic.filter((client) => !isGone('Service', client.namespace, client.service)),
      },
    }
  }
}

function replicasOf(object: KubeObject): number | undefined {
  const replicas = (object as { readonly spec?: { readonly replicas?: unknown } }).spec?.replicas
  return typeof replicas === 'number' ? replicas : undefined
}

function* fewerReplicas(scenario: Scenario): Generator<Candidate> {
  for (let index = 0; index < scenario.objects.length; index++) {
    const object = scenario.objects[index]!
    for (const replicas of fewer(replicasOf(object) ?? 0)) {
      const spec = { ...(object as { readonly spec?: object }).spec, replicas }
      yield {
        key: index * 1_000 + 500 + replicas,
        scenario: { ...scenario, objects: scenario.objects.with(index, { ...object, spec } as KubeObject) },
      }
    }
  }
  for (let index = 0; index < scenario.workload.length; index++) {
    const step = scenario.workload[index]!
    if (step.kind !== 'scale') continue
    for (const replicas of fewer(step.replicas)) {
      yield {
        key: (LIST_LIMIT + index) * 1_000 + 500 + replicas,
        scenario: { ...scenario, workload: scenario.workload.with(index, { ...step, replicas }) },
      }
    }
  }
}

function fewer(count: number): number[] {
  const choices = [1, Math.floor(count / 2), count - 1]
  return choices.filter((choice, index) => choice >= 1 && choice < count && choices.indexOf(choice) === index)
}

function* shorterDurations(scenario: Scenario): Generator<Candidate> {
  const lastMoment = Math.max(
    0,
    ...scenario.faults.map((fault) => fault.atMicros),
    ...scenario.workload.map((step) => step.atMicros),
  )
  for (const [level, extra] of [SECOND, 10 * SECOND, 30 * SECOND].entries()) {
    const durationMicros = Math.ceil((lastMoment + extra) / SECOND) * SECOND
    if (durationMicros < scenario.durationMicros) yield { key: level, scenario: { ...scenario, durationMicros } }
  }
  for (let index = 0; index < scenario.faults.length; index++) {
    const fault = scenario.faults[index]!
    const tries = [
      roundDown(fault.durationMicros / 8),
      roundDown(fault.durationMicros / 2),
      roundDown((fault.durationMicros * 3) / 4),
      roundDown(fault.durationMicros - 1),
    ]
    for (const [level, durationMicros] of tries.entries()) {
      if (durationMicros >= fault.durationMicros || durationMicros < 1 || tries.indexOf(durationMicros) < level)
        continue
      yield { key: (index + 1) * 10 + level, scenario: withFault(scenario, index, { ...fault, durationMicros }) }
    }
  }
}

/** The largest number of at most two significant decimal digits that is not above. */
function roundDown(micros: number): number {
  const whole = Math.floor(micros)
  let unit = 1
  while (whole >= unit * 100) unit *= 10
  return Math.floor(whole / unit) * unit
}

function withFault(scenario: Scenario, index: number, fault: FaultStep): Scenario {
  return { ...scenario, faults: scenario.faults.with(index, fault) }
}

function* meanJitter(scenario: Scenario): Generator<Candidate> {
  if (scenario.jitter !== 'mean') yield { key: 0, scenario: { ...scenario, jitter: 'mean' } }
}

/** 0 for whole tens of seconds, up to 9 for a figure with microseconds. */
function roughness(micros: number): number {
  return ROUND_MICROS.findIndex((unit) => micros % unit === 0)
}

function* rounder(micros: number): Generator<{ readonly level: number; readonly micros: number }> {
  for (let level = 0; level < roughness(micros); level++) {
    const unit = ROUND_MICROS[level]!
    const down = Math.floor(micros / unit) * unit
    if (down > 0) yield { level: level * 2, micros: down }
  }
}

function* roundTimes(scenario: Scenario): Generator<Candidate> {
  for (let index = 0; index < scenario.faults.length; index++) {
    const fault = scenario.faults[index]!
    for (const { level, micros } of rounder(fault.atMicros)) {
      yield { key: index * 100 + level, scenario: withFault(scenario, index, { ...fault, atMicros: micros }) }
    }
  }
  for (let index = 0; index < scenario.workload.length; index++) {
    const step = scenario.workload[index]!
    for (const { level, micros } of rounder(step.atMicros)) {
      yield {
        key: (LIST_LIMIT + index) * 100 + level,
        scenario: { ...scenario, workload: scenario.workload.with(index, { ...step, atMicros: micros }) },
      }
    }
  }
  for (let index = 0; index < scenario.traffic.length; index++) {
    const client = scenario.traffic[index]!
    for (const { level, micros } of rounder(client.startMicros)) {
      yield {
        key: (2 * LIST_LIMIT + index) * 100 + level,
        scenario: { ...scenario, traffic: scenario.traffic.with(index, { ...client, startMicros: micros }) },
      }
    }
  }
}
