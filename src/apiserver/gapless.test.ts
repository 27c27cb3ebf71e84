/**
 * Properties: whatever is written and whatever breaks, a list and the events after it are the store; nothing goes back in time on one server; what has a
 * finalizer is never removed. Clients here are the simplest that could work: a mirror that lists, watches, and lists again after an end.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SECOND } from '../kernel/time.ts'
import type { ApiRequest, KubeObject, ObjectList } from '../objects/index.ts'
import type { ApiServerDecisions } from './decisions.ts'
import { podOf, Stage } from './scene.ts'

const pods = { resource: 'pods', namespace: 'default' } as const
const NAMES = ['a', 'b', 'c']
const FINALIZER = 'example.com/hold'

type Step =
  | {
      readonly do: 'create' | 'touch' | 'flip' | 'delete' | 'pin' | 'unpin'
      readonly name: string
      readonly server: number
    }
  | { readonly do: 'hold' | 'release' | 'break' | 'close'; readonly server: number }
  | { readonly do: 'compact' | 'wait' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'create' as const,
        'touch' as const,
        'flip' as const,
        'delete' as const,
        'pin' as const,
        'unpin' as const,
      ),
      name: fc.constantFrom(...NAMES),
      server: fc.nat({ max: 1 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('hold' as const, 'release' as const, 'break' as const, 'close' as const),
      server: fc.nat({ max: 1 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('compact' as const, 'wait' as const) }) },
)

/** A client that keeps a copy of what it selects, from one server. */
class Mirror {
  readonly copy = new Map<string, string>()
  readonly #stage: Stage
  readonly #server: number
  readonly #selector: Partial<ApiRequest>
  #watch = 0
  #revision = '0'

  constructor(stage: Stage, server: number, selector: Partial<ApiRequest>) {
    this.#stage = stage
    this.#server = server
    this.#selector = selector
  }

  list(): void {
    const body = this.#stage.ask({ verb: 'list', ...pods, ...this.#selector } as ApiRequest, this.#server)
      .body as ObjectList
    this.copy.clear()
    for (const item of body.items) this.copy.set(item.metadata.name, item.metadata.resourceVersion as string)
    this.#revision = body.metadata.resourceVersion
    this.watch()
  }

  watch(): void {
    const request = {
      verb: 'watch',
      ...pods,
      ...this.#selector,
      resourceVersion: this.#revision,
      allowWatchBookmarks: true,
    }
    this.#watch = this.#stage.send(request as ApiRequest, this.#server)
  }

  /** Takes in what came; goes on after an end, lists again after a 410 or a refusal. */
  drain(): void {
    for (let round = 0; round < 5; round++) {
      const refused = (this.#stage.answer(this.#watch)?.code ?? 200) >= 400
      let gone = refused
      for (const event of this.#stage.events(this.#watch)) {
        if (event.type === 'ERROR') {
          gone = true
          continue
        }
        const { name, resourceVersion } = event.object.metadata
        expect(Number(resourceVersion)).toBeGreaterThan(Number(this.#revision))
        this.#revision = resourceVersion as string
        if (event.type === 'DELETED') expect(this.copy.delete(name)).toBe(true)
        else if (event.type !== 'BOOKMARK') {
          expect(this.copy.has(name)).toBe(event.type === 'MODIFIED')
          this.copy.set(name, resourceVersion as string)
        }
      }
      if (gone) this.list()
      else if (this.#stage.hasEnded(this.#watch)) {
        this.#stage.out.streamed = this.#stage.out.streamed.filter(
          ({ message }) => (message as unknown as { id: number }).id !== this.#watch,
        )
        this.watch()
      } else return
    }
  }
}

function carryOut(stage: Stage, action: Step): void {
  const { out } = stage
  if ('name' in action) {
    const { name, server } = action
    const patch = (body: unknown) => void stage.ask({ verb: 'patch', ...pods, name, patch: body }, server)
    out.now += 1
    switch (action.do) {
      case 'create':
        stage.ask({ verb: 'create', ...pods, object: podOf(name) }, server)
        return
      case 'touch':
        patch({ metadata: { annotations: { at: String(out.now) } } })
        return
      case 'flip': {
        const app = stage.getPod(name)?.metadata.labels?.app === 'web' ? 'db' : 'web'
        patch({ metadata: { labels: { app } } })
        return
      }
      case 'pin':
        patch({ metadata: { finalizers: [FINALIZER] } })
        return
      case 'unpin':
        patch({ metadata: { finalizers: null } })
        return
      case 'delete':
        stage.ask({ verb: 'delete', ...pods, name, options: { propagationPolicy: 'Background' } }, server)
        return
    }
  }
  const server = 'server' in action ? stage.servers[action.server] : stage.servers[0]
  switch (action.do) {
    case 'hold':
      server?.holdCache('all', out)
      return
    case 'release':
      server?.releaseCache('all', out)
      return
    case 'break':
      server?.breakCache('pods', out)
      return
    case 'close':
      server?.closeWatches('pods', out)
      return
    case 'compact':
      server?.compactNow(out)
      return
    case 'wait':
      out.advance(2 * SECOND)
      return
  }
}

/** The names and versions in the store, of pods with that label when given. */
function truth(stage: Stage, app?: string): Record<string, string> {
  const { values } = stage.etcd.range({ key: '/registry/pods/', rangeEnd: '/registry/pods0' })
  const selected = values.filter(({ value }) => app === undefined || (value as KubeObject).metadata.labels?.app === app)
  return Object.fromEntries(
    selected.map(({ value, modRevision }) => [(value as KubeObject).metadata.name, String(modRevision)]),
  )
}

function play(steps: readonly Step[], decisions: Partial<ApiServerDecisions> = {}): void {
  const stage = new Stage(2, { watchCacheCapacity: 4, decisions })
  const mirrors = [0, 1].flatMap((server) => [
    new Mirror(stage, server, {}),
    new Mirror(stage, server, { labelSelector: 'app=web' } as Partial<ApiRequest>),
  ])
  for (const mirror of mirrors) mirror.list()
  const newest = [0, 0]
  for (const action of steps) {
    const pinned = new Set(
      NAMES.filter((name) => stage.getPod(name)?.metadata.finalizers?.includes(FINALIZER) === true),
    )
    carryOut(stage, action)
    for (const name of pinned) {
      if (action.do !== 'unpin') expect(stage.getPod(name), `${name} has a finalizer`).toBeDefined()
    }
    for (const [i, server] of stage.servers.entries()) {
      const revision = server.cacheRevision('pods')
      expect(revision).toBeGreaterThanOrEqual(newest[i] as number)
      newest[i] = revision
    }
    for (const mirror of mirrors) mirror.drain()
  }
  for (const server of stage.servers) server.releaseCache('all', stage.out)
  stage.out.advance(3 * SECOND)
  for (const mirror of mirrors) mirror.drain()
  for (const [i, mirror] of mirrors.entries()) {
    expect(Object.fromEntries([...mirror.copy].sort())).toEqual(truth(stage, i % 2 === 1 ? 'web' : undefined))
  }
}

test('list and watch are the store, whatever breaks', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => play(steps)),
    { seed: 7, numRuns: 300 },
  )
})

test.each<[string, Partial<ApiServerDecisions>]>([
  [
    'watchcache-reinit-orphans-watch',
    { mayRegisterWatchWhileBroken: () => true, closesWatchers: (moment) => moment === 'broken' },
  ],
  [
    'watchcache-empty-history-off-by-one',
    { oldestServableRevision: (ring) => (ring.size === 0 ? ring.listRevision - 1 : ring.listRevision + 1) },
  ],
  ['apiserver-stale-finalizer-bypass', { removalGuard: () => undefined }],
])('the property sees %s', (_name, decisions) => {
  const details = fc.check(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => play(steps, decisions)),
    { seed: 7, numRuns: 2000 },
  )
  expect(details.failed).toBe(true)
})
