/**
 * Which fields a predicate looked at: it is asked once more with recording stand-ins for its objects. Only after a failure,
 * for the report; while a trial runs nobody pays for it.
 */

/** Calls `test` and gives back the paths of the values that it read, in order, such as `status.phase`. Never throws. */
export function fieldsRead(test: (...objects: never[]) => unknown, objects: readonly unknown[]): readonly string[] {
  const paths = new Set<string>()
  try {
    test(...(objects.map((object) => recorded(object, '', paths)) as never[]))
  } catch {
    // What was read until then is worth telling all the same.
  }
  return [...paths]
}

function recorded(value: unknown, path: string, paths: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value
  // The stand-in's own target is a fresh one: a frozen target would have to give back its very values.
  return new Proxy(Array.isArray(value) ? [] : {}, {
    get(_target, name) {
      const field: unknown = Reflect.get(value, name)
      if (typeof name === 'symbol' || typeof field === 'function' || (Array.isArray(value) && name === 'length'))
        return field
      const inner = path === '' ? name : /^\d+$/.test(name) ? `${path}[${name}]` : `${path}.${name}`
      // A path whose inside is looked at is no value that was read.
      paths.delete(path)
      paths.add(inner)
      return recorded(field, inner, paths)
    },
    has: (_target, name) => Reflect.has(value, name),
    ownKeys: () => Reflect.ownKeys(value),
    getOwnPropertyDescriptor(target, name) {
      const own = Reflect.getOwnPropertyDescriptor(value, name)
      if (own === undefined || (Array.isArray(target) && name === 'length'))
        return Reflect.getOwnPropertyDescriptor(target, name)
      return { ...own, configurable: true }
    },
    set: () => false,
  })
}

/** The value at a path as `fieldsRead` writes it; undefined when there is none. */
export function valueAt(object: unknown, path: string): unknown {
  let value = object
  for (const name of path.split(/\.|\[(\d+)\]/)) {
    if (name === undefined || name === '') continue
    if (typeof value !== 'object' || value === null) return undefined
    value = Reflect.get(value, name)
  }
  return value
}
