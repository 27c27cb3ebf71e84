/** The data plane: packets, netfilter, ipset, IPVS, conntrack, DNS. What other floors may import. */
export * from './conntrack.ts'
export * from './decisions.ts'
export * from './dns.ts'
export * from './flow-table.ts'
export * from './ipset.ts'
export * from './ipvs/index.ts'
export * from './netfilter/index.ts'
export * from './packet.ts'
