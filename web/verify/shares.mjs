// An account's key K, made of two shares that neither party can choose: the verifiable oblivious
// pseudorandom function of RFC 9497 (mode VOPRF, ristretto255-SHA512), as docs/marks.md uses it.

import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';

import { ascii, concat, u16, u32 } from './bytes.mjs';

const { Point } = ristretto255;
const order = Point.Fn.ORDER;
const context = 'OPRFV1-\x01-ristretto255-SHA512';
const long = (bytes) => concat(u16(bytes.length), bytes);
const toGroup = (message) => ristretto255_hasher.hashToCurve(message, { DST: ascii(`HashToGroup-${context}`) });
const toScalar = (message) => ristretto255_hasher.hashToScalar(message, { DST: ascii(`HashToScalar-${context}`) });

function littleEndian(bytes) {
  let n = 0n;
  for (let i = bytes.length; i-- > 0; ) n = n * 256n + BigInt(bytes[i]);
  return n;
}

const input = (account, epoch) => concat(ascii('amanat/marks/key/v1\0'), u32(account), u16(epoch));

/** shareHolds: `proof` (64 bytes) shows that `element` is the share of the party with this public key
 *  (RFC 9497 section 2.2.2, one element). False for what is no encoding. */
export function shareHolds(publicKey, account, epoch, element, proof) {
  if (proof.length !== 64) return false;
  const c = littleEndian(proof.subarray(0, 32));
  const s = littleEndian(proof.subarray(32));
  if (c >= order || s >= order) return false;
  try {
    const pk = Point.fromBytes(publicKey);
    const z = Point.fromBytes(element);
    const p = toGroup(input(account, epoch));
    if (pk.is0() || z.is0()) return false;
    const seed = sha512(concat(long(publicKey), long(ascii(`Seed-${context}`))));
    const d = toScalar(concat(long(seed), u16(0), long(p.toBytes()), long(element), ascii('Composite')));
    const [m, mz] = [p.multiplyUnsafe(d), z.multiplyUnsafe(d)];
    const t2 = Point.BASE.multiplyUnsafe(s).add(pk.multiplyUnsafe(c));
    const t3 = m.multiplyUnsafe(s).add(mz.multiplyUnsafe(c));
    const said = [publicKey, m.toBytes(), mz.toBytes(), t2.toBytes(), t3.toBytes()].map(long);
    return toScalar(concat(...said, ascii('Challenge'))) === c;
  } catch {
    return false;
  }
}

/** accountKey makes K of both parties' elements. */
export function accountKey(account, epoch, exchange, auditor) {
  const m = input(account, epoch);
  const share = (z) => sha512(concat(long(m), long(z), ascii('Finalize')));
  const info = concat(ascii('amanat/marks/K/v1\0'), u32(account), u16(epoch));
  return hkdf(sha256, concat(share(exchange), share(auditor)), undefined, info, 32);
}

/** commitmentOf is kc, which entries hold. */
export const commitmentOf = (key) => sha256(concat(ascii('amanat/marks/commit/v1\0'), key));
