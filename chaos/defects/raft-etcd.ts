/** Historical bugs of Raft implementations and of etcd, each as the decision that it replaced. Sources stand with each. */
import type { Defect } from '../../src/trial/registry.ts'

export const RAFT_ETCD_DEFECTS: readonly Defect[] = [
  {
    id: 'raft-vote-not-persisted',
    title: 'A vote is answered before it is on stable storage',
    subsystem: 'raft-etcd',
    sources: [
      'Raft paper Figure 2 (persistent state)',
      'datatechnology/cornerstone#65',
      'etcd-io/raft commit e9e525d (delay self-vote until durable)',
    ],
    decisions: { raft: { hardStateWaitsForDisk: () => false } },
    suite: 'votes',
    caughtBy: ['raft-one-vote-per-term', 'raft-one-leader-per-term'],
  },
  {
    id: 'raft-stale-append-truncates-log',
    title: 'A delayed append cuts a longer log that fits',
    subsystem: 'raft-etcd',
    sources: ['Raft paper Figure 2, AppendEntries receiver rules 3-4', 'etcd-io/raft raft_test.go TestHandleMsgApp'],
    decisions: { raft: { cutsLogFrom: (_firstConflict, previousIndex) => previousIndex + 1 } },
    suite: 'etcd',
    caughtBy: ['invariant'],
  },
  {
    id: 'raft-disruptive-rejoin',
    title: 'A member that was cut off deposes a healthy leader when it comes back',
    subsystem: 'raft-etcd',
    sources: [
      'Raft thesis sections 4.2.3 and 9.6',
      'etcd-io/raft raft_test.go TestDisruptiveFollower, TestDisruptiveFollowerPreVote',
      'etcd-io/etcd PR 6624',
    ],
    decisions: { raft: { startsWithPreVote: () => false, leaseRefusesVotes: () => false } },
    suite: 'elections',
    caughtBy: ['raft-leader-not-disrupted'],
  },
  {
    id: 'raft-append-acked-before-fsync',
    title: 'Entries count as stored before they are durable (one member: etcd-ack-before-wal)',
    subsystem: 'raft-etcd',
    sources: ['etcd-io/etcd#14370', 'etcd-io/raft commit 437bcb8'],
    decisions: { raft: { entriesWaitForDisk: () => false, ownMatch: (_durable, lastIndex) => lastIndex } },
    suite: 'etcd-small',
    caughtBy: [
      'raft-committed-entries-never-lost',
      'etcd-members-agree',
      'etcd-one-history',
      'etcd-revision-never-goes-back',
    ],
  },
]
