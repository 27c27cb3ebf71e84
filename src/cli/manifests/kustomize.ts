/**
 * What a kustomization says about its neighbours: files that are patches are parts of objects, not objects. Models the fields
 * `patches`, `patchesStrategicMerge` and `patchesJson6902` of kustomize.config.k8s.io/v1beta1; nothing is built from them.
 */
import { basename, dirname, join } from 'node:path'
import { parseDocument } from 'yaml'

const NAME = /^kustomization\.ya?ml$/

/** The files that this one, if it is a kustomization, names as patches; paths as `file` is given. */
export function patchesNamedIn(file: string, text: string): string[] {
  if (!NAME.test(basename(file))) return []
  const document = parseDocument(text, { logLevel: 'silent' })
  if (document.errors.length > 0) return []
  const fields = document.toJS({ maxAliasCount: 100 }) as Readonly<Record<string, unknown>> | null
  return ['patches', 'patchesStrategicMerge', 'patchesJson6902']
    .flatMap((field) => {
      const entries = fields?.[field]
      return Array.isArray(entries) ? entries.flatMap((entry) => pathsIn(entry)) : []
    })
    .map((path) => join(dirname(file), path))
}

/** An entry is a path, an object with one, or the patch itself. */
function pathsIn(entry: unknown): string[] {
  const path = typeof entry === 'object' && entry !== null ? (entry as { readonly path?: unknown }).path : entry
  return typeof path === 'string' && !path.includes('\n') ? [path] : []
}
