/** Historical bugs of controllers, each as the decision that it replaced. */
import type { Defect } from '../../src/trial/registry.ts'

export const CONTROLLER_DEFECTS: readonly Defect[] = [
  {
    id: 'rs-no-expectations',
    title: 'A ReplicaSet acts again on a cache that has not seen its own writes',
    subsystem: 'controllers',
    sources: [
      'ray-project/kuberay#715',
      'ray-project/kuberay#704',
      'kubernetes/kubernetes#41675',
      'kubernetes/kubernetes#22134',
    ],
    decisions: { controllers: { replicaSetMayAct: () => true } },
    suite: 'rollout',
    caughtBy: ['replicaset-never-too-many-pods'],
  },
  {
    id: 'deployment-surge-recounts-on-stale-rs',
    title: 'A rollout step computed from stale replica sets scales an old one up again',
    subsystem: 'controllers',
    sources: ['kubernetes/kubernetes#21810', 'kubernetes/kubernetes#22512'],
    decisions: {
      controllers: {
        deploymentIsScalingEvent: (deployment, sets, fenceposts) => {
          let sum = 0
          for (const set of sets) sum += set.spec.replicas ?? 1
          const active = sets.filter((set) => (set.spec.replicas ?? 1) > 0)
          return active.length > 1 && sum !== (deployment.spec.replicas ?? 1) + fenceposts.maxSurge
        },
        deploymentResizeRequest: (resized) => ({
          verb: 'patch',
          resource: 'replicasets',
          namespace: resized.metadata.namespace,
          name: resized.metadata.name,
          patch: { metadata: { annotations: resized.metadata.annotations }, spec: { replicas: resized.spec.replicas } },
        }),
      },
    },
    suite: 'rollout',
    caughtBy: ['eventually-stable-reconciliation', 'deployment-surge-bound'],
  },
  {
    id: 'endpointslice-duplicates-on-stale-cache',
    title: 'The EndpointSlice controller syncs before its own create is visible',
    subsystem: 'controllers',
    sources: [
      'kubernetes/kubernetes#93374',
      'kubernetes/kubernetes#92928',
      'kubernetes/kubernetes PR 99345',
      'kubernetes/kubernetes PR 100042',
    ],
    decisions: { controllers: { endpointSliceMustWait: () => false } },
    suite: 'services',
    caughtBy: ['endpoint-in-one-slice'],
  },
  {
    id: 'nodelifecycle-mass-eviction',
    title: 'Loss of contact with all nodes is answered by evicting everything',
    subsystem: 'controllers',
    sources: ['kubernetes/kubernetes#24200', 'kubernetes/kubernetes#24597', 'kubernetes/kubernetes#28832'],
    decisions: { controllers: { zoneState: () => 'Normal' } },
    suite: 'node-loss',
    caughtBy: ['no-eviction-when-all-nodes-are-silent'],
  },
  {
    id: 'nodelifecycle-notready-lost-on-restart',
    title: 'Pods on a dead node stay Ready if the controller dies in mid-transition',
    subsystem: 'controllers',
    sources: ['kubernetes/kubernetes#50067', 'kubernetes/kubernetes#135205'],
    decisions: { controllers: { marksPodsNotReady: (transition) => transition } },
    suite: 'node-loss',
    caughtBy: ['pods-of-silent-nodes-are-not-ready'],
  },
  {
    id: 'pdb-recompute-overwrites-eviction',
    title:
      'The disruption controller writes a budget that it computed before an eviction over the one that the eviction took from',
    subsystem: 'controllers',
    sources: ['kubernetes/kubernetes#82149', 'kubernetes/kubernetes PR 36196', 'kubernetes/kubernetes#105326'],
    decisions: { controllers: { budgetAfterConflict: (computed) => computed } },
    suite: 'evictions',
    caughtBy: ['disruption-budget-holds'],
  },
  {
    id: 'gc-virtual-owner-wrong-namespace',
    title: 'The garbage collector looks for an owner that it has not seen in the namespace of the dependent',
    subsystem: 'controllers',
    sources: [
      'kubernetes/kubernetes#54940',
      'kubernetes/kubernetes#65200',
      'kubernetes/kubernetes#88097',
      'kubernetes/kubernetes PR 92743',
    ],
    decisions: {
      controllers: {
        gcOwnerCoordinates: ({ apiVersion, kind, name }, namespace) => ({ apiVersion, kind, namespace, name }),
        gcAbsenceKey: (uid) => uid,
        gcAbsenceConcerns: () => true,
      },
    },
    suite: 'control-plane',
    caughtBy: ['owned-objects-are-not-collected'],
  },
]
