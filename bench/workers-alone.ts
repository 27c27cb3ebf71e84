/** A process of its own with one worker; its last line of output is its trials a second. The benchmark of workers starts two. */
import { campaign } from './workers-campaign.ts'

const { trials, seconds } = await campaign(1)
process.stdout.write(`${trials / seconds}\n`)
