/** A campaign as a small JUnit file: one test case a suite-and-signature that failed, one for each suite that passed. */
import type { CampaignSummary } from '../trial/index.ts'

/** The XML text. Times are in seconds, as JUnit wants. */
export function junitXml(name: string, summary: CampaignSummary, wallMicros: number): string {
  const failures = summary.failures.map(({ signature, first, count }) => {
    const message = first.result.violation?.message ?? first.result.error?.message ?? first.result.verdict
    const tag = first.result.verdict === 'failed' ? 'failure' : 'error'
    return `    <testcase classname="${escaped(name)}" name="${escaped(signature)}"><${tag} message="${escaped(message)}">${escaped(`${count} trials; replay: npx seatrial replay ${first.trialId}`)}</${tag}></testcase>`
  })
  const errors = summary.failures.filter(({ first }) => first.result.verdict !== 'failed').length
  const seconds = (wallMicros / 1_000_000).toFixed(3)
  const cases =
    failures.length > 0
      ? failures
      : [`    <testcase classname="${escaped(name)}" name="${summary.trials} trials" time="${seconds}"/>`]
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites><testsuite name="${escaped(name)}" tests="${cases.length}" failures="${failures.length - errors}" errors="${errors}" time="${seconds}">`,
    ...cases,
    '</testsuite></testsuites>',
    '',
  ].join('\n')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
