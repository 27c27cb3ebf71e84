/** Where bin/seatrial.mjs enters. */
import { processIo } from './io.ts'
import { main } from './main.ts'

// A reader that goes away (seatrial … | head) is no error.
process.stdout.on('error', (error: { readonly code?: string }) => {
  if (error.code === 'EPIPE') process.exit(0)
})
process.exitCode = await main(process.argv.slice(2), processIo())
