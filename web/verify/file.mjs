// The file of a citizen's history (docs/ledger-history.md): lines of words with one space between,
// base64 with padding, "-" for nothing, and the signed checkpoint at the end.

import { ascii, characters, decimal, fromBase64 } from './bytes.mjs';
import { pathHashesMax } from './merkle.mjs';

export const historyBytesMax = 256 * 1024 * 1024;
const lineBytesMax = 512 * 1024;
const countMax = 1n << 20n;
const pairsMax = 1024n;
export const partCount = 11;
export const mapDepth = 24;

/** Malformed is a file that is not in the exact form: "line 12: …". */
export class Malformed extends Error {}

class Lines {
  #text;
  #at = 0;
  #number = 0;
  constructor(text) {
    this.#text = text;
  }
  wrong(what) {
    return new Malformed(`line ${this.#number}: ${what}`);
  }
  /** next is the word that the next line begins with. */
  next() {
    let end = this.#at;
    while (end < this.#text.length && this.#text[end] !== ' ' && this.#text[end] !== '\n') ++end;
    return this.#text.slice(this.#at, end);
  }
  /** take gives the `count` words after `word`, with which the next line must begin. */
  take(word, count) {
    ++this.#number;
    if (this.next() !== word) throw this.wrong(`expected ${word}`);
    const end = this.#text.indexOf('\n', this.#at);
    if (end < 0 || end - this.#at > lineBytesMax) throw this.wrong('no end of line');
    const words = this.#text.slice(this.#at + word.length, end).split(' ');
    this.#at = end + 1;
    if (words.shift() !== '' || words.length !== count) throw this.wrong(`words after ${word}`);
    return words;
  }
  rest() {
    return this.#text.slice(this.#at);
  }

  number(word, max = (1n << 64n) - 1n) {
    const n = decimal(word);
    if (n === null || n > max) throw this.wrong('a number');
    return n;
  }
  bytes(word) {
    if (word === '-') return new Uint8Array(0);
    const bytes = fromBase64(word);
    if (bytes === null || bytes.length === 0) throw this.wrong('base64');
    return bytes;
  }
  exactly(word, length) {
    const bytes = this.bytes(word);
    if (bytes.length !== length) throw this.wrong('the wrong number of bytes');
    return bytes;
  }
  hashes(bytes) {
    const out = [];
    for (let at = 0; at < bytes.length; at += 32) out.push(bytes.subarray(at, at + 32));
    return out;
  }

  /** entry is a line of a public entry (or, `pruned`, its hash) with its inclusion path. */
  entry(word) {
    const [index, entry, path] = this.take(word, 3);
    const joined = this.bytes(path);
    const out = { index: this.number(index), entry: this.bytes(entry), path: this.hashes(joined) };
    if (joined.length % 32 !== 0 || out.path.length > pathHashesMax)
      throw this.wrong('a path of whole hashes, at most 63');
    return out;
  }
  list(word, of, max = countMax) {
    const count = this.number(this.take(word, 1)[0], max);
    const out = [];
    for (let i = 0n; i < count; ++i) out.push(of());
    return out;
  }
}

function takeParts(lines) {
  const parts = [];
  let before = 0;
  while (lines.next() === 'part') {
    const [number, salt, bytes] = lines.take('part', 3);
    const n = Number(lines.number(number, BigInt(partCount)));
    if (n <= before) throw lines.wrong('parts out of order');
    before = n;
    parts.push({ number: n, salt: lines.exactly(salt, 16), bytes: lines.bytes(bytes) });
  }
  return parts;
}

function takeActor(lines) {
  if (lines.next() !== 'actor') return null;
  const [r, bytes] = lines.take('actor', 2);
  const actor = { r: lines.exactly(r, 32), canonical: lines.exactly(bytes, 37) };
  if (actor.canonical[4] > 3) throw lines.wrong('a kind of key');
  return actor;
}

function takeHistoryEntry(lines) {
  if (lines.next() === 'pruned') {
    const { index, entry, path } = lines.entry('pruned');
    if (entry.length !== 32) throw lines.wrong('the wrong number of bytes');
    return { state: 'pruned', index, leaf: entry, path };
  }
  const entry = lines.entry('entry');
  if (lines.next() === 'erased')
    return { state: 'erased', ...entry, erasure: lines.number(lines.take('erased', 1)[0]) };
  const state = lines.next() === 'sealed' ? 'sealed' : 'open';
  const [rSubject, rBody, parts] = lines.take(state, 3);
  return {
    state,
    ...entry,
    rSubject: lines.exactly(rSubject, 32),
    rBody: lines.exactly(rBody, 32),
    partHashes: lines.hashes(lines.exactly(parts, 32 * partCount)),
    actor: takeActor(lines),
    parts: takeParts(lines),
  };
}

/** parseHistory takes the file apart. Throws Malformed. */
export function parseHistory(bytes) {
  if (bytes.length > historyBytesMax) throw new Malformed('a history larger than 256 MiB');
  const lines = new Lines(characters(bytes));
  lines.take('amanat-history/1', 0);
  const h = { genesis: lines.bytes(lines.take('genesis', 1)[0]) };
  h.first = lines.entry('first');
  h.epoch = lines.entry('epoch');
  h.vrf = lines.exactly(lines.take('vrf', 1)[0], 80);
  h.mapSecret = lines.exactly(lines.take('map-secret', 1)[0], 32);
  h.mapPath = lines.hashes(lines.exactly(lines.take('map-path', 1)[0], 32 * mapDepth));
  h.bucket = lines.list(
    'bucket',
    () => {
      const [label, value] = lines.take('pair', 2);
      return { label: lines.exactly(label, 32), value: lines.exactly(value, 32) };
    },
    pairsMax,
  );
  h.entries = lines.list('entries', () => takeHistoryEntry(lines));
  h.after = lines.list('after', () => lines.entry('later'));
  h.erasures = lines.list('erasures', () => {
    const erasure = lines.entry('erasure');
    erasure.rSubject = lines.next() === 'mine' ? lines.exactly(lines.take('mine', 1)[0], 32) : null;
    return erasure;
  });
  h.minimum = lines.next() === 'minimum' ? lines.entry('minimum') : null;
  lines.take('checkpoint', 0);
  h.checkpoint = ascii(lines.rest());
  return h;
}

/** parseRemembered reads what a verifier kept from last time, this one or amanat-verify. Throws. */
export function parseRemembered(bytes) {
  const lines = new Lines(characters(bytes));
  lines.take('amanat-remembered/1', 0);
  const [origin] = lines.take('origin', 1);
  const epoch = lines.number(lines.take('epoch', 1)[0]);
  const count = lines.number(lines.take('count', 1)[0]);
  const head = lines.exactly(lines.take('head', 1)[0], 32);
  if (lines.rest() !== '') throw lines.wrong('something after the end');
  return { origin, epoch, count, head };
}
