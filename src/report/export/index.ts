/** Exports of a trace by the name of the format, in pieces of text. */
import type { Recording } from '../../trial/index.ts'
import { jsonLines } from './jsonl.ts'
import { perfetto } from './perfetto.ts'
import { shiviz } from './shiviz.ts'

export const EXPORT_FORMATS = ['jsonl', 'perfetto', 'shiviz'] as const
export type ExportFormat = (typeof EXPORT_FORMATS)[number]

const WRITERS: { readonly [F in ExportFormat]: (recording: Recording) => Generator<string> } = {
  jsonl: jsonLines,
  perfetto,
  shiviz,
}

/** The whole export as one text. */
export function exportTrace(recording: Recording, format: ExportFormat): string {
  let text = ''
  for (const piece of WRITERS[format](recording)) text += piece
  return text
}
