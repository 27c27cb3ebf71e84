/**
 * Checks the floors with dependency-cruiser and prints each violation. Fails as well when too little was seen: a parser
 * that understands nothing reports no violations either. A canary import upward must be caught.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cruise } from 'dependency-cruiser'
import config, { FLOORS } from '../.dependency-cruiser.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
process.chdir(root)

/** Cruises folders and gives back modules and violations. */
async function look(folders, more = {}) {
  const { options, ...rules } = config
  const result = await cruise(folders, { ...options, ...more, validate: true, ruleSet: rules })
  return { modules: result.output.modules, violations: result.output.summary.violations }
}

const problems = []

const { modules, violations } = await look(['src', 'properties', 'chaos'])
const own = modules.filter((module) => /^(src|properties|chaos)\//.test(module.source))
for (const folder of FLOORS.flat()) {
  if (!own.some((module) => module.source.startsWith(`${folder}/`))) problems.push(`no module seen in ${folder}`)
}
const edges = own.reduce((sum, module) => sum + module.dependencies.length, 0)
if (own.length === 0 || edges < own.length) problems.push(`only ${own.length} modules and ${edges} imports seen`)
for (const violation of violations) {
  const circle = violation.cycle?.map((step) => step.name).join(' -> ')
  problems.push(`${violation.rule.name}: ${violation.from} -> ${circle ?? violation.to}`)
}

// The canaries: in a little house of its own, a type imported from above, a value from a neighbour, and a circle.
const house = mkdtempSync(join(tmpdir(), 'floors-'))
try {
  const write = (file, text) => {
    mkdirSync(dirname(join(house, file)), { recursive: true })
    writeFileSync(join(house, file), text)
  }
  write('src/cluster/index.ts', 'export interface Cluster {}\n')
  write('src/kubelet/index.ts', 'export const kubelet = 1\n')
  write('src/proxy/up.ts', "import type { Cluster } from '../cluster/index.ts'\nexport type Up = Cluster\n")
  write('src/proxy/aside.ts', "export { kubelet } from '../kubelet/index.ts'\n")
  write('src/proxy/circle.ts', "import type { Other } from './other.ts'\nexport type Circle = Other\n")
  write('src/proxy/other.ts', "import type { Circle } from './circle.ts'\nexport type Other = Circle\n")
  const caught = (await look(['src'], { baseDir: house, tsConfig: undefined })).violations
  for (const [file, rule] of [
    ['src/proxy/up.ts', 'floor-of-src-proxy'],
    ['src/proxy/aside.ts', 'floor-of-src-proxy'],
    ['src/proxy/circle.ts', 'no-circles'],
  ]) {
    if (!caught.some((violation) => violation.from === file && violation.rule.name === rule))
      problems.push(`the canary ${file} was not caught by ${rule}: the check is blind`)
  }
} finally {
  rmSync(house, { recursive: true, force: true })
}

for (const problem of problems) console.error(problem)
console.log(`${own.length} modules, ${edges} imports, ${problems.length} problems`)
process.exitCode = problems.length === 0 ? 0 : 1
