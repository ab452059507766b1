// Bytes, and their one spelling in text: what a decoder takes is exactly what an encoder writes.

import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as hash } from '@noble/hashes/sha2.js';

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const values = new Int16Array(256).fill(-1);
for (let i = 0; i < letters.length; ++i) values[letters.charCodeAt(i)] = i;

export const zeros = (n) => new Uint8Array(n);

/** ascii gives the bytes of a string of characters below 256. */
export function ascii(text) {
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; ++i) out[i] = text.charCodeAt(i);
  return out;
}

/** characters gives a string with one character a byte, so that text can be taken apart bytewise. */
export function characters(bytes) {
  let out = '';
  for (let at = 0; at < bytes.length; at += 0x8000)
    out += String.fromCharCode.apply(null, bytes.subarray(at, at + 0x8000));
  return out;
}

export function concat(...parts) {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** compare orders bytes: negative, 0 or positive. Nothing here is secret from whoever runs it. */
export function compare(a, b) {
  for (let i = 0; i < a.length && i < b.length; ++i)
    if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}
export const same = (a, b) => compare(a, b) === 0;

/** fromBase64 reads RFC 4648 section 4 with padding and without spare bits; null if it is not that. */
export function fromBase64(text) {
  if (text.length % 4 !== 0) return null;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const out = new Uint8Array((text.length / 4) * 3 - padding);
  let held = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < text.length - padding; ++i) {
    const code = text.charCodeAt(i);
    const value = code < 256 ? values[code] : -1;
    if (value < 0) return null;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[at++] = (held >> bits) & 0xff;
    }
  }
  if ((held & ((1 << bits) - 1)) !== 0) return null;
  return out;
}

export function toBase64(bytes) {
  let out = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = Math.min(3, bytes.length - i);
    const word = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    for (let k = 0; k < 4; ++k) out += k <= left ? letters[(word >> (18 - 6 * k)) & 63] : '=';
  }
  return out;
}

/** decimal reads an unsigned 64-bit number without sign or leading zeros; null if it is not one. */
export function decimal(text) {
  if (!/^(0|[1-9][0-9]{0,19})$/.test(text)) return null;
  const n = BigInt(text);
  return n < 1n << 64n ? n : null;
}

export function u64(n) {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, n);
  return out;
}
export function u32(n) {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, n);
  return out;
}
export function u16(n) {
  return Uint8Array.of(n >> 8, n & 0xff);
}
export const toHex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
/** fromHex reads lower-case hexadecimal of whole bytes; null if it is not that. */
export function fromHex(text) {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) return null;
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

export const readU64 = (bytes, at) =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(at);
export const readU32 = (bytes, at) =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at);

export const sha256 = (...parts) => hash(concat(...parts));
export const mac = (key, ...parts) => hmac(hash, key, concat(...parts));

/** utf8 reads text strictly: no byte order mark is taken off, nothing is replaced; null if wrong. */
export function utf8(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
