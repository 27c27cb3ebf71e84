/** The address plan of every cluster: nodes, pod blocks, clients. */

/** The node's own address: 192.168.0.10, .11, and so on. */
export function nodeAddress(index: number): string {
  const host = index + 10
  return `192.168.${Math.floor(host / 256)}.${host % 256}`
}

/** The block that the node's pods get their addresses from. */
export function podCidr(index: number): string {
  return `10.${244 + Math.floor(index / 256)}.${index % 256}.0/24`
}

/** Which node a pod address (or a node's own) belongs to; -1 when it is neither. */
export function nodeIndexOfAddress(address: string): number {
  const [a, b, c, d] = address.split('.').map(Number)
  if (a === 10 && b !== undefined && c !== undefined && b >= 244 && b < 248) return (b - 244) * 256 + c
  if (a === 192 && b === 168 && c !== undefined && d !== undefined) return c * 256 + d - 10
  return -1
}

/** The address that traffic clients in a pod on the node have: the last of its block, which is never given to a pod. */
export function clientPodAddress(index: number): string {
  return `10.${244 + Math.floor(index / 256)}.${index % 256}.254`
}

/** The address of a machine outside the cluster; a block kept for documentation. */
export function outsideAddress(index: number): string {
  return `203.0.113.${1 + (index % 250)}`
}
