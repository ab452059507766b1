// dpop, jose and undici, unmodified, put together by hand: what a department's own developer writes.
import * as dpop from 'dpop'
import * as jose from 'jose'
import { request } from 'undici'
import { agents, bodyHash, details, done, expect, pairOf, question, world } from './world.mjs'

const pair = await pairOf(world.private)

async function assertion() {
  return new jose.SignJWT({})
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer(world.client).setSubject(world.client).setAudience(world.issuer)
    .setJti(crypto.randomUUID()).setIssuedAt().setExpirationTime('60s')
    .sign(pair.privateKey)
}

async function token(nonce, dispatcher = agents.plain) {
  const url = `${world.issuer}/oauth/token`
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  if (dispatcher === agents.plain) headers.dpop = await dpop.generateProof(pair, url, 'POST', nonce)
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await assertion(),
    authorization_details: JSON.stringify(details),
  }).toString()
  return request(url, { method: 'POST', headers, body, dispatcher })
}

let reply = await token()
expect('without a nonce', reply.statusCode, 400)
expect('without a nonce', (await reply.body.json()).error, 'use_dpop_nonce')
reply = await token(reply.headers['dpop-nonce'])
expect('with the nonce', reply.statusCode, 200)
expect('kept out of caches', reply.headers['cache-control'], 'no-store')
const granted = await reply.body.json()
expect('life', granted.expires_in <= 600, true)

// jose as a second opinion on our token, by our published key.
const keys = jose.createLocalJWKSet(await (await request(`${world.issuer}/oauth/keys`, { dispatcher: agents.plain })).body.json())
const read = await jose.jwtVerify(granted.access_token, keys, {
  issuer: world.issuer, audience: world.issuer, typ: 'at+jwt', algorithms: ['ES256'],
  requiredClaims: ['iss', 'exp', 'aud', 'sub', 'iat', 'jti', 'client_id'] })
expect('cnf', read.payload.cnf, { jkt: await jose.calculateJwkThumbprint(pair.publicJwk) })
expect('details in the token', read.payload.authorization_details, details)

// The address with query and fragment in htu, as dpop leaves it.
let nonce = reply.headers['dpop-nonce']
for (const place of ['/v1/lookups', '/v1/lookups?x=1#y']) {
  const url = `${world.issuer}/v1/lookups`
  const body = question()
  const proof = await dpop.generateProof(pair, `${world.issuer}${place}`, 'POST', nonce, granted.access_token,
    { bdh: await bodyHash(body) })
  const answer = await request(url, {
    method: 'POST', body, dispatcher: agents.plain,
    headers: { 'content-type': 'application/json', authorization: `DPoP ${granted.access_token}`, dpop: proof } })
  expect(`answer for ${place}`, answer.statusCode, 200)
  await answer.body.dump()
  nonce = answer.headers['dpop-nonce']
  const replayed = await request(url, {
    method: 'POST', body, dispatcher: agents.plain,
    headers: { 'content-type': 'application/json', authorization: `DPoP ${granted.access_token}`, dpop: proof } })
  expect('replayed', [replayed.statusCode, (await replayed.body.json()).reason], [401, 'proof-replayed'])
}

// Mutual TLS with undici: the same token request on a connection that shows a certificate.
reply = await token(undefined, agents.mutual)
expect('over mutual TLS', reply.statusCode, 200)
const bound = await reply.body.json()
const answer = await request(`${world.issuer}/v1/lookups`, {
  method: 'POST', body: question(), dispatcher: agents.mutual,
  headers: { 'content-type': 'application/json', authorization: `Bearer ${bound.access_token}` } })
expect('answer over mutual TLS', answer.statusCode, 200)
await answer.body.dump()
await done()
