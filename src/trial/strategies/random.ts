/** Plain random search: the scenarios of the suite as they are drawn. What every other strategy is measured against. */
import type { DrawnStrategy } from './strategy.ts'

export const random: DrawnStrategy = {
  kind: 'drawn',
  id: 'random',
  title: 'scenarios as the suite draws them',
  source: 'Claessen and Hughes, "QuickCheck", 2000',
  arbitrary: (suite) => suite,
}
