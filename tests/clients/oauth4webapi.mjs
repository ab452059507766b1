// oauth4webapi, unmodified: a token and a question, over DPoP and over mutual TLS; its own check of
// our access token as a resource server.
import * as oauth from 'oauth4webapi'
import { bodyHash, details, done, expect, fetchMutual, fetchPlain, pairOf, question, world } from './world.mjs'

const issuer = new URL(world.issuer)
const client = { client_id: world.client }
const pair = await pairOf(world.private)
const parameters = new URLSearchParams({ authorization_details: JSON.stringify(details) })

async function metadata(fetch) {
  const options = { algorithm: 'oauth2', [oauth.customFetch]: fetch }
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options))
}

async function granted(as, authentication, options) {
  const ask = () => oauth.clientCredentialsGrantRequest(as, client, authentication, parameters, options)
  try {
    return await oauth.processClientCredentialsResponse(as, client, await ask())
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    return oauth.processClientCredentialsResponse(as, client, await ask())
  }
}

async function askedTwice(token, body, options) {
  const url = new URL('/v1/lookups', issuer)
  const headers = new Headers({ 'content-type': 'application/json' })
  const ask = () => oauth.protectedResourceRequest(token, 'POST', url, headers, body, options)
  try {
    return await ask()
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    return ask()
  }
}

// DPoP
{
  const as = await metadata(fetchPlain)
  expect('issuer', as.issuer, world.issuer)
  const DPoP = oauth.DPoP(client, pair)
  const signed = oauth.PrivateKeyJwt(pair.privateKey)
  const token = await granted(as, signed, { DPoP, [oauth.customFetch]: fetchPlain })
  expect('token type', token.token_type, 'dpop')
  expect('granted', token.authorization_details, details)
  const body = question()
  const bound = oauth.DPoP(client, pair, {
    [oauth.modifyAssertion](_header, payload) {
      payload.bdh = hash
    },
  })
  const hash = await bodyHash(body)
  const response = await askedTwice(token.access_token, body, { DPoP: bound, [oauth.customFetch]: fetchPlain })
  expect('answer', response.status, 200)
  expect('answers', (await response.json()).answers.length, 1)
  expect('next nonce', response.headers.get('dpop-nonce')?.length, 36)
  // Without the body's hash: refused, and the library can tell why.
  try {
    await askedTwice(token.access_token, body, { DPoP, [oauth.customFetch]: fetchPlain })
    expect('a proof without the body', 'answered', 'refused')
  } catch (error) {
    expect('a proof without the body', error.cause?.[0]?.parameters?.error ?? error.message, 'invalid_dpop_proof')
  }
  // The library as a resource server: it accepts our token with a proof of the same key.
  let seen
  const spy = async (url, options) => {
    seen = new Request(url, { method: options.method, headers: options.headers })
    return new Response('{}')
  }
  await oauth.protectedResourceRequest(token.access_token, 'POST', new URL('/v1/lookups', issuer), new Headers(), body, {
    DPoP: oauth.DPoP(client, pair), [oauth.customFetch]: spy })
  const claims = await oauth.validateJwtAccessToken(as, seen, world.issuer, {
    requireDPoP: true, [oauth.customFetch]: fetchPlain })
  expect('its view of the token', [claims.sub, claims.client_id, Object.keys(claims.cnf)],
    [world.client, world.client, ['jkt']])
  // Revoked: at once.
  const revoke = await oauth.revocationRequest(as, client, signed, token.access_token, { [oauth.customFetch]: fetchPlain })
  await oauth.processRevocationResponse(revoke)
  try {
    const after = await askedTwice(token.access_token, body, { DPoP: bound, [oauth.customFetch]: fetchPlain })
    expect('after revocation', after.status, 401)
  } catch (error) {
    expect('after revocation', error.cause?.[0]?.parameters?.error ?? error.message, 'invalid_token')
  }
}

// Mutual TLS: client authentication and binding by the certificate.
{
  const as = await metadata(fetchMutual)
  const token = await granted(as, oauth.TlsClientAuth(), { [oauth.customFetch]: fetchMutual })
  expect('token type', token.token_type, 'bearer')
  const response = await askedTwice(token.access_token, question(), { [oauth.customFetch]: fetchMutual })
  expect('answer over mutual TLS', response.status, 200)
  // The same token without the certificate.
  try {
    const stolen = await askedTwice(token.access_token, question(), { [oauth.customFetch]: fetchPlain })
    expect('a stolen token', stolen.status, 401)
  } catch (error) {
    expect('a stolen token', error.cause?.[0]?.parameters?.error ?? error.message, 'invalid_token')
  }
  // private_key_jwt with a token bound to the certificate.
  const mixed = await granted(as, oauth.PrivateKeyJwt(pair.privateKey), { [oauth.customFetch]: fetchMutual })
  expect('token type', mixed.token_type, 'bearer')
}
await done()
