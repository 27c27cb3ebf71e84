/**
 * The line of a test file where a test was written down. Errors and annotations are placed by their stack, and what is
 * found while trials run has no line of the test in its own.
 */
import { createContext, Script } from 'node:vm'

export interface Site {
  /** Stack lines from the test file on, for an error. */
  readonly stack: string
  /** Calls `body` from that line, as far as stacks can tell. */
  from<T>(body: () => T): T
}

/** Where the function that calls this one was called. */
export function siteOf(): Site {
  const lines = (new Error('the place of a test').stack ?? '').split('\n')
  const frame = rawFrames()[3]
  const file = frame?.getFileName() ?? undefined
  return {
    stack: lines.slice(3).join('\n'),
    from<T>(body: () => T): T {
      if (frame === undefined || file === undefined) return body()
      const lineOffset = (frame.getLineNumber() ?? 1) - 1
      const columnOffset = (frame.getColumnNumber() ?? 1) - 1
      return new Script('body()', { filename: file, lineOffset, columnOffset }).runInContext(
        createContext({ body }),
      ) as T
    },
  }
}

/** The frames above this function as they are in the code that runs: Vitest shows them as they were before it was transformed. */
function rawFrames(): readonly NodeJS.CallSite[] {
  const mapped = Error.prepareStackTrace
  try {
    Error.prepareStackTrace = (_error, frames) => frames
    return new Error('frames').stack as unknown as readonly NodeJS.CallSite[]
  } finally {
    Error.prepareStackTrace = mapped
  }
}
