/**
 * kube-proxy's rules: iptables and IPVS mode, side by side on every node, do with every class of packets what Services and
 * EndpointSlices say. The second opinion is a naive model that knows no chains; where a mode truly differs from the
 * documentation, src/proxy lists the difference and what the mode does instead.
 */
import { namesOf, type Truth } from '../../src/cluster/index.ts'
import { type EndpointSlice, keyOf } from '../../src/objects/index.ts'
import { compare, type Disagreement, type ServiceObjects } from '../../src/proxy/index.ts'
import type { PropertyDefinition, Violation } from '../../src/trial/registry.ts'
import { onComparison } from './comparisons.ts'

export const proxyModesAgree: PropertyDefinition = {
  id: 'proxy-modes-agree',
  mode: 'always',
  claim:
    'after every sync of kube-proxy no class of packets fares rightly in one of iptables and IPVS mode and wrongly in the other: backends, refusal, drop, masquerade, affinity',
  source: 'kubernetes pkg/proxy/iptables and pkg/proxy/ipvs, v1.33; documentation "Virtual IPs and Service Proxies"',
  trigger: 'a sync left classes of packets to compare',
  catches: ['proxy-ipvs-nodeport-ignores-local', 'proxy-local-policy-blackhole'],
  monitor(cluster, report) {
    onComparison(cluster, ({ node, disagreements, classesAsked }) => {
      if (classesAsked > 0) report.reached()
      const modes = new Map<string, Disagreement | 'both'>()
      for (const each of disagreements) modes.set(each.flowClass, modes.has(each.flowClass) ? 'both' : each)
      for (const each of modes.values()) {
        if (each === 'both') continue
        report.fail(violation(node, 'modes-differ', `only ${each.mode} mode is wrong: ${each.text}`))
        return
      }
    })
    return {}
  },
}

export const proxyRulesFollowTheApi: PropertyDefinition = {
  id: 'proxy-rules-follow-the-api',
  mode: 'always',
  claim:
    'after every sync both modes do what the Services and EndpointSlices that kube-proxy was told say, and by the end of the quiet phase what the stored ones say',
  source:
    'kubernetes pkg/proxy, v1.33; documentation "Service" (traffic policies, session affinity, terminating endpoints)',
  trigger: 'a sync left classes of packets to compare',
  catches: ['proxy-loses-changes-after-failed-restore', 'proxy-ipvs-unbinds-shared-address'],
  monitor(cluster, report) {
    onComparison(cluster, ({ node, disagreements, classesAsked }) => {
      if (classesAsked > 0) report.reached()
      const [first] = disagreements
      if (first !== undefined) report.fail(violation(node, 'other-than-told', first.text))
    })
    return {
      onEnd() {
        const stored = storedServices(cluster.truth)
        for (const node of namesOf(cluster.topology).nodes) {
          if (cluster.isUnhealed(node)) continue
          const { disagreements, classesAsked } = compare(cluster.networkOf(node), stored)
          if (classesAsked > 0) report.reached()
          const [first] = disagreements
          if (first === undefined) continue
          report.fail(violation(node, 'behind-the-api', `at the end of the quiet phase ${first.text}`))
          return
        }
      },
    }
  },
}

function violation(node: string, shape: string, text: string): Violation {
  return { subject: node, shape, message: `${node}: ${text}` }
}

/** Every stored service with the slices that name it. */
function storedServices(truth: Truth): readonly ServiceObjects[] {
  const slices = new Map<string, EndpointSlice[]>()
  for (const slice of truth.list('endpointslices')) {
    const key = `${slice.metadata.namespace}/${slice.metadata.labels?.['kubernetes.io/service-name']}`
    const group = slices.get(key)
    if (group === undefined) slices.set(key, [slice])
    else group.push(slice)
  }
  return Array.from(truth.list('services'), (service) => ({ service, slices: slices.get(keyOf(service)) ?? [] }))
}
