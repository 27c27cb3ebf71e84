/**
 * A pod object for containers whose pod the API has forgotten, from what the runtime was told when it made them. Models kubernetes
 * pkg/kubelet/kuberuntime/labels.go (grace period and preStop hook travel as annotations of the container), v1.33.
 */
import type { Pod } from '../objects/index.ts'
import type { PodRecords } from './podrecords.ts'

const DEFAULT_GRACE_SECONDS = 30

/** Only good for stopping what runs. */
export function orphanPod(records: PodRecords, nodeName: string): Pod {
  const slash = records.podKey.indexOf('/')
  const newest = records.containers.filter((record) => records.latest(record.name) === record)
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: records.podKey.slice(0, slash), name: records.podKey.slice(slash + 1), uid: records.podUid },
    spec: {
      nodeName,
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: newest[0]?.podGraceSeconds ?? DEFAULT_GRACE_SECONDS,
      containers: newest.filter((record) => !record.init).map((record) => record.spec),
      initContainers: newest.filter((record) => record.init).map((record) => record.spec),
    },
  }
}
