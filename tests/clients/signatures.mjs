// http-message-signatures, unmodified: a question on mutual TLS signed with its certificate's key (RFC
// 9421, RFC 9530), and what is refused.
import { createHash, createPublicKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSigner, httpbis } from 'http-message-signatures'
import { request } from 'undici'
import { agents, details, done, expect, question, world } from './world.mjs'

const certificate = new X509Certificate(readFileSync(world.certificate))
const keyid = createHash('sha256').update(certificate.raw).digest('base64url')
const signer = createSigner(readFileSync(world.key, 'utf8'), 'ecdsa-p256-sha256', keyid)
const url = `${world.issuer}/v1/lookups`

const tokenReply = await request(`${world.issuer}/oauth/token`, {
  method: 'POST', dispatcher: agents.mutual,
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams({ grant_type: 'client_credentials', client_id: world.client,
    authorization_details: JSON.stringify(details) }).toString() })
const { access_token: token } = await tokenReply.body.json()

async function signed(body, { fields, params, values, alter } = {}) {
  const message = {
    method: 'POST', url,
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
      'content-digest': `sha-256=:${createHash('sha256').update(body).digest('base64')}:`,
    },
  }
  const out = await httpbis.signMessage({
    key: signer,
    name: 'sig1',
    fields: fields ?? ['@method', '@target-uri', 'content-digest', 'authorization'],
    params: params ?? ['created', 'nonce', 'keyid', 'alg'],
    paramValues: { created: new Date(), nonce: crypto.randomUUID(), ...values },
  }, message)
  if (alter) alter(out.headers)
  return out.headers
}
async function ask(headers, body, dispatcher = agents.mutual) {
  const reply = await request(url, { method: 'POST', headers, body, dispatcher })
  const json = await reply.body.json()
  return [reply.statusCode, json.reason ?? null]
}

const body = question()
const headers = await signed(body)
expect('signed', await ask(headers, body), [200, null])
expect('replayed', await ask(headers, body), [401, 'proof-replayed'])
expect('another body', await ask(await signed(body), question({ max_subjects: 2 })), [401, 'proof-other-body'])
expect('the signature altered', await ask(await signed(body, { alter: (h) => {
  const key = Object.keys(h).find((k) => k.toLowerCase() === 'signature')
  h[key] = h[key].replace(/:(.)/, (_, c) => `:${c === 'A' ? 'B' : 'A'}`)
} }), body), [401, 'proof-signature-wrong'])
expect('an old one', await ask(await signed(body, { values: { created: new Date(Date.now() - 120_000) } }), body),
  [401, 'proof-time-wrong'])
expect('one from the future', await ask(await signed(body, { values: { created: new Date(Date.now() + 120_000) } }), body),
  [401, 'proof-time-wrong'])
for (const left of ['@method', '@target-uri', 'content-digest', 'authorization'])
  expect(`${left} not covered`,
    await ask(await signed(body, { fields: ['@method', '@target-uri', 'content-digest', 'authorization'].filter((f) => f !== left) }), body),
    [401, 'signature-malformed'])
for (const left of ['created', 'nonce', 'keyid', 'alg'])
  expect(`${left} left out`,
    await ask(await signed(body, { params: ['created', 'nonce', 'keyid', 'alg'].filter((f) => f !== left) }), body),
    [401, 'signature-malformed'])
expect('an expiry', await ask(await signed(body, { params: ['created', 'nonce', 'keyid', 'alg', 'expires'],
  values: { expires: new Date(Date.now() + 10_000) } }), body), [401, 'signature-malformed'])
expect('another key id', await ask(await signed(body, { values: { keyid: 'x' } }), body), [401, 'proof-key-wrong'])
expect('a label that is not signed', await ask(await signed(body, { alter: (h) => {
  const key = Object.keys(h).find((k) => k.toLowerCase() === 'signature')
  h[key] = h[key].replace('sig1', 'sig2')
} }), body), [401, 'signature-malformed'])
expect('a digest of another algorithm', await ask(await signed(body, { alter: (h) => {
  h['content-digest'] = `sha-512=:${createHash('sha512').update(body).digest('base64')}:`
} }), body), [401, 'signature-malformed'])
expect('another token than the one signed', await ask(await signed(body, { alter: (h) => {
  delete h.authorization
} }), body), [401, 'signature-malformed'])
expect('signed but without the certificate', (await ask(await signed(body), body, agents.plain))[0], 401)
expect('the key is the certificate\'s', createPublicKey(certificate.publicKey.export({ type: 'spki', format: 'pem' })).asymmetricKeyDetails.namedCurve, 'prime256v1')
await done()
