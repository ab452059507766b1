// A client that does one thing wrong at a time (after BoringSSL's BoGo). Each switch names what it
// breaks and what must come: status, OAuth error, reason. Everything else about its request is right,
// and after all of them the right request is still answered.
import { readFileSync } from 'node:fs'
import { createHash, createHmac, createSign, generateKeyPairSync, sign as signRaw } from 'node:crypto'
import { Agent, request } from 'undici'
import {
  agents, b64u, bodyHash, ca, details, done, expect, freshPair, pairOf, question, sha256, thumbprint, world,
} from './world.mjs'

const subtle = globalThis.crypto.subtle
const ours = await pairOf(world.private)
const others = await pairOf(world.otherPrivate)
const stranger = await pairOf(world.strangerPrivate)
const tokenUrl = `${world.issuer}/oauth/token`
const lookupUrl = `${world.issuer}/v1/lookups`
const seconds = () => Math.floor(Date.now() / 1000)
const jsonB64 = (value) => b64u(typeof value === 'string' ? value : JSON.stringify(value))
const otherMutual = new Agent({
  connect: { ca, cert: readFileSync(world.otherCertificate), key: readFileSync(world.otherKey) },
})

async function jws(header, payload, pair = ours, finish = (s) => s) {
  const input = `${jsonB64(header)}.${jsonB64(payload)}`
  const signature = await subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, Buffer.from(input))
  return finish(`${input}.${b64u(signature)}`)
}

/** A client assertion; `bend` changes header and payload, `pair` signs, `finish` changes the text. */
function assertion({ bend = () => {}, pair, finish } = {}) {
  const header = { alg: 'ES256' }
  const payload = { iss: world.client, sub: world.client, aud: world.issuer, jti: crypto.randomUUID(),
    iat: seconds(), exp: seconds() + 60 }
  const bent = bend(header, payload)
  return jws(bent?.header ?? header, bent?.payload ?? payload, pair, finish)
}
async function proof(method, url, { nonce, token, body, bend = () => {}, pair = ours, key, finish } = {}) {
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: key ?? pair.publicJwk }
  const payload = { jti: crypto.randomUUID(), htm: method, htu: url, iat: seconds() }
  if (nonce) payload.nonce = nonce
  if (token) payload.ath = b64u(await sha256(token))
  if (body !== undefined) payload.bdh = await bodyHash(body)
  const bent = bend(header, payload)
  return jws(bent?.header ?? header, bent?.payload ?? payload, pair, finish)
}
async function send(url, options) {
  const reply = await request(url, { dispatcher: agents.plain, ...options })
  const text = await reply.body.text()
  let json = {}
  try { json = JSON.parse(text) } catch {}
  return { status: reply.statusCode, headers: reply.headers, json, text }
}

let nonce
async function freshNonce(pair = ours) {
  const reply = await send(tokenUrl, { method: 'POST', body: 'x=1', headers: {
    'content-type': 'application/x-www-form-urlencoded', dpop: await proof('POST', tokenUrl, { pair }) } })
  return reply.headers['dpop-nonce']
}
nonce = await freshNonce()

// ---- The token endpoint ----
async function tokenRequest(o = {}) {
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  if (o.assertion !== null) {
    form.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    form.set('client_assertion', typeof o.assertion === 'string' ? o.assertion : await assertion(o.assertion))
  }
  form.set('authorization_details', JSON.stringify(o.details ?? details))
  if (o.form) o.form(form)
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  if (o.proof !== null)
    headers.dpop = typeof o.proof === 'string' ? o.proof : await proof('POST', tokenUrl, { nonce, ...o.proof })
  if (o.headers) o.headers(headers)
  const body = o.body ? o.body(form.toString()) : form.toString()
  const reply = await send(tokenUrl, { method: 'POST', headers, body, ...(o.agent ? { dispatcher: o.agent } : {}) })
  if (reply.headers['dpop-nonce'] && !o.proof?.pair) nonce = reply.headers['dpop-nonce']
  return reply
}
let switches = 0
async function badToken(what, status, error, reason, o) {
  switches += 1
  const reply = await tokenRequest(o)
  expect(`token: ${what}`, [reply.status, reply.json.error, reply.json.reason], [status, error, reason])
  expect(`token: ${what}: nothing given`, reply.json.access_token, undefined)
}
async function goodToken(o = {}) {
  const reply = await tokenRequest(o)
  expect('token: right', [reply.status, reply.json.reason], [200, undefined])
  return reply.json.access_token
}

const set = (name, value) => (_h, p) => { p[name] = typeof value === 'function' ? value() : value }
const drop = (name) => (h, p) => { delete h[name]; delete p[name] }
const setHeader = (name, value) => (h) => { h[name] = value }
const flip = (text) => text.slice(0, -9) + (text.at(-9) === 'A' ? 'B' : 'A') + text.slice(-8)

async function tokenSwitches() {
  const malformed = 'client-assertion-malformed'
  const bad = (what, reason, a) => badToken(what, 401, 'invalid_client', reason, { assertion: a })
  await bad('alg none', malformed, { bend: setHeader('alg', 'none'), finish: (s) => s.slice(0, s.lastIndexOf('.') + 1) })
  await bad('alg none with a signature', malformed, { bend: setHeader('alg', 'none') })
  await bad('alg HS256 with the public key as secret', malformed, { bend: setHeader('alg', 'HS256'), finish: (s) => {
    const input = s.slice(0, s.lastIndexOf('.'))
    return `${input}.${createHmac('sha256', JSON.stringify(ours.publicJwk)).update(input).digest('base64url')}` } })
  await bad('alg ES384', malformed, { bend: setHeader('alg', 'ES384') })
  await bad('alg in small letters', malformed, { bend: setHeader('alg', 'es256') })
  await bad('no alg', malformed, { bend: drop('alg') })
  await bad('a key in the header', malformed, { bend: (h) => { h.jwk = ours.publicJwk } })
  await bad('jku', malformed, { bend: setHeader('jku', 'https://evil.example/keys') })
  await bad('x5u', malformed, { bend: setHeader('x5u', 'https://evil.example/c') })
  await bad('crit', malformed, { bend: setHeader('crit', ['exp']) })
  await bad('b64 false', malformed, { bend: (h) => { h.b64 = false; h.crit = ['b64'] } })
  await bad('typ of a DPoP proof', malformed, { bend: setHeader('typ', 'dpop+jwt') })
  await bad('typ of an access token', malformed, { bend: setHeader('typ', 'at+jwt') })
  await bad('a kid that is a path', 'client-assertion-signature', { bend: setHeader('kid', '../../dev/null') })
  await bad("another service's kid", 'client-assertion-signature', { bend: setHeader('kid', await thumbprint(others.publicJwk)), pair: others })
  await bad("another service's key", 'client-assertion-signature', { pair: others })
  await bad('a key nobody enrolled', 'client-assertion-signature', { pair: stranger })
  await bad('a signature of zeros', 'client-assertion-signature', { finish: (s) => `${s.slice(0, s.lastIndexOf('.'))}.${'A'.repeat(86)}` })
  await bad('a DER signature', malformed, { finish: (s) => {
    const input = s.slice(0, s.lastIndexOf('.'))
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    return `${input}.${createSign('sha256').update(input).sign(privateKey).toString('base64url')}` } })
  await bad('a changed signature', 'client-assertion-signature', { finish: flip })
  await bad('padding', malformed, { finish: (s) => `${s}==` })
  await bad('unused bits set', malformed, { finish: (s) => s.slice(0, -1) + (s.at(-1) === 'A' ? 'B' : String.fromCharCode(s.charCodeAt(s.length - 1) + 1)) })
  await bad('a JSON serialisation', malformed, { finish: (s) => {
    const [h, p, sig] = s.split('.')
    return JSON.stringify({ protected: h, payload: p, signature: sig }) } })
  await bad('five parts', malformed, { finish: (s) => `${s}.AA.AA` })
  await bad('a header member twice', malformed, { bend: (_h, payload) => ({ header: '{"alg":"none","alg":"ES256"}', payload }) })
  await bad('a claim twice', malformed, { bend: (header, p) => ({ header, payload: JSON.stringify(p).replace('{', `{"aud":"${world.issuer}",`) }) })
  await bad('a payload that is a list', malformed, { bend: (header, p) => ({ header, payload: [p] }) })
  await bad('exp as a fraction', malformed, { bend: (header, p) => ({ header, payload: JSON.stringify(p).replace(/"exp":\d+/, `"exp":${seconds() + 30}.5`) }) })
  await bad('exp as text', malformed, { bend: set('exp', () => String(seconds() + 60)) })
  await bad('exp beyond 64 bits', malformed, { bend: (header, p) => ({ header, payload: JSON.stringify(p).replace(/"exp":\d+/, '"exp":18446744073709551616') }) })
  await bad('nested too deep', malformed, { bend: (header) => ({ header, payload: `{"a":${'['.repeat(40)}${']'.repeat(40)}}` }) })
  await bad('very long', malformed, { bend: set('jti', 'x'.repeat(5000)) })
  await bad('no jti', malformed, { bend: drop('jti') })
  await bad('no exp', malformed, { bend: drop('exp') })
  await bad('no sub', malformed, { bend: drop('sub') })
  await bad('iss of another', malformed, { bend: set('iss', world.otherClient) })
  await bad('an unknown claim', malformed, { bend: set('role', 'admin') })
  await bad('no aud', malformed, { bend: drop('aud') })
  await bad('aud as a list of us', 'client-assertion-audience', { bend: set('aud', [world.issuer]) })
  await bad('aud as a list with another', 'client-assertion-audience', { bend: set('aud', [world.issuer, 'https://evil.example']) })
  await bad('aud of the endpoint', 'client-assertion-audience', { bend: set('aud', tokenUrl) })
  await bad('aud of another', 'client-assertion-audience', { bend: set('aud', 'https://evil.example') })
  await bad('aud with a slash more', 'client-assertion-audience', { bend: set('aud', `${world.issuer}/`) })
  await bad('expired', 'client-assertion-time', { bend: set('exp', () => seconds() - 61) })
  await bad('a life of an hour', 'client-assertion-time', { bend: set('exp', () => seconds() + 3600) })
  await bad('iat too far ahead', 'client-assertion-time', { bend: set('iat', () => seconds() + 120) })
  await bad('nbf too far ahead', 'client-assertion-time', { bend: set('nbf', () => seconds() + 120) })
  await bad('a client nobody knows', 'client-unknown', { bend: (_h, p) => { p.iss = p.sub = 'nobody' } })
  await bad('an officer as client', 'client-unknown', { bend: (_h, p) => { p.iss = p.sub = 'PO-1000' } })
  await goodToken({ assertion: { bend: set('iat', () => seconds() + 9) } })

  const once = await assertion()
  await goodToken({ assertion: once })
  await badToken('an assertion twice', 401, 'invalid_client', 'client-assertion-replayed', { assertion: once })
  await badToken('a secret in the header', 401, 'invalid_client', 'client-unknown', { headers: (h) => { h.authorization = 'Basic cG9saWNlLWRlc2s6c2VjcmV0' } })
  await badToken('a secret in the body', 401, 'invalid_client', 'client-unknown', { assertion: null, form: (f) => { f.set('client_id', world.client); f.set('client_secret', 'secret') } })
  await badToken('no authentication', 401, 'invalid_client', 'client-unknown', { assertion: null })
  await badToken('a name and nothing else', 401, 'invalid_client', 'no-credential', { assertion: null, form: (f) => f.set('client_id', world.client) })
  await badToken("a name and another's certificate", 401, 'invalid_client', 'unknown-device', { assertion: null, agent: otherMutual, form: (f) => f.set('client_id', world.client) })
  await badToken('client_id of another', 401, 'invalid_client', malformed, { form: (f) => f.set('client_id', world.otherClient) })
  await badToken('another assertion type', 401, 'invalid_client', malformed, { form: (f) => f.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer') })

  const wrong = (what, error, reason, o) => badToken(what, 400, error, reason, o)
  await wrong('no grant type', 'invalid_request', 'oauth-request-wrong', { form: (f) => f.delete('grant_type') })
  await wrong('password', 'unsupported_grant_type', 'grant-type-wrong', { form: (f) => f.set('grant_type', 'password') })
  await wrong('a refresh token', 'unsupported_grant_type', 'grant-type-wrong', { form: (f) => f.set('grant_type', 'refresh_token') })
  await wrong('a parameter twice', 'invalid_request', 'oauth-request-wrong', { form: (f) => f.append('grant_type', 'client_credentials') })
  await wrong('JSON', 'invalid_request', 'oauth-request-wrong', { headers: (h) => { h['content-type'] = 'application/json' } })
  await wrong('a broken escape', 'invalid_request', 'oauth-request-wrong', { body: (b) => `${b}&x=%zz` })
  await wrong('a scope', 'invalid_scope', 'scope-wrong', { form: (f) => f.set('scope', 'all') })
  await wrong('another resource', 'invalid_target', 'resource-wrong', { form: (f) => f.set('resource', 'https://evil.example') })
  await wrong('neither proof nor certificate', 'invalid_request', 'token-binding-wrong', { proof: null })
  const detail = (what, value) => wrong(`details: ${what}`, 'invalid_authorization_details', 'authorization-details-wrong', { details: value })
  await detail('another type', [{ ...details[0], type: 'payment_initiation' }])
  await detail('two objects', [details[0], details[0]])
  await detail('an unknown member', [{ ...details[0], admin: true }])
  await detail('every field', [{ ...details[0], datatypes: ['*'] }])
  await detail('a field nobody has', [{ ...details[0], datatypes: ['identity.persons.nmae'] }])
  await detail('no citizens', [{ ...details[0], max_subjects: 0 }])
  await detail('more citizens than an extract has', [{ ...details[0], max_subjects: 100001 }])
  await detail('an object', details[0])

  const dpop = (what, error, reason, p) => wrong(`proof: ${what}`, error, reason, { proof: p })
  await dpop('none yet', 'use_dpop_nonce', 'proof-nonce-wanted', { nonce: undefined })
  await dpop("another key's nonce", 'use_dpop_nonce', 'proof-nonce-wanted', { nonce: await freshNonce(stranger) })
  await dpop('a key nobody enrolled', 'invalid_dpop_proof', 'proof-key-wrong', { pair: stranger })
  await dpop("another service's key", 'invalid_dpop_proof', 'proof-key-wrong', { pair: others })
  await dpop('for the wrong method', 'invalid_dpop_proof', 'proof-other-request', { bend: set('htm', 'GET') })
  await dpop('for another address', 'invalid_dpop_proof', 'proof-other-request', { bend: set('htu', lookupUrl) })
  await dpop('changed', 'invalid_dpop_proof', 'proof-signature-wrong', { finish: flip })
  const p = await proof('POST', tokenUrl, { nonce })
  await goodToken({ proof: p })
  await wrong('proof: twice', 'invalid_dpop_proof', 'proof-replayed', { proof: p })
}

// ---- The resource server ----
let access
async function lookup(o = {}) {
  const body = o.body ?? question()
  const token = o.token ?? access
  const headers = { 'content-type': 'application/json' }
  if (o.authorization !== null) headers.authorization = o.authorization ?? `DPoP ${token}`
  if (o.proof !== null)
    headers.dpop = typeof o.proof === 'string' ? o.proof
      : await proof('POST', lookupUrl, { nonce, token, body: o.signedBody ?? body, ...o.proof })
  if (o.headers) o.headers(headers)
  const reply = await send(o.url ?? lookupUrl, { method: 'POST', headers, body, ...(o.agent ? { dispatcher: o.agent } : {}) })
  if (reply.headers['dpop-nonce'] && !o.proof?.pair) nonce = reply.headers['dpop-nonce']
  return reply
}
function challengeError(reply) {
  const header = reply.headers['www-authenticate'] ?? ''
  return /error="([^"]+)"/.exec(header)?.[1]
}
async function bad(what, status, error, reason, o) {
  switches += 1
  const reply = await lookup(o)
  expect(`lookup: ${what}`, [reply.status, challengeError(reply), reply.json.reason], [status, error, reason])
  if (reply.status === 401) {
    const header = reply.headers['www-authenticate']
    expect(`lookup: ${what}: one challenge`, Array.isArray(header) ? header.length : /^(DPoP|Bearer) /.test(header), true)
  }
  expect(`lookup: ${what}: nothing released`, reply.json.answers, undefined)
}

async function proofSwitches() {
  const wrong = (what, reason, p) => bad(what, 401, 'invalid_dpop_proof', reason, { proof: p })
  const malformed = 'proof-malformed'
  await bad('no proof', 401, 'invalid_dpop_proof', malformed, { proof: null })
  await wrong('typ JWT', malformed, { bend: setHeader('typ', 'JWT') })
  await wrong('no typ', malformed, { bend: drop('typ') })
  await wrong('alg none', malformed, { bend: setHeader('alg', 'none') })
  await wrong('alg none, no signature', malformed, { bend: setHeader('alg', 'none'), finish: (s) => s.slice(0, s.lastIndexOf('.') + 1) })
  await wrong('alg HS256', malformed, { bend: setHeader('alg', 'HS256') })
  await wrong('alg EdDSA', malformed, { bend: setHeader('alg', 'EdDSA') })
  await wrong('alg Ed25519', malformed, { bend: setHeader('alg', 'Ed25519') })
  await wrong('a symmetric key', malformed, { key: { kty: 'oct', k: 'AAAA' } })
  await wrong('an RSA key', malformed, { key: { kty: 'RSA', n: 'AQAB', e: 'AQAB' } })
  await wrong('a private key shown', malformed, { key: ours.jwk })
  await wrong('a P-384 key', malformed, { key: { kty: 'EC', crv: 'P-384', x: ours.publicJwk.x, y: ours.publicJwk.y } })
  await wrong('a point off the curve', 'proof-key-wrong', { key: { ...ours.publicJwk, y: ours.publicJwk.x } })
  await wrong('no key', malformed, { bend: drop('jwk') })
  await wrong('a kid beside the key', malformed, { bend: setHeader('kid', 'x') })
  await wrong('crit', malformed, { bend: setHeader('crit', ['b64']) })
  await wrong('no jti', malformed, { bend: drop('jti') })
  await wrong('no iat', malformed, { bend: drop('iat') })
  await wrong('no htm', malformed, { bend: drop('htm') })
  await wrong('no htu', malformed, { bend: drop('htu') })
  await wrong('htu as a list', malformed, { bend: set('htu', [lookupUrl]) })
  await wrong('an unknown claim', malformed, { bend: set('x', 1) })
  await wrong('padding', malformed, { finish: (s) => `${s}=` })
  await bad('two proofs in one header', 401, 'invalid_dpop_proof', malformed, { headers: (h) => { h.dpop = `${h.dpop}, ${h.dpop}` } })
  await bad('two DPoP headers', 400, undefined, 'malformed-request', { headers: (h) => { h.dpop = [h.dpop, h.dpop] } })
  await wrong("another service's key", 'proof-key-wrong', { pair: others })
  await wrong("the key of the token, signed by another's", 'proof-signature-wrong', { pair: others, key: ours.publicJwk })
  await bad('no nonce', 401, 'use_dpop_nonce', 'proof-nonce-wanted', { proof: { nonce: undefined } })
  await bad('a made-up nonce', 401, 'use_dpop_nonce', 'proof-nonce-wanted', { proof: { nonce: b64u(new Uint8Array(27)) } })
  await bad("another key's nonce", 401, 'use_dpop_nonce', 'proof-nonce-wanted', { proof: { nonce: await freshNonce(others) } })
  await bad('a changed nonce', 401, 'use_dpop_nonce', 'proof-nonce-wanted', { proof: { nonce: `${nonce.slice(0, 10)}A${nonce.slice(11)}`.replace(nonce, 'x') } })
  await wrong('iat in the future', 'proof-time-wrong', { bend: set('iat', () => seconds() + 120) })
  await wrong('htm GET', 'proof-other-request', { bend: set('htm', 'GET') })
  await wrong('htm post', 'proof-other-request', { bend: set('htm', 'post') })
  await wrong('htu of another route', 'proof-other-request', { bend: set('htu', tokenUrl) })
  await wrong('htu of another host', 'proof-other-request', { bend: set('htu', 'https://evil.example/v1/lookups') })
  await wrong('htu over http', 'proof-other-request', { bend: set('htu', lookupUrl.replace('https', 'http')) })
  await wrong('htu with user information', 'proof-other-request', { bend: set('htu', lookupUrl.replace('://', '://a@')) })
  await wrong('htu of a longer path', 'proof-other-request', { bend: set('htu', `${lookupUrl}/`) })
  await wrong('no ath', 'proof-other-token', { bend: drop('ath') })
  await wrong("another token's ath", 'proof-other-token', { token: 'x' })
  await wrong('no bdh', 'proof-other-body', { bend: drop('bdh') })
  await bad('another body', 401, 'invalid_dpop_proof', 'proof-other-body', { signedBody: question(), body: question({ max_subjects: 2 }) })
  await bad('a blank more in the body', 401, 'invalid_dpop_proof', 'proof-other-body', { signedBody: question(), body: `${question()} ` })
  await wrong('a changed signature', 'proof-signature-wrong', { finish: flip })
  await wrong('a signature of zeros', 'proof-signature-wrong', { finish: (s) => `${s.slice(0, s.lastIndexOf('.'))}.${'A'.repeat(86)}` })
  const body = question()
  const p = await proof('POST', lookupUrl, { nonce, token: access, body })
  expect('lookup: right', (await lookup({ proof: p, body })).status, 200)
  await bad('replayed', 401, 'invalid_dpop_proof', 'proof-replayed', { proof: p, body })
  await bad('replayed on a connection with a certificate', 401, 'invalid_dpop_proof', 'proof-replayed', { proof: p, body, agent: agents.mutual })
  const late = await proof('POST', lookupUrl, { nonce, token: access, body })
  await bad('carried to another route', 401, 'invalid_dpop_proof', 'proof-other-request', { proof: late, body, url: `${world.issuer}/v1/records/identity.persons` })
}

async function tokenAtResource() {
  const wrong = (what, reason, o) => bad(what, 401, 'invalid_token', reason, o)
  const [header, payload, signature] = access.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url'))
  const forged = (h, c, pair = ours) => jws(h, c, pair)
  const right = JSON.parse(Buffer.from(header, 'base64url'))
  await wrong('no token', 'token-malformed', { authorization: 'DPoP ' })
  await wrong('another scheme', 'token-malformed', { authorization: `Token ${access}` })
  await wrong('not a JWT', 'token-malformed', { token: 'abc' })
  await wrong('alg none', 'token-malformed', { token: `${jsonB64({ ...right, alg: 'none' })}.${payload}.` })
  await wrong('alg HS256', 'token-malformed', { token: `${jsonB64({ ...right, alg: 'HS256' })}.${payload}.${signature}` })
  await wrong('typ JWT', 'token-malformed', { token: await forged({ ...right, typ: 'JWT' }, claims) })
  await wrong('another kid', 'token-malformed', { token: await forged({ ...right, kid: 'x' }, claims) })
  await wrong('jku', 'token-malformed', { token: await forged({ ...right, jku: 'https://evil.example/keys' }, claims) })
  await wrong('its own key', 'token-malformed', { token: await forged({ ...right, jwk: ours.publicJwk }, claims) })
  await wrong('a client assertion as token', 'token-malformed', { token: await assertion() })
  await wrong('signed by the client', 'token-signature-wrong', { token: await forged(right, { ...claims, authorization_details: [{ ...details[0], max_subjects: 256 }] }) })
  await wrong('claims changed', 'token-signature-wrong', { token: `${header}.${jsonB64({ ...claims, exp: claims.exp + 3600 })}.${signature}` })
  await wrong('a changed signature', 'token-signature-wrong', { token: flip(access) })
  await wrong('padding', 'token-malformed', { token: `${access}=` })
  await wrong('shown as Bearer', 'token-binding-wrong', { authorization: `Bearer ${access}`, proof: null })
  await wrong('shown as Bearer with its proof', 'token-binding-wrong', { authorization: `Bearer ${access}` })
  await wrong('shown as Bearer with a certificate', 'token-binding-wrong', { authorization: `Bearer ${access}`, proof: null, agent: agents.mutual })
  // Bound to the certificate: of no use with another, with none, or with a proof.
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: world.client, authorization_details: JSON.stringify(details) })
  const bound = await send(tokenUrl, { method: 'POST', body: form.toString(), dispatcher: agents.mutual, headers: { 'content-type': 'application/x-www-form-urlencoded' } })
  expect('token: over mutual TLS', bound.status, 200)
  const own = `Bearer ${bound.json.access_token}`
  expect('lookup: over mutual TLS', (await lookup({ authorization: own, proof: null, agent: agents.mutual })).status, 200)
  await wrong('bound to a certificate, with none', 'token-binding-wrong', { authorization: own, proof: null })
  await wrong("bound to a certificate, with another's", 'token-binding-wrong', { authorization: own, proof: null, agent: otherMutual })
  await wrong('bound to a certificate, with a proof', 'token-binding-wrong', { token: bound.json.access_token, agent: agents.mutual })
  // Nothing at all, and a token in the address.
  await bad('nothing', 401, undefined, 'no-credential', { authorization: null, proof: null })
  await bad('a token in the address', 401, undefined, 'no-credential', { authorization: null, proof: null, url: `${lookupUrl}?access_token=${access}` })
}

async function boundsSwitches() {
  const wrong = (what, more) => bad(what, 403, 'insufficient_scope', 'token-bounds', { body: question(more) })
  await wrong('another purpose', { purpose: 'crime-investigation' })
  await wrong('a case the token does not name', { case: 'FIR 1/19 PS Cantt Multan' })
  await wrong('fields of another registry', { fields: ['telecom.subscribers.msisdn'] })
  await wrong('one field too many', { fields: ['identity.persons.name', 'telecom.subscribers.msisdn'] })
  await wrong('more citizens than the token', { max_subjects: 6 })
  const narrow = await goodToken({ details: [{ ...details[0], max_subjects: 1 }] })
  expect('lookup: the first citizen', (await lookup({ token: narrow })).status, 200)
  await bad('a second citizen', 403, 'insufficient_scope', 'token-bounds',
    { token: narrow, body: question({ subject: { national_id: '3520281848771' } }) })
  const none = await goodToken({ form: (f) => f.delete('authorization_details') })
  await bad('a token without details', 403, 'insufficient_scope', 'token-bounds', { token: none })
  // Withdrawn: at once.
  const gone = await goodToken()
  expect('lookup: before its end', (await lookup({ token: gone })).status, 200)
  const revoke = new URLSearchParams({ token: gone, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: await assertion() })
  await send(`${world.issuer}/oauth/revoke`, { method: 'POST', body: revoke.toString(), headers: { 'content-type': 'application/x-www-form-urlencoded' } })
  await bad('a withdrawn token', 401, 'invalid_token', 'token-revoked', { token: gone })
}

await tokenSwitches()
access = await goodToken()
await proofSwitches()
await tokenAtResource()
await boundsSwitches()
expect('after all, the right question', (await lookup()).status, 200)
await otherMutual.close()
expect('switches', switches >= 60, true)
console.log(`${switches} ways to be wrong`)
await done()
