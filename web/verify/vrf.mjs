// The VRF c2sp.org/vrf-r255 (RFC 9381 over ristretto255 with SHA-512): a citizen's label is what it
// makes of the national ID, and the proof shows that nobody can give one citizen two labels.

import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';

import { ascii, concat, same } from './bytes.mjs';

const suite = concat(Uint8Array.of(0xff), ascii('c2sp.org/vrf-r255'));
const { Point } = ristretto255;
const order = Point.Fn.ORDER;
const hash = (purpose, ...parts) => sha512(concat(suite, Uint8Array.of(purpose), ...parts));

function littleEndian(bytes) {
  let n = 0n;
  for (let i = bytes.length; i-- > 0; ) n = n * 256n + BigInt(bytes[i]);
  return n;
}

/** vrfVerify gives the 64 bytes that `key` makes of `alpha`, or null if `proof` does not show it. */
export function vrfVerify(key, alpha, proof) {
  if (key.length !== 32 || proof.length !== 80) return null;
  const s = littleEndian(proof.subarray(48));
  const c = littleEndian(proof.subarray(32, 48));
  if (s >= order || s === 0n || c === 0n) return null;
  try {
    const publicKey = Point.fromBytes(key);
    if (publicKey.is0()) return null;
    const gammaBytes = proof.subarray(0, 32);
    const gamma = Point.fromBytes(gammaBytes);
    const h = ristretto255_hasher.deriveToCurve(hash(0x82, key, alpha));
    // No secret is at stake: everything here is shown to whoever checks.
    const u = Point.BASE.multiplyUnsafe(s).subtract(publicKey.multiplyUnsafe(c));
    const v = h.multiplyUnsafe(s).subtract(gamma.multiplyUnsafe(c));
    const again = hash(0x02, key, h.toBytes(), gammaBytes, u.toBytes(), v.toBytes(), Uint8Array.of(0));
    if (!same(again.subarray(0, 16), proof.subarray(32, 48))) return null;
    return hash(0x03, gammaBytes, Uint8Array.of(0));
  } catch {
    return null; // not an encoding of a point
  }
}
