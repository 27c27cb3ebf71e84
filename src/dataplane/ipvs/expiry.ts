/** A binary heap of things by the time they end; equal times come out in the order they went in. */
import type { Micros } from '../../kernel/time.ts'

interface Item<T> {
  readonly at: Micros
  readonly order: number
  readonly value: T
}

export class ExpiryQueue<T> {
  readonly #items: Item<T>[] = []
  #pushed = 0

  get size(): number {
    return this.#items.length
  }

  push(at: Micros, value: T): void {
    const items = this.#items
    const item = { at, order: this.#pushed++, value }
    let place = items.length
    items.push(item)
    while (place > 0) {
      const up = (place - 1) >> 1
      const parent = items[up] as Item<T>
      if (!before(item, parent)) break
      items[place] = parent
      place = up
    }
    items[place] = item
  }

  /** When the earliest ends, or undefined. */
  nextAt(): Micros | undefined {
    return this.#items[0]?.at
  }

  /** Takes the earliest out. */
  pop(): T | undefined {
    const items = this.#items
    const top = items[0]
    const last = items.pop()
    if (top === undefined || last === undefined) return undefined
    if (items.length > 0) this.#sink(last)
    return top.value
  }

  clear(): void {
    this.#items.length = 0
  }

  #sink(item: Item<T>): void {
    const items = this.#items
    let place = 0
    for (;;) {
      let child = place * 2 + 1
      if (child >= items.length) break
      if (child + 1 < items.length && before(items[child + 1] as Item<T>, items[child] as Item<T>)) child++
      const lower = items[child] as Item<T>
      if (!before(lower, item)) break
      items[place] = lower
      place = child
    }
    items[place] = item
  }
}

function before<T>(a: Item<T>, b: Item<T>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
