/**
 * The names of kube-proxy's chains: a prefix and 16 characters of a hash, because a chain's name has at most 28. The same
 * names as a real node has. Models pkg/proxy/iptables (portProtoHash and its callers), v1.33.
 */
import type { TransportProtocol } from '../dataplane/index.ts'
import { base32Prefix, sha256 } from './sha256.ts'

const memo = new Map<string, string>()

function hash(text: string): string {
  let known = memo.get(text)
  if (known === undefined) {
    known = base32Prefix(sha256(text))
    memo.set(text, known)
  }
  return known
}

const LOWER: Readonly<Record<TransportProtocol, string>> = { TCP: 'tcp', UDP: 'udp' }

/** `namespace/name:port`, without the colon when the port has no name. */
export function servicePortName(key: string, port: string): string {
  return port === '' ? key : `${key}:${port}`
}

export function clusterPolicyChain(name: string, protocol: TransportProtocol): string {
  return `KUBE-SVC-${hash(name + LOWER[protocol])}`
}

export function localPolicyChain(name: string, protocol: TransportProtocol): string {
  return `KUBE-SVL-${hash(name + LOWER[protocol])}`
}

export function externalChain(name: string, protocol: TransportProtocol): string {
  return `KUBE-EXT-${hash(name + LOWER[protocol])}`
}

/** `endpoint` is `address:port`. */
export function endpointChain(name: string, protocol: TransportProtocol, endpoint: string): string {
  return `KUBE-SEP-${hash(name + LOWER[protocol] + endpoint)}`
}
