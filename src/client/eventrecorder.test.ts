/** What is told once, counted up, combined, kept back, tried again or dropped, as client-go's tools/record has it. */
import { expect, test } from 'vitest'
import { Streams } from '../kernel/random.ts'
import { RecordingOut } from '../kernel/testing.ts'
import { MINUTE, SECOND } from '../kernel/time.ts'
import type { ApiCall, ApiRequest, CoreEvent, Pod } from '../objects/index.ts'
import { ApiClient } from './apiclient.ts'
import { EventRecorder } from './eventrecorder.ts'

const SERVER = 9

const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'shop', uid: 'u1' },
  spec: { containers: [] },
} as unknown as Pod

/** A recorder whose requests the test answers. */
function scene() {
  const out = new RecordingOut()
  const client = new ApiClient({ servers: [SERVER], user: 'me', name: 'me', streams: new Streams('events') })
  const recorder = new EventRecorder(client, { component: 'me', qps: 1_000, burst: 1_000 })
  const requests: ApiRequest[] = []
  const pump = (code: number) => {
    for (let sent = out.take(); sent.length > 0; sent = out.take()) {
      for (const { message } of sent) {
        if (message.type !== 'api-call') continue
        const { id, request } = message as ApiCall
        requests.push(request)
        client.onMessage(SERVER, { type: 'api-reply', id, response: { code, body: POD } } as never, out)
      }
    }
  }
  const tell = (message: string, code = 201, about = POD) => {
    recorder.record(about, 'Normal', 'Noise', message, out)
    pump(code)
  }
  /** What was created and what was counted up. */
  const made = () => requests.flatMap((request) => (request.verb === 'create' ? [request.object as CoreEvent] : []))
  const counted = () => requests.flatMap((request) => (request.verb === 'patch' ? [request] : []))
  return { out, client, recorder, requests, tell, pump, made, counted }
}

test('the same thing told again is one event that counts up', () => {
  const { out, tell, made, counted } = scene()
  tell('a')
  out.advance(5 * SECOND)
  tell('a')
  tell('a')
  expect(made()).toMatchObject([
    { count: 1, message: 'a', involvedObject: { kind: 'Pod', name: 'web', namespace: 'shop', uid: 'u1' } },
  ])
  const name = made()[0]?.metadata.name
  expect(name).toMatch(/^web\.[0-9a-f]+$/)
  expect(counted()).toMatchObject([
    { name, namespace: 'shop', patch: { count: 2 } },
    { name, patch: { count: 3 } },
  ])
})

test('two different things of one moment have two names', () => {
  const { tell, made } = scene()
  tell('a')
  tell('b')
  expect(new Set(made().map(({ metadata }) => metadata.name)).size).toBe(2)
})

test('from the tenth different message of a kind on they are combined, until ten minutes were quiet', () => {
  const { out, tell, made, counted } = scene()
  for (let i = 1; i <= 12; i++) tell(`message ${i}`)
  expect(made().map(({ message }) => message)).toEqual([
    ...Array.from({ length: 9 }, (_, i) => `message ${i + 1}`),
    '(combined from similar events): message 10',
  ])
  expect(counted().map(({ patch }) => patch)).toMatchObject([
    { count: 2, message: '(combined from similar events): message 11' },
    { count: 3, message: '(combined from similar events): message 12' },
  ])
  out.advance(10 * MINUTE + SECOND)
  tell('message 13')
  expect(made().at(-1)?.message).toBe('message 13')
})

test('a source may tell 25 things about an object at once and one in five minutes, but it goes on counting', () => {
  const { out, tell, requests } = scene()
  for (let i = 0; i < 40; i++) tell('a')
  expect(requests.length).toBe(25)
  tell('a', 201, { ...POD, metadata: { ...POD.metadata, name: 'other', uid: 'u2' } })
  expect(requests.length).toBe(26)
  out.advance(4 * MINUTE)
  tell('a')
  expect(requests.length).toBe(26)
  out.advance(MINUTE + SECOND)
  tell('a')
  expect(requests.at(-1)).toMatchObject({ verb: 'patch', patch: { count: 42 } })
})

test('an event that is not there any more is made anew with its count', () => {
  const { tell, requests } = scene()
  tell('a')
  tell('a', 404)
  expect(requests.slice(1)).toMatchObject([{ verb: 'patch' }, { verb: 'create', object: { count: 2 } }])
})

test('what is refused is dropped, what gets no answer is tried twelve times and holds up the rest', () => {
  const { out, client, recorder, tell, requests, pump } = scene()
  tell('refused', 403)
  expect(recorder.waiting).toBe(0)
  recorder.record(POD, 'Normal', 'Noise', 'a', out)
  recorder.record(POD, 'Normal', 'Noise', 'b', out)
  let tries = 0
  for (let i = 0; i < 400 && recorder.waiting === 2; i++) {
    const sent = out.take().filter(({ message }) => message.type === 'api-call').length
    tries += sent
    if (sent > 0) client.onDisconnect(SERVER, out)
    out.advance(SECOND)
  }
  expect(tries).toBe(12)
  expect(recorder.waiting).toBe(1)
  out.advance(MINUTE)
  pump(201)
  expect(requests.at(-1)).toMatchObject({ object: { message: 'b' } })
})

test('beyond a thousand that wait, new ones are lost; who stops tells nothing more', () => {
  const { out, recorder } = scene()
  for (let i = 0; i < 1_200; i++) recorder.record(POD, 'Normal', 'Noise', `${i}`, out)
  expect(recorder.waiting).toBe(1_000)
  recorder.stop()
  expect(recorder.waiting).toBe(0)
})
