/** Chain names against those of real clusters, SHA-256 against FIPS vectors. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clusterPolicyChain, endpointChain, externalChain, localPolicyChain, servicePortName } from './chain-names.ts'
import { sha256 } from './sha256.ts'

function hex(text: string): string {
  return [...sha256(text)].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
}

test.each([
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
])('sha256 of %j', (text, digest) => {
  expect(hex(text)).toBe(digest)
})

test('sha256 of any text is what the library says', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
      expect(hex(text)).toBe(createHash('sha256').update(text).digest('hex'))
    }),
    { seed: 1 },
  )
})

test('names of chains that every real cluster has', () => {
  expect(clusterPolicyChain(servicePortName('default/kubernetes', 'https'), 'TCP')).toBe('KUBE-SVC-NPX46M4PTMTKRN6Y')
  expect(clusterPolicyChain(servicePortName('kube-system/kube-dns', 'dns'), 'UDP')).toBe('KUBE-SVC-TCOU7JCQXEZGVUNU')
  expect(clusterPolicyChain(servicePortName('kube-system/kube-dns', 'dns-tcp'), 'TCP')).toBe(
    'KUBE-SVC-ERIFXISQEP7F7OF4',
  )
})

test('the chain of the hostnames example, whose old version wrote a colon after a nameless port', () => {
  expect(clusterPolicyChain('default/hostnames:', 'TCP')).toBe('KUBE-SVC-NWV5X2332I4OT4T3')
})

test('other prefixes share the hash, endpoints have their own', () => {
  const name = servicePortName('default/kubernetes', 'https')
  expect(externalChain(name, 'TCP')).toBe('KUBE-EXT-NPX46M4PTMTKRN6Y')
  expect(localPolicyChain(name, 'TCP')).toBe('KUBE-SVL-NPX46M4PTMTKRN6Y')
  expect(endpointChain(name, 'TCP', '10.0.0.1:6443')).toMatch(/^KUBE-SEP-[A-Z2-7]{16}$/)
})
