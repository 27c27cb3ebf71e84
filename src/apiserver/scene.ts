/** A small stage for table tests: API servers on one fake etcd, clients that are numbers, answers as values. Nothing here is used in a trial. */
import { invariant } from '../kernel/invariant.ts'
import type { Message, ProcessId } from '../kernel/machine.ts'
import { Streams } from '../kernel/random.ts'
import { RecordingOut } from '../kernel/testing.ts'
import type {
  ApiReply,
  ApiRequest,
  ApiResponse,
  ApiWatchEvents,
  KubeObject,
  ObjectList,
  Pod,
  Status,
  WatchEvent,
} from '../objects/index.ts'
import type { ApiServerOptions } from './options.ts'
import { ApiServer } from './server.ts'
import { type FakeConnection, FakeEtcd } from './testing.ts'

export class Stage {
  readonly out = new RecordingOut()
  readonly etcd = new FakeEtcd()
  readonly servers: ApiServer[] = []
  readonly connections: FakeConnection[] = []
  readonly client: ProcessId = 100
  #lastId = 0

  constructor(servers = 1, options: Partial<ApiServerOptions> = {}) {
    for (let i = 0; i < servers; i++) this.addServer(options)
    this.out.clear()
  }

  /** One more server on the same etcd, which it cannot reach at first when `isParked`. */
  addServer(options: Partial<ApiServerOptions> = {}, isParked = false): ApiServer {
    const connection = this.etcd.connect()
    connection.isParked = isParked
    const name = `apiserver-${this.servers.length}`
    const server = new ApiServer({ name, etcd: [], streams: new Streams(1), ...options }, connection)
    this.servers.push(server)
    this.connections.push(connection)
    server.onStart(this.out)
    return server
  }

  /** Sends a request and gives its id; the answer may come later. */
  send(request: ApiRequest, server = 0, client = this.client): number {
    const id = ++this.#lastId
    this.#server(server).onMessage(client, { type: 'api-call', id, user: 'test', request } as Message, this.out)
    return id
  }

  /** The answer to a request that was sent, once. */
  answer(id: number): ApiResponse | undefined {
    const index = this.out.streamed.findIndex(
      ({ message }) => message.type === 'api-reply' && (message as ApiReply).id === id,
    )
    if (index < 0) return undefined
    return (this.out.streamed.splice(index, 1)[0]?.message as ApiReply).response
  }

  /** Sends a request that is answered at once. */
  ask(request: ApiRequest, server = 0): ApiResponse {
    const response = this.answer(this.send(request, server))
    invariant(response !== undefined, 'apiserver test: the call is answered at once', request)
    return response
  }

  /** As `ask`, for the object of a 200 or 201. */
  object<T extends KubeObject = KubeObject>(request: ApiRequest, server = 0): T {
    const { code, body } = this.ask(request, server)
    invariant(code < 300, 'apiserver test: the call succeeds', body)
    return body as T
  }

  items(request: ApiRequest, server = 0): readonly KubeObject[] {
    return (this.ask(request, server).body as ObjectList).items
  }

  /** `409 Conflict: message` of a refusal. */
  refusal(request: ApiRequest, server = 0): string {
    const { code, body } = this.ask(request, server)
    const { reason, message } = body as Status
    return `${code} ${reason}: ${message}`
  }

  /** The events that a watch has received since the last look. */
  events(id: number): WatchEvent[] {
    const events: WatchEvent[] = []
    this.out.streamed = this.out.streamed.filter(({ message }) => {
      if (message.type !== 'api-watch-events' || (message as ApiWatchEvents).id !== id) return true
      events.push(...(message as ApiWatchEvents).events)
      return false
    })
    return events
  }

  /** `ADDED web 12` and the like. */
  lines(id: number): string[] {
    return this.events(id).map((event) => {
      if (event.type === 'ERROR') return `ERROR ${event.object.code}`
      const { name, resourceVersion } = event.object.metadata
      return `${event.type} ${name} ${resourceVersion}`.replace('  ', ' ')
    })
  }

  hasEnded(id: number): boolean {
    return this.out.streamed.some(({ message }) => message.type === 'api-watch-end' && (message as ApiReply).id === id)
  }

  createPod(name: string, spec: Partial<Pod['spec']> = {}, metadata: Partial<Pod['metadata']> = {}, server = 0): Pod {
    return this.object<Pod>(
      { verb: 'create', resource: 'pods', namespace: 'default', object: podOf(name, spec, metadata) },
      server,
    )
  }

  getPod(name: string, server = 0): Pod | undefined {
    const { code, body } = this.ask({ verb: 'get', resource: 'pods', namespace: 'default', name }, server)
    return code === 200 ? (body as Pod) : undefined
  }

  #server(index: number): ApiServer {
    return this.servers[index] as ApiServer
  }
}

export function podOf(name: string, spec: Partial<Pod['spec']> = {}, metadata: Partial<Pod['metadata']> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: 'web' }, ...metadata },
    spec: { containers: [{ name: 'web', image: 'web:1' }], ...spec },
  }
}
