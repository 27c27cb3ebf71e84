/** Freezing of whole objects at the boundary where they enter the cluster. Stops at what is frozen already, so shared parts cost nothing. */

/** Freezes `value` and everything below it that is not frozen yet. A frozen child is taken to be frozen all the way down. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) deepFreeze(value[i])
  } else {
    for (const key in value) deepFreeze(value[key])
  }
  return value
}
