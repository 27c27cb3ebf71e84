/** Colour for the words that the eye looks for, on a terminal only. Lines of JSON stay as they are. */
import picocolors from 'picocolors'

type Colors = ReturnType<typeof picocolors.createColors>

const WORDS: readonly (readonly [RegExp, (colors: Colors) => (text: string) => string])[] = [
  [/\b(?:BROKEN|FAILED|ERROR)\b|(?<=: )error(?=: )/g, (colors) => colors.red],
  [/(?<=: )warning(?=: )|\bADVICE\b/g, (colors) => colors.yellow],
  [/(?<=: )note(?=: )/g, (colors) => colors.cyan],
  [/(?<=\S +)passed\b/g, (colors) => colors.green],
]

/** The text with its telling words in colour. `isTerminal`: somebody is looking; NO_COLOR and FORCE_COLOR have the last word. */
export function paint(
  text: string,
  isTerminal: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const isWanted = (isTerminal || environment.FORCE_COLOR !== undefined) && environment.NO_COLOR === undefined
  if (!isWanted || environment.TERM === 'dumb' || text.startsWith('{')) return text
  const colors = picocolors.createColors(true)
  return WORDS.reduce((painted, [word, colour]) => painted.replace(word, (found) => colour(colors)(found)), text)
}
