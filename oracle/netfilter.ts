/**
 * Holds the model of iptables mode to the kernel of this machine: random services are rendered as iptables-save text, loaded
 * into a network namespace, asked with made-up packets of every class, and what the kernel decided (its conntrack entries,
 * its refusals) is compared with what the model says could happen: the set of backends, masquerading, refusal or silence,
 * affinity, and roughly the shares.
 *
 *     npx tsx oracle/netfilter.ts [--cases 100] [--seed 1] [--backend legacy|nft] [--packets 150]
 *
 * Needs root, network namespaces, python3, iptables and conntrack; says what is missing and ends with status 0 (or 1 with
 * --strict) where it cannot run. Not held: IPVS mode (its kernel module is rarely there), time-outs, reload under traffic.
 */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import fc from 'fast-check'
import { type Flow, formatAddress, parseAddress } from '../src/dataplane/index.ts'
import {
  type FlowClass,
  flowClasses,
  isProxied,
  NodeNetwork,
  type Outcome,
  PROXY_DECISIONS,
  planService,
  type ServiceObjects,
  type ServicePlan,
} from '../src/proxy/index.ts'
import { anyServices } from '../src/proxy/testing.ts'

const { values: options } = parseArgs({
  options: {
    cases: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    backend: { type: 'string', default: 'legacy' },
    packets: { type: 'string', default: '150' },
    strict: { type: 'boolean', default: false },
  },
})
const CASES = Number(options.cases)
const PACKETS = Number(options.packets)
const RESTORE = `iptables-${options.backend}-restore`
/** How often to ask when the model says that a class is not translated. */
const FEW = 3
/** Service sets to try a canary on: not every set has what it spoils. */
const CANARY_TRIES = 40
/** A share this many standard deviations off is no chance. */
const SIGMAS = 6.5

const NODE = `seatrial-node-${process.pid}`
const CLIENT = `seatrial-client-${process.pid}`
const NODE_SETUP = {
  nodeName: 'node-0',
  nodeAddress: '192.168.0.10',
  podCidr: '10.244.0.0/24',
  clusterCidr: '10.244.0.0/16',
}

function run(command: string, args: readonly string[], input?: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { input, encoding: 'utf8', maxBuffer: 1 << 28 })
  if (error !== undefined || status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`)
  return stdout
}

/** What this machine lacks, in words. */
function missing(): string[] {
  const lacks: string[] = []
  if (process.getuid?.() !== 0) lacks.push('root')
  for (const tool of ['ip', RESTORE, 'conntrack', 'python3']) {
    if (spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0) lacks.push(tool)
  }
  if (lacks.length > 0) return lacks
  const tried = spawnSync('ip', ['netns', 'add', NODE], { encoding: 'utf8' })
  if (tried.status !== 0) return [`network namespaces (${tried.stderr.trim()})`]
  return []
}

function setUp(): void {
  run('ip', ['netns', 'add', CLIENT])
  const batch = (namespace: string, lines: readonly string[]): void => {
    run('ip', ['-n', namespace, '-batch', '-'], `${lines.join('\n')}\n`)
  }
  batch(NODE, [
    'link set lo up',
    `link add vc address 02:00:00:00:00:01 type veth peer name eth0 address 02:00:00:00:00:02 netns ${CLIENT}`,
    'addr add 192.168.0.10/24 dev vc',
    'link set vc up',
    'route add default via 192.168.0.1',
    'neigh add 192.168.0.1 lladdr 02:00:00:00:00:02 nud permanent dev vc',
  ])
  batch(CLIENT, [
    'link set lo up',
    'addr add 192.168.0.1/24 dev eth0',
    'link set eth0 up',
    'route add default via 192.168.0.10',
    'neigh add 192.168.0.10 lladdr 02:00:00:00:00:01 nud permanent dev eth0',
  ])
  const settings = [
    'net.ipv4.ip_forward=1',
    'net.ipv4.icmp_ratelimit=0',
    'net.ipv4.icmp_ratemask=0',
    'net.ipv4.conf.all.route_localnet=1',
    ...['all', 'vc', 'lo'].flatMap((device) => [
      `net.ipv4.conf.${device}.rp_filter=0`,
      `net.ipv4.conf.${device}.send_redirects=0`,
    ]),
  ]
  run('ip', ['netns', 'exec', NODE, 'sysctl', '-qw', ...settings])
}

/** The python program that sends and listens, one batch a line. */
class Probe {
  readonly #process: ChildProcessWithoutNullStreams
  readonly #lines: AsyncIterator<string>

  constructor() {
    this.#process = spawn('python3', [fileURLToPath(new URL('probe.py', import.meta.url)), NODE, CLIENT])
    this.#process.stderr.pipe(process.stderr)
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]()
  }

  async send(
    flows: readonly Probing[],
  ): Promise<{ readonly refused: ReadonlySet<number>; readonly reset: ReadonlySet<number> }> {
    const rows = flows.map(({ origin, flow }) => [
      origin === 'node' ? NODE : CLIENT,
      flow.protocol,
      formatAddress(flow.source),
      flow.sourcePort,
      formatAddress(flow.destination),
      flow.destinationPort,
    ])
    this.#process.stdin.write(`${JSON.stringify(rows)}\n`)
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error('the probe ended')
    const answer = JSON.parse(value) as { refused: number[]; reset: number[] }
    return { refused: new Set(answer.refused), reset: new Set(answer.reset) }
  }

  end(): void {
    this.#process.stdin.end()
  }
}

interface Probing {
  readonly flowClass: FlowClass
  readonly origin: 'node' | 'client'
  readonly flow: Flow
}

interface Tracked {
  readonly backend: string
  readonly translated: boolean
  readonly masqueraded: boolean
}

/** The kernel's decisions by flow, from its conntrack table. */
function tracked(): Map<string, Tracked> {
  const entries = new Map<string, Tracked>()
  for (const line of run('ip', ['netns', 'exec', NODE, 'conntrack', '-L']).split('\n')) {
    const protocol = /^(tcp|udp)\b/.exec(line)?.[1]
    const all = [...line.matchAll(/(src|dst|sport|dport)=(\S+)/g)].map(([, , value]) => value ?? '')
    if (protocol === undefined || all.length < 8) continue
    const [source, destination, sourcePort, port, backend, returns, backendPort, returnPort] = all
    entries.set(`${protocol.toUpperCase()} ${source}:${sourcePort} ${destination}:${port}`, {
      backend: `${backend}:${backendPort}`,
      translated: backend !== destination || backendPort !== port,
      masqueraded: returns !== source || returnPort !== sourcePort,
    })
  }
  return entries
}

function nameOf({ protocol, source, sourcePort, destination, destinationPort }: Flow): string {
  return `${protocol} ${formatAddress(source)}:${sourcePort} ${formatAddress(destination)}:${destinationPort}`
}

/** The packets that ask about a class. Outsiders come from many addresses, so that affinity does not hide backends. */
function packetsOf(flowClass: FlowClass, outcome: Outcome, index: number): Probing[] {
  const count = outcome.verdict === 'dnat' ? PACKETS : FEW
  const spread = flowClass.from === 'outside' && outcome.affinitySeconds > 0
  return Array.from({ length: count }, (_, i) => ({
    flowClass,
    origin: flowClass.from === 'node' ? 'node' : 'client',
    flow: {
      ...flowClass.flow,
      source: spread ? parseAddress('172.20.0.0') + index * 256 + (i % Math.min(90, count)) : flowClass.flow.source,
      sourcePort: 1024 + index * PACKETS + i,
    },
  }))
}

/** Compares one class: what the kernel did to its packets with what the model allows. Returns complaints. */
function judge(
  flowClass: FlowClass,
  outcome: Outcome,
  packets: readonly { readonly probing: Probing; readonly seen: string; readonly entry?: Tracked }[],
): string[] {
  const complaints: string[] = []
  const kinds = new Set(packets.map(({ seen }) => seen))
  const wanted =
    outcome.verdict === 'dnat'
      ? 'translated'
      : outcome.verdict === 'reject'
        ? 'refused'
        : outcome.verdict === 'drop'
          ? 'silent'
          : 'direct'
  if (kinds.size !== 1 || !kinds.has(wanted))
    complaints.push(`${flowClass.name}: the kernel says ${[...kinds].join(' and ')}, the model ${wanted}`)
  if (wanted !== 'translated' || complaints.length > 0) return complaints

  const counts = new Map<string, { count: number; masqueraded: number }>()
  const bySource = new Map<number, Set<string>>()
  for (const { probing, entry } of packets) {
    if (entry === undefined) continue
    const at = counts.get(entry.backend) ?? { count: 0, masqueraded: 0 }
    counts.set(entry.backend, { count: at.count + 1, masqueraded: at.masqueraded + (entry.masqueraded ? 1 : 0) })
    const backends = bySource.get(probing.flow.source) ?? new Set()
    bySource.set(probing.flow.source, backends.add(entry.backend))
  }
  const sticky = outcome.affinitySeconds > 0
  if (sticky && [...bySource.values()].some((backends) => backends.size > 1))
    complaints.push(`${flowClass.name}: a client changed its backend`)
  for (const [backend, { count, masqueraded }] of counts) {
    const expected = outcome.backends.get(backend)
    if (expected === undefined) complaints.push(`${flowClass.name}: the kernel chose ${backend}, the model never does`)
    else if (expected.masqueraded ? masqueraded === 0 : masqueraded > 0) {
      complaints.push(
        `${flowClass.name}: ${backend}: ${masqueraded} of ${count} masqueraded, the model says ${expected.masqueraded ? 'all' : 'none'}`,
      )
    }
  }
  if (!sticky) {
    const share = 1 / outcome.backends.size
    const allowed = SIGMAS * Math.sqrt(packets.length * share * (1 - share))
    for (const backend of outcome.backends.keys()) {
      const count = counts.get(backend)?.count ?? 0
      if (count === 0) complaints.push(`${flowClass.name}: the kernel never chose ${backend}`)
      else if (Math.abs(count - packets.length * share) > allowed + 1)
        complaints.push(`${flowClass.name}: ${backend} got ${count} of ${packets.length}`)
    }
  }
  return complaints
}

/** Mistakes that the oracle must notice when they are slipped into the loaded rules: it is not asleep. */
const CANARIES: readonly { readonly name: string; readonly alter: (text: string) => string }[] = [
  {
    name: 'hairpin traffic is not masqueraded',
    alter: (text) => text.replace(/^-A KUBE-SEP-\w+ -s .* -j KUBE-MARK-MASQ$/gm, ''),
  },
  {
    name: 'refusals became silence',
    alter: (text) => text.replaceAll('-j REJECT --reject-with icmp-port-unreachable', '-j DROP'),
  },
  {
    name: 'a backend has another port',
    alter: (text) => text.replace(/(--to-destination \d+\.\d+\.\d+\.\d+):\d+/, '$1:9'),
  },
  { name: 'clients are not remembered', alter: (text) => text.replace(/^.* --rcheck .*$/gm, '') },
  { name: 'shares are not equal', alter: (text) => text.replaceAll('--probability 0.5', '--probability 0.9') },
]

async function oneCase(
  probe: Probe,
  services: readonly ServiceObjects[],
  alter = (text: string): string => text,
): Promise<{ readonly complaints: string[]; readonly classes: number; readonly packets: number }> {
  const changes = new Map<string, ServicePlan>()
  for (const { service, slices } of services) {
    if (isProxied(service)) changes.set(`default/${service.metadata.name}`, planService(service, slices))
  }
  const asked = new NodeNetwork(NODE_SETUP)
  // An unused service address leaves by the default route; the kernel's table shows it untranslated, not dropped.
  const model = new NodeNetwork({ ...NODE_SETUP, serviceCidr: '255.255.255.255/32' })
  model.restore(changes, true, PROXY_DECISIONS, 0)
  const text = alter(model.iptablesSave())
  run('ip', ['netns', 'exec', NODE, RESTORE, '--test'], text)
  run('ip', ['netns', 'exec', NODE, RESTORE], text)
  spawnSync('ip', ['netns', 'exec', NODE, 'conntrack', '-F'])

  const classes = [...flowClasses(changes.values(), asked.options)]
  const outcomes = classes.map(({ flow }) => model.outcomes(flow, 'iptables'))
  const packets = classes.flatMap((flowClass, index) => packetsOf(flowClass, outcomes[index] as Outcome, index))
  const { refused, reset } = await probe.send(packets)
  const entries = tracked()
  const complaints: string[] = []
  classes.forEach((flowClass, index) => {
    const its = packets.flatMap((probing, at) => {
      if (probing.flowClass !== flowClass) return []
      const entry = entries.get(nameOf(probing.flow))
      const seen = refused.has(at)
        ? 'refused'
        : entry?.translated === true
          ? 'translated'
          : reset.has(at) || entry !== undefined
            ? 'direct'
            : 'silent'
      return [{ probing, seen, entry }]
    })
    complaints.push(...judge(flowClass, outcomes[index] as Outcome, its))
  })
  return { complaints, classes: classes.length, packets: packets.length }
}

const lacks = missing()
if (lacks.length > 0) {
  console.error(
    `ORACLE NOT RUN: this machine lacks ${lacks.join(', ')}. The model of iptables mode was NOT compared with a kernel.`,
  )
  process.exit(options.strict ? 1 : 0)
}
let failed = 0
let probe: Probe | undefined
try {
  setUp()
  probe = new Probe()
  const from = process.hrtime.bigint()
  let classes = 0
  let packets = 0
  const samples = fc.sample(anyServices, { numRuns: CASES, seed: Number(options.seed) })
  for (const [index, services] of samples.entries()) {
    const result = await oneCase(probe, services)
    classes += result.classes
    packets += result.packets
    if (result.complaints.length === 0) continue
    failed++
    console.error(`case ${index}: ${JSON.stringify(services)}`)
    for (const complaint of result.complaints) console.error(`  ${complaint}`)
  }
  for (const { name, alter } of CANARIES) {
    let noticed = false
    for (const services of fc.sample(anyServices, { numRuns: CANARY_TRIES, seed: 99 })) {
      noticed = (await oneCase(probe, services, alter)).complaints.length > 0
      if (noticed) break
    }
    if (noticed) continue
    failed++
    console.error(`canary: nobody noticed that ${name}`)
  }
  const seconds = Number(process.hrtime.bigint() - from) / 1e9
  console.log(
    `${CASES} service sets, ${classes} classes, ${packets} packets against ${RESTORE} in ${seconds.toFixed(1)} s: ${failed} differ; ${CANARIES.length} canaries`,
  )
} finally {
  probe?.end()
  for (const namespace of [NODE, CLIENT]) spawnSync('ip', ['netns', 'del', namespace])
}
process.exitCode = failed === 0 ? 0 : 1
