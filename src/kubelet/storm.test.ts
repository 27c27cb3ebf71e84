/** Storms: pods of every kind while processes, the host and the clock misbehave at random; afterwards everything can still be ended. */
import { expect, test } from 'vitest'
import { SECOND } from '../kernel/index.ts'
import { container, Stage } from './testing.ts'

const STORMS = 60
const PODS = 4
const ACTIONS = 12

const ENDS = ['drain', 'ignore', 'lame-duck', 'exit'] as const
const POLICIES = ['Always', 'OnFailure', 'Never'] as const
const DRIFTS_PPM = [0, 200_000, -200_000, 3, -3]

function storm(seed: number): Stage {
  const flaky = { exitAfterMicros: (seed % 7) * SECOND, exitCode: 1 }
  const stage = new Stage({ seed, apps: { flaky, app: { onTerm: ENDS[seed % ENDS.length] } } })
  const draws = stage.kernel.streams.get('storm')
  const draw = (most: number, address: number) => draws.intAt(0, most, address)
  stage.kernel.setClock('node-0', { driftPpm: DRIFTS_PPM[seed % DRIFTS_PPM.length] })
  stage.run(1)
  const probe = { httpGet: { port: 8080 }, periodSeconds: 1 }
  for (let pod = 0; pod < PODS; pod++) {
    const preStop = { sleep: { seconds: draw(8, pod + 20) } }
    const init = [
      container('init', { command: ['sleep', '1'], ports: [] }),
      container('side', { restartPolicy: 'Always', ports: [] }),
    ]
    stage.createPod(`pod-${pod}`, {
      restartPolicy: POLICIES[draw(2, pod)],
      terminationGracePeriodSeconds: draw(11, pod + 50),
      initContainers: draw(1, pod + 10) === 0 ? [] : init,
      containers: [
        container('app', { readinessProbe: probe, livenessProbe: probe, lifecycle: { preStop } }),
        container(draw(1, pod + 30) === 0 ? 'other' : 'flaky'),
      ],
    })
  }
  for (let action = 0; action < ACTIONS; action++) {
    stage.run(draw(60, action + 100) / 10)
    perform(stage, draw(9, action + 200), draw(PODS - 1, action + 300), draw(8, action + 400))
  }
  return stage
}

function perform(stage: Stage, action: number, pod: number, grace: number): void {
  const { kernel, kubeletProcess, runtimeProcess } = stage
  const actions = [
    () => kernel.crash(kubeletProcess),
    () => kernel.restart(kubeletProcess),
    () => kernel.crash(runtimeProcess),
    () => kernel.restart(runtimeProcess),
    () => kernel.crashHost('node-0'),
    () => kernel.restartHost('node-0'),
    () => stage.deletePod(`pod-${pod}`, grace > 5 ? undefined : grace),
    () => kernel.pause(runtimeProcess),
    () => kernel.resume(runtimeProcess),
    () => stage.inRuntime((runtime, out) => runtime.stall(grace > 4, out)),
  ]
  actions[action]?.()
}

test('after any storm every pod can be ended, and nothing is left behind', () => {
  for (let seed = 0; seed < STORMS; seed++) {
    const stage = storm(seed)
    const { kernel } = stage
    kernel.restartHost('node-0')
    kernel.restart(stage.runtimeProcess)
    kernel.resume(stage.runtimeProcess)
    kernel.restart(stage.kubeletProcess)
    stage.inRuntime((runtime, out) => runtime.stall(false, out))
    stage.run(60)
    for (let pod = 0; pod < PODS; pod++) stage.deletePod(`pod-${pod}`)
    stage.run(60)
    const left = Array.from({ length: PODS }, (_, pod) => stage.pod(`pod-${pod}`)?.metadata.name)
    expect(
      left.filter((name) => name !== undefined),
      `storm ${seed}`,
    ).toEqual([])
    expect(stage.runtime.containerRecords(), `storm ${seed}`).toEqual([])
    expect(stage.runtime.sandboxRecords(), `storm ${seed}`).toEqual([])
    expect(stage.kubelet.workers().size).toBe(0)
  }
})
