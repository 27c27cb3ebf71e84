// Fibers: answers at once and later, failures, depth, dropping, stopping.
import { expect, test } from 'vitest'
import { Fiber, type Interpreter, type Outcome, type Script } from './fiber.ts'
import type { Out } from './machine.ts'
import { RecordingOut } from './testing.ts'

type Op = { readonly op: 'double'; readonly of: number } | { readonly op: 'wait' } | { readonly op: 'refuse' }

class Calculator implements Interpreter<Op> {
  readonly waiting: Fiber<Op>[] = []

  perform(operation: Op, fiber: Fiber<Op>, out: Out): void {
    if (operation.op === 'double') fiber.resume(operation.of * 2, out)
    else if (operation.op === 'refuse') fiber.fail(new Error('refused'), out)
    else this.waiting.push(fiber)
  }
}

function run<T>(script: Script<Op, T>) {
  const out = new RecordingOut()
  const calculator = new Calculator()
  const ended: Outcome<T>[] = []
  const fiber = new Fiber<Op, T>('test', script, calculator, (outcome) => ended.push(outcome))
  fiber.start(out)
  return { out, calculator, ended, fiber, wake: (value: unknown) => calculator.waiting.shift()?.resume(value, out) }
}

function* double(of: number): Script<Op, number> {
  return (yield { op: 'double', of }) as number
}

test('operations answered at once do not grow the stack', () => {
  const { ended } = run(
    (function* () {
      let sum = 0
      for (let i = 0; i < 100_000; i++) sum += yield* double(i)
      return sum
    })(),
  )
  expect(ended).toEqual([{ ok: true, value: 9_999_900_000 }])
})

test('a script waits until it is answered, at any depth', () => {
  function* deep(levels: number): Script<Op, string> {
    if (levels === 0) return (yield { op: 'wait' }) as string
    return yield* deep(levels - 1)
  }
  const { fiber, ended, wake } = run(deep(20))
  expect(fiber.state).toBe('waiting')
  wake('now')
  expect(ended).toEqual([{ ok: true, value: 'now' }])
  expect(fiber.state).toBe('done')
})

test('a failure throws at the yield, where the script may catch it', () => {
  const { ended } = run(
    (function* () {
      try {
        yield { op: 'refuse' } as Op
      } catch (error) {
        return `caught ${(error as Error).message}`
      }
      return 'no'
    })(),
  )
  expect(ended).toEqual([{ ok: true, value: 'caught refused' }])
  const uncaught = run(
    (function* () {
      yield { op: 'refuse' } as Op
    })(),
  )
  expect(uncaught.ended).toEqual([{ ok: false, error: new Error('refused') }])
  expect(uncaught.fiber.state).toBe('failed')
})

test('dropped, nothing more of a script runs; stopped, its finally blocks do', () => {
  const log: string[] = []
  function* script(): Script<Op> {
    try {
      yield { op: 'wait' }
      log.push('went on')
    } finally {
      log.push('finally')
    }
  }
  const dropped = run(script())
  dropped.fiber.drop()
  dropped.wake(1)
  expect(dropped.fiber.state).toBe('dropped')
  expect(log).toEqual([])
  const stopped = run(script())
  stopped.fiber.stop()
  stopped.wake(1)
  expect(log).toEqual(['finally'])
  expect([...dropped.ended, ...stopped.ended]).toEqual([])
})

test('an operation is answered once, a fiber starts once', () => {
  const { fiber, out, calculator } = run(
    (function* () {
      yield { op: 'wait' } as Op
      yield { op: 'wait' } as Op
    })(),
  )
  expect(() => fiber.start(out)).toThrow('starts once')
  const first = calculator.waiting[0]
  first?.resume(1, out)
  first?.resume(2, out)
  expect(fiber.state).toBe('done')
  first?.resume(3, out)
})

test('without anyone to tell, a failure is thrown', () => {
  const fiber = new Fiber<Op>(
    'test',
    (function* () {
      yield { op: 'refuse' } as Op
    })(),
    new Calculator(),
  )
  expect(() => fiber.start(new RecordingOut())).toThrow('refused')
})
