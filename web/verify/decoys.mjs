// Decoys in an evidence bundle (docs/trace-evidence.md, decoys/N): invented citizens of extracts that a
// leak holds. Whose key gave the number, that the EXPORT committed to its rows, that it is among what
// was sealed before the register was opened.

import { ascii, characters, concat, decimal, fromBase64, fromHex, mac, readU32, readU64, same, sha256, u32 } from './bytes.mjs';
import { leafHash, rootFrom } from './merkle.mjs';

const tries = 10;
const numberValues = 1e6;
const phoneValues = 9e6;
const phonesCompared = 3;
const shownParts = ['7', '8', '9'];

/** chanceOfDecoy is q of part 9, at most. */
export function chanceOfDecoy(kind, strays, given) {
  const values = kind === 'pairs' ? (numberValues * phoneValues) / phonesCompared : numberValues;
  return Math.min(1, (Number(strays) * given) / values);
}

// draws gives the numbers that a seed gives: HMAC-SHA256 of "0", "1" … under it, eight bytes each.
function* draws(seed) {
  for (let block = 0; ; ++block) {
    const bytes = mac(seed, ascii(String(block)));
    for (let at = 0; at < bytes.length; at += 8) yield readU64(bytes, at);
  }
}
function seedGives(seed, citizen) {
  const next = draws(seed);
  for (let i = 0; i < tries; ++i) {
    next.next();
    let drawn = '';
    for (let d = 0; d < 7; ++d) drawn += String(next.next().value % 10n);
    if (citizen.slice(5, 12) === drawn) return true;
  }
  return false;
}

/** numbersIn gives the national IDs and phones of a decoy's rows, in order. */
export function numbersIn(rows) {
  const citizens = [];
  const phones = [];
  for (const run of rows.split(/[^0-9 +-]/)) {
    const digits = run.replace(/[ +-]/g, '');
    const phone = /^(?:0092|92|0)?(3[0-9]{9})$/.exec(digits);
    if (digits.length === 13) citizens.push(digits);
    else if (phone && !phones.includes(`92${phone[1]}`)) phones.push(`92${phone[1]}`);
  }
  return { citizens, phones };
}

/** readDecoy takes the file apart; it throws Error. */
export function readDecoy(bytes) {
  const lines = characters(bytes).split('\n');
  if (lines.shift() !== 'amanat-decoy v1' || lines.pop() !== '') throw new Error('no decoy');
  const take = (word) => {
    const words = (lines.shift() ?? '').split(' ');
    if (words.shift() !== word) throw new Error(`no line ${word}`);
    return words;
  };
  const all = (word) => {
    const out = [];
    while (lines[0]?.startsWith(`${word} `)) out.push(fromHex(take(word)[0]));
    return out;
  };
  const [extract, number, account, epoch] = take('given');
  const seed = fromHex(take('seed')[0]);
  const [rActor, actor, kind, thumbprint] = take('actor');
  const [rBody, ...hashes] = take('body');
  const parts = shownParts.map((n) => {
    const [which, salt, text] = take('part');
    if (which !== n) throw new Error(`part ${which}`);
    return { salt: fromHex(salt), bytes: text === '-' ? new Uint8Array(0) : fromBase64(text) };
  });
  const answers = fromHex(take('answers')[0]);
  const decoys = all('decoy');
  const rows = fromBase64(take('rows')[0]);
  const [citizen, phone, offset, length, cluster, salt, place] = take('stray');
  const path = all('path');
  if (lines.length > 0) throw new Error('more lines than there are');
  return {
    extract: fromHex(extract), number: Number(number), account: Number(account), epoch: Number(epoch), seed,
    actor: { r: fromHex(rActor), bytes: concat(u32(Number(actor)), Uint8Array.of(Number(kind)), fromHex(thumbprint)) },
    body: { r: fromHex(rBody), hashes: hashes.map(fromHex) }, parts, answers, decoys, rows,
    stray: { citizen, phone: phone === '-' ? '' : phone, text: `${citizen} ${phone === '-' ? '' : phone} ${offset} ${length} ${cluster}` },
    salt: fromHex(salt), place: decimal(place), path,
  };
}

/** Each gives what is wrong, in words; null: it holds. */
export function wrongKey(d, key) {
  const seed = mac(key, ascii('amanat/marks/decoy/v1\0'), d.extract, u32(d.number));
  if (!same(seed, d.seed)) return 'the seed is not the key\'s';
  return seedGives(d.seed, d.stray.citizen) ? null : 'the seed does not give the number';
}
export function wrongExport(d, entry, commitment) {
  const [actor, body] = [entry.subarray(42, 74), entry.subarray(74, 106)];
  if (readU32(d.actor.bytes, 0) !== d.account || !same(mac(d.actor.r, ascii('amanat/actor/v1\0'), d.actor.bytes), actor))
    return 'another account\'s EXPORT';
  if (!same(mac(d.body.r, ascii('amanat/body/v1\0'), ...d.body.hashes), body)) return 'another EXPORT\'s content';
  for (const [i, { salt, bytes }] of d.parts.entries()) {
    const n = Number(shownParts[i]);
    if (!same(sha256(Uint8Array.of(0x12), salt, Uint8Array.of(n), bytes), d.body.hashes[n - 1])) return `part ${n} of its EXPORT`;
  }
  const [answers, marks, id] = d.parts.map((part) => part.bytes);
  if (!same(sha256(d.answers, sha256(...d.decoys)), answers)) return 'its EXPORT committed to other rows';
  if (!d.decoys.some((one) => same(one, sha256(d.rows)))) return 'its rows are not its EXPORT\'s';
  if (marks[0] !== 1 || marks[3] * 256 + marks[4] !== d.epoch || !same(marks.subarray(5, 37), commitment)) return 'another key\'s EXPORT';
  return same(id, d.extract) ? null : 'another extract\'s EXPORT';
}
export function wrongStray(d, strays, held) {
  if (!strays || (d.stray.phone === '') !== (strays.kind === 'numbers')) return 'compared by something else than was sealed';
  const leaf = leafHash(concat(ascii('amanat/stray/v1\0'), d.salt, ascii(d.stray.text)));
  const root = rootFrom(d.place, strays.count, leaf, d.path);
  if (root === null || !same(root, strays.root)) return 'not among the strays that were sealed';
  if (!held.some((h) => h.account === d.account && h.epoch === d.epoch)) return 'its account was not sealed as holding decoys';
  const shown = numbersIn(characters(d.rows));
  return shown.citizens.includes(d.stray.citizen) && (d.stray.phone === '' || shown.phones.slice(0, phonesCompared).includes(d.stray.phone))
    ? null
    : 'its rows do not show it';
}
