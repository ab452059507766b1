// openid-client, unmodified: discovery, a token, a question, introspection and revocation, over DPoP
// and over mutual TLS.
import * as client from 'openid-client'
import { bodyHash, details, done, expect, fetchMutual, fetchPlain, pairOf, question, world } from './world.mjs'

const pair = await pairOf(world.private)
const issuer = new URL(world.issuer)
const url = new URL('/v1/lookups', issuer)
const headers = () => new Headers({ 'content-type': 'application/json' })
const parameters = { authorization_details: JSON.stringify(details) }

async function discovered(authentication, fetch) {
  const options = { algorithm: 'oauth2', [client.customFetch]: fetch }
  return client.discovery(issuer, world.client, undefined, authentication, options)
}

{
  const config = await discovered(client.PrivateKeyJwt(pair.privateKey), fetchPlain)
  const DPoP = client.getDPoPHandle(config, pair)
  const token = await client.clientCredentialsGrant(config, parameters, { DPoP })
  expect('token type', token.token_type, 'dpop')
  expect('granted', token.authorization_details, details)
  const body = question()
  const bdh = await bodyHash(body)
  const bound = client.getDPoPHandle(config, pair, {
    [client.modifyAssertion](_header, payload) {
      payload.bdh = bdh
    },
  })
  const response = await client.fetchProtectedResource(config, token.access_token, url, 'POST', body, headers(), { DPoP: bound })
  expect('answer', response.status, 200)
  expect('answers', (await response.json()).answers.length, 1)
  const again = await client.fetchProtectedResource(config, token.access_token, url, 'POST', body, headers(), { DPoP: bound })
  expect('answer with the next nonce', again.status, 200)

  // Only a service with the right may introspect.
  const server = await client.discovery(issuer, world.introspector, undefined,
    client.PrivateKeyJwt((await pairOf(world.introspectorPrivate)).privateKey),
    { algorithm: 'oauth2', [client.customFetch]: fetchPlain })
  const told = await client.tokenIntrospection(server, token.access_token)
  expect('introspection', [told.active, told.client_id, told.authorization_details], [true, world.client, details])
  await client.tokenRevocation(config, token.access_token)
  expect('after revocation', (await client.tokenIntrospection(server, token.access_token)).active, false)
  try {
    await client.tokenIntrospection(config, token.access_token)
    expect('introspection without the right', 'told', 'refused')
  } catch (error) {
    expect('introspection without the right', error.status ?? error.cause?.status, 403)
  }
  const signedElsewhere = await client.discovery(issuer, world.client, undefined,
    client.PrivateKeyJwt((await pairOf(world.introspectorPrivate)).privateKey),
    { algorithm: 'oauth2', [client.customFetch]: fetchPlain })
  try {
    await client.clientCredentialsGrant(signedElsewhere, parameters, { DPoP })
    expect("another service's key", 'granted', 'refused')
  } catch (error) {
    expect("another service's key", error.error, 'invalid_client')
  }
}
{
  const config = await discovered(client.TlsClientAuth(), fetchMutual)
  const token = await client.clientCredentialsGrant(config, parameters)
  expect('token type', token.token_type, 'bearer')
  const response = await client.fetchProtectedResource(config, token.access_token, url, 'POST', question(), headers())
  expect('answer over mutual TLS', response.status, 200)
}
await done()
