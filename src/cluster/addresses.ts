/** The address plan of every cluster: nodes, pod blocks, clients. */

/** The node's own address: 192.168.0.10, .11, and so on. */
export function nodeAddress(index: number): string {
  const host = index + 10
  return `192.168.${Math.floor(host / 256)}.${host % 256}`
}

/** The second number of a pod address: from 244 on for the first 1,024 nodes, then from 128 on, which leaves 10.96 to services. */
function blockOf(index: number): number {
  const block = Math.floor(index / 256)
  return block < 4 ? 244 + block : 124 + block
}

/** The range that all blocks of a cluster of so many nodes lie in (`--cluster-cidr`). */
export function clusterCidr(nodes: number): string {
  return nodes <= 1_024 ? '10.244.0.0/14' : '10.128.0.0/9'
}

/** The block that the node's pods get their addresses from. */
export function podCidr(index: number): string {
  return `10.${blockOf(index)}.${index % 256}.0/24`
}

/** The addresses that were asked about last, and the nodes they belong to. */
const located = new Map<string, number>()
const LOCATED_MAX = 1 << 14

/** Which node a pod address (or a node's own) belongs to; -1 when it is neither. */
export function nodeIndexOfAddress(address: string): number {
  let index = located.get(address)
  if (index === undefined) {
    index = readNodeIndex(address)
    if (located.size >= LOCATED_MAX) located.clear()
    located.set(address, index)
  }
  return index
}

function readNodeIndex(address: string): number {
  const [a, b, c, d] = address.split('.').map(Number)
  if (a === 10 && b !== undefined && c !== undefined) {
    if (b >= 244 && b < 248) return (b - 244) * 256 + c
    if (b >= 128 && b < 244) return (b - 124) * 256 + c
  }
  if (a === 192 && b === 168 && c !== undefined && d !== undefined) return c * 256 + d - 10
  return -1
}

/** The address that traffic clients in a pod on the node have: the last of its block, which is never given to a pod. */
export function clientPodAddress(index: number): string {
  return `10.${blockOf(index)}.${index % 256}.254`
}

/** The address of a machine outside the cluster; a block kept for documentation. */
export function outsideAddress(index: number): string {
  return `203.0.113.${1 + (index % 250)}`
}
