/**
 * When a probe's outcomes become its result: so many in a row. Models kubernetes pkg/kubelet/prober/worker.go (resultRun), v1.33. Pure;
 * the clock and the probing itself are in probes.ts.
 */
import type { Probe } from '../objects/index.ts'

export type ProbeKind = 'startup' | 'liveness' | 'readiness'
export type ProbeResult = 'success' | 'failure' | 'unknown'

export interface ProbeState {
  /** What the rest of the kubelet sees. */
  readonly result: ProbeResult
  readonly lastOutcome: ProbeResult
  /** How many outcomes in a row were `lastOutcome`. */
  readonly run: number
  /** A failed liveness or startup probe rests until the container has been replaced. */
  readonly onHold: boolean
}

/** Before the first outcome: alive, not ready, not known to have started. */
export const INITIAL_RESULT: Readonly<Record<ProbeKind, ProbeResult>> = {
  liveness: 'success',
  readiness: 'failure',
  startup: 'unknown',
}

const INITIAL: Readonly<Record<ProbeResult, ProbeState>> = {
  success: Object.freeze({ result: 'success', lastOutcome: 'unknown', run: 0, onHold: false }),
  failure: Object.freeze({ result: 'failure', lastOutcome: 'unknown', run: 0, onHold: false }),
  unknown: Object.freeze({ result: 'unknown', lastOutcome: 'unknown', run: 0, onHold: false }),
}

/** The state for a container that has not been probed, with a given first result. */
export function initialProbeState(result: ProbeResult): ProbeState {
  return INITIAL[result]
}

/** The state after one more outcome. Returns the same object while nothing changes (a long run is not counted further). */
export function afterOutcome(
  state: ProbeState,
  outcome: 'success' | 'failure',
  kind: ProbeKind,
  probe: Probe,
): ProbeState {
  const threshold = outcome === 'success' ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3)
  const run = state.lastOutcome === outcome ? state.run + 1 : 1
  if (run < threshold) return { ...state, lastOutcome: outcome, run }
  const held = outcome === 'failure' && kind !== 'readiness'
  if (state.result === outcome && state.lastOutcome === outcome && state.onHold === held) return state
  return { result: outcome, lastOutcome: outcome, run: held ? 0 : run, onHold: held }
}
