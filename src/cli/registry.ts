/** What a user adds to the built-in faults, defects, properties and suites: a module, loaded and asked to register. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { standardRegistry } from '../standard-registry.ts'
import type { Registry } from '../trial/registry.ts'
import { UserError } from '../trial/user-error.ts'
import { boundAdded, knownOf } from './bounded.ts'

/** The built-in registry and what the module at `file` adds: its default export is called with the registry. @throws UserError */
export async function loadRegistry(file?: string): Promise<Registry> {
  const registry = standardRegistry()
  if (file === undefined) return registry
  const known = knownOf(registry)
  const path = resolve(file)
  assertModule(file)
  const register = (await importModule(path, file)) as { readonly default?: unknown }
  if (typeof register.default !== 'function') {
    throw new UserError({
      what: 'the module has no default export that is a function',
      where: file,
      mend: 'export default (registry) => { registry.property({ … }) }',
    })
  }
  let answer: unknown
  try {
    answer = register.default(registry)
  } catch (error) {
    throw new UserError({
      what: `registering failed: ${(error as Error).message}`,
      where: file,
      mend: 'correct the module',
    })
  }
  if (answer instanceof Promise) {
    // Whatever becomes of it, nobody waits for it.
    answer.catch(() => {})
    throw new UserError({
      what: 'the default export is an async function',
      where: file,
      mend: 'register at once: export default (registry) => { registry.property({ … }) }',
    })
  }
  boundAdded(registry, known)
  return registry
}

/** @throws UserError if there is no such file */
export function assertModule(file: string): void {
  if (existsSync(resolve(file))) return
  throw new UserError({
    what: 'there is no such file',
    where: `--properties ${file}`,
    mend: '"seatrial new invariant <name>" makes one',
  })
}

async function importModule(path: string, shown: string): Promise<unknown> {
  if (/\.[cm]?ts$/.test(path) && !import.meta.url.endsWith('.ts')) {
    try {
      const { register } = await import('tsx/esm/api')
      register()
    } catch {
      throw new UserError({
        what: 'a TypeScript file needs the package tsx to be installed',
        where: shown,
        mend: 'npm install --save-dev tsx, or write the file in JavaScript',
      })
    }
  }
  try {
    return await import(pathToFileURL(path).href)
  } catch (error) {
    throw new UserError({
      what: `the module cannot be loaded: ${(error as Error).message}`,
      where: shown,
      mend: 'correct the module',
    })
  }
}
