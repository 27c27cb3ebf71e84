// Which files are tests, and how long one may take.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'properties/**/*.property.ts', 'properties/**/*.test.ts', 'chaos/**/*.test.ts'],
    testTimeout: 60_000,
  },
})
