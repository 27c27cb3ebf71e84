/** What kube-proxy tells the trace. */

/** Rules, virtual servers and sets of the node now follow what the proxy has been told. */
export interface ProxySynced {
  readonly type: 'proxy-synced'
  readonly node: string
  /** Services that were looked at again: `namespace/name`. Empty for a full sync. */
  readonly changed: readonly string[]
  readonly full: boolean
  /** Services installed. */
  readonly services: number
  /** Stale UDP flows forgotten. */
  readonly flowsCleaned: number
}

/** A restore failed; the old rules are still in force. */
export interface ProxySyncFailed {
  readonly type: 'proxy-sync-failed'
  readonly node: string
  readonly changed: readonly string[]
}

/** A real server left the service but has connections: weight 0 until they end. */
export interface IpvsDrainStarted {
  readonly type: 'ipvs-drain-started'
  readonly node: string
  readonly virtualServer: string
  readonly backend: string
}

/** `returned`: the endpoint came back before the drain was over. */
export interface IpvsDrainEnded {
  readonly type: 'ipvs-drain-ended'
  readonly node: string
  readonly virtualServer: string
  readonly backend: string
  readonly how: 'removed' | 'returned'
}

export type ProxyFact = ProxySynced | ProxySyncFailed | IpvsDrainStarted | IpvsDrainEnded
