/** A portfolio campaign on one suite in this thread, trial by trial: the very lanes that `fuzz` gives out, for the ablation. */
import { PortfolioBlocks } from '../src/cli/portfolio-blocks.ts'
import {
  type LaneTrial,
  laneOf,
  laneTrials,
  printTrialId,
  type Registry,
  scenariosFrom,
  strategyOf,
  suiteArbitrary,
  type TrialId,
  type TrialResult,
} from '../src/trial/index.ts'

const SEED_TRIALS = 4_096

/** The answer to each trial is its result. Without end. */
export async function* portfolioTrials(
  registry: Registry,
  { suite, defects, seed }: Pick<TrialId, 'suite' | 'defects' | 'seed'>,
): AsyncGenerator<LaneTrial, void, TrialResult> {
  const blocks = new PortfolioBlocks({
    suites: [suite],
    defects,
    seed,
    shard: { index: 1, count: 1 },
    seedTrials: SEED_TRIALS,
    most: Number.POSITIVE_INFINITY,
    past: new Map(),
    isStopped: () => false,
    onLane: () => {},
  })
  for (let next = await blocks.next(); next.done !== true; next = await blocks.next()) {
    const { value: block } = next
    const { strategy, from, count } = block
    const how = strategyOf(strategy)
    const arbitrary = suiteArbitrary(registry, suite, defects, strategy)
    const deliver = (number: number, result: TrialResult) => {
      const trialId = printTrialId({ ...block, path: String(number) })
      blocks.onTrial({ record: { trialId, result }, properties: [] })
    }
    if (how.kind === 'learning') {
      const trials = laneTrials(how, laneOf(how, from), { registry, suite, seed: block.seed, arbitrary })
      for (let trial = trials.next(); trial.done !== true; ) {
        const { number, scenario, options } = trial.value
        const result = yield { number, scenario, options: { ...options, footprint: true } }
        deliver(number, result)
        trial = trials.next(result)
      }
    } else
      for (const [index, scenario] of scenariosFrom(arbitrary, block.seed, from, count).entries()) {
        const number = from + index
        deliver(number, yield { number, scenario, options: { footprint: true } })
      }
    blocks.onBlock(block)
  }
}
