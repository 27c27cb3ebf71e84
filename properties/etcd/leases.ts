/** Leases: a lease lasts as long as its renewals promise, is ended by the leader only, and nothing outlives it. */
import { type Cluster, ETCD_LOAD_PREFIX, type EtcdClientFact } from '../../src/cluster/index.ts'
import type { EtcdFact, LoggedRequest } from '../../src/etcd/index.ts'
import { MembershipChange, type RaftFact } from '../../src/raft/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { onFact, seconds } from '../define.ts'

const SECOND = 1_000_000
/** A new leader extends all leases by this, the leader looks every half second, and a revocation has to be committed. */
const AFTERMATH_MICROS = 6 * SECOND

interface Lease {
  ttlMicros: number
  /** Not before this may it be ended by itself. */
  promisedUntil: number
  /** When it was last known to be renewed. */
  keptAt: number
}

/** A lease that was ended though its client had not asked for it. */
interface Expiry {
  readonly lease: number
  readonly at: number
  readonly term: number
  /** The number of the member that proposed it. */
  readonly proposer: number
}

class Leases {
  readonly kept = new Map<number, Lease>()
  readonly ended = new Set<number>()
  readonly #givenUp = new Set<number>()
  readonly #listeners: ((expiry: Expiry) => void)[] = []

  constructor(cluster: Cluster) {
    onFact<EtcdClientFact, 'etcd-lease-kept'>(cluster, 'etcd-lease-kept', ({ lease, ttlSeconds, askedAt }, at) => {
      if (this.kept.size === 0) this.#follow(cluster)
      const ttlMicros = ttlSeconds * SECOND
      this.kept.set(lease, { ttlMicros, promisedUntil: askedAt + ttlMicros, keptAt: at })
    })
    onFact<EtcdClientFact, 'etcd-lease-given-up'>(cluster, 'etcd-lease-given-up', ({ lease }) => {
      this.#givenUp.add(lease)
    })
  }

  onExpiry(listener: (expiry: Expiry) => void): void {
    this.#listeners.push(listener)
  }

  #follow(cluster: Cluster): void {
    onFact<EtcdFact, 'etcd-apply-batch'>(cluster, 'etcd-apply-batch', ({ entries }, at) => {
      for (const { data, term } of entries) {
        if (data === null || data instanceof MembershipChange) continue
        const { request, origin } = data as LoggedRequest
        if (request.type !== 'lease-revoke' || this.ended.has(request.lease)) continue
        const { lease } = request
        this.ended.add(lease)
        if (this.#givenUp.has(lease) || !this.kept.has(lease)) continue
        for (const listener of this.#listeners) listener({ lease, at, term, proposer: origin + 1 })
      }
    })
  }
}

const followed = new WeakMap<Cluster, Leases>()

function leasesOf(cluster: Cluster): Leases {
  let leases = followed.get(cluster)
  if (leases === undefined) {
    leases = new Leases(cluster)
    followed.set(cluster, leases)
  }
  return leases
}

export const leaseOutlivesRenewals: PropertyDefinition = {
  id: 'etcd-lease-outlives-renewals',
  mode: 'always',
  claim:
    'a lease is not ended before its time has passed since the last renewal that was answered, as long as no clock was set wrong and its end was not yet in a log when a later leader, who cannot take that back, renewed it',
  source: 'etcd documentation, "Lease"; etcd v3.5 server/lease/lessor.go, server/etcdserver/v3_server.go (LeaseRenew)',
  trigger: 'a lease ended by itself',
  catches: ['planted-late-renewals'],
  monitor(cluster, report) {
    const leases = leasesOf(cluster)
    let clocksWereSet = false
    cluster.kernel.subscribe('clock-set', () => {
      clocksWereSet = true
    })
    /** By term: when its leader was elected. */
    const electedAt = new Map<number, number>()
    onFact<RaftFact, 'raft-role'>(cluster, 'raft-role', ({ role, term }, at) => {
      if (role === 'leader') electedAt.set(term, at)
    })
    leases.onExpiry(({ lease, at, term }) => {
      const known = leases.kept.get(lease)
      if (known === undefined || clocksWereSet) return
      report.reached()
      if (at >= known.promisedUntil) return
      for (const [laterTerm, since] of electedAt) if (laterTerm > term && since <= known.keptAt) return
      report.fail({
        subject: `lease ${lease}`,
        shape: 'too-early',
        message: `lease ${lease} was ended ${seconds(known.promisedUntil - at)} before the time that its last renewal had promised`,
      })
    })
    return {}
  },
}

export const onlyLeaderExpires: PropertyDefinition = {
  id: 'etcd-only-the-leader-ends-leases',
  mode: 'always',
  claim:
    'a lease whose time has passed is ended by the leader of the term in which that is committed, by no former leader',
  source: 'etcd-io/etcd#15247; etcd v3.5.8 server/etcdserver/server.go revokeExpiredLeases, ensureLeadership',
  trigger: 'a lease ended by itself',
  catches: ['etcd-former-leader-revokes-leases'],
  monitor(cluster, report) {
    const leaders = new Map<number, number>()
    onFact<RaftFact, 'raft-role'>(cluster, 'raft-role', ({ role, term, id }) => {
      if (role === 'leader') leaders.set(term, id)
    })
    leasesOf(cluster).onExpiry(({ lease, term, proposer }) => {
      const leader = leaders.get(term)
      if (leader === undefined) return
      report.reached()
      if (leader === proposer) return
      report.fail({
        subject: `lease ${lease}`,
        shape: 'not-the-leader',
        message: `lease ${lease} was ended in term ${term} by member ${proposer}, though member ${leader} led that term`,
      })
    })
    return {}
  },
}

export const nothingOutlivesItsLease: PropertyDefinition = {
  id: 'etcd-nothing-outlives-its-lease',
  mode: 'always',
  claim:
    'once the cluster is healed, a lease that is not renewed ends soon after its time, and no key hangs on a lease that has ended',
  source: 'etcd documentation, "Lease"; etcd v3.5 server/lease/lessor.go',
  trigger: 'the trial lasted longer than a lease of a client',
  catches: ['planted-generous-lessor'],
  monitor(cluster, report) {
    const leases = leasesOf(cluster)
    let quietAt = 0
    let ledSince = 0
    onFact<RaftFact, 'raft-role'>(cluster, 'raft-role', ({ role }, at) => {
      if (role === 'leader') ledSince = at
    })
    return {
      onQuiet() {
        quietAt = cluster.kernel.now
      },
      onEnd() {
        const leader = cluster.etcdViews().find(({ role }) => role === 'leader')
        if (leader === undefined) return
        const { now } = cluster.kernel
        const isOver = (lease: number) => {
          const known = leases.kept.get(lease)
          return (
            known !== undefined && now > Math.max(known.keptAt, quietAt, ledSince) + known.ttlMicros + AFTERMATH_MICROS
          )
        }
        if ([...leases.kept.keys()].some(isOver)) report.reached()
        for (const { key, lease } of leader.list(ETCD_LOAD_PREFIX)) {
          if (lease === 0 || !(leases.ended.has(lease) || isOver(lease))) continue
          report.fail({
            subject: `lease ${lease}`,
            shape: leases.ended.has(lease) ? 'key-left-behind' : 'never-ended',
            message: `${key} still hangs on lease ${lease}, ${leases.ended.has(lease) ? 'which has ended' : 'whose time has long passed'}`,
          })
          return
        }
      },
    }
  },
}
