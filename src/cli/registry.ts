/** What a user adds to the built-in faults, defects, properties and suites: a module, loaded and asked to register. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
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
  const near = relative(process.cwd(), path)
  const shown = near.startsWith('..') ? file : near
  const register = (await importModule(path, shown)) as { readonly default?: unknown }
  if (typeof register.default !== 'function') {
    throw new UserError({
      what: 'the module has no default export that is a function',
      where: shown,
      mend: 'export default (registry) => { registry.property({ … }) }',
    })
  }
  let answer: unknown
  try {
    answer = register.default(registry)
  } catch (error) {
    throw mistakeIn(path, shown, 'registering failed', error)
  }
  if (answer instanceof Promise) {
    // Whatever becomes of it, nobody waits for it.
    answer.catch(() => {})
    throw new UserError({
      what: 'the default export is an async function',
      where: shown,
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
      if (!readsTypeScript())
        throw new UserError({
          what: `a TypeScript file needs the package tsx with Node ${process.versions.node}`,
          where: shown,
          mend: 'npm install --save-dev tsx, or take Node 22.18 or later, or write the file in JavaScript',
        })
    }
  }
  try {
    return await import(pathToFileURL(path).href)
  } catch (error) {
    throw mistakeIn(path, shown, 'the module cannot be loaded', error)
  }
}

/** Newer versions of Node leave out the types of what they load. */
function readsTypeScript(): boolean {
  const { typescript } = process.features as { readonly typescript?: unknown }
  return typescript !== undefined && typescript !== false
}

/** What the user's module threw, with the line of it where that began. */
function mistakeIn(path: string, shown: string, doing: string, error: unknown): UserError {
  const isUsers = error instanceof UserError
  const said = isUsers
    ? `${error.where === undefined ? '' : `${error.where}: `}${error.what}`
    : String((error as Error | undefined)?.message ?? error)
  const line = lineOf(path, error)
  return new UserError({
    what: `${doing}: ${said}`,
    where: line === undefined ? shown : `${shown}:${line}`,
    mend: (isUsers ? error.mend : undefined) ?? 'correct the module',
  })
}

/** Line (and column) of the user's module in a stack; of a mistake in its syntax, what Node says when it only reads it. */
function lineOf(path: string, error: unknown): string | undefined {
  const stack = (error as { readonly stack?: string } | undefined)?.stack ?? ''
  for (const name of [pathToFileURL(path).href, path]) {
    const [, rest] = stack.split(`${name}`)
    const found = /^(?:\?[^:\s]*)?:(\d+(?::\d+)?)/.exec(rest ?? '')
    if (found !== null) return found[1]
  }
  if (!(error instanceof SyntaxError) || /\.[cm]?ts$/.test(path)) return undefined
  const { stderr } = spawnSync(process.execPath, ['--check', path], { encoding: 'utf8' })
  return /^[^\n]*:(\d+)\n/.exec(stderr)?.[1]
}
