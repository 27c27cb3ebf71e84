// Which files are tests, and how long one may take. Reproductions in .seatrial, and tests of a user's own such as
// "seatrial new" makes, are run only when they are asked for by name.
import { defineConfig } from 'vitest/config'

const named = process.argv.filter((word) => /\.test\.[jt]s$/.test(word))
const reproductions = process.argv.some((word) => word.includes('.seatrial')) ? ['.seatrial/**/*.test.ts'] : []

export default defineConfig({
  test: {
    include: [
      'src/**/*.test.ts',
      'properties/**/*.property.ts',
      'properties/**/*.test.ts',
      'chaos/**/*.test.ts',
      'bench/**/*.test.ts',
      ...reproductions,
      ...named,
    ],
    // By default one core is left alone, which is half of a machine with two.
    maxWorkers: '100%',
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
