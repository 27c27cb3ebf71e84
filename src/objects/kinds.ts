/** The kinds beside Pod that the cluster runs on. Models k8s.io/api core/v1, apps/v1, discovery/v1, coordination/v1, policy/v1; v1.33. */
import type { Condition, IntOrString, KubeObject, LabelSelector, Labels } from './meta.ts'
import type { PodTemplateSpec, Protocol, ResourceList, TaintEffect } from './pod.ts'

export interface Taint {
  readonly key: string
  readonly value?: string
  readonly effect: TaintEffect
  readonly timeAdded?: string
}

export interface Node extends KubeObject {
  readonly kind: 'Node'
  readonly spec: {
    readonly podCIDR?: string
    readonly taints?: readonly Taint[]
    readonly unschedulable?: boolean
    readonly providerID?: string
  }
  readonly status?: {
    readonly capacity?: ResourceList
    readonly allocatable?: ResourceList
    readonly conditions?: readonly Condition[]
    readonly addresses?: readonly { readonly type: string; readonly address: string }[]
    readonly nodeInfo?: { readonly kubeletVersion?: string; readonly bootID?: string }
    readonly images?: readonly unknown[]
  }
}

export interface Namespace extends KubeObject {
  readonly kind: 'Namespace'
  readonly spec?: { readonly finalizers?: readonly string[] }
  readonly status?: { readonly phase?: 'Active' | 'Terminating'; readonly conditions?: readonly Condition[] }
}

export interface ReplicaSet extends KubeObject {
  readonly kind: 'ReplicaSet'
  readonly spec: {
    readonly replicas?: number
    readonly minReadySeconds?: number
    readonly selector: LabelSelector
    readonly template: PodTemplateSpec
  }
  readonly status?: {
    readonly replicas: number
    readonly fullyLabeledReplicas?: number
    readonly readyReplicas?: number
    readonly availableReplicas?: number
    readonly observedGeneration?: number
    readonly conditions?: readonly Condition[]
  }
}

export interface Deployment extends KubeObject {
  readonly kind: 'Deployment'
  readonly spec: {
    readonly replicas?: number
    readonly selector: LabelSelector
    readonly template: PodTemplateSpec
    readonly strategy?: {
      readonly type?: 'RollingUpdate' | 'Recreate'
      readonly rollingUpdate?: { readonly maxSurge?: IntOrString; readonly maxUnavailable?: IntOrString }
    }
    readonly minReadySeconds?: number
    readonly revisionHistoryLimit?: number
    readonly progressDeadlineSeconds?: number
    readonly paused?: boolean
  }
  readonly status?: {
    readonly observedGeneration?: number
    readonly replicas?: number
    readonly updatedReplicas?: number
    readonly readyReplicas?: number
    readonly availableReplicas?: number
    readonly unavailableReplicas?: number
    readonly collisionCount?: number
    readonly conditions?: readonly Condition[]
  }
}

export interface ServicePort {
  readonly name?: string
  readonly protocol?: Protocol
  readonly port: number
  readonly targetPort?: IntOrString
  readonly nodePort?: number
  readonly appProtocol?: string
}

export interface Service extends KubeObject {
  readonly kind: 'Service'
  readonly spec: {
    readonly type?: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName'
    /** An address, or "None" for a headless service. */
    readonly clusterIP?: string
    readonly clusterIPs?: readonly string[]
    readonly selector?: Labels
    readonly ports?: readonly ServicePort[]
    readonly sessionAffinity?: 'None' | 'ClientIP'
    readonly sessionAffinityConfig?: { readonly clientIP?: { readonly timeoutSeconds?: number } }
    readonly externalTrafficPolicy?: 'Cluster' | 'Local'
    readonly internalTrafficPolicy?: 'Cluster' | 'Local'
    readonly publishNotReadyAddresses?: boolean
    readonly externalName?: string
    readonly externalIPs?: readonly string[]
  }
  readonly status?: { readonly loadBalancer?: unknown }
}

export interface Endpoint {
  readonly addresses: readonly string[]
  readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean }
  readonly hostname?: string
  readonly nodeName?: string
  readonly zone?: string
  readonly targetRef?: {
    readonly kind: string
    readonly namespace?: string
    readonly name: string
    readonly uid?: string
  }
}

export interface EndpointSlice extends KubeObject {
  readonly kind: 'EndpointSlice'
  readonly addressType: 'IPv4'
  readonly endpoints: readonly Endpoint[]
  readonly ports?: readonly { readonly name?: string; readonly port?: number; readonly protocol?: Protocol }[]
}

export interface Lease extends KubeObject {
  readonly kind: 'Lease'
  readonly spec: {
    readonly holderIdentity?: string
    readonly leaseDurationSeconds?: number
    /** RFC 3339 with microseconds. */
    readonly acquireTime?: string
    readonly renewTime?: string
    readonly leaseTransitions?: number
  }
}

export interface PodDisruptionBudget extends KubeObject {
  readonly kind: 'PodDisruptionBudget'
  readonly spec: {
    readonly selector?: LabelSelector
    readonly minAvailable?: IntOrString
    readonly maxUnavailable?: IntOrString
  }
  readonly status?: {
    readonly disruptionsAllowed: number
    readonly currentHealthy: number
    readonly desiredHealthy: number
    readonly expectedPods: number
    readonly observedGeneration?: number
    readonly disruptedPods?: Readonly<Record<string, string>>
  }
}

export interface ConfigMap extends KubeObject {
  readonly kind: 'ConfigMap'
  readonly data?: Labels
}

export interface Secret extends KubeObject {
  readonly kind: 'Secret'
  readonly type?: string
  readonly data?: Labels
  readonly stringData?: Labels
}

/** What an Event is about. */
export interface ObjectReference {
  readonly apiVersion?: string
  readonly kind: string
  readonly namespace?: string
  readonly name: string
  readonly uid?: string
  readonly resourceVersion?: string
  /** Which part: `spec.containers{web}`. */
  readonly fieldPath?: string
}

/** Something that a component tells about an object (core/v1 Event, without the fields of events.k8s.io). */
export interface CoreEvent extends KubeObject {
  readonly kind: 'Event'
  readonly involvedObject: ObjectReference
  readonly reason: string
  readonly message: string
  readonly type: 'Normal' | 'Warning'
  readonly source: { readonly component: string; readonly host?: string }
  readonly firstTimestamp: string
  readonly lastTimestamp: string
  readonly count: number
}

export interface ServiceAccount extends KubeObject {
  readonly kind: 'ServiceAccount'
}
