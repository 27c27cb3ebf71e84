/**
 * CoreDNS as clients see it: a process with informers on services and endpoint slices that answers from what it has been
 * told so far. Models the kubernetes plugin of CoreDNS (answers from its informers, no negative cache). Not modelled:
 * zone transfer, stub domains, upstream forwarding.
 */
import { ApiClient, type Informer, InformerFactory } from '../client/index.ts'
import { type DnsDecisions, resolve } from '../dataplane/index.ts'
import type { Machine, Message, Out, ProcessId, Streams } from '../kernel/index.ts'
import type { EndpointSlice, Service } from '../objects/index.ts'

/** Client to DNS: the A records of `name`, please. */
export interface DnsQuery extends Message {
  readonly type: 'dns-query'
  readonly id: number
  readonly name: string
}

/** DNS to client. No addresses: NXDOMAIN or an empty answer. */
export interface DnsAnswer extends Message {
  readonly type: 'dns-answer'
  readonly id: number
  readonly addresses: readonly string[]
}

const BY_SERVICE = 'service'

export class DnsServer implements Machine {
  readonly #client: ApiClient
  readonly #informers: InformerFactory
  readonly #services: Informer<Service>
  readonly #slices: Informer<EndpointSlice>
  readonly #decisions: Partial<DnsDecisions>

  constructor(options: {
    readonly name: string
    readonly servers: readonly ProcessId[]
    readonly streams: Streams
    readonly decisions?: Partial<DnsDecisions>
  }) {
    this.#client = new ApiClient({ servers: options.servers, user: options.name, streams: options.streams })
    this.#informers = new InformerFactory(this.#client, { name: options.name })
    this.#services = this.#informers.informer('services')
    this.#slices = this.#informers.informer('endpointslices', { indexers: { [BY_SERVICE]: serviceOfSlice } })
    this.#decisions = options.decisions ?? {}
  }

  /** For faults that slow its consumers down. */
  get factory(): InformerFactory {
    return this.#informers
  }

  /** The addresses that it gives for a full name, by what it has been told so far. */
  answer(name: string): readonly string[] {
    const answer = resolve(name, {
      service: (key) => this.#services.get(key),
      slices: (key) => this.told(key),
      decisions: this.#decisions,
    })
    return answer.code === 'NOERROR' ? answer.addresses : []
  }

  /** The slices of a service (`namespace/name`) that it has been told of. */
  told(service: string): readonly EndpointSlice[] {
    return this.#slices.byIndex(BY_SERVICE, service)
  }

  onStart(out: Out): void {
    this.#client.start(out)
    this.#informers.start(out)
  }

  onMessage(from: ProcessId, message: Message, out: Out): void {
    if (message.type === 'dns-query') {
      const { id, name } = message as DnsQuery
      out.send(from, { type: 'dns-answer', id, addresses: this.answer(name) } satisfies DnsAnswer as DnsAnswer)
      return
    }
    this.#client.onMessage(from, message, out)
  }

  onDisconnect(peer: ProcessId, out: Out): void {
    this.#client.onDisconnect(peer, out)
  }

  onTimer(): void {}
}

function serviceOfSlice(slice: EndpointSlice): readonly string[] {
  const name = slice.metadata.labels?.['kubernetes.io/service-name']
  return name === undefined ? [] : [`${slice.metadata.namespace}/${name}`]
}
