/** Every fact that the cluster notes, by its type: what a property may ask about by name, and what it is then given. */
import type { ApiServerFact } from '../../apiserver/index.ts'
import type { ClientFact } from '../../client/index.ts'
import type { RequestFinished, StepFact } from '../../cluster/index.ts'
import type { ControllerFact } from '../../controllers/index.ts'
import type { EtcdFact } from '../../etcd/index.ts'
import type { KernelFact } from '../../kernel/index.ts'
import type { KubeletFact, RuntimeFact } from '../../kubelet/index.ts'
import type { ProxyFact } from '../../proxy/index.ts'
import type { RaftFact } from '../../raft/index.ts'
import type { BindFailedFact, PodAssumedFact, PodScheduledFact, PodUnschedulableFact } from '../../scheduler/index.ts'

type AnyFact =
  | ApiServerFact
  | BindFailedFact
  | ClientFact
  | ControllerFact
  | EtcdFact
  | KernelFact
  | KubeletFact
  | PodAssumedFact
  | PodScheduledFact
  | PodUnschedulableFact
  | ProxyFact
  | RaftFact
  | RequestFinished
  | RuntimeFact
  | StepFact

/** The types of facts, such as 'container-exited'. */
export type FactType = AnyFact['type']

/** The fact of a type, also where one shape serves several types. */
export type FactOf<T extends FactType, F = AnyFact> = F extends { readonly type: infer U }
  ? T extends U
    ? F
    : never
  : never
