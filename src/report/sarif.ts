/**
 * A campaign as SARIF 2.1.0 (OASIS), within what GitHub's code scanning shows: a rule for each property, a result for each
 * failure with its story as a code flow. Its fingerprint is made of the signature, so the same failure stays one alert from
 * run to run. A property has no line of code that is to blame; the place is the kept scenario.
 */
import { hash64 } from '../trial/index.ts'
import { counted } from './names.ts'
import type { ReportedCampaign, ReportedFailure } from './reported.ts'

const SCHEMA = 'https://json.schemastore.org/sarif-2.1.0.json'
/** Rules for what is no property's fault. */
const HARNESS_RULE = 'seatrial-harness'

/** The JSON text. */
export function sarifJson({ release, failures, properties }: ReportedCampaign): string {
  const claims = new Map(properties.map((property) => [property.id, property]))
  const ids = [...new Set(failures.map(ruleOf))]
  const rules = ids.map((id) => {
    const property = claims.get(id)
    const claim = property?.claim ?? 'The run comes to its end, and a second run is the same.'
    return {
      id,
      name: id,
      shortDescription: { text: claim },
      fullDescription: { text: claim },
      help: { text: property === undefined ? claim : `${claim} Source: ${property.source}` },
      defaultConfiguration: { level: 'error' },
      properties: { tags: ['reliability'] },
    }
  })
  const log = {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'Seatrial', version: release, semanticVersion: release, rules } },
        columnKind: 'utf16CodeUnits',
        invocations: [{ executionSuccessful: true }],
        results: failures.map((failure) => resultOf(failure, ids)),
      },
    ],
  }
  return `${JSON.stringify(log, null, 2)}\n`
}

function ruleOf({ property }: ReportedFailure): string {
  return property ?? HARNESS_RULE
}

function resultOf(failure: ReportedFailure, rules: readonly string[]): object {
  const { signature, message, count, trial, replay, story } = failure
  const place = placeOf(failure)
  return {
    ruleId: ruleOf(failure),
    ruleIndex: rules.indexOf(ruleOf(failure)),
    level: 'error',
    message: { text: `${message} (${counted(count, 'trial')}; replay: ${replay})` },
    locations: [place],
    partialFingerprints: { primaryLocationLineHash: `${hash64(signature)}:1`, 'seatrialSignature/v1': signature },
    ...(story.length === 0
      ? {}
      : {
          codeFlows: [
            {
              message: { text: 'what happened' },
              threadFlows: [{ locations: story.map((text) => ({ location: { ...place, message: { text } } })) }],
            },
          ],
        }),
    properties: { trial, count, signature },
  }
}

function placeOf({ file }: ReportedFailure): object {
  const uri = encodeURI(file ?? '.seatrial')
  return { physicalLocation: { artifactLocation: { uri, uriBaseId: '%SRCROOT%' }, region: { startLine: 1 } } }
}
