/** Which ended pods are too many. Models kubernetes pkg/controller/podgc gcTerminated and byEvictionAndCreationTimestamp, v1.33. */
import type { Pod } from '../../objects/index.ts'

/** The pods to remove so that `threshold` stay: evicted ones first, then the oldest. A threshold of 0 keeps all. */
export function computeSurplusTerminated(
  keys: ReadonlySet<string>,
  threshold: number,
  find: (key: string) => Pod | undefined,
): readonly Pod[] {
  const surplus = keys.size - threshold
  if (threshold === 0 || surplus <= 0) return []
  const pods: Pod[] = []
  for (const key of keys) {
    const pod = find(key)
    if (pod !== undefined) pods.push(pod)
  }
  pods.sort(compare)
  return pods.slice(0, surplus)
}

function compare(a: Pod, b: Pod): number {
  const evicted = rank(a) - rank(b)
  if (evicted !== 0) return evicted
  const [left, right] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '']
  if (left !== right) return left < right ? -1 : 1
  return a.metadata.name < b.metadata.name ? -1 : a.metadata.name > b.metadata.name ? 1 : 0
}

function rank(pod: Pod): number {
  return pod.status?.phase === 'Failed' && pod.status.reason === 'Evicted' ? 0 : 1
}
