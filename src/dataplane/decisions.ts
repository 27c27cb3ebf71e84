/** What the data plane decides and a historical bug decided otherwise. */
import type { Endpoint, Service } from '../objects/index.ts'

export interface DnsDecisions {
  /** Is this endpoint's address in a headless service's answers? Models CoreDNS plugin/kubernetes (endpoint slices). */
  publishes(service: Service, endpoint: Endpoint): boolean
}

export const DNS_DECISIONS: DnsDecisions = {
  publishes: (service, endpoint) =>
    service.spec.publishNotReadyAddresses === true || endpoint.conditions?.ready !== false,
}
