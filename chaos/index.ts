/** Chaos: what goes wrong. Kinds of fault, and historical bugs as replaced decisions. */
import type { Registry } from '../src/trial/registry.ts'
import { API_MACHINERY_DEFECTS } from './defects/api-machinery.ts'
import { CONTROLLER_DEFECTS } from './defects/controllers.ts'
import { NETWORK_DEFECTS } from './defects/network.ts'
import { NODE_DEFECTS } from './defects/node.ts'
import { RAFT_ETCD_DEFECTS } from './defects/raft-etcd.ts'
import { SCHEDULER_DEFECTS } from './defects/scheduler.ts'

export { FAULTS, registerFaults } from './faults.ts'

export const DEFECTS = [
  ...RAFT_ETCD_DEFECTS,
  ...API_MACHINERY_DEFECTS,
  ...CONTROLLER_DEFECTS,
  ...SCHEDULER_DEFECTS,
  ...NODE_DEFECTS,
  ...NETWORK_DEFECTS,
]

/** Adds every built-in defect. */
export function registerDefects(registry: Registry): void {
  for (const defect of DEFECTS) registry.defect(defect)
}
