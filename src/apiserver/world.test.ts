/** API servers over real etcd members in the kernel: what one writes the other sees, whatever process crashes. */
import { expect, test } from 'vitest'
import { EtcdMember } from '../etcd/index.ts'
import { Kernel, type Machine, type Message, type Out, type ProcessId, SECOND } from '../kernel/index.ts'
import type { ApiReply, ApiRequest, ApiResponse, ApiWatchEvents, ObjectList, WatchEvent } from '../objects/index.ts'
import { podOf } from './scene.ts'
import { ApiServer } from './server.ts'

/** A client that sends what it is told and keeps what it gets. */
class Caller implements Machine {
  readonly replies: ApiResponse[] = []
  readonly events: WatchEvent[] = []
  lost = 0
  #id = 0

  onStart(): void {}

  onMessage(_from: ProcessId, message: Message): void {
    if (message.type === 'api-reply') this.replies.push((message as ApiReply).response)
    if (message.type === 'api-watch-events') this.events.push(...(message as ApiWatchEvents).events)
  }

  onDisconnect(): void {
    this.lost++
  }

  onTimer(): void {}

  send(server: ProcessId, request: ApiRequest, out: Out): void {
    this.#id++
    out.stream(server, { type: 'api-call', id: this.#id, user: 'caller', request } as Message)
  }
}

function world(seed: number) {
  const kernel = new Kernel({ seed })
  // The kernel counts processes from 1.
  const members: readonly ProcessId[] = [1, 2, 3]
  for (let i = 0; i < 3; i++) {
    kernel.addHost(`etcd-${i}`)
    expect(
      kernel.spawn(
        `etcd-${i}`,
        `etcd-${i}`,
        () => new EtcdMember({ name: `etcd-${i}`, index: i, members, streams: kernel.streams }),
      ),
    ).toBe(members[i])
  }
  const servers: ProcessId[] = []
  for (let i = 0; i < 2; i++) {
    kernel.addHost(`control-${i}`)
    servers.push(
      kernel.spawn(
        `control-${i}`,
        `apiserver-${i}`,
        () => new ApiServer({ name: `apiserver-${i}`, etcd: members, streams: kernel.streams }),
      ),
    )
  }
  kernel.addHost('outside')
  const caller = kernel.spawn('outside', 'caller', () => new Caller())
  const me = () => kernel.machineOf(caller) as Caller
  const server = (i: number) => kernel.machineOf(servers[i] as ProcessId) as ApiServer
  const ask = (i: number, request: ApiRequest) =>
    kernel.enter(caller, (machine, out) => (machine as Caller).send(servers[i] as ProcessId, request, out))
  const runFor = (seconds: number) => kernel.run({ until: kernel.now + seconds * SECOND })
  return { kernel, members, servers, server, me, ask, runFor }
}

test('two servers, three members: writes, watches, a lost leader, a lost server', () => {
  const { kernel, members, servers, server, me, ask, runFor } = world(5)
  runFor(5)
  expect([server(0).caches.pods.phase, server(1).caches.namespaces.size]).toEqual(['ready', 4])
  ask(1, { verb: 'watch', resource: 'pods', namespace: 'default', resourceVersion: '0' })
  const names = Array.from({ length: 10 }, (_, i) => `pod-${i}`)
  for (const name of names.slice(0, 5))
    ask(0, { verb: 'create', resource: 'pods', namespace: 'default', object: podOf(name) })
  runFor(1)
  expect(me().replies.map(({ code }) => code)).toEqual([200, 201, 201, 201, 201, 201])
  expect(me().events).toHaveLength(5)
  const leader = members.find((id) => (kernel.machineOf(id) as EtcdMember).view().role === 'leader') as ProcessId
  kernel.crash(leader)
  runFor(5)
  for (const name of names.slice(5))
    ask(0, { verb: 'create', resource: 'pods', namespace: 'default', object: podOf(name) })
  runFor(5)
  kernel.restart(leader)
  kernel.crash(servers[0] as ProcessId)
  runFor(1)
  kernel.restart(servers[0] as ProcessId)
  runFor(5)
  expect(me().lost).toBe(1)
  const created = me().events.map((event) => (event.type === 'ERROR' ? '' : event.object.metadata.name))
  expect(created.sort()).toEqual(names)
  expect(server(0).caches.pods.size).toBe(10)
  ask(0, { verb: 'list', resource: 'pods', namespace: 'default' })
  runFor(1)
  expect((me().replies.at(-1)?.body as ObjectList).items.map((item) => item.metadata.name)).toEqual(names)
})

test('a version of another resource is waited for through progress requests', () => {
  const { server, me, ask, runFor } = world(6)
  runFor(5)
  for (let i = 0; i < 3; i++) {
    ask(0, {
      verb: 'create',
      resource: 'configmaps',
      namespace: 'default',
      object: { metadata: { name: `c${i}` }, data: {} },
    })
  }
  runFor(1)
  const version = String(server(0).cacheRevision('configmaps'))
  expect(server(1).cacheRevision('pods')).toBeLessThan(Number(version))
  ask(1, { verb: 'list', resource: 'pods', resourceVersion: version, resourceVersionMatch: 'NotOlderThan' })
  runFor(1)
  expect(me().replies.at(-1)?.code).toBe(200)
})

test('a run is the same twice', () => {
  const prints = [0, 1].map(() => {
    const { kernel, ask, runFor } = world(7)
    runFor(3)
    for (let i = 0; i < 5; i++)
      ask(i % 2, {
        verb: 'create',
        resource: 'pods',
        namespace: 'default',
        object: podOf('', {}, { generateName: 'p-' }),
      })
    runFor(3)
    return kernel.fingerprint()
  })
  expect(prints[0]).toBe(prints[1])
})
