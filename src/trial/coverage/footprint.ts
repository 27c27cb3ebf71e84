/**
 * The footprint of a trial: what it saw, as a small set of features. Two trials with one footprint went, as far as features
 * tell, the same ways; a trial with a feature that no other had went where nobody was. It is plain data that crosses
 * threads; what makes a feature is in `collector.ts`.
 */
import type { Phase } from './cluster-phase.ts'

/** A fault that was injected, and what it struck. One that struck several kinds of component is there once for each. */
export interface Strike {
  /** The fault's id in its scenario. */
  readonly fault: string
  /** The fault's kind. */
  readonly kind: string
  /** A kind of process or host, with the part that it played: `etcd leader`, `kubelet`, `node`; `cluster` for no one. */
  readonly component: string
  /** What the cluster was doing. */
  readonly phase: Phase
  readonly bit: boolean
}

export interface Footprint {
  /** Hashes, rising; each from 1 to 2^32 - 1, the same on every machine. */
  readonly features: Uint32Array
  readonly strikes: readonly Strike[]
}
