/**
 * A real etcd of this machine, started on free ports with a folder of its own, and asked through its JSON gateway in the
 * words of a rehearsal (src/etcd/rehearsal.ts): revisions are shifted so that each sequence seems to begin at the same one.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { WatchRequest } from '../src/etcd/clientwatch.ts'
import {
  BASE_REVISION,
  CRASHED,
  lengthOf,
  type Observation,
  observeFailure,
  type SeenValue,
} from '../src/etcd/rehearsal.ts'
import type { Compare, EtcdRequest, Operation, RangeOrder } from '../src/etcd/requests.ts'

type Json = { readonly [name: string]: unknown }

const TARGETS = {
  key: 'KEY',
  version: 'VERSION',
  'create-revision': 'CREATE',
  'mod-revision': 'MOD',
  value: 'VALUE',
  lease: 'LEASE',
}
const RESULTS = { equal: 'EQUAL', 'not-equal': 'NOT_EQUAL', greater: 'GREATER', less: 'LESS' }
const ALARMS = { 'no-space': 'NOSPACE', corrupt: 'CORRUPT', any: 'NONE' }

/** The version installed, undefined when there is none. */
export function installedVersion(): string | undefined {
  const { status, stdout } = spawnSync('etcd', ['--version'], { encoding: 'utf8' })
  return status === 0 ? /etcd Version: (\S+)/.exec(stdout)?.[1] : undefined
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** One stream of watches, read in the background. */
export class RealStream {
  readonly events: Observation[][]
  readonly ended: (string | number | undefined)[]
  readonly #abort = new AbortController()
  #created = 0

  constructor(watches: number) {
    this.events = Array.from({ length: watches }, () => [])
    this.ended = Array.from({ length: watches }, () => undefined)
  }

  async open(url: string, body: string, toScript: (revision: unknown) => number): Promise<void> {
    const response = await fetch(url, { method: 'POST', body, signal: this.#abort.signal })
    this.#read(response, toScript).catch(() => {
      // The stream has ended, with this process's side of it or the server's: what is missing will be seen.
    })
    for (let i = 0; i < 2_000 && this.#created < this.events.length; i++) await pause(1)
    if (this.#created < this.events.length) throw new Error(`${url}: only ${this.#created} watches were created`)
  }

  close(): void {
    this.#abort.abort()
  }

  async #read(response: Response, toScript: (revision: unknown) => number): Promise<void> {
    const decoder = new TextDecoder()
    let text = ''
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true })
      const lines = text.split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) if (line !== '') this.#take((JSON.parse(line) as { result: Json }).result, toScript)
    }
  }

  #take(result: Json, toScript: (revision: unknown) => number): void {
    // A watch that is refused has no number: its answer comes at its turn.
    const at = result.created === true ? this.#created++ : Number(result.watch_id ?? 0) - 1
    if (result.canceled === true) {
      this.ended[at] =
        result.compact_revision === undefined ? String(result.cancel_reason) : toScript(result.compact_revision)
    }
    for (const event of (result.events ?? []) as Json[]) {
      this.events[at]?.push({
        type: event.type === 'DELETE' ? 'delete' : 'put',
        kv: seenValue(event.kv as Json, toScript),
        previous: event.prev_kv === undefined ? undefined : seenValue(event.prev_kv as Json, toScript),
      })
    }
  }
}

export class RealEtcd {
  #folder = ''
  #process: ChildProcess | undefined
  #url = ''
  /** Real revisions are this much above those of the sequence. */
  #shift = 0
  readonly #toScript = (revision: unknown): number => (revision === undefined ? 0 : Number(revision) - this.#shift)

  async start(): Promise<void> {
    this.#folder = mkdtempSync(join(tmpdir(), 'seatrial-etcd-'))
    const [client, peer] = [await freePort(), await freePort()]
    this.#url = `http://127.0.0.1:${client}/v3`
    const peerUrl = `http://127.0.0.1:${peer}`
    const clientUrl = `http://127.0.0.1:${client}`
    const options = {
      name: 'oracle',
      'data-dir': this.#folder,
      'listen-client-urls': clientUrl,
      'advertise-client-urls': clientUrl,
      'listen-peer-urls': peerUrl,
      'initial-advertise-peer-urls': peerUrl,
      'initial-cluster': `oracle=${peerUrl}`,
    }
    const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])
    this.#process = spawn('etcd', [...flags, '--unsafe-no-fsync', '--logger', 'zap', '--log-level', 'error'], {
      stdio: 'ignore',
    })
    for (let i = 0; i < 200; i++) {
      await pause(50)
      const health = await fetch(`${clientUrl}/health`).catch(() => undefined)
      if (health?.ok === true && ((await health.json()) as Json).health === 'true') return
    }
    throw new Error('etcd does not become healthy')
  }

  stop(): void {
    this.#process?.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Makes it as if nothing had ever been: no key, lease or alarm, no history. */
  async begin(): Promise<void> {
    for (const alarm of ((await this.#call('maintenance/alarm', { action: 'GET' })).alarms ?? []) as Json[]) {
      await this.#call('maintenance/alarm', { action: 'DEACTIVATE', ...alarm })
    }
    for (const lease of ((await this.#call('lease/leases', {})).leases ?? []) as Json[]) {
      await this.#call('lease/revoke', lease)
    }
    await this.#call('kv/put', { key: base64('x'), value: base64('x') })
    const { header } = await this.#call('kv/deleterange', { key: base64('\0'), range_end: base64('\0') })
    const revision = Number((header as Json).revision)
    await this.#call('kv/compaction', { revision, physical: true })
    this.#shift = revision - BASE_REVISION
  }

  async watch(requests: readonly WatchRequest[]): Promise<RealStream> {
    const stream = new RealStream(requests.length)
    const bodies = requests.map((request, at) => ({
      create_request: {
        watch_id: at + 1,
        key: base64(request.key),
        range_end: request.rangeEnd === undefined ? undefined : base64(request.rangeEnd),
        start_revision: this.#toReal(request.startRevision ?? 0),
        prev_kv: request.previousValue,
        fragment: request.fragments,
        filters: [
          ...(request.unwanted === 'puts' || request.unwanted === 'all' ? ['NOPUT'] : []),
          ...(request.unwanted === 'deletes' || request.unwanted === 'all' ? ['NODELETE'] : []),
        ],
      },
    }))
    await stream.open(`${this.#url}/watch`, bodies.map((body) => JSON.stringify(body)).join('\n'), this.#toScript)
    return stream
  }

  /** Asks, and says so if that was the end of it. */
  async ask(request: EtcdRequest): Promise<Observation> {
    try {
      return await this.#ask(request)
    } catch (error) {
      await pause(50)
      if (this.#process?.exitCode === null) throw error
      return CRASHED
    }
  }

  async #ask(request: EtcdRequest): Promise<Observation> {
    switch (request.type) {
      case 'range':
      case 'put':
      case 'delete':
      case 'txn': {
        const path = { range: 'range', put: 'put', delete: 'deleterange', txn: 'txn' }[request.type]
        return this.#observed(`kv/${path}`, this.#operation(request), (answer) => this.#outcome(request, answer))
      }
      case 'compact': {
        // Always waited for: what is not yet gone from the disk is still shown to a watch from the compacted revision.
        const body = { revision: this.#toReal(request.revision), physical: true }
        return this.#observed('kv/compaction', body, () => ({}))
      }
      case 'lease-grant': {
        const body = { ID: request.lease, TTL: request.ttlSeconds }
        return this.#observed('lease/grant', body, ({ ID, TTL }) => ({ lease: Number(ID), ttl: Number(TTL) }))
      }
      case 'lease-revoke':
        return this.#observed('lease/revoke', { ID: request.lease }, () => ({}))
      case 'lease-keep-alive': {
        const { result } = await this.#call('lease/keepalive', { ID: request.lease })
        return { lease: request.lease, ttl: Number((result as Json).TTL ?? 0) }
      }
      case 'lease-time-to-live':
        return this.#observed('lease/timetolive', { ID: request.lease, keys: request.keys }, (answer) => ({
          lease: Number(answer.ID),
          alive: Number(answer.TTL ?? 0) >= 0,
          granted: Number(answer.grantedTTL ?? 0),
          keys: ((answer.keys ?? []) as string[]).map(text).sort(),
        }))
      case 'lease-list':
        return this.#observed('lease/leases', {}, (answer) => ({
          leases: ((answer.leases ?? []) as Json[]).map(({ ID }) => Number(ID)).sort((left, right) => left - right),
        }))
      case 'alarm': {
        const { action, member, alarm } = request
        const body = { action: action.toUpperCase(), memberID: member, alarm: ALARMS[alarm] }
        return this.#observed('maintenance/alarm', body, ({ alarms }) => ({ alarms: alarmsOf(alarms) }))
      }
      default:
        throw new Error(`the oracle does not ask ${request.type}`)
    }
  }

  async #call(path: string, body: Json): Promise<Json> {
    const response = await fetch(`${this.#url}/${path}`, { method: 'POST', body: JSON.stringify(body) })
    return (await response.json()) as Json
  }

  async #observed(path: string, body: Json, shape: (answer: Json) => Observation): Promise<Observation> {
    const answer = await this.#call(path, body)
    if (answer.error !== undefined) {
      return observeFailure({ code: Number(answer.code), message: String(answer.message) })
    }
    const header = answer.header as Json | undefined
    return header === undefined ? shape(answer) : { revision: this.#toScript(header.revision), ...shape(answer) }
  }

  #toReal(revision: number): number {
    return revision > 0 ? revision + this.#shift : 0
  }

  #operation(operation: Operation): Json {
    switch (operation.type) {
      case 'range':
        return {
          ...keysOf(operation),
          revision: this.#toReal(operation.revision ?? 0),
          limit: operation.limit,
          count_only: operation.countOnly,
          keys_only: operation.keysOnly,
          serializable: operation.serializable,
          ...this.#order(operation.order ?? {}),
        }
      case 'put': {
        const { lease, previousValue, keeps } = operation
        const value = String(operation.value ?? '')
        return {
          key: base64(operation.key),
          value: base64(value.startsWith('~') ? 'x'.repeat(lengthOf(value)) : value),
          lease,
          prev_kv: previousValue,
          ignore_value: keeps === 'value' || keeps === 'value-and-lease',
          ignore_lease: keeps === 'lease' || keeps === 'value-and-lease',
        }
      }
      case 'delete':
        return { ...keysOf(operation), prev_kv: operation.previousValue }
      case 'txn':
        return {
          compare: operation.compare.map((compare) => this.#compare(compare)),
          success: operation.success.map((inner) => this.#nested(inner)),
          failure: operation.failure.map((inner) => this.#nested(inner)),
        }
    }
  }

  #nested(operation: Operation): Json {
    const name = { range: 'request_range', put: 'request_put', delete: 'request_delete_range', txn: 'request_txn' }
    return { [name[operation.type]]: this.#operation(operation) }
  }

  #order({ sort, target, ...bounds }: RangeOrder): Json {
    return {
      sort_order: sort === undefined ? undefined : sort === 'ascending' ? 'ASCEND' : 'DESCEND',
      sort_target: target === undefined ? undefined : TARGETS[target],
      min_mod_revision: this.#toReal(bounds.minModRevision ?? 0),
      max_mod_revision: this.#toReal(bounds.maxModRevision ?? 0),
      min_create_revision: this.#toReal(bounds.minCreateRevision ?? 0),
      max_create_revision: this.#toReal(bounds.maxCreateRevision ?? 0),
    }
  }

  #compare(compare: Compare): Json {
    const common = { ...keysOf(compare), target: TARGETS[compare.target], result: RESULTS[compare.result] }
    switch (compare.target) {
      case 'value':
        return { ...common, value: base64(String(compare.operand)) }
      case 'mod-revision':
        return { ...common, mod_revision: this.#toReal(compare.operand) }
      case 'create-revision':
        return { ...common, create_revision: this.#toReal(compare.operand) }
      case 'version':
        return { ...common, version: compare.operand }
      case 'lease':
        return { ...common, lease: compare.operand }
    }
  }

  #outcome(operation: Operation, answer: Json): Observation {
    switch (operation.type) {
      case 'range':
        return {
          count: Number(answer.count ?? 0),
          more: answer.more === true,
          values: ((answer.kvs ?? []) as Json[]).map((kv) => seenValue(kv, this.#toScript)),
        }
      case 'put':
        return {
          previous: answer.prev_kv === undefined ? undefined : seenValue(answer.prev_kv as Json, this.#toScript),
        }
      case 'delete':
        return {
          deleted: Number(answer.deleted ?? 0),
          previous: ((answer.prev_kvs ?? []) as Json[]).map((kv) => seenValue(kv, this.#toScript)),
        }
      case 'txn': {
        const succeeded = answer.succeeded === true
        const branch = succeeded ? operation.success : operation.failure
        const answers = (answer.responses ?? []) as Json[]
        return { succeeded, responses: branch.map((inner, at) => this.#inner(inner, answers[at] ?? {})) }
      }
    }
  }

  /** One answer within a transaction; a nested transaction has no revision of its own. */
  #inner(operation: Operation, response: Json): Observation {
    const answer = Object.values(response)[0] as Json
    const outcome = this.#outcome(operation, answer)
    if (operation.type === 'txn') return outcome
    return { revision: this.#toScript((answer.header as Json).revision), ...outcome }
  }
}

function keysOf({ key, rangeEnd }: { readonly key: string; readonly rangeEnd?: string }): Json {
  return { key: base64(key), range_end: rangeEnd === undefined ? undefined : base64(rangeEnd) }
}

function base64(plain: string): string {
  return Buffer.from(plain, 'latin1').toString('base64')
}

function text(encoded: unknown): string {
  return encoded === undefined ? '' : Buffer.from(String(encoded), 'base64').toString('latin1')
}

function alarmsOf(alarms: unknown): string[] {
  const kinds: Json = { NOSPACE: 'no-space', CORRUPT: 'corrupt' }
  return ((alarms ?? []) as Json[]).map(({ memberID, alarm }) => `${memberID} ${kinds[String(alarm)]}`).sort()
}

function seenValue(kv: Json, toScript: (revision: unknown) => number): SeenValue {
  const value = text(kv.value)
  return [
    text(kv.key),
    value.length > 1_000 ? `~${value.length}` : value,
    toScript(kv.create_revision),
    toScript(kv.mod_revision),
    Number(kv.version ?? 0),
    Number(kv.lease ?? 0),
  ]
}
