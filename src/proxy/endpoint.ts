/** One endpoint of a service's port, as the rules of all nodes need it. */
import type { Address } from '../dataplane/index.ts'

export interface ProxyEndpoint {
  readonly address: Address
  readonly port: number
  /** `10.244.0.5:8080` */
  readonly text: string
  /** `KUBE-SEP-…` */
  readonly chain: string
  readonly nodeName: string
  readonly ready: boolean
  readonly serving: boolean
  readonly terminating: boolean
}
