/** The state machines of etcd: at equal applied index every member holds the same. */
import type { EtcdFact } from '../../src/etcd/index.ts'
import type { PropertyDefinition } from '../../src/trial/registry.ts'
import { onFact } from '../define.ts'

export const membersAgree: PropertyDefinition = {
  id: 'etcd-members-agree',
  mode: 'always',
  claim:
    'two members that have applied the log up to the same index hold the same store, also after a restart or a snapshot',
  source: 'etcd server/etcdserver/corrupt.go (hash by revision), v3.5; Raft paper, figure 3 (state-machine safety)',
  trigger: 'two members applied up to the same index',
  catches: ['raft-append-acked-before-fsync'],
  monitor(cluster, report) {
    const first = new Map<number, { readonly member: string; readonly hash: number }>()
    const see = (member: string, index: number, hash: number) => {
      const known = first.get(index)
      if (known === undefined) {
        first.set(index, { member, hash })
        return
      }
      report.reached()
      if (known.hash === hash) return
      report.fail({
        subject: `${known.member} -> ${member}`,
        shape: 'stores-differ',
        message: `${known.member} and ${member} have both applied the log up to ${index}, and their stores differ`,
      })
    }
    onFact<EtcdFact, 'etcd-apply-batch'>(cluster, 'etcd-apply-batch', ({ member, to, storeHash }) => {
      see(member, to, storeHash)
    })
    onFact<EtcdFact, 'etcd-restored'>(cluster, 'etcd-restored', ({ member, index, storeHash }) => {
      see(member, index, storeHash)
    })
    return {}
  },
}
