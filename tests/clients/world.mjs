// What every script shares: the world the test made (a JSON file named on the command line), keys and
// a plain way to say what was expected and what came.
import { readFileSync } from 'node:fs'
import { webcrypto } from 'node:crypto'
import { Agent, fetch as undiciFetch } from 'undici'

export const world = JSON.parse(readFileSync(process.argv[2], 'utf8'))
export const ca = readFileSync(world.ca)
const subtle = webcrypto.subtle

const usage = { name: 'ECDSA', namedCurve: 'P-256' }

/** A WebCrypto pair of a private JWK file; the private key cannot be exported again. */
export async function pairOf(file) {
  const jwk = JSON.parse(readFileSync(file, 'utf8'))
  const { d, ...shown } = jwk
  return {
    jwk,
    publicJwk: { kty: shown.kty, crv: shown.crv, x: shown.x, y: shown.y },
    privateKey: await subtle.importKey('jwk', jwk, usage, false, ['sign']),
    publicKey: await subtle.importKey('jwk', shown, usage, true, ['verify']),
  }
}
export async function freshPair() {
  const pair = await subtle.generateKey(usage, true, ['sign', 'verify'])
  const jwk = await subtle.exportKey('jwk', pair.privateKey)
  return { ...pair, jwk, publicJwk: { kty: 'EC', crv: 'P-256', x: jwk.x, y: jwk.y } }
}

export const b64u = (data) => Buffer.from(data).toString('base64url')
export const sha256 = async (data) =>
  new Uint8Array(await subtle.digest('SHA-256', typeof data === 'string' ? Buffer.from(data) : data))
export const bodyHash = async (body) => b64u(await sha256(body))
export const thumbprint = async ({ x, y }) =>
  b64u(await sha256(JSON.stringify({ crv: 'P-256', kty: 'EC', x, y })))

/** fetch over TLS that trusts the exchange's own authority, with the device's certificate if asked. */
const plain = new Agent({ connect: { ca } })
const mutual = new Agent({
  connect: { ca, cert: readFileSync(world.certificate), key: readFileSync(world.key) },
})
export const fetchPlain = (url, options) => undiciFetch(url, { ...options, dispatcher: plain })
export const fetchMutual = (url, options) => undiciFetch(url, { ...options, dispatcher: mutual })
export const agents = { plain, mutual }

export const details = [
  {
    type: 'amanat_lookup',
    purpose: world.purpose,
    datatypes: ['identity.persons'],
    max_subjects: 5,
  },
]
export const question = (more = {}) =>
  JSON.stringify({
    subject: { national_id: world.citizen },
    fields: ['identity.persons.name'],
    purpose: world.purpose,
    ...more,
  })

let failures = 0
let checks = 0
export function expect(what, got, wanted) {
  checks += 1
  if (JSON.stringify(got) === JSON.stringify(wanted)) return
  failures += 1
  console.error(`${what}: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`)
}
export async function done() {
  await plain.close()
  await mutual.close()
  console.log(`${checks} checks, ${failures} failed`)
  process.exit(failures === 0 && checks > 0 ? 0 : 1)
}
