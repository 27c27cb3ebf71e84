/** Pods that are being deleted, by address: since when, how long their preStop hook should last, and whether something else befell them. */
import type { Cluster } from '../../src/cluster/index.ts'
import type { Micros } from '../../src/kernel/index.ts'
import type { KubeletFact, RuntimeFact } from '../../src/kubelet/index.ts'
import type { Pod } from '../../src/objects/index.ts'
import { onFact } from '../define.ts'

/** A container that was restarted so long ago serves again. */
const RECOVERED_MICROS: Micros = 40_000_000

export interface Leaving {
  readonly uid: string
  readonly at: Micros
  /** The shortest preStop sleep among its containers; 0 without a hook. */
  readonly hookMicros: Micros
}

export class LeavingPods {
  readonly #cluster: Cluster
  readonly #byAddress = new Map<string, Leaving>()
  /** By pod, when last a container ended by itself or was restarted for its probes, or the pod was removed by force. */
  readonly #troubledAt = new Map<string, Micros>()

  /** `onLeave` is told of every pod that begins to leave with a grace period. */
  constructor(cluster: Cluster, onLeave: (leaving: Leaving) => void) {
    this.#cluster = cluster
    cluster.truth.onChange('pods', ({ previous, current }) => {
      if (current === undefined && previous !== undefined && isRunning(previous))
        this.#troubledAt.set(previous.metadata.uid ?? '', cluster.kernel.now)
      if (current?.status?.podIP === undefined || current.metadata.deletionTimestamp === undefined) return
      if (previous?.metadata.deletionTimestamp !== undefined) return
      if (current.metadata.deletionGracePeriodSeconds === 0) return
      const { uid = '' } = current.metadata
      const leaving = { uid, at: cluster.kernel.now, hookMicros: hookMicros(current) }
      this.#byAddress.set(current.status.podIP, leaving)
      onLeave(leaving)
    })
    this.#followTrouble()
  }

  /** The pod of that address that is leaving, or has left. */
  at(address: string): Leaving | undefined {
    return this.#byAddress.get(address)
  }

  /**
   * A container of the pod crashed, or was restarted, while it left or shortly before, or somebody removed the pod without
   * waiting for its containers: then no hook keeps it serving.
   */
  isTroubled(leaving: Leaving): boolean {
    const at = this.#troubledAt.get(leaving.uid)
    return at !== undefined && at > leaving.at - RECOVERED_MICROS
  }

  #followTrouble(): void {
    const ordered = new Set<string>()
    for (const type of ['term-sent', 'kill-sent'] as const) {
      onFact<RuntimeFact, typeof type>(this.#cluster, type, (fact) => ordered.add(fact.containerId))
    }
    onFact<RuntimeFact, 'container-exited'>(this.#cluster, 'container-exited', (fact, at) => {
      if (!fact.init && !ordered.delete(fact.containerId)) this.#troubledAt.set(fact.podUid, at)
    })
    onFact<KubeletFact, 'stop-started'>(this.#cluster, 'stop-started', (fact, at) => {
      if (fact.reason !== 'termination') this.#troubledAt.set(fact.podUid, at)
    })
  }
}

/** Its containers had not ended when it was stored last; the kubelet removes a pod only after that. */
function isRunning(pod: Pod): boolean {
  return pod.status?.containerStatuses?.some(({ state }) => state?.running !== undefined) ?? false
}

function hookMicros(pod: Pod): Micros {
  let shortest = Number.MAX_SAFE_INTEGER
  for (const container of pod.spec.containers) {
    const hook = container.lifecycle?.preStop
    const command = hook?.exec?.command.join(' ') ?? ''
    const seconds = hook?.sleep?.seconds ?? Number(/(?:^|\s)sleep (\d+)/.exec(command)?.[1] ?? 0)
    shortest = Math.min(shortest, seconds * 1_000_000)
  }
  return Math.min(shortest, (pod.metadata.deletionGracePeriodSeconds ?? 30) * 1_000_000)
}
