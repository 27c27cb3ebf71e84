/**
 * The eight schedulers: which real server gets a new connection. Models Linux ip_vs_{rr,wrr,lc,wlc,dh,sh,sed,nq}; the rules
 * were read off a recording of the real kernel (fixtures/observed/ipvs.json), which the tests replay. Not here: mh, fo,
 * ovf, lblc, lblcr; overload thresholds.
 */
import { never } from '../../kernel/invariant.ts'
import type { Flow } from '../packet.ts'
import type { RealServer, SchedulerState, VirtualServer } from './server.ts'

export function emptyState(): SchedulerState {
  return { last: null, level: 0, table: null }
}

const TABLE_SIZE = 256
/** A closed connection weighs 1, an open one this much. */
const ACTIVE_COST = 256

/** Chooses a real server for a new connection, or undefined: the client is refused. */
export function schedule(virtual: VirtualServer, flow: Flow): RealServer | undefined {
  switch (virtual.spec.scheduler) {
    case 'rr':
      return roundRobin(virtual)
    case 'wrr':
      return weightedRoundRobin(virtual)
    case 'lc':
      return least(virtual, overhead, false)
    case 'wlc':
      return least(virtual, overhead, true)
    case 'sed':
      return least(virtual, expectedDelay, true)
    case 'nq':
      return (
        virtual.servers.find((server) => server.weight > 0 && server.active === 0) ??
        least(virtual, expectedDelay, true)
      )
    case 'dh':
      return alive(slots(virtual)[hash(flow.destination)] ?? null)
    case 'sh':
      return sourceHash(virtual, flow)
    default:
      return never(virtual.spec.scheduler)
  }
}

/** The list or a weight changed. `removed` has just left the place `index` of the list. */
export function serversChanged(virtual: VirtualServer, removed?: RealServer, index = 0): void {
  const { state, spec } = virtual
  state.table = null
  if (spec.scheduler === 'wrr') {
    state.last = null
    const top = levels(virtual).top
    if (state.level > top || state.level === 0) state.level = top
    else if (levels(virtual).step > 1) {
      const { step } = levels(virtual)
      state.level = Math.floor(state.level / step) * step + 1
    }
  } else if (removed !== undefined && state.last === removed) {
    state.last = virtual.servers[index - 1] ?? null
  }
}

function alive(server: RealServer | null): RealServer | undefined {
  return server !== null && server.weight > 0 ? server : undefined
}

function roundRobin({ servers, state }: VirtualServer): RealServer | undefined {
  const start = state.last === null ? -1 : servers.indexOf(state.last)
  for (let step = 1; step <= servers.length; step++) {
    const server = servers[(start + step) % servers.length] as RealServer
    if (server.weight > 0) {
      state.last = server
      return server
    }
  }
  return undefined
}

/** wrr: the greatest common divisor of the weights, and the level a round starts at. */
function levels({ servers }: VirtualServer): { readonly step: number; readonly top: number } {
  let step = 0
  let most = 0
  for (const { weight } of servers) {
    if (weight > 0) step = divisor(weight, step)
    if (weight > most) most = weight
  }
  if (step === 0) step = 1
  return { step, top: Math.max(0, most - (step - 1)) }
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b)
}

function weightedRoundRobin(virtual: VirtualServer): RealServer | undefined {
  const { servers, state } = virtual
  const { step, top } = levels(virtual)
  if (top === 0) return undefined
  let place = state.last === null ? -1 : servers.indexOf(state.last)
  for (;;) {
    place++
    if (place >= servers.length) {
      place = 0
      state.level -= step
      if (state.level <= 0) state.level = top
    }
    const server = servers[place] as RealServer
    if (server.weight >= state.level) {
      state.last = server
      return server
    }
  }
}

const overhead = (server: RealServer): number => server.active * ACTIVE_COST + server.inactive
const expectedDelay = (server: RealServer): number => server.active + 1

/** The least cost, or cost by weight; the first in list order on a tie. */
function least(
  { servers }: VirtualServer,
  cost: (server: RealServer) => number,
  weighted: boolean,
): RealServer | undefined {
  let best: RealServer | undefined
  let bestCost = 0
  for (const server of servers) {
    if (server.weight <= 0) continue
    const its = cost(server)
    if (best === undefined || (weighted ? its * best.weight < bestCost * server.weight : its < bestCost)) {
      best = server
      bestCost = its
    }
  }
  return best
}

/** The hash of dh and sh: the top 8 bits of the address times 2^32 over the golden ratio. */
function hash(value: number): number {
  return Math.imul(value | 0, 0x61c88647) >>> 24
}

function slots(virtual: VirtualServer): readonly (RealServer | null)[] {
  const { state, servers, spec } = virtual
  if (state.table !== null) return state.table
  const table: (RealServer | null)[] = []
  while (table.length < TABLE_SIZE && servers.length > 0) {
    for (const server of servers) {
      const count = spec.scheduler === 'sh' ? Math.max(1, server.weight) : 1
      for (let i = 0; i < count && table.length < TABLE_SIZE; i++) table.push(server)
    }
  }
  state.table = table
  return table
}

function sourceHash(virtual: VirtualServer, flow: Flow): RealServer | undefined {
  const port = virtual.spec.hashPort === true ? flow.sourcePort : 0
  const table = slots(virtual)
  const first = hash(flow.source + port)
  const server = alive(table[first] ?? null)
  if (server !== undefined || virtual.spec.fallback !== true) return server
  for (let offset = 0; offset < TABLE_SIZE; offset++) {
    const place = (offset + first) % TABLE_SIZE
    const other = alive(table[(place + first) % TABLE_SIZE] ?? null)
    if (other !== undefined) return other
  }
  return undefined
}
