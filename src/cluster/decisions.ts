/** Every decision of every component that a defect may replace, by component. */
import type { ApiServerDecisions } from '../apiserver/index.ts'
import type { ClientDecisions } from '../client/index.ts'
import type { ControllerDecisions } from '../controllers/index.ts'
import type { DnsDecisions } from '../dataplane/index.ts'
import type { EtcdDecisions } from '../etcd/index.ts'
import type { KubeletDecisions } from '../kubelet/index.ts'
import type { ProxyDecisions } from '../proxy/index.ts'
import type { RaftDecisions } from '../raft/index.ts'
import type { SchedulerDecisions } from '../scheduler/index.ts'

export interface DecisionOverrides {
  readonly raft?: Partial<RaftDecisions>
  readonly etcd?: Partial<EtcdDecisions>
  readonly apiServer?: Partial<ApiServerDecisions>
  readonly client?: Partial<ClientDecisions>
  readonly controllers?: Partial<ControllerDecisions>
  readonly scheduler?: Partial<SchedulerDecisions>
  readonly kubelet?: Partial<KubeletDecisions>
  readonly dns?: Partial<DnsDecisions>
  readonly proxy?: Partial<ProxyDecisions>
}

/** Lays the replacements of several defects over each other; later ones win. */
export function mergeDecisions(overrides: readonly DecisionOverrides[]): DecisionOverrides {
  const merged: Record<string, object> = {}
  for (const override of overrides) {
    for (const [component, decisions] of Object.entries(override))
      merged[component] = { ...merged[component], ...decisions }
  }
  return merged
}
