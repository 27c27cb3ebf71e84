/**
 * Which preStop hook would be enough: when planned work loses requests, the same manifests are tried with longer and longer
 * sleeps. Nothing is computed; what is told is what was seen.
 */

import type { Deployment, KubeObject } from '../../objects/index.ts'
import { counted } from '../../report/index.ts'
import { graceWith, PRESTOP_SECONDS } from './prestop.ts'

/** How many of so many trials of planned work lost a request. */
export interface Attempt {
  readonly seconds: number
  readonly trials: number
  readonly lost: number
}

export interface Advice {
  /** The shortest sleep that lost nothing. */
  readonly enough: Attempt | undefined
  /** The longest that did lose something. */
  readonly tooShort: Attempt | undefined
}

/**
 * Halves the list of candidates until the shortest sleep that loses nothing is found. `attempt` runs the trials; without an
 * answer from it (the user had enough) there is no advice.
 */
export async function findPreStop(
  attempt: (seconds: number) => Promise<Attempt | undefined>,
): Promise<Advice | undefined> {
  // The longest first: when even that loses requests, no hook is the answer.
  const longest = await attempt(PRESTOP_SECONDS.at(-1)!)
  if (longest === undefined) return undefined
  if (longest.lost > 0) return { enough: undefined, tooShort: longest }
  let enough = longest
  let tooShort: Attempt | undefined
  let low = 0
  let high = PRESTOP_SECONDS.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    const tried = await attempt(PRESTOP_SECONDS[middle]!)
    if (tried === undefined) return undefined
    if (tried.lost > 0) {
      tooShort = tried
      low = middle + 1
    } else {
      enough = tried
      high = middle
    }
  }
  return { enough, tooShort }
}

/** The advice for people, with what it does not say. */
export function printAdvice({ enough, tooShort }: Advice, objects: readonly KubeObject[]): string {
  const deployments = objects.filter((object): object is Deployment => object.kind === 'Deployment')
  if (enough === undefined) {
    const unprobed = deployments.filter(({ spec }) =>
      spec.template.spec.containers.every(({ readinessProbe }) => readinessProbe === undefined),
    )
    const single = deployments.filter(({ spec }) => (spec.replicas ?? 1) < 2)
    return [
      `ADVICE: no preStop hook alone is the mend: with a sleep of ${tooShort?.seconds ?? 0} s in every container requests were still lost.`,
      ...unprobed.map(
        ({ metadata }) =>
          `    Deployment ${metadata.name} has no readinessProbe: clients are sent to its pods before their program listens`,
      ),
      ...single.map(
        ({ metadata }) =>
          `    Deployment ${metadata.name} has one replica: while its pod moves nobody answers; a second one and a PodDisruptionBudget help`,
      ),
    ].join('\n')
  }
  const { seconds } = enough
  const short = deployments.filter(({ spec }) => {
    const given = spec.template.spec.terminationGracePeriodSeconds
    return graceWith(given, seconds) > (given ?? 30)
  })
  return [
    `ADVICE: a preStop hook of ${seconds} s in every container lost no request in ${counted(enough.trials, 'trial')}${tooShort === undefined ? '' : ` (with ${tooShort.seconds} s the requests were still lost)`}.`,
    `    lifecycle: {preStop: {sleep: {seconds: ${seconds}}}}`,
    ...short.map(
      ({ metadata, spec }) =>
        `    and for Deployment ${metadata.name} terminationGracePeriodSeconds: ${graceWith(spec.template.spec.terminationGracePeriodSeconds, seconds)}`,
    ),
    '    That is for this simulated cluster, undisturbed. A larger or busier one, a cloud load balancer or an ingress takes',
    '    longer to hear that a pod is leaving: leave a margin.',
  ].join('\n')
}
