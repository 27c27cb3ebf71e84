/**
 * The rules of the house that a program can read off the tree: how long a file is, how it opens, and which names it may
 * not use. Import directions are checked by .ci/floors.mjs, style by Biome, dead code by Knip.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const MOST_LINES = 400
const TEST = /\.(test|property)\.ts$/
/** The places for the outside world, and the file that guards against it. */
const MAY_MEET_THE_WORLD = /^src\/(cli|vitest)\/|^src\/kernel\/guard\.ts$/

interface File {
  readonly path: string
  readonly text: string
}

function read(folder: string): File[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: relative(ROOT, path).replaceAll('\\', '/'), text: readFileSync(path, 'utf8') }))
    .sort((x, y) => (x.path < y.path ? -1 : 1))
}

const FILES = ['src', 'chaos', 'properties'].flatMap(read)
const CODE = FILES.filter((file) => !TEST.test(file.path))

/** Names that ask the real world, or whose answer may differ between machines, with what to use instead. */
const BANNED: readonly (readonly [RegExp, string])[] = [
  [/\bDate\b/, 'out.now, out.wall, and src/objects/time.ts for texts'],
  [/\bMath\.random\b/, "streams.get('purpose/name')"],
  [
    /\bMath\.(pow|exp|expm1|log|log2|log10|log1p|sin|cos|tan|asin|acos|atan|atan2|sinh|cosh|tanh|cbrt|hypot)\b/,
    'integers and tables',
  ],
  [/\b(setTimeout|setInterval|setImmediate|clearTimeout|clearInterval|clearImmediate|queueMicrotask)\b/, 'out.after'],
  [/(?<![.\w])performance\.|\bhrtime\b/, 'out.now'],
  [
    /(?<![.\w#])process\.(env|argv|cwd|stdout|stderr|nextTick|memoryUsage|uptime|platform)\b|(?<![.\w#])process\.(exit|on)\(/,
    'options',
  ],
  [/(?<![.\w])crypto\.|\brandomUUID\b|\bgetRandomValues\b/, "streams.get('purpose/name')"],
  [/\bIntl\b|\blocaleCompare\b|\btoLocale\w+\b/, 'comparison by code units'],
  [/\basync\b|(?<![.#\w])await\b|(?<![.\w])Promise\b/, 'a machine, or a generator of requests'],
  [/\bWeakRef\b|\bFinalizationRegistry\b/, 'explicit lifetimes'],
  [/(?<![.\w])console\./, 'out.note'],
  [/(?<![.\w])(eval|fetch)\(/, 'nothing of the kind'],
]

const EXCUSES = [/\bTODO\b/, /\bFIXME\b/, /\bXXX\b/, /biome-ignore/, /@ts-(ignore|expect-error|nocheck)/]

/** The text without comments and without the contents of strings; line breaks stay, so that lines can be counted. */
function bare(text: string): string {
  let result = ''
  let at = 0
  /** Nesting of template literals: for each, the braces open inside its present substitution. */
  const templates: number[] = []
  const skipTo = (end: number) => {
    result += text.slice(at, end).replace(/[^\n]/g, ' ')
    at = end
  }
  const skipTemplate = () => {
    let end = at
    while (end < text.length && text[end] !== '`' && !text.startsWith('${', end)) end += text[end] === '\\' ? 2 : 1
    if (text[end] === '`') {
      templates.pop()
      skipTo(end + 1)
    } else skipTo(end + 2)
  }
  while (at < text.length) {
    const here = text[at] as string
    if (text.startsWith('//', at)) skipTo(nextOr(text, '\n', at))
    else if (text.startsWith('/*', at)) skipTo(nextOr(text, '*/', at) + 2)
    else if (here === "'" || here === '"') {
      let end = at + 1
      while (end < text.length && text[end] !== here && text[end] !== '\n') end += text[end] === '\\' ? 2 : 1
      skipTo(end + 1)
    } else if (here === '/' && /(^|[=(,:!&|?;{}[\n>]|\breturn)\s*$/.test(result.slice(-20))) {
      // A slash where a value is expected opens a regular expression.
      let end = at + 1
      let inClass = false
      while (end < text.length && (inClass || text[end] !== '/') && text[end] !== '\n') {
        if (text[end] === '[') inClass = true
        else if (text[end] === ']') inClass = false
        end += text[end] === '\\' ? 2 : 1
      }
      skipTo(end + 1)
    } else if (here === '`') {
      templates.push(0)
      skipTo(at + 1)
      skipTemplate()
    } else if (templates.length > 0 && here === '}' && templates.at(-1) === 0) {
      skipTo(at + 1)
      skipTemplate()
    } else {
      const top = templates.length - 1
      if (top >= 0 && here === '{') templates[top] = (templates[top] as number) + 1
      if (top >= 0 && here === '}') templates[top] = (templates[top] as number) - 1
      result += here
      at++
    }
  }
  return result
}

function nextOr(text: string, what: string, from: number): number {
  const index = text.indexOf(what, from)
  return index < 0 ? text.length : index
}

/** What breaks a rule in a file, as `path:line what`. */
function offences(files: readonly File[], find: (line: string) => string | undefined, stripped: boolean): string[] {
  return files.flatMap(({ path, text }) =>
    (stripped ? bare(text) : text).split('\n').flatMap((line, index) => {
      const found = find(line)
      return found === undefined ? [] : [`${path}:${index + 1} ${found}`]
    }),
  )
}

function bannedIn(line: string): string | undefined {
  for (const [pattern, instead] of BANNED) {
    const match = pattern.exec(line)
    if (match !== null) return `uses ${match[0]}; use ${instead}`
  }
  return undefined
}

test('the check sees the tree', () => {
  expect(FILES.length).toBeGreaterThan(150)
  for (const folder of ['src/kernel', 'src/raft', 'src/apiserver', 'src/kubelet', 'src/cli', 'chaos', 'properties'])
    expect(CODE.filter((file) => file.path.startsWith(`${folder}/`)).length).toBeGreaterThan(2)
})

test(`no file is longer than ${MOST_LINES} lines`, () => {
  const long = CODE.map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
  expect(long.filter(({ lines }) => lines > MOST_LINES).map(({ path, lines }) => `${path}: ${lines} lines`)).toEqual([])
})

test('every file opens with a sentence for a human', () => {
  const mute = FILES.filter(({ text }) => {
    const comment = /^(?:#!.*\n)?(?:\/\*\*?([\s\S]*?)\*\/|((?:\/\/.*\n)+))/.exec(text)
    const prose = (comment?.[1] ?? comment?.[2] ?? '').replace(/[*/\s]+/g, ' ').trim()
    return prose.length < 20 || !prose.includes(' ')
  })
  expect(mute.map((file) => file.path)).toEqual([])
})

test('what runs in a trial does not ask the real world', () => {
  const below = CODE.filter((file) => !MAY_MEET_THE_WORLD.test(file.path))
  expect(below.length).toBeGreaterThan(100)
  expect(offences(below, bannedIn, true)).toEqual([])
})

test('nothing is postponed or silenced by a comment', () => {
  const others = FILES.filter((file) => file.path !== 'properties/house.test.ts')
  const excuse = (line: string) => EXCUSES.find((pattern) => pattern.test(line))?.exec(line)?.[0]
  expect(offences(others, excuse, false)).toEqual([])
})

test.each([
  ['const now = Date.now()', 'uses Date'],
  ['x.then(() => Math.random())', 'uses Math.random'],
  [`const t = \`a \${performance.now()} b\``, 'uses performance.'],
  ['names.sort((a, b) => a.localeCompare(b))', 'uses localeCompare'],
  ['async function f() {}', 'uses async'],
  ['process.env.HOME', 'uses process.env'],
])('a canary is caught: %s', (text, expected) => {
  expect(bannedIn(bare(text))).toContain(expected)
})

test.each([
  '// Date.now()',
  "'Math.random'",
  '/* async */ const x = 1',
  `\`setTimeout \${1} Date\``,
  'this.process.name',
  '/Date/.test(x)',
  'const r = /[/]Date/',
])('no false alarm: %s', (text) => {
  expect(bannedIn(bare(text))).toBeUndefined()
})
