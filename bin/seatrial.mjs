#!/usr/bin/env node
// Starts the built command line, or the sources through tsx where nothing was built (npm ci --ignore-scripts).
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const built = new URL('../dist/src/cli/start.js', import.meta.url)
if (existsSync(fileURLToPath(built))) {
  await import(built.href)
} else {
  try {
    const { register } = await import('tsx/esm/api')
    register()
  } catch {
    console.error('seatrial: it has not been built, and tsx is not installed\n    run "npm run build" in the package')
    process.exit(3)
  }
  await import(new URL('../src/cli/start.ts', import.meta.url).href)
}
