/** The release that is running: the version in the package's own file, the nearest above. */
import { existsSync, readFileSync } from 'node:fs'

export function packageVersion(): string {
  let folder = new URL('.', import.meta.url)
  for (;;) {
    const file = new URL('package.json', folder)
    if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version
    const parent = new URL('..', folder)
    if (parent.href === folder.href) return 'unknown'
    folder = parent
  }
}
