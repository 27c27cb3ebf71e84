/** Short names: `default/web-7d4b9c-x2x9z` becomes `web-7d4b9c-x2x9z` where no other namespace is about. */

/** Without the namespace `default`. */
export function short(key: string): string {
  return key.startsWith('default/') ? key.slice('default/'.length) : key
}

/** 3 pods, 1 pod. */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`
}

/** "a, b and c". */
export function listed(items: readonly string[]): string {
  if (items.length < 2) return items.join('')
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`
}
