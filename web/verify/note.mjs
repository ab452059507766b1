// Signed notes, checkpoints, cosignatures and policies, as C2SP writes them (signed-note,
// tlog-checkpoint, tlog-cosignature, tlog-policy). Anything not in the exact form is refused.

import { ed25519 } from '@noble/curves/ed25519.js';

import { ascii, characters, concat, decimal, fromBase64, readU32, readU64, same, sha256, utf8 } from './bytes.mjs';

const noteBytesMax = 512 * 1024;
const signaturesMax = 64;
const policyBytesMax = 256 * 1024;
const namesMax = 256;
const keyTextMax = 1024;
const logKey = 1;
const cosignerKey = 4;

// White_Space of Unicode, and what else no name may hold.
const notInNames = /[\u0000-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000+]/u;
const validName = (name) => name !== '' && !notInNames.test(name);

const encoder = new TextEncoder();
const keyId = (name, type, key) =>
  readU32(sha256(encoder.encode(name), ascii('\n'), Uint8Array.of(type), key), 0);

/** parseKey reads a vkey; throws what is wrong with it. */
export function parseKey(text) {
  const first = text.indexOf('+');
  const second = text.indexOf('+', first + 1);
  if (encoder.encode(text).length > keyTextMax || first < 0 || second < 0) throw new Error('a key is name+ID+key');
  const name = text.slice(0, first);
  const id = text.slice(first + 1, second);
  const typed = fromBase64(text.slice(second + 1));
  if (!validName(name)) throw new Error("the key's name");
  if (!/^[0-9a-fA-F]{8}$/.test(id)) throw new Error("the key's ID is not 8 hexadecimal digits");
  if (typed === null || typed.length !== 33) throw new Error('the key is not base64 of type and 32 bytes');
  const key = { name, type: typed[0], key: typed.subarray(1), id: parseInt(id, 16) };
  if (key.type !== logKey && key.type !== cosignerKey) throw new Error("the key's type is neither 1 nor 4");
  if (keyId(name, key.type, key.key) !== key.id) throw new Error("the key's ID does not fit its name and key");
  return key;
}

/** parsePolicy reads a tlog-policy; throws "line 7: …". */
export function parsePolicy(bytes) {
  if (bytes.length > policyBytesMax) throw new Error('a policy larger than 256 KiB');
  const text = characters(bytes); // names within the file are opaque bytes
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line does not end in a line feed');
  const policy = { logs: [], witnesses: [], groups: [], quorum: null };
  const seen = new Set(); // public keys
  const members = new Map(); // name → is a member already
  const keyOf = (word, type) => {
    const spelled = utf8(ascii(word));
    if (spelled === null) throw new Error('a key that is not UTF-8');
    const key = parseKey(spelled);
    if (key.type !== type) throw new Error(type === logKey ? "the key is a witness's" : "the key is a log's");
    const spelling = characters(key.key);
    if (seen.has(spelling)) throw new Error('the same public key stands above');
    seen.add(spelling);
    return key;
  };
  const define = (name) => {
    if (name === 'none' || members.has(name)) throw new Error('the name is taken');
    members.set(name, false);
  };
  const takes = {
    log(words) {
      if (words.length !== 1 && words.length !== 2) throw new Error('log is: log KEY [URL]');
      policy.logs.push(keyOf(words[0], logKey));
    },
    witness(words) {
      if (words.length !== 2 && words.length !== 3) throw new Error('witness is: witness NAME KEY [URL]');
      const key = keyOf(words[1], cosignerKey);
      define(words[0]);
      policy.witnesses.push({ name: words[0], key });
    },
    group(words) {
      if (words.length < 3) throw new Error('group is: group NAME all|any|K MEMBER...');
      const [name, count, ...of] = words;
      const k = count === 'all' ? BigInt(of.length) : count === 'any' ? 1n : decimal(count);
      if (k === null || k < 1n || k > BigInt(of.length)) throw new Error('K is not a number from 1 to members');
      for (const member of of) {
        if (!members.has(member)) throw new Error('a member is not defined above');
        if (members.get(member)) throw new Error('a member is in a group already');
        members.set(member, true);
      }
      define(name);
      policy.groups.push({ name, needed: Number(k), members: of });
    },
    quorum(words) {
      if (words.length !== 1) throw new Error('quorum is: quorum NAME|none');
      if (policy.quorum !== null) throw new Error('a quorum stands above');
      if (words[0] !== 'none' && !members.has(words[0])) throw new Error('the quorum is not defined above');
      policy.quorum = words[0];
    },
  };
  text.split('\n').forEach((line, i) => {
    try {
      if (/[\u0000-\u0008\u000b-\u001f\u007f]/.test(line)) throw new Error('a control character');
      const words = line.split(/[ \t]+/).filter((word) => word !== '');
      if (words.length === 0 || words[0].startsWith('#')) return;
      const take = Object.hasOwn(takes, words[0]) ? takes[words[0]] : null;
      if (take === null) throw new Error('it is none of log, witness, group, quorum');
      take(words.slice(1));
      for (const list of ['logs', 'witnesses', 'groups'])
        if (policy[list].length > namesMax) throw new Error(`too many ${list}`);
    } catch (error) {
      throw new Error(`line ${i + 1}: ${error.message}`);
    }
  });
  if (policy.quorum === null) throw new Error('there is no quorum line');
  return policy;
}

function reached(policy, signedBy) {
  if (policy.quorum === 'none') return true;
  const holds = new Set(policy.witnesses.filter((w) => signedBy.has(w.key)).map((w) => w.name));
  // Members stand before their group.
  for (const group of policy.groups)
    if (group.members.filter((m) => holds.has(m)).length >= group.needed) holds.add(group.name);
  return holds.has(policy.quorum);
}

// A note's text and its signature lines; throws if it is not in the exact form.
function parseNote(bytes) {
  if (bytes.length > noteBytesMax) throw new Error('a note larger than 512 KiB');
  const whole = utf8(bytes);
  if (whole === null || /[\u0000-\u0009\u000b-\u001f]/.test(whole))
    throw new Error('a note that is not UTF-8, or with control characters');
  const blank = whole.lastIndexOf('\n\n');
  if (blank < 0) throw new Error('a note without a blank line before its signatures');
  const lines = whole.slice(blank + 2).split('\n');
  if (lines.pop() !== '' || lines.length === 0) throw new Error('a note whose signatures do not end in a line feed');
  if (lines.length > signaturesMax) throw new Error('a note with more than 64 signatures');
  const signatures = lines.map((line) => {
    const words = line.split(' ');
    const blob = words.length === 3 ? fromBase64(words[2]) : null;
    if (words[0] !== '\u2014' || !validName(words[1] ?? '') || blob === null || blob.length <= 4)
      throw new Error('a signature line that is not: dash, name, base64');
    return { name: words[1], id: readU32(blob, 0), blob: blob.subarray(4) };
  });
  return { text: whole.slice(0, blank + 1), signatures };
}

function verifySignature(key, text, blob) {
  let message = encoder.encode(text);
  let time = 0n;
  let signature = blob;
  if (key.type === cosignerKey) {
    if (blob.length !== 72) return null;
    time = readU64(blob, 0);
    if (time === 0n || time >= 1n << 63n) return null;
    message = concat(ascii(`cosignature/v1\ntime ${time}\n`), message);
    signature = blob.subarray(8);
  }
  if (signature.length !== 64) return null;
  try {
    return ed25519.verify(signature, message, key.key, { zip215: false }) ? { time } : null;
  } catch {
    return null; // not an encoding of a signature
  }
}

/** openNote gives the text of a note that `key` signed, and nobody else. Throws what is wrong. */
export function openNote(bytes, key) {
  const { text, signatures } = parseNote(bytes);
  const [only] = signatures;
  if (signatures.length !== 1 || only.id !== key.id || only.name !== key.name)
    throw new Error(`the note is not signed by ${key.name} alone`);
  if (verifySignature(key, text, only.blob) === null) throw new Error(`the signature of ${key.name} is wrong`);
  return text;
}

/** NotWitnessed is a checkpoint that is signed, but by too few witnesses. */
export class NotWitnessed extends Error {}

/**
 * openWitnessed opens a checkpoint of one of the policy's logs: every known key's signature must
 * hold, the log's own must be there, and the quorum. Throws NotWitnessed, or Error for the rest.
 */
export function openWitnessed(bytes, policy) {
  const { text, signatures } = parseNote(bytes);
  const lines = text.split('\n');
  const log = policy.logs.find((key) => key.name === lines[0]);
  if (log === undefined) throw new Error('the policy names no log of this origin');
  const known = [log, ...policy.witnesses.map((w) => w.key)];
  const signedBy = new Set();
  let youngest = 0n;
  for (const { name, id, blob } of signatures) {
    const key = known.find((k) => k.id === id && k.name === name);
    if (key === undefined) continue; // a signature by somebody we do not know proves nothing
    const holds = verifySignature(key, text, blob);
    if (holds === null) throw new Error(`the signature of ${name} is wrong`);
    signedBy.add(key);
    if (holds.time > youngest) youngest = holds.time;
  }
  if (!signedBy.has(log)) throw new Error('the log itself has not signed the checkpoint');
  const size = lines.length >= 4 ? decimal(lines[1]) : null;
  const root = lines.length >= 4 ? fromBase64(lines[2]) : null;
  if (size === null || root === null || root.length !== 32)
    throw new Error('the checkpoint is not origin, size and root');
  if (lines.slice(3, -1).some((extension) => extension === '')) throw new Error('the checkpoint has an empty line');
  if (size === 0n && !same(root, sha256())) throw new Error("a checkpoint of size 0 whose root is not the empty tree's");
  if (!reached(policy, signedBy)) throw new NotWitnessed(`cosignatures do not make the quorum ${policy.quorum}`);
  return { origin: log.name, size, root, youngest };
}
