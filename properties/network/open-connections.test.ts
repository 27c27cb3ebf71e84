/** When a cut connection is held against a node, told as histories of what its proxy installed and what became of the connection. */
import { expect, test } from 'vitest'
import type { Micros } from '../../src/kernel/index.ts'
import type { Violation } from '../../src/trial/registry.ts'
import { ToldCluster } from '../testing.ts'
import { openConnectionsAreKept } from './open-connections.ts'

const ADDRESS = '10.244.1.5'

/** One client, its connection to the only pod of a service, and the node that translates it. */
class History {
  readonly #plans = new Map<string, unknown>()
  readonly #told = new ToldCluster({ networkOf: () => ({ plans: this.#plans }) })
  readonly failures: Violation[] = []
  #openedAt: Micros = 0

  constructor() {
    openConnectionsAreKept.monitor(this.#told.cluster, {
      reached: () => {},
      seen: () => {},
      fail: (violation) => this.failures.push(violation),
    })
    this.pod({}).install(80)
  }

  pod(metadata: object): this {
    return this.#tell('pods', { current: { metadata, status: { podIP: ADDRESS } } })
  }

  podGone(): this {
    return this.#tell('pods', { previous: { metadata: {}, status: { podIP: ADDRESS } } })
  }

  /** The proxy's sync leaves the service with this port, or without one no service at all. */
  install(port?: number, full = false): this {
    if (port === undefined) this.#plans.delete('default/web')
    else this.#plans.set('default/web', { service: { spec: { clusterIP: '10.96.0.7', ports: [{ port }] } } })
    return this.#tell('proxy-synced', { node: 'node-0', changed: full ? [] : ['default/web'], full })
  }

  open(): this {
    this.#openedAt = this.#told.now + 1
    return this.#tell('request-finished', { opened: true, backend: `${ADDRESS}:8080` })
  }

  power(): this {
    return this.#tell('host-crashed', { host: 'node-0' })
  }

  cut(): this {
    const service = { namespace: 'default', service: 'web', node: 'node-0', backend: `${ADDRESS}:8080` }
    return this.#tell('connection-cut', { client: 'c1', ...service, openedAt: this.#openedAt, how: 'reset' })
  }

  #tell(what: string, fact: unknown): this {
    this.#told.tell(what, fact)
    return this
  }
}

const LEAVING = { deletionTimestamp: '2026-01-01T00:00:00Z' }

test.each([
  ['its pod runs and nothing is new', new History().open().cut(), 1],
  ['its pod is leaving, which the proxy has been told', new History().open().pod(LEAVING).install(80).cut(), 1],
  ['its pod is gone', new History().open().podGone().cut(), 0],
  ['the proxy has been told that the service is gone', new History().open().install().cut(), 0],
  ['a full sync takes the service away', new History().open().install(undefined, true).cut(), 0],
  ['a full sync leaves it', new History().open().install(80, true).cut(), 1],
  ['the service has another port now', new History().open().install(81).cut(), 0],
  ['it had another port before the connection was opened', new History().install(81).open().cut(), 1],
  ['the node lost power', new History().open().power().cut(), 0],
  ['the node lost power before', new History().power().open().cut(), 1],
])('%s', (_story, history, failures) => {
  expect(history.failures).toHaveLength(failures)
})
