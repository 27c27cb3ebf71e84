/**
 * What a kubelet tells about its pods as Events. Models the events of kubernetes pkg/kubelet (events/event.go and where they are
 * recorded: images, kuberuntime, prober), v1.33. Left out: those of volumes, of sandboxes and of the node itself.
 */
import { type ApiClient, CLIENT_RATES, EventRecorder } from '../client/index.ts'
import type { Out } from '../kernel/index.ts'
import { type CoreEvent, keyOf, type Pod } from '../objects/index.ts'
import type { ContainerRecord } from './cri.ts'
import type { StopReason } from './facts.ts'

const KILLING: Readonly<Partial<Record<StopReason, (container: string) => string>>> = {
  liveness: (container) => `Container ${container} failed liveness probe, will be restarted`,
  startup: (container) => `Container ${container} failed startup probe, will be restarted`,
  changed: (container) => `Container ${container} definition changed, will be restarted`,
  poststart: () => 'FailedPostStartHook',
}

export class PodEvents {
  readonly #recorder: EventRecorder

  constructor(node: string, client: ApiClient) {
    this.#recorder = new EventRecorder(client, { component: 'kubelet', host: node, ...CLIENT_RATES.kubelet })
  }

  /** Something about one container of a pod. */
  tell(pod: Pod, container: string, type: CoreEvent['type'], reason: string, message: string, out: Out): void {
    const list = pod.spec.initContainers?.some(({ name }) => name === container) ? 'initContainers' : 'containers'
    this.#recorder.record(pod, type, reason, message, out, `spec.${list}{${container}}`)
  }

  killing(pod: Pod, { name }: ContainerRecord, why: StopReason, out: Out): void {
    this.tell(pod, name, 'Normal', 'Killing', KILLING[why]?.(name) ?? `Stopping container ${name}`, out)
  }

  preStopFailed(pod: Pod, { name }: ContainerRecord, out: Out): void {
    this.tell(pod, name, 'Warning', 'FailedPreStopHook', 'PreStopHook failed', out)
  }

  unhealthy(pod: Pod, container: string, kind: string, out: Out): void {
    const Kind = kind.charAt(0).toUpperCase() + kind.slice(1)
    this.tell(pod, container, 'Warning', 'Unhealthy', `${Kind} probe failed: the answer was not a success`, out)
  }

  restartBackOff(pod: Pod, container: string, out: Out): void {
    const message = `Back-off restarting failed container ${container} in pod ${keyOf(pod)}`
    this.tell(pod, container, 'Warning', 'BackOff', message, out)
  }
}
