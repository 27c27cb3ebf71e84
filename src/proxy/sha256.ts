/**
 * SHA-256 (FIPS 180-4) of a text in UTF-8, and base32 (RFC 4648) of its first bytes: for chain names only. Own code because
 * nothing below the command line may reach for a crypto module; the tests hold it to known vectors.
 */

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes, and of the square roots of the first 8. */
const { roundConstants, initialState } = constants()

function constants(): { readonly roundConstants: Int32Array; readonly initialState: Int32Array } {
  const primes: number[] = []
  for (let candidate = 2; primes.length < 64; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate)
  }
  return {
    roundConstants: Int32Array.from(primes, (prime) => rootFraction(BigInt(prime), 3)),
    initialState: Int32Array.from(primes.slice(0, 8), (prime) => rootFraction(BigInt(prime), 2)),
  }
}

/** floor(frac(value^(1/degree)) * 2^32), by bisection on integers. */
function rootFraction(value: bigint, degree: 2 | 3): number {
  const target = value << BigInt(32 * degree)
  let low = 0n
  let high = value << 32n
  while (high - low > 1n) {
    const middle = (low + high) >> 1n
    if (middle ** BigInt(degree) <= target) low = middle
    else high = middle
  }
  return Number(low & 0xffffffffn) | 0
}

/** The digest as eight 32-bit words. */
export function sha256(text: string): Int32Array {
  const bytes = new TextEncoder().encode(text)
  const blocks = ((bytes.length + 8) >> 6) + 1
  const padded = new Uint8Array(blocks * 64)
  padded.set(bytes)
  padded[bytes.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 4, bytes.length * 8)
  const state = Int32Array.from(initialState)
  const schedule = new Int32Array(64)
  for (let block = 0; block < blocks; block++) {
    for (let i = 0; i < 16; i++) schedule[i] = view.getInt32(block * 64 + i * 4)
    compress(state, schedule)
  }
  return state
}

function compress(state: Int32Array, w: Int32Array): void {
  const word = (i: number): number => w[i] as number
  for (let i = 16; i < 64; i++) {
    const a = word(i - 15)
    const b = word(i - 2)
    const s0 = rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3)
    const s1 = rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10)
    w[i] = (word(i - 16) + s0 + word(i - 7) + s1) | 0
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number]
  for (let i = 0; i < 64; i++) {
    const choice = (e & f) ^ (~e & g)
    const t1 =
      (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + choice + (roundConstants[i] as number) + word(i)) | 0
    const majority = (a & b) ^ (a & c) ^ (b & c)
    const t2 = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + majority) | 0
    h = g
    g = f
    f = e
    e = (d + t1) | 0
    d = c
    c = b
    b = a
    a = (t1 + t2) | 0
  }
  const next = [a, b, c, d, e, f, g, h]
  for (let i = 0; i < 8; i++) state[i] = ((state[i] as number) + (next[i] as number)) | 0
}

function rotate(value: number, bits: number): number {
  return (value >>> bits) | (value << (32 - bits))
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** The first 16 characters of the digest in base32: its first ten bytes. */
export function base32Prefix(digest: Int32Array): string {
  let text = ''
  for (let i = 0; i < 16; i++) {
    const bit = i * 5
    const high = digest[bit >> 5] as number
    const low = digest[(bit >> 5) + 1] as number
    const shift = bit & 31
    const window = shift === 0 ? high : (high << shift) | (low >>> (32 - shift))
    text += ALPHABET[window >>> 27]
  }
  return text
}
