/** kube-proxy and the network of a node: what other floors may import. */
export { clusterPolicyChain, endpointChain, externalChain, localPolicyChain, servicePortName } from './chain-names.ts'
export { type FlowClass, type FlowDestination, type FlowSource, flowClasses } from './classes.ts'
export { compare, type Disagreement } from './compare.ts'
export { type FailedRestorePlan, PROXY_DECISIONS, type ProxyDecisions, type UdpTarget } from './decisions.ts'
export { expectedOf, IPTABLES_DIFFERENCES, IPVS_DIFFERENCES, type KnownDifference } from './differences.ts'
export type { IpvsDrainEnded, IpvsDrainStarted, ProxyFact, ProxySynced, ProxySyncFailed } from './facts.ts'
export { syncIptables } from './iptables.ts'
export { serviceRules } from './iptables-service.ts'
export { type DesiredServer, type ServiceIpvs, serviceIpvs } from './ipvs.ts'
export { type Expectation, naive, type ServiceObjects } from './naive.ts'
export { type ConnectResult, NodeNetwork, type PlanChanges, type ProxyMode } from './network.ts'
export {
  completeNodeNetworkOptions,
  type KubeProxySetup,
  type NodeNetworkOptions,
  type NodeNetworkSetup,
} from './options.ts'
export type { BackendOutcome, Outcome } from './outcome.ts'
export { categorize, isProxied, type PortPlan, type ProxyEndpoint, planService, type ServicePlan } from './plan.ts'
export { KubeProxy } from './proxy.ts'
export type { ServiceRules } from './service-rules.ts'
