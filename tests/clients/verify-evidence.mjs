// node verify-evidence.mjs DIR: the evidence of one entry, verified by a program that shares no code
// with the exchange: node's own crypto alone. Prints what holds; exits 1 at the first that does not.
import { createHash, createHmac, createPublicKey, verify, X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const at = (name) => readFileSync(join(process.argv[2], name))
const text = (name) => at(name).toString('utf8').trim()
const sha256 = (...parts) => parts.reduce((h, p) => h.update(p), createHash('sha256')).digest()
const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b }
const prefixed = (...parts) => Buffer.concat(parts.flatMap((p) => [u32(p.length), Buffer.from(p)]))
function check(what, holds) {
  if (!holds) { console.log(`DOES NOT HOLD: ${what}`); process.exit(1) }
  console.log(`holds: ${what}`)
}
const same = (what, a, b) => check(what, Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0)

const kind = Number(text('kind'))
const entry = at('entry.bin')
const entryTime = Number(entry.readBigUInt64BE(2))
const near = (ms) => Math.abs(entryTime - ms) <= 120_000
const key = kind === 1 ? null : createPublicKey(at('key.pem'))
const jwk = key?.export({ format: 'jwk' })
const raw = (der) => {
  // r and s of a DER signature, 32 bytes each
  const out = Buffer.alloc(64)
  let p = 2
  for (const end of [32, 64]) {
    const size = der[p + 1]
    const n = der.subarray(p + 2, p + 2 + size)
    const short = n.length > 32 ? n.subarray(n.length - 32) : n
    short.copy(out, end - short.length)
    p += 2 + size
  }
  return out
}
if (key) check('the signature', verify('sha256', at('signed.txt'), key, at('signature.der')))

let evidence
let actorKey
if (kind === 2) {
  const [header, claims] = text('signed.txt').split('.').map((p) => JSON.parse(Buffer.from(p, 'base64url')))
  check('the proof names the key', header.jwk.x === jwk.x && header.jwk.y === jwk.y)
  check('the body', claims.bdh === sha256(at('question.json')).toString('base64url'))
  const nonce = Buffer.from(claims.nonce, 'base64url')
  check('the nonce has the exchange\'s form', nonce.length === 27 && nonce[0] === 1)
  check('the time of the nonce', near(Number(nonce.readBigUInt64BE(3))))
  const proof = `${text('signed.txt')}.${raw(at('signature.der')).toString('base64url')}`
  evidence = Buffer.concat([Buffer.from([2]), prefixed(Buffer.from(proof), at('question.json'))])
  actorKey = Buffer.concat([Buffer.from([1]),
    sha256(JSON.stringify({ crv: 'P-256', kty: 'EC', x: jwk.x, y: jwk.y }))])
} else if (kind === 3) {
  const certificate = new X509Certificate(at('certificate.pem'))
  same('key.pem is the certificate\'s key', certificate.publicKey.export({ type: 'spki', format: 'der' }),
    key.export({ type: 'spki', format: 'der' }))
  check('the exchange issued the certificate', certificate.verify(new X509Certificate(at('ca.crt')).publicKey))
  const base = at('signed.txt').toString('utf8')
  const digest = /^"content-digest": sha-256=:(.*):$/m.exec(base)[1]
  check('the body', digest === sha256(at('question.json')).toString('base64'))
  check('the key id', base.includes(`keyid="${sha256(certificate.raw).toString('base64url')}"`))
  check('a nonce', /;nonce="[^"]+"/.test(base))
  check('the time of the signature', near(Number(/;created=(\d+)/.exec(base)[1]) * 1000))
  evidence = Buffer.concat([Buffer.from([3]),
    prefixed(at('signed.txt'), raw(at('signature.der')), certificate.raw, at('question.json'))])
  actorKey = Buffer.concat([Buffer.from([2]), sha256(certificate.raw)])
} else if (kind === 4) {
  const client = JSON.parse(at('clientData.json'))
  same('what was signed', at('signed.txt'), Buffer.concat([at('authenticatorData.bin'), sha256(at('clientData.json'))]))
  const question = sha256('amanat/question/v1\0', at('question.bin'))
  check('the question and the nonce',
    client.challenge === sha256('amanat/ask/v1\0', at('nonce.bin'), question).toString('base64url'))
  check('the ceremony', client.type === 'webauthn.get')
  check('a person touched it', (at('authenticatorData.bin')[32] & 1) === 1)
  evidence = Buffer.concat([Buffer.from([4]), prefixed(...['question.bin', 'nonce.bin', 'credential.bin', 'key.cose',
    'authenticatorData.bin', 'clientData.json', 'signature.der'].map(at))])
  actorKey = Buffer.concat([Buffer.from([3]), sha256(at('key.cose'))])
} else {
  evidence = at('evidence.bin')
}

// What ties it to the public entry, and the entry to the ledger.
same('these are the evidence the entry keeps', evidence, at('evidence.bin'))
const part = at('part11.bin')
same('part 11 holds its hash', part.subarray(part.length - 32), sha256(evidence))
const body = at('body.bin')
same('the body holds part 11', body.subarray(body.length - 32), sha256(part))
const mac = (blind, bytes) => createHmac('sha256', Buffer.from(text(blind), 'hex')).update(bytes).digest()
same('the entry commits to the body', mac('body.blind', body), entry.subarray(74, 106))
const actor = at('actor.bin')
same('the entry commits to the actor', mac('actor.blind', actor), entry.subarray(42, 74))
if (actorKey) same('the actor is this key', actor.subarray(20), actorKey)

if (existsSync(join(process.argv[2], 'receipt.tlog-proof'))) {
  const receipt = at('receipt.tlog-proof').toString('utf8')
  const blank = receipt.indexOf('\n\n')
  const lines = receipt.slice(0, blank).split('\n')
  const note = receipt.slice(blank + 2)
  let index = BigInt(lines.find((l) => l.startsWith('index ')).slice(6))
  const path = lines.slice(lines.findIndex((l) => l.startsWith('index ')) + 1).map((l) => Buffer.from(l, 'base64'))
  const [, size, root] = note.split('\n')
  // RFC 9162 2.1.3.2
  let hash = sha256(Buffer.from([0]), entry)
  let last = BigInt(size) - 1n
  for (const sibling of path) {
    if ((index & 1n) === 1n || index === last) {
      hash = sha256(Buffer.from([1]), sibling, hash)
      while ((index & 1n) === 0n && index !== 0n) { index >>= 1n; last >>= 1n }
    } else {
      hash = sha256(Buffer.from([1]), hash, sibling)
    }
    index >>= 1n
    last >>= 1n
  }
  check('the entry is in the ledger', last === 0n && hash.toString('base64') === root)
  const [name, , encoded] = text('ledger.vkey').split('+').length === 3 ? text('ledger.vkey').split('+')
    : [text('ledger.vkey').split('+')[0], '', text('ledger.vkey').split('+').slice(2).join('+')]
  const vkey = Buffer.from(encoded, 'base64')
  const signed = note.slice(0, note.indexOf('\n\n') + 1)
  const line = note.split('\n').find((l) => l.startsWith(`— ${name} `))
  const signature = Buffer.from(line.split(' ')[2], 'base64').subarray(4)
  const ed = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: vkey.subarray(1).toString('base64url') } })
  check('the ledger signed its head', verify(null, Buffer.from(signed), ed, signature))
}
console.log('EVERYTHING HOLDS')
