// node oracle.mjs FILE: for each line of FILE, a DPoP proof or what is left of one, whether the npm
// package jose takes it as a JWS signed by the key in its header: one letter a line, y or n.
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { compactVerify, EmbeddedJWK } from 'jose'

async function holds(text) {
  try {
    const { protectedHeader, payload } = await compactVerify(text, EmbeddedJWK, { algorithms: ['ES256'] })
    if (protectedHeader.typ !== 'dpop+jwt' || protectedHeader.jwk?.crv !== 'P-256') return false
    const claims = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims)
  } catch {
    return false
  }
}
const lines = createInterface({ input: createReadStream(process.argv[2]), crlfDelay: Infinity })
let out = ''
for await (const line of lines) {
  out += (await holds(JSON.parse(line))) ? 'y\n' : 'n\n'
  if (out.length > 65536) {
    process.stdout.write(out)
    out = ''
  }
}
process.stdout.write(out)
