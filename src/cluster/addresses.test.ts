/** The address plan: every node has a block and an address of its own, in small clusters and in the largest. */
import { expect, test } from 'vitest'
import { contains, parseAddress, parseCidr } from '../dataplane/index.ts'
import { clientPodAddress, clusterCidr, nodeAddress, nodeIndexOfAddress, podCidr } from './addresses.ts'

const MOST_NODES = 10_000

test('ten thousand nodes have different blocks, outside the range of services, and are found again by any address', () => {
  const blocks = new Set<string>()
  for (let index = 0; index < MOST_NODES; index++) {
    const block = podCidr(index)
    blocks.add(block)
    expect(block).toMatch(/^10\.\d+\.\d+\.0\/24$/)
    expect(Number(block.split('.')[1])).toBeLessThan(256)
    expect(block.startsWith('10.96.')).toBe(false)
    expect(nodeIndexOfAddress(block.replace('.0/24', '.7'))).toBe(index)
    expect(nodeIndexOfAddress(clientPodAddress(index))).toBe(index)
    expect(nodeIndexOfAddress(nodeAddress(index))).toBe(index)
  }
  expect(blocks.size).toBe(MOST_NODES)
})

test.each([
  3,
  1_024,
  1_025,
  MOST_NODES,
])('the range of a cluster of %d nodes covers their pods and no service', (nodes) => {
  const range = parseCidr(clusterCidr(nodes))
  for (let index = 0; index < nodes; index++) {
    expect(contains(range, parseAddress(clientPodAddress(index)))).toBe(true)
  }
  expect(contains(range, parseAddress('10.96.0.1'))).toBe(false)
})

test.each([
  ['10.96.0.1', -1],
  ['203.0.113.1', -1],
  ['10.244.0.2', 0],
  ['10.247.255.2', 1_023],
  ['10.128.0.2', 1_024],
])('%s belongs to node %d', (address, index) => {
  expect(nodeIndexOfAddress(address)).toBe(index)
})
