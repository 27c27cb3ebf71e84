/**
 * A campaign as a JUnit file: a test case for each property that was checked, so that its name stays the same from run to
 * run, and one for each failure that is no property's. A property that was never reached is skipped: it proved nothing.
 * Only elements and attributes that Jenkins' schema has (xunit-plugin, junit-10.xsd); of several failures in one test case
 * Jenkins keeps one, so all failures of a property stand in one.
 */
import { counted } from './names.ts'
import { isViolation, type ReportedCampaign, type ReportedFailure } from './reported.ts'

interface Case {
  readonly classname: string
  readonly name: string
  readonly outcome: 'passed' | 'skipped' | 'failure' | 'error'
  readonly content: string
}

/** The XML text. Times are in seconds, as JUnit wants. */
export function junitXml({ name, summary, wallMicros, failures }: ReportedCampaign): string {
  const broken = new Map<string, ReportedFailure[]>()
  const others: ReportedFailure[] = []
  for (const failure of failures) {
    if (failure.property === undefined) others.push(failure)
    else broken.set(failure.property, [...(broken.get(failure.property) ?? []), failure])
  }
  const checked = new Set([...summary.reached.map(({ property }) => property), ...summary.neverReached])
  const names = [...checked, ...[...broken.keys()].filter((property) => !checked.has(property))]
  const unreached = new Set(summary.neverReached)
  const cases = [
    ...names.map((property): Case => {
      const mine = broken.get(property)
      if (mine !== undefined) return brokenCase('seatrial.properties', property, mine)
      const skipped = unreached.has(property)
      const content = skipped ? '<skipped message="never reached: it proved nothing"/>' : ''
      return { classname: 'seatrial.properties', name: property, outcome: skipped ? 'skipped' : 'passed', content }
    }),
    ...others.map((failure) => brokenCase('seatrial.harness', failure.signature, [failure])),
  ]
  const count = (outcome: Case['outcome']) => cases.filter((one) => one.outcome === outcome).length
  const seconds = (wallMicros / 1_000_000).toFixed(3)
  const totals = `tests="${cases.length}" failures="${count('failure')}" errors="${count('error')}"`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${escaped(name)}" ${totals} time="${seconds}">`,
    `  <testsuite name="${escaped(name)}" ${totals} skipped="${count('skipped')}" time="${seconds}">`,
    `    <properties><property name="trials" value="${summary.trials}"/></properties>`,
    ...cases.map(
      ({ classname, name: own, content }) =>
        `    <testcase classname="${classname}" name="${escaped(own)}" time="0.000"${content === '' ? '/>' : `>${content}</testcase>`}`,
    ),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}

function brokenCase(classname: string, name: string, failures: readonly ReportedFailure[]): Case {
  const outcome = failures.some(isViolation) ? 'failure' : 'error'
  const [first] = failures
  const body = failures.map(({ signature, count, message, story, replay }) =>
    [`${signature} (${counted(count, 'trial')}): ${message}`, ...story, `replay: ${replay}`].join('\n'),
  )
  return {
    classname,
    name,
    outcome,
    content: `<${outcome} type="${escaped(first?.signature ?? name)}" message="${escaped(first?.message ?? '')}">${escaped(body.join('\n\n'))}</${outcome}>`,
  }
}

/** Characters that XML 1.0 does not have, such as the escapes of terminals, and halves of surrogate pairs. */
const NO_XML = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu

function escaped(text: string): string {
  return text
    .replaceAll(NO_XML, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\r', '&#13;')
    .replaceAll('\n', '&#10;')
}
