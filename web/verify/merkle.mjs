// The tree of RFC 6962 section 2.1, as far as a reader of proofs needs it.

import { sha256 } from './bytes.mjs';

export const pathHashesMax = 63;

export const leafHash = (entry) => sha256(Uint8Array.of(0), entry);
const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);

/** rootFrom folds an inclusion path (RFC 9162 section 2.1.3.2); null if the path does not fit. */
export function rootFrom(index, size, leaf, path) {
  if (index >= size || leaf.length !== 32 || path.length > pathHashesMax) return null;
  let at = index;
  let last = size - 1n;
  let root = leaf;
  for (const hash of path) {
    if (last === 0n) return null;
    if (at % 2n === 1n || at === last) {
      root = nodeHash(hash, root);
      while (at % 2n === 0n && at !== 0n) {
        at /= 2n;
        last /= 2n;
      }
    } else {
      root = nodeHash(root, hash);
    }
    at /= 2n;
    last /= 2n;
  }
  return last === 0n ? root : null;
}
