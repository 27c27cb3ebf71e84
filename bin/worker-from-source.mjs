// A worker where nothing was built: tsx in front of src/cli/worker.ts. Node 20 cannot be told so by --import in a thread.
import { register } from 'tsx/esm/api'

register()
await import('../src/cli/worker.ts')
