/**
 * Where the operations of a history stand on a page: a lane a process, a column for each call and return in their order, as
 * wide as the labels need. Shared by the drawings; the columns say what came before what, not how long it took.
 */
import type { History, Operation } from './history.ts'

export interface Bar<Input, Output> {
  readonly operation: Operation<Input, Output>
  readonly label: string
  readonly from: number
  /** Its last column. */
  readonly to: number
  readonly open: boolean
}

export interface Lane<Input, Output> {
  readonly name: string
  readonly bars: readonly Bar<Input, Output>[]
}

export interface Timeline<Input, Output> {
  /** By the names of the processes; one whose operations overlap (it gave up waiting) has several. */
  readonly lanes: readonly Lane<Input, Output>[]
  readonly columns: number
}

/** Room around a label: a bracket and a blank on either side. */
const FRAME = 4

export function timelineOf<Input, Output>(
  history: History<Input, Output>,
  label: (operation: Operation<Input, Output>) => string,
): Timeline<Input, Output> {
  const labels = history.map(label)
  const events = history.flatMap((operation, index) => {
    const { call, return: end } = operation
    const open = end === undefined || end === Number.POSITIVE_INFINITY
    return [{ at: call, kind: 0, index }, ...(open ? [] : [{ at: end, kind: 1, index }])]
  })
  events.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.kind - b.kind || a.index - b.index))
  const from: number[] = []
  const to: (number | undefined)[] = []
  let column = 0
  for (const { kind, index } of events) {
    if (kind === 0) from[index] = column
    else {
      column = Math.max(column, from[index]! + labels[index]!.length + FRAME - 1)
      to[index] = column
    }
    // A blank after a return, so that what follows does not touch.
    column += kind + 1
  }
  // What never returned is open to the end.
  const last = history.reduce(
    (most, _, index) =>
      to[index] === undefined ? Math.max(most, from[index]! + labels[index]!.length + FRAME - 1) : most,
    column - 2,
  )
  const bars = history.map((operation, index) => ({
    operation,
    label: labels[index]!,
    from: from[index]!,
    to: to[index] ?? last,
    open: to[index] === undefined,
  }))
  return { lanes: lanesOf(bars), columns: last + 1 }
}

function lanesOf<Input, Output>(bars: readonly Bar<Input, Output>[]): Lane<Input, Output>[] {
  const names = [...new Set(bars.map((bar) => bar.operation.process))].sort()
  return names.flatMap((name) => {
    const rows: Bar<Input, Output>[][] = []
    const own = bars.filter((bar) => bar.operation.process === name).sort((a, b) => a.from - b.from)
    for (const bar of own) {
      const row = rows.find((one) => one.at(-1)!.to < bar.from)
      if (row === undefined) rows.push([bar])
      else row.push(bar)
    }
    return rows.map((row) => ({ name, bars: row }))
  })
}
