/** Questions to git, through its own program. Whatever it refuses becomes a sentence. */
import { execFileSync } from 'node:child_process'
import { UserError } from '../trial/user-error.ts'

/** What git prints, without the last line break. @throws UserError with git's own words, or if there is no git */
export function git(folder: string, ...words: readonly string[]): string {
  try {
    return execFileSync('git', words, {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 1 << 28,
    }).trimEnd()
  } catch (error) {
    const { code, stderr } = error as { readonly code?: string; readonly stderr?: string }
    if (code === 'ENOENT')
      throw new UserError({ what: 'there is no program "git"', where: 'git', mend: 'install git, or see its PATH' })
    const [first = 'it failed'] = (stderr ?? '').trim().split('\n')
    throw new UserError({
      what: first.replace(/^(fatal|error): /, ''),
      where: `git ${words.slice(0, 3).join(' ')}`,
      mend: 'see what git says',
    })
  }
}

/** The commit that is checked out. @throws UserError outside of a repository, or where nothing was committed yet */
export function headCommit(folder: string, flag: string): string {
  try {
    return git(folder, 'rev-parse', '--verify', 'HEAD')
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw new UserError({
      what: `there is no git commit here (${error.what})`,
      where: flag,
      mend: 'go into a git repository with at least one commit',
    })
  }
}

/** A seed for a commit: equal commits, equal seeds, so a pull request is tried alike however often its checks run. */
export function seedOfCommit(commit: string): number {
  return Number.parseInt(commit.slice(0, 8), 16) | 0
}
