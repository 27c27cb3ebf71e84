/** What the files of suites share: how a suite is made of a recipe, and the small clusters that most of them run on. */
import { SMALL_TOPOLOGY, type Topology } from '../src/cluster/index.ts'
import { type Recipe, scenarioArbitrary } from '../src/trial/index.ts'
import type { Registry, Suite } from '../src/trial/registry.ts'

export const SECOND = 1_000_000
const BOOT_MICROS = 12 * SECOND
const ACTIVE_MICROS = 45 * SECOND

/** As few processes as will do, so that faults strike the ones that matter here more often. */
export const LEAN: Topology = {
  ...SMALL_TOPOLOGY,
  etcdMembers: 1,
  controllerManagers: 1,
  schedulers: 1,
  nodes: 2,
  zones: 2,
}

export function suite(id: string, title: string, recipe: Omit<Recipe, 'name'>): (registry: Registry) => Suite {
  return (registry) => ({
    id,
    title,
    arbitrary: ({ horizonMicros }) =>
      scenarioArbitrary(registry, {
        name: id,
        quietStartMicros: BOOT_MICROS,
        durationMicros: horizonMicros ?? ACTIVE_MICROS,
        ...recipe,
      }),
  })
}
