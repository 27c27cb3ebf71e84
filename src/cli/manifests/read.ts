/** Manifests as a person names them, files and folders, made into the objects of a scenario; with all that is wrong in them. */
import { isAbsolute, relative, resolve } from 'node:path'
import type { KubeObject } from '../../objects/index.ts'
import { counted } from '../../report/index.ts'
import { UserError } from '../../trial/index.ts'
import { manifestFiles, readText } from '../files.ts'
import { judgeManifests } from './judge.ts'
import { patchesNamedIn } from './kustomize.ts'
import { type Complaint, loadManifests } from './load.ts'

interface ReadManifests {
  readonly objects: readonly KubeObject[]
  readonly complaints: readonly Complaint[]
}

/** The objects of manifests, and everything that is wrong or unusual with them. @throws UserError if there is no file */
export function readManifests(paths: readonly string[], folder: string): ReadManifests {
  const files = manifestFiles(paths, folder)
  if (files.length === 0)
    throw new UserError({
      what: 'there are no .yaml, .yml or .json files',
      where: paths.join(' '),
      mend: 'name a file or a folder that holds manifests',
    })
  const texts = files.map(({ path, isNamed }) => {
    const full = resolve(folder, path)
    return { file: isAbsolute(path) ? path : relative(folder, full), text: readText(full), isNamed }
  })
  const patches = new Map(
    texts.flatMap(({ file, text }) => patchesNamedIn(file, text).map((patch) => [patch, file] as const)),
  )
  const loaded = texts.map(({ file, text, isNamed }) => {
    const kustomization = isNamed ? undefined : patches.get(file)
    if (kustomization === undefined) return loadManifests(file, text, isNamed)
    const what = `this is a patch of ${kustomization} and is passed over`
    return { manifests: [], complaints: [{ severity: 'warning', file, line: 1, column: 1, what } satisfies Complaint] }
  })
  const judged = judgeManifests(loaded.flatMap(({ manifests }) => manifests))
  return {
    objects: judged.objects,
    complaints: [...loaded.flatMap(({ complaints }) => complaints), ...judged.complaints],
  }
}

/** @throws UserError if there is nothing to run, or too much is wrong. */
export function assertCheckable(
  objects: readonly KubeObject[],
  complaints: readonly Complaint[],
  paths: readonly string[],
): void {
  const errors = complaints.filter(({ severity }) => severity === 'error').length
  if (errors > 0)
    throw new UserError({
      what: `${counted(errors, 'mistake')} in the manifests`,
      where: paths.join(' '),
      mend: 'mend what is named above and check again; nothing was run',
    })
  if (!objects.some(({ kind }) => kind === 'Deployment' || kind === 'ReplicaSet' || kind === 'Pod'))
    throw new UserError({
      what: 'there is nothing here that runs pods',
      where: paths.join(' '),
      mend: 'name files with a Deployment, a ReplicaSet or a Pod',
    })
}

/** Complaints as a person reads them: each in its place, and notes about fields together, a line for each field. */
export function printComplaints(complaints: readonly Complaint[]): string {
  const placesOf = new Map<string, Complaint[]>()
  const lines: string[] = []
  for (const complaint of complaints) {
    const { field } = complaint
    if (field === undefined) {
      lines.push(printComplaint(complaint))
      continue
    }
    const places = placesOf.get(field)
    if (places === undefined) placesOf.set(field, [complaint])
    else places.push(complaint)
  }
  if (placesOf.size > 0) {
    lines.push('note: accepted, and without any effect in the simulation:')
    for (const [field, places] of placesOf) lines.push(`  ${field} (${printPlaces(places)})`)
  }
  return lines.map((line) => `${line}\n`).join('')
}

const PLACES_MAXIMUM = 4

/** `shop.yaml:12, :40, web.yaml:7 and 3 more` */
function printPlaces(places: readonly Complaint[]): string {
  const texts = places
    .slice(0, PLACES_MAXIMUM)
    .map(({ file, line }, i) => (places[i - 1]?.file === file ? `:${line}` : `${file}:${line}`))
  const more = places.length - texts.length
  return `${texts.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

export function printComplaint({ severity, file, line, column, what, mend }: Complaint): string {
  return `${file}:${line}:${column}: ${severity}: ${what}${mend === undefined ? '' : `\n    ${mend}`}`
}
