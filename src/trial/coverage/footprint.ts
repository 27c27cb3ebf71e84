/**
 * The footprint of a trial: what it saw, as a small set of features. Two trials with one footprint went, as far as features
 * tell, the same ways; a trial with a feature that no other had went where nobody was. It is plain data that crosses
 * threads; what makes a feature is in `collector.ts`.
 */
export interface Footprint {
  /** Hashes, rising; each from 1 to 2^32 - 1, the same on every machine. */
  readonly features: Uint32Array
}
