/**
 * The same search once more, as simply as can be: whole clusters as texts in a set, every step a run of the machine, no
 * digests, nothing remembered, nothing spared. A second opinion on how many states there are. It shares with the search
 * only how time is taken out of a state.
 */

import type { RaftMessage } from '../messages.ts'
import type { RaftOut } from '../sink.ts'
import { applicable, cloneState, createState, type RaftState, setApplied } from '../state.ts'
import { type RaftInput, step } from '../step.ts'
import type { Entry, HardState } from '../types.ts'
import { type Bounds, completeBounds } from './bounds.ts'
import { keptOf, NOW } from './clock.ts'
import { exploredOptions } from './common.ts'
import { normalize } from './member.ts'

interface Write {
  write: number
  hardState: HardState
  entries: readonly Entry[]
}

interface Peer {
  state: RaftState | undefined
  hardState: HardState
  entries: readonly Entry[]
  writes: Write[]
  votes: string[]
  led: number[]
}

interface Cluster {
  peers: Peer[]
  flying: { to: number; message: RaftMessage }[]
  crashes: number
  proposals: number
  transfers: number
  checks: number
  duplicates: number
  drops: number
  /** Index to entry, and the term it was committed in. */
  committed: string[]
}

/** How many different states there are within the bounds, and how far the farthest is. No reads, changes, snapshots, moments. */
export function countStates(given: Partial<Bounds>): { states: number; depth: number } {
  const bounds = completeBounds(given)
  const ids = Array.from({ length: bounds.members }, (_, i) => i + 1)
  const options = exploredOptions(bounds)
  const kept = keptOf(bounds)
  const fresh = (id: number, peer?: Peer): RaftState => {
    const held = peer && { hardState: peer.hardState, entries: peer.entries, snapshot: undefined, applied: 0 }
    const state = createState(options[id - 1]!, held)
    state.now = NOW
    state.electionFrom = NOW
    return state
  }
  const start: Cluster = {
    peers: ids.map((id) => {
      const state = fresh(id)
      normalize(state, kept)
      return { state, hardState: { term: 0, vote: 0, commit: 0 }, entries: [], writes: [], votes: [], led: [] }
    }),
    flying: [],
    crashes: 0,
    proposals: 0,
    transfers: 0,
    checks: 0,
    duplicates: 0,
    drops: 0,
    committed: [],
  }

  /** A copy in which one peer has taken an input, or something was done to it. */
  const after = (from: Cluster, id: number, act: (peer: Peer, out: RaftOut) => RaftInput | undefined): Cluster => {
    const peer = { ...from.peers[id - 1]! }
    peer.state = peer.state && cloneState(peer.state)
    peer.writes = [...peer.writes]
    const next = {
      ...from,
      peers: from.peers.with(id - 1, peer),
      flying: [...from.flying],
      committed: [...from.committed],
    }
    const nothing = () => undefined
    const out: RaftOut = {
      send: (to, message) => next.flying.push({ to, message }),
      persist: (write, hardState, entries) => peer.writes.push({ write, hardState, entries }),
      note: (fact) => {
        if (fact.type !== 'raft-vote-granted') return
        const vote = `${fact.term}:${fact.candidate}`
        if (!peer.votes.includes(vote)) peer.votes = [...peer.votes, vote]
      },
      install: nothing,
      readReady: nothing,
      armElection: nothing,
      disarmElection: nothing,
      armHeartbeat: nothing,
      disarmHeartbeat: nothing,
      changed: nothing,
      panic: (reason) => {
        throw new Error(reason)
      },
    }
    const input = act(peer, out)
    const { state } = peer
    if (state === undefined) return next
    const { commit } = state
    if (input !== undefined) step(state, input, NOW, out)
    for (let index = commit + 1; index <= state.commit; index++) {
      next.committed[index] ??= `${textOf(state.log.entryAt(index)!)} in ${state.term}`
    }
    if (applicable(state) > state.applied) setApplied(state, applicable(state))
    if (state.role === 'leader' && !peer.led.includes(state.term)) peer.led = [...peer.led, state.term]
    peer.votes = peer.votes.filter((vote) => Number(vote.split(':')[0]) >= peer.hardState.term)
    const ended = state.durableWrite
    normalize(state, kept)
    peer.writes = peer.writes.map((write) => ({ ...write, write: write.write - ended }))
    return next
  }

  const successors = (from: Cluster): Cluster[] => {
    const found: Cluster[] = []
    const texts = from.flying.map((flying) => JSON.stringify(flying))
    from.flying.forEach(({ to, message }, at) => {
      if (texts.indexOf(texts[at]!) < at) return
      const rest = { ...from, flying: from.flying.filter((_, other) => other !== at) }
      const alive = from.peers[to - 1]!.state !== undefined
      if (alive) found.push(after(rest, to, () => ({ kind: 'message', message })))
      if (alive && from.duplicates < bounds.duplicates) {
        found.push({ ...after(from, to, () => ({ kind: 'message', message })), duplicates: from.duplicates + 1 })
      }
      if (from.drops < bounds.drops) found.push({ ...rest, drops: from.drops + 1 })
    })
    for (const id of ids) {
      const { state, writes } = from.peers[id - 1]!
      if (state === undefined) {
        found.push(
          after(from, id, (peer) => {
            peer.state = fresh(id, peer)
            return { kind: 'start' }
          }),
        )
        continue
      }
      if (writes.length > 0) {
        found.push(
          after(from, id, (peer) => {
            const { write, hardState, entries } = peer.writes.shift()!
            peer.hardState = hardState
            if (entries.length > 0) peer.entries = [...peer.entries.slice(0, entries[0]!.index - 1), ...entries]
            return { kind: 'durable', write }
          }),
        )
      }
      if (state.role !== 'leader' && state.term < bounds.terms && state.log.last < bounds.logLength) {
        found.push(
          after(from, id, (peer) => {
            peer.state!.electionFrom = 0
            return { kind: 'election-timeout' }
          }),
        )
      }
      if (from.crashes < bounds.crashes) {
        const crashed = after(from, id, (peer) => {
          peer.state = undefined
          peer.writes = []
          return undefined
        })
        found.push({ ...crashed, crashes: from.crashes + 1 })
      }
      if (state.role === 'leader' && from.transfers < bounds.transfers) {
        for (const to of ids) {
          if (to === id) continue
          found.push({ ...after(from, id, () => ({ kind: 'transfer', to })), transfers: from.transfers + 1 })
        }
      }
      if (state.role === 'leader' && from.checks < bounds.checks) {
        const checked = after(from, id, (peer) => {
          const { electionTimeoutMicros, heartbeatMicros } = peer.state!.options
          peer.state!.beats = electionTimeoutMicros / heartbeatMicros - 1
          return { kind: 'heartbeat-timeout' }
        })
        found.push({ ...checked, checks: from.checks + 1 })
      }
      if (state.role === 'leader' && from.proposals < bounds.proposals) {
        const data = from.proposals + 1
        found.push({
          ...after(from, id, () => ({ kind: 'propose', proposals: [{ data, bytes: 1 }] })),
          proposals: data,
        })
      }
    }
    return found.filter(
      ({ peers, flying }) =>
        peers.every(({ state }) => state === undefined || state.log.last <= bounds.logLength) &&
        peers.reduce((sum, { state }) => sum + (state?.pendingMessages.length ?? 0), flying.length) <= bounds.inFlight,
    )
  }

  const seen = new Set([keyOf(start)])
  let level = [start]
  let depth = 0
  while (level.length > 0) {
    const next: Cluster[] = []
    for (const from of level) {
      for (const to of successors(from)) {
        const key = keyOf(to)
        if (seen.has(key)) continue
        seen.add(key)
        next.push(to)
      }
    }
    level = next
    depth++
  }
  return { states: seen.size, depth }
}

function textOf(entry: Entry): string {
  return `${entry.term}/${entry.data}`
}

/** Everything in a cluster as one text; what a class keeps to itself is asked for. */
function keyOf({ peers, flying, ...rest }: Cluster): string {
  const members = peers.map(({ state, ...disk }) => {
    if (state === undefined) return disk
    const { options: _, log, progress, ...plain } = state
    const { compacted, durable, last } = log
    const entries = Array.from({ length: last - compacted }, (_, i) => textOf(log.entryAt(compacted + 1 + i)!))
    const windows = progress.map((one) => [one, one.window])
    return { ...disk, plain, compacted, durable, entries, windows }
  })
  return JSON.stringify([members, flying.map((one) => JSON.stringify(one)).sort(), rest])
}
