/** The fields of a pod's spec; see `schema-field.ts` for the notation. Source: k8s.io/api core/v1 types.go, v1.33. */
import type { FieldTable } from './schema-field.ts'

const HTTP_GET: FieldTable = {
  path: 'string',
  port: 'integer-or-string',
  host: 'string',
  scheme: 'string',
  httpHeaders: [{ name: '-string', value: '-string' }],
}

const HANDLER: FieldTable = {
  exec: { command: ['string'] },
  httpGet: HTTP_GET,
  tcpSocket: { port: 'integer-or-string', host: 'string' },
}

const PROBE: FieldTable = {
  ...HANDLER,
  grpc: { port: 'integer', service: 'string' },
  initialDelaySeconds: 'integer',
  timeoutSeconds: 'integer',
  periodSeconds: 'integer',
  successThreshold: 'integer',
  failureThreshold: 'integer',
  terminationGracePeriodSeconds: 'integer',
}

const HOOK: FieldTable = { ...HANDLER, sleep: { seconds: 'integer' } }

const CONTAINER: FieldTable = {
  name: 'string',
  image: 'string',
  imagePullPolicy: 'string',
  command: ['string'],
  args: ['string'],
  env: '-anything',
  envFrom: '-anything',
  workingDir: '-string',
  ports: [{ name: 'string', containerPort: 'integer', hostPort: 'integer', hostIP: 'string', protocol: 'string' }],
  resources: { requests: 'quantities', limits: '-quantities', claims: '!anything' },
  resizePolicy: '!anything',
  livenessProbe: PROBE,
  readinessProbe: PROBE,
  startupProbe: PROBE,
  lifecycle: { postStart: HOOK, preStop: HOOK, stopSignal: '!string' },
  restartPolicy: 'string',
  volumeMounts: '-anything',
  volumeDevices: '!anything',
  securityContext: '-anything',
  terminationMessagePath: '-string',
  terminationMessagePolicy: '-string',
  stdin: '-boolean',
  stdinOnce: '-boolean',
  tty: '-boolean',
}

const SELECTOR: FieldTable = {
  matchLabels: 'strings-by-name',
  matchExpressions: [{ key: 'string', operator: 'string', values: ['string'] }],
}

const POD_AFFINITY_TERM: FieldTable = {
  labelSelector: SELECTOR,
  topologyKey: 'string',
  namespaces: ['string'],
  namespaceSelector: '!anything',
  matchLabelKeys: ['!string'],
  mismatchLabelKeys: ['!string'],
}

const POD_AFFINITY: FieldTable = {
  requiredDuringSchedulingIgnoredDuringExecution: [POD_AFFINITY_TERM],
  preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 'integer', podAffinityTerm: POD_AFFINITY_TERM }],
}

const NODE_TERM: FieldTable = {
  matchExpressions: [{ key: 'string', operator: 'string', values: ['string'] }],
  matchFields: [{ key: 'string', operator: 'string', values: ['string'] }],
}

export const POD_SPEC: FieldTable = {
  nodeName: 'string',
  containers: [CONTAINER],
  initContainers: [CONTAINER],
  ephemeralContainers: '!anything',
  restartPolicy: 'string',
  terminationGracePeriodSeconds: 'integer',
  activeDeadlineSeconds: 'integer',
  nodeSelector: 'strings-by-name',
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [NODE_TERM] },
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 'integer', preference: NODE_TERM }],
    },
    podAffinity: POD_AFFINITY,
    podAntiAffinity: POD_AFFINITY,
  },
  tolerations: [{ key: 'string', operator: 'string', value: 'string', effect: 'string', tolerationSeconds: 'integer' }],
  schedulerName: 'string',
  schedulingGates: '!anything',
  priority: 'integer',
  priorityClassName: '!string',
  preemptionPolicy: '!string',
  hostNetwork: 'boolean',
  hostPID: '-boolean',
  hostIPC: '-boolean',
  hostUsers: '-boolean',
  hostAliases: '-anything',
  hostname: 'string',
  subdomain: 'string',
  setHostnameAsFQDN: '-boolean',
  serviceAccountName: '-string',
  serviceAccount: '-string',
  automountServiceAccountToken: '-boolean',
  dnsPolicy: '-string',
  dnsConfig: '-anything',
  enableServiceLinks: '-boolean',
  imagePullSecrets: '-anything',
  readinessGates: [{ conditionType: 'string' }],
  topologySpreadConstraints: '!anything',
  volumes: '-anything',
  securityContext: '-anything',
  shareProcessNamespace: '-boolean',
  runtimeClassName: '!string',
  overhead: '!quantities',
  os: '-anything',
  resourceClaims: '!anything',
  resources: '!anything',
}
