/**
 * The fields of each kind as data: their types, and what Seatrial makes of them. One table serves the check of shape at the API server and the report
 * of `seatrial check`. Source: k8s.io/api core/v1, apps/v1, discovery/v1, coordination/v1, policy/v1, v1.33. Not every field of Kubernetes is listed:
 * what is missing is reported as unknown to Seatrial.
 */

import type { Resource } from './resources.ts'
import type { FieldTable } from './schema-field.ts'
import { POD_SPEC } from './schema-pod.ts'

export const SELECTOR: FieldTable = {
  matchLabels: 'strings-by-name',
  matchExpressions: [{ key: 'string', operator: 'string', values: ['string'] }],
}

export const METADATA: FieldTable = {
  name: 'string',
  generateName: 'string',
  namespace: 'string',
  uid: 'string',
  resourceVersion: 'string',
  generation: 'integer',
  creationTimestamp: 'string',
  deletionTimestamp: 'string',
  deletionGracePeriodSeconds: 'integer',
  labels: 'strings-by-name',
  annotations: 'strings-by-name',
  finalizers: ['string'],
  ownerReferences: [
    {
      apiVersion: 'string',
      kind: 'string',
      name: 'string',
      uid: 'string',
      controller: 'boolean',
      blockOwnerDeletion: 'boolean',
    },
  ],
  managedFields: '-anything',
  selfLink: '-string',
}

const REFERENCE: FieldTable = {
  apiVersion: 'string',
  kind: 'string',
  namespace: 'string',
  name: 'string',
  uid: 'string',
  resourceVersion: 'string',
  fieldPath: 'string',
}

const TEMPLATE: FieldTable = { metadata: METADATA, spec: POD_SPEC }

/** The parts of each resource beside apiVersion, kind, metadata and status. */
export const SCHEMAS: Readonly<Record<Resource, FieldTable>> = {
  pods: { spec: POD_SPEC },
  deployments: {
    spec: {
      replicas: 'integer',
      selector: SELECTOR,
      template: TEMPLATE,
      strategy: {
        type: 'string',
        rollingUpdate: { maxSurge: 'integer-or-string', maxUnavailable: 'integer-or-string' },
      },
      minReadySeconds: 'integer',
      revisionHistoryLimit: 'integer',
      progressDeadlineSeconds: 'integer',
      paused: 'boolean',
    },
  },
  replicasets: { spec: { replicas: 'integer', minReadySeconds: 'integer', selector: SELECTOR, template: TEMPLATE } },
  services: {
    spec: {
      type: 'string',
      clusterIP: 'string',
      clusterIPs: ['string'],
      selector: 'strings-by-name',
      ports: [
        {
          name: 'string',
          protocol: 'string',
          port: 'integer',
          targetPort: 'integer-or-string',
          nodePort: 'integer',
          appProtocol: '-string',
        },
      ],
      sessionAffinity: 'string',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 'integer' } },
      externalTrafficPolicy: 'string',
      internalTrafficPolicy: 'string',
      publishNotReadyAddresses: 'boolean',
      externalName: 'string',
      externalIPs: ['string'],
      ipFamilies: ['-string'],
      ipFamilyPolicy: '-string',
      allocateLoadBalancerNodePorts: '!boolean',
      healthCheckNodePort: '!integer',
      loadBalancerClass: '!string',
      loadBalancerIP: '!string',
      loadBalancerSourceRanges: ['!string'],
      trafficDistribution: '!string',
    },
  },
  nodes: {
    spec: {
      podCIDR: 'string',
      podCIDRs: ['-string'],
      taints: [{ key: 'string', value: 'string', effect: 'string', timeAdded: 'string' }],
      unschedulable: 'boolean',
      providerID: 'string',
      configSource: '!anything',
    },
  },
  namespaces: { spec: { finalizers: ['string'] } },
  endpointslices: {
    addressType: 'string',
    endpoints: [
      {
        addresses: ['string'],
        conditions: { ready: 'boolean', serving: 'boolean', terminating: 'boolean' },
        hostname: 'string',
        nodeName: 'string',
        zone: 'string',
        targetRef: 'anything',
        hints: '!anything',
        deprecatedTopology: '-anything',
      },
    ],
    ports: [{ name: 'string', port: 'integer', protocol: 'string', appProtocol: '-string' }],
  },
  leases: {
    spec: {
      holderIdentity: 'string',
      leaseDurationSeconds: 'integer',
      acquireTime: 'string',
      renewTime: 'string',
      leaseTransitions: 'integer',
      strategy: '!string',
      preferredHolder: '!string',
    },
  },
  poddisruptionbudgets: {
    spec: {
      selector: SELECTOR,
      minAvailable: 'integer-or-string',
      maxUnavailable: 'integer-or-string',
      unhealthyPodEvictionPolicy: '!string',
    },
  },
  configmaps: { data: 'strings-by-name', binaryData: '-strings-by-name', immutable: '!boolean' },
  secrets: { type: 'string', data: 'strings-by-name', stringData: 'strings-by-name', immutable: '!boolean' },
  events: {
    involvedObject: REFERENCE,
    reason: 'string',
    message: 'string',
    type: 'string',
    source: { component: 'string', host: 'string' },
    firstTimestamp: 'string',
    lastTimestamp: 'string',
    count: 'integer',
    eventTime: '-string',
    series: '-anything',
    action: '-string',
    related: '-anything',
    reportingComponent: '-string',
    reportingInstance: '-string',
  },
  serviceaccounts: { secrets: '-anything', imagePullSecrets: '-anything', automountServiceAccountToken: '-boolean' },
}
