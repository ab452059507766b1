// node keys.mjs DIR: a service's key pair, DIR/private.jwk and DIR/public.jwk.
import { writeFileSync } from 'node:fs'
import { exportJWK, generateKeyPair } from 'jose'

const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const directory = process.argv[2]
writeFileSync(`${directory}/private.jwk`, JSON.stringify(await exportJWK(privateKey)), { mode: 0o600 })
writeFileSync(`${directory}/public.jwk`, JSON.stringify(await exportJWK(publicKey)))
