// A client whose requests go to all members in turn, as clientv3's do: who is asked next, who is left out and until when,
// what is asked again and after which pause; and what that means for a cluster of which one member is cut off.
import { describe, expect, test } from 'vitest'
import { MILLISECOND, SECOND, Streams } from '../kernel/index.ts'
import { RecordingOut } from '../kernel/testing.ts'
import { EtcdClient, type EtcdClientOptions } from './client.ts'
import * as errors from './errors.ts'
import type { EtcdResult, RequestMessage } from './messages.ts'
import type { EtcdRequest } from './requests.ts'
import { EtcdTrial, type Seen } from './testing.ts'

interface Asked {
  readonly to: number
  readonly id: number
  readonly request: EtcdRequest
}

function setUp(options: Partial<EtcdClientOptions> = {}) {
  const endpoints = [11, 12, 13]
  const client = new EtcdClient({
    endpoints,
    name: 'api-0',
    streams: new Streams(1),
    balance: 'round-robin',
    ...options,
  })
  const out = new RecordingOut()
  const replies: [tag: number, result: EtcdResult][] = []
  const receiver = { onEtcdReply: (tag: number, result: EtcdResult) => void replies.push([tag, result]) }
  const ask = (request: EtcdRequest, tag = 0) => client.call(request, receiver, tag, out)
  const put = (tag: number) => ask({ type: 'put', key: 'a', value: tag }, tag)
  const answer = ({ to, id }: Asked, result: EtcdResult) =>
    client.onMessage(to, { type: 'etcd-reply', id, result } as never, out)
  return { client, out, replies, ask, put, answer }
}

/** What was sent since the last look: dials have numbers below zero. */
function sent(out: RecordingOut): { requests: Asked[]; dials: Asked[] } {
  const all = out.take().map(({ to, message }): Asked => ({ to, ...(message as RequestMessage) }))
  return { requests: all.filter(({ id }) => id > 0), dials: all.filter(({ id }) => id < 0) }
}

const STATUS = { ok: true, value: { type: 'status' } } as unknown as EtcdResult

test('requests go to one member after the other, each client beginning somewhere', () => {
  const { out, put } = setUp()
  for (let tag = 0; tag < 6; tag++) put(tag)
  const to = sent(out).requests.map((asked) => asked.to)
  expect(new Set(to.slice(0, 3))).toEqual(new Set([11, 12, 13]))
  expect(to.slice(3)).toEqual(to.slice(0, 3))
  const first = Array.from({ length: 30 }, (_, i) => {
    const one = setUp({ name: `api-${i}` })
    one.put(0)
    return sent(one.out).requests[0]?.to
  })
  expect(new Set(first).size).toBe(3)
})

test('a member whose connection broke is dialled at once, then after longer and longer, and left out meanwhile', () => {
  const { client, out, put, answer, replies } = setUp()
  for (let tag = 0; tag < 3; tag++) put(tag)
  sent(out)
  client.onDisconnect(12, out)
  // Only what that member was asked is lost.
  expect(replies.map(([, result]) => result)).toEqual([errors.CONNECTION_LOST])
  const pauses: number[] = []
  for (let i = 0; i < 14; i++) {
    const { dials } = sent(out)
    expect(dials).toMatchObject([{ to: 12, request: { type: 'status' } }])
    client.onDisconnect(12, out)
    const from = out.now
    while (!out.streamed.some(({ message }) => message.type === 'etcd-request')) {
      if (!out.fireNext()) throw new Error('nobody dials any more')
    }
    pauses.push((out.now - from) / SECOND)
  }
  pauses.forEach((pause, i) => {
    const expected = Math.min(120, 1.6 ** i)
    expect(pause).toBeGreaterThanOrEqual(expected * 0.799)
    expect(pause).toBeLessThanOrEqual(expected * 1.201)
  })
  const [dial] = sent(out).dials as [Asked]
  for (let tag = 3; tag < 7; tag++) put(tag)
  expect(new Set(sent(out).requests.map(({ to }) => to))).toEqual(new Set([11, 13]))
  answer(dial, STATUS)
  for (let tag = 7; tag < 10; tag++) put(tag)
  expect(new Set(sent(out).requests.map(({ to }) => to))).toEqual(new Set([11, 12, 13]))
})

test('when no connection stands somebody is asked all the same', () => {
  const { client, out, put } = setUp()
  for (const member of [11, 12, 13]) client.onDisconnect(member, out)
  sent(out)
  for (let tag = 0; tag < 3; tag++) put(tag)
  expect(new Set(sent(out).requests.map(({ to }) => to))).toEqual(new Set([11, 12, 13]))
})

test('a read that is refused is asked elsewhere at once, after each majority with a pause, a hundred times at most', () => {
  const { out, replies, ask, answer } = setUp({ timeoutMicros: 100 * SECOND })
  ask({ type: 'range', key: 'a' })
  const to: number[] = []
  const pauses: number[] = []
  while (replies.length === 0) {
    const from = out.now
    let [asked] = sent(out).requests
    for (; asked === undefined; [asked] = sent(out).requests) out.fireNext()
    pauses.push(out.now - from)
    to.push(asked.to)
    answer(asked, errors.NO_LEADER)
  }
  expect(to).toHaveLength(100)
  expect(replies).toEqual([[0, errors.NO_LEADER]])
  // A member that answers badly stays in turn.
  for (let i = 3; i < to.length; i++) expect(to[i]).toBe(to[i - 3])
  pauses.forEach((pause, i) => {
    const isAfterMajority = i > 0 && i % 2 === 0
    expect(pause).toBeGreaterThanOrEqual(isAfterMajority ? 22.5 * MILLISECOND : 0)
    expect(pause).toBeLessThanOrEqual(isAfterMajority ? 27.5 * MILLISECOND : 0)
  })
})

test.each<[name: string, balance: 'pinned' | 'round-robin', result: EtcdResult, endpoints: number[], isAsked: boolean]>(
  [
    ['by a learner', 'round-robin', errors.LEARNER_REFUSES, [11, 12, 13], true],
    ['by a learner', 'pinned', errors.LEARNER_REFUSES, [11, 12, 13], true],
    ['by a learner that is the only one known', 'pinned', errors.LEARNER_REFUSES, [11], false],
    ['for want of a leader', 'round-robin', errors.NO_LEADER, [11, 12, 13], false],
    ['for want of a leader', 'pinned', errors.NO_LEADER, [11, 12, 13], false],
    ['because time ran out', 'round-robin', errors.WRITE_TIMED_OUT, [11, 12, 13], false],
  ],
)('a write refused %s (%s) is asked elsewhere', (_name, balance, result, endpoints, isAsked) => {
  const { out, put, answer, replies } = setUp({ balance, endpoints })
  put(0)
  const [asked] = sent(out).requests as [Asked]
  answer(asked, result)
  out.advance(1)
  const [again] = sent(out).requests
  expect(again !== undefined && again.to !== asked.to).toBe(isAsked)
  expect(replies).toEqual(isAsked ? [] : [[0, result]])
})

describe('one of three members is cut off from the others, not from its clients', () => {
  function cutOff(client: Partial<EtcdClientOptions>, before?: (trial: EtcdTrial) => void) {
    const trial = new EtcdTrial({ seed: 'turns', clients: 2, client })
    trial.elect()
    trial.must({ type: 'put', key: 'a', value: 1 })
    before?.(trial)
    trial.run(SECOND)
    const [alone, ...others] = trial.members as [number, ...number[]]
    const [inside, outside] = [new Set([alone]), new Set(others)]
    const drop = { kind: 'drop' } as const
    const rules = [
      trial.kernel.network.addRule({ id: 'in', from: outside, to: inside, verdict: drop }),
      trial.kernel.network.addRule({ id: 'out', from: inside, to: outside, verdict: drop }),
    ]
    // Whoever led is followed by another, and the one that is alone knows of none.
    trial.run(8 * SECOND)
    const heal = () => {
      for (const rule of rules) rule.remove()
    }
    return { trial, others, heal }
  }

  /** How long each of six requests took, and how it ended. */
  function asked(trial: EtcdTrial, request: EtcdRequest): { seconds: number; result: EtcdResult }[] {
    return Array.from({ length: 6 }, () => {
      const from = trial.kernel.now
      const result = trial.answer(request)
      return { seconds: (trial.kernel.now - from) / SECOND, result }
    })
  }

  test('in turn, every third write waits for its time-out and may have taken effect; the others are quick', () => {
    const { trial } = cutOff({ balance: 'round-robin', timeoutMicros: 60 * SECOND })
    const ends = asked(trial, { type: 'put', key: 'a', value: 2 })
    const failed = ends.filter(({ result }) => !result.ok)
    expect(failed).toHaveLength(2)
    for (const { seconds, result } of failed) {
      expect(seconds).toBeGreaterThan(6.9)
      expect(result).toMatchObject({ outcomeUnknown: true })
    }
    for (const { seconds, result } of ends) if (result.ok) expect(seconds).toBeLessThan(0.5)
  })

  test('in turn, every third write is refused at once where a leader is required, and has had no effect', () => {
    const { trial } = cutOff({ balance: 'round-robin', requireLeader: true })
    const ends = asked(trial, { type: 'put', key: 'a', value: 2 })
    const failed = ends.filter(({ result }) => !result.ok)
    expect(failed.map(({ result }) => result)).toEqual([errors.NO_LEADER, errors.NO_LEADER])
    for (const { seconds } of ends) expect(seconds).toBeLessThan(0.5)
  })

  test('in turn, all reads are answered, and where a leader is required none takes long', () => {
    const { trial } = cutOff({ balance: 'round-robin', requireLeader: true })
    for (const { seconds, result } of asked(trial, { type: 'range', key: 'a' })) {
      expect(result.ok).toBe(true)
      expect(seconds).toBeLessThan(0.5)
    }
  })

  test('a watch that requires a leader is ended; one that does not stays and hears nothing; both miss nothing', () => {
    const seen: Seen[] = []
    const { trial, others, heal } = cutOff({ endpoints: [1] }, (one) => {
      for (const requireLeader of [true, false])
        seen.push(one.watch({ key: 'a', requireLeader }, Number(requireLeader)))
    })
    expect(trial.view(0).watchCount).toBe(1)
    trial.answerFrom(others[0] as number, { type: 'put', key: 'a', value: 3 })
    trial.run(SECOND)
    expect(seen.map(({ events }) => events.length)).toEqual([0, 0])
    heal()
    trial.run(5 * SECOND)
    expect(seen.map(({ events }) => events.length)).toEqual([1, 1])
  })
})
