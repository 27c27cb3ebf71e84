/** Where and when containers may start: on one node only, never for a pod that is over or gone, init containers before the rest. */

import type { RuntimeFact } from '../../src/kubelet/index.ts'
import type { Pod } from '../../src/objects/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { type FactOf, forEachFact, never, property } from '../../src/trial/temporal/index.ts'
import { onFact, seconds } from '../define.ts'
import { isOver } from './phase.ts'

const podOf = ({ podUid }: FactOf<'container-started'>) => podUid

export const oneNodePerPod = property({
  id: 'pod-runs-on-one-node',
  claim: 'the containers of a pod run on one node only',
  source: 'kubernetes design proposal "Pod Safety", consistency guarantees; seeds: a pod is bound once',
  trigger: 'a container started',
  catches: ['planted-restless-binding'],
  formula: forEachFact('container-started', podOf, (pod) =>
    never(pod.has('container-started', podOf, ({ node }, first) => node !== first.node, 'started on another node')),
  ),
  shape: 'two-nodes',
  says({ opening, fact }) {
    const [first, second] = [opening, fact] as FactOf<'container-started'>[]
    return `${second?.podKey}/${second?.container} started on ${second?.node}; the pod already ran on ${first?.node}`
  },
})

/** A start may already be under way when the news arrives; a kubelet that is cut off may not know for longer. */
const NEWS_MICROS = 3_000_000

export const noStartAfterTheEnd: PropertyDefinition = {
  id: 'no-container-starts-after-the-end',
  mode: 'always',
  claim:
    'no container starts for a pod that is stored as Succeeded or Failed, or that was removed before the kubelet last listed',
  source: 'kubernetes pkg/kubelet/pod_workers.go, v1.33; kubernetes#59848, kubernetes#105523',
  trigger: 'a container started',
  catches: ['informer-stale-list-time-travel', 'kubelet-restarts-finished-pods'],
  monitor(cluster, report) {
    const endedAt = new Map<string, { at: number; how: string }>()
    const runningSince = new Map<string, number>()
    for (const type of ['process-started', 'process-resumed'] as const) {
      cluster.kernel.subscribe(type, (fact, _process, at) => {
        const node = cluster.nodeOfProcess((fact as unknown as { process: number }).process)
        if (node !== undefined) runningSince.set(node, at)
      })
    }
    cluster.truth.onChange('pods', ({ previous, current }) => {
      const pod: Pod | undefined = current ?? previous
      const uid = pod?.metadata.uid
      if (uid === undefined || endedAt.has(uid)) return
      if (current === undefined) endedAt.set(uid, { at: cluster.kernel.now, how: 'removed from the API' })
      else if (isOver(current)) endedAt.set(uid, { at: cluster.kernel.now, how: `stored as ${current.status?.phase}` })
    })
    onFact<RuntimeFact, 'container-started'>(cluster, 'container-started', (fact, at) => {
      report.reached()
      const end = endedAt.get(fact.podUid)
      if (end === undefined) return
      const restartedAfter = (runningSince.get(fact.node) ?? 0) > end.at
      const hadTheNews = at > end.at + NEWS_MICROS && !cluster.calm.disturbedSince(end.at)
      if (!restartedAfter && !hadTheNews) return
      report.fail({
        subject: fact.podKey,
        shape: 'started-after-the-end',
        message: `${fact.container} started on ${fact.node} ${seconds(at - end.at)} after the pod was ${end.how}`,
      })
    })
    return {}
  },
}

export const initContainersFirst: PropertyDefinition = {
  id: 'init-containers-run-first',
  mode: 'always',
  claim:
    'in one sandbox, init containers (sidecars apart) never start once a main container has started, unless all main containers have ended and their records were collected',
  source: 'documentation "Init Containers", Pod restart reasons; kubernetes PR 96572',
  trigger: 'a main container started in a pod with init containers',
  catches: ['kubelet-reruns-init-containers'],
  monitor(cluster, report) {
    /** By pod whose main containers have started: its node, and how many of them run. */
    const mainStarted = new Map<string, { readonly node: string; running: number }>()
    onFact<RuntimeFact, 'sandbox-started'>(cluster, 'sandbox-started', (fact) => {
      mainStarted.delete(fact.podUid)
    })
    onFact<RuntimeFact, 'container-exited'>(cluster, 'container-exited', (fact) => {
      const started = mainStarted.get(fact.podUid)
      if (!fact.init && started !== undefined) started.running--
    })
    onFact<RuntimeFact, 'containers-collected'>(cluster, 'containers-collected', ({ node }) => {
      for (const [uid, started] of mainStarted)
        if (started.node === node && started.running <= 0) mainStarted.delete(uid)
    })
    onFact<RuntimeFact, 'container-started'>(cluster, 'container-started', (fact) => {
      if (!fact.init) {
        const started = mainStarted.get(fact.podUid) ?? { node: fact.node, running: 0 }
        started.running++
        mainStarted.set(fact.podUid, started)
        if ((cluster.truth.get('pods', fact.podKey)?.spec.initContainers?.length ?? 0) > 0) report.reached()
        return
      }
      const declared = cluster.truth
        .get('pods', fact.podKey)
        ?.spec.initContainers?.find((container) => container.name === fact.container)
      if (declared?.restartPolicy === 'Always' || !mainStarted.has(fact.podUid)) return
      report.fail({
        subject: fact.podKey,
        shape: 'init-after-main',
        message: `the init container ${fact.container} started after a main container of the same sandbox`,
      })
    })
    return {}
  },
}
