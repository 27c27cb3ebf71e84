/**
 * The floors of the house (CONTRIBUTING.md): a file imports from its own folder and from floors below, never upward, never
 * from a neighbour, never in a circle; the outside world (node: modules) is met in src/cli and src/vitest only. Tests and benchmarks are
 * held to the floors too, but may meet the outside world. Run by .ci/floors.mjs, which also checks that anything was seen.
 */

/** From the ground up. Folders of one floor do not import each other, but for those named in `BESIDE`. */
export const FLOORS = [
  ['src/kernel'],
  ['src/raft', 'src/etcd', 'src/objects', 'src/history'],
  ['src/apiserver'],
  ['src/client', 'src/dataplane'],
  ['src/controllers', 'src/scheduler', 'src/kubelet', 'src/proxy'],
  ['src/cluster'],
  ['src/trial'],
  ['properties', 'chaos'],
  ['src/report'],
  ['src/cli'],
  ['src/vitest'],
]

/** What a folder may import from its own floor. */
const BESIDE = { 'src/etcd': ['src/raft'] }

const TEST = '\\.(test|property)\\.ts$'
const FRONT_DOOR = '^src/[^/]+\\.ts$'

const floorRules = FLOORS.flatMap((folders, floor) =>
  folders.map((folder) => {
    const allowed = [folder, ...(BESIDE[folder] ?? []), ...FLOORS.slice(0, floor).flat()]
    const top = floor >= FLOORS.length - 2 ? [FRONT_DOOR] : []
    return {
      name: `floor-of-${folder.replace('/', '-')}`,
      comment: `${folder} imports only from itself and from below: ${allowed.slice(1).join(', ') || 'nothing'}.`,
      severity: 'error',
      from: { path: `^${folder}/` },
      to: { path: '^(src|properties|chaos|bench)/', pathNot: [...allowed.map((name) => `^${name}/`), ...top] },
    }
  }),
)

export default {
  forbidden: [
    ...floorRules,
    {
      name: 'front-door',
      comment: 'What a user may import comes from the floors below the command line.',
      severity: 'error',
      from: { path: FRONT_DOOR },
      to: { path: '^(src/cli|src/vitest|bench)/' },
    },
    {
      name: 'no-circles',
      comment: 'No file imports itself by way of others, not even for a type.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'outside-world',
      comment: 'Files, processes, sockets and clocks are met in src/cli, and above it, only.',
      severity: 'error',
      from: { path: '^(src|properties|chaos)/', pathNot: `^src/(cli|vitest)/|${TEST}` },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-test-helpers-shipped',
      comment: 'What a user runs or imports does not reach a test or a double for tests.',
      severity: 'error',
      from: { path: `${FRONT_DOOR}|^src/cli/(start|worker)\\.ts$|^src/vitest/index\\.ts$|^(properties|chaos)/index\\.ts$` },
      to: { path: `${TEST}|^src/kernel/(testing|fixture)\\.ts$`, reachable: true },
    },
    {
      name: 'resolvable',
      comment: 'An import leads somewhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    parser: 'swc',
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage|node_modules)/' },
    enhancedResolveOptions: { extensions: ['.ts', '.mjs', '.js', '.json'], exportsFields: ['exports'], conditionNames: ['import', 'node', 'types', 'default'] },
  },
}
