// Sigstore's verifier of its own logs (@sigstore/verify, unmodified) on receipts of ours: a signed
// checkpoint and an inclusion proof are the same thing everywhere.
//
//   node sigstore-log.mjs VKEY FOLDER   every *.tlog-proof in FOLDER is accepted, every change refused
import { createPublicKey } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const { verifyTLogInclusion } = createRequire(import.meta.url)('@sigstore/verify/dist/tlog')
const [vkey, folder] = process.argv.slice(2)
const [name, id, typed] = vkey.split('+')
const raw = Buffer.from(typed + vkey.split('+').slice(3).map((rest) => '+' + rest).join(''), 'base64')
if (raw[0] !== 1 || raw.length !== 33) throw new Error('not an Ed25519 key of a log')
const x = raw.subarray(1).toString('base64url')
const log = {
  baseURL: `https://${name}`,
  logID: Buffer.from(id, 'hex'),
  publicKey: createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }),
  validFor: { start: new Date(0), end: new Date(8.64e15) },
}

// The three parts of a receipt (c2sp.org/tlog-proof), as sigstore's bundle holds them.
function entryOf(text) {
  const blank = text.indexOf('\n\n')
  const lines = text.slice(0, blank).split('\n')
  const checkpoint = text.slice(blank + 2)
  const [, size, root] = checkpoint.split('\n')
  return {
    logId: { keyId: log.logID },
    canonicalizedBody: Buffer.from(lines[1].slice('extra '.length), 'base64'),
    inclusionProof: {
      logIndex: lines[2].slice('index '.length),
      treeSize: size,
      rootHash: Buffer.from(root, 'base64'),
      hashes: lines.slice(3).map((line) => Buffer.from(line, 'base64')),
      checkpoint: { envelope: checkpoint },
    },
  }
}
const accepted = (entry) => {
  try {
    verifyTLogInclusion(entry, [log])
    return true
  } catch {
    return false
  }
}

let receipts = 0
let changes = 0
const refuse = (file, what, text, change) => {
  const entry = entryOf(text)
  change(entry)
  changes += 1
  if (accepted(entry)) throw new Error(`${file}: accepted with ${what}`)
}
for (const file of readdirSync(folder).filter((f) => f.endsWith('.tlog-proof'))) {
  const text = readFileSync(join(folder, file), 'utf8')
  if (!accepted(entryOf(text))) throw new Error(`${file}: refused`)
  receipts += 1
  const { inclusionProof, canonicalizedBody } = entryOf(text)
  const at = (n) => (receipts * 7919) % n
  refuse(file, 'another entry', text, (e) => { e.canonicalizedBody[at(canonicalizedBody.length)] ^= 1 << at(8) })
  refuse(file, 'another place', text, (e) => { e.inclusionProof.logIndex = String(BigInt(e.inclusionProof.logIndex) ^ 1n) })
  inclusionProof.hashes.forEach((_, i) =>
    refuse(file, `another hash ${i}`, text, (e) => { e.inclusionProof.hashes[i][at(32)] ^= 1 << at(8) }))
  if (inclusionProof.hashes.length > 0)
    refuse(file, 'a hash missing', text, (e) => { e.inclusionProof.hashes.pop() })
  refuse(file, 'a hash more', text, (e) => { e.inclusionProof.hashes.push(Buffer.alloc(32)) })
  refuse(file, 'another size', text, (e) => {
    const c = e.inclusionProof.checkpoint
    c.envelope = c.envelope.replace(/\n(\d+)\n/, (_, n) => `\n${BigInt(n) + 1n}\n`)
  })
  refuse(file, 'another root', text, (e) => {
    const c = e.inclusionProof.checkpoint
    const root = c.envelope.split('\n')[2]
    const other = (root[0] === 'A' ? 'B' : 'A') + root.slice(1)
    c.envelope = c.envelope.replace(root, other)
  })
  refuse(file, 'another signature', text, (e) => {
    const c = e.inclusionProof.checkpoint
    c.envelope = c.envelope.replaceAll(/(— \S+ )(\S+)\n/g, (_, who, blob) => {
      const bytes = Buffer.from(blob, 'base64')
      bytes[4 + at(64)] ^= 1 << at(8)
      return `${who}${bytes.toString('base64')}\n`
    })
  })
}
console.log(`${receipts} receipts accepted, ${changes} changes refused`)
