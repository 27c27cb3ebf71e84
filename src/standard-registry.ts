/** Everything that this release can name: faults, defects, properties and suites. */
import { registerDefects, registerFaults } from '../chaos/index.ts'
import { registerProperties, registerSuites } from '../properties/index.ts'
import { Registry } from './trial/registry.ts'

/** A fresh registry with everything built in. */
export function standardRegistry(): Registry {
  const registry = new Registry()
  registerFaults(registry)
  registerDefects(registry)
  registerProperties(registry)
  registerSuites(registry)
  return registry
}
