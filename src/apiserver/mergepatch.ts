/** JSON merge patch: RFC 7386, sections 1 and 2. Arrays are replaced whole; null takes a member away. */

/** The document with the patch applied. Shares what the patch does not name; the patch's own values are taken as they are. */
export function mergePatch(document: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const target = isObject(document) ? document : {}
  const result: Record<string, unknown> = { ...target }
  for (const key of Object.keys(patch)) {
    const value = patch[key]
    if (value === null) delete result[key]
    else if (value !== undefined) result[key] = mergePatch(target[key], value)
  }
  return result
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
