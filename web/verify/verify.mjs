// The check of a citizen's history, step by step as docs/ledger-history.md lists them. The first
// step that does not hold is the verdict; its name is the same that amanat-verify gives.

import { ascii, characters, compare, concat, fromBase64, mac, readU64, same, sha256, toBase64, u32, u64, utf8, zeros } from './bytes.mjs';
import { Malformed, parseHistory } from './file.mjs';
import { leafHash, rootFrom } from './merkle.mjs';
import { NotWitnessed, openWitnessed } from './note.mjs';
import { vrfVerify } from './vrf.mjs';

export { parseRemembered } from './file.mjs';
export { parsePolicy } from './note.mjs';

const checkpointAgeMax = 600n; // seconds, of the youngest cosignature
const uncoveredAgeMax = 120n; // seconds, of an entry that no epoch covers

/** headOf gives type and time of a public entry, null if it is none; tailOf what is its own. */
export const tailOf = (entry) => entry.subarray(tailAt);

// Types of public entries: name and length (docs/ledger-format.md).
const types = [
  null,
  ['DISCLOSURE', 106],
  ['DENIED', 106],
  ['EXPORT', 118],
  ['EPOCH', 162],
  ['ERASURE', 118],
  ['POLICY-KEY', 146],
  ['ALERT', 106],
  ['GENESIS', 138],
  ['TRACE', 139],
];
const subjectAt = 10;
const actorAt = 42;
const bodyAt = 74;
const tailAt = 106;
const nothing = zeros(32);
const digest = (entry, at) => entry.subarray(at, at + 32);
const domain = (name) => ascii(`amanat/${name}/v1\0`);

class Problem extends Error {
  constructor(fault, words) {
    super(words);
    this.fault = fault;
  }
}
function must(holds, fault, words) {
  if (!holds) throw new Problem(fault, words);
}

export function headOf(entry) {
  const type = entry.length >= tailAt && entry[0] <= 1 ? types[entry[1]] : undefined;
  if (!type || entry.length !== type[1]) return null;
  return { type: type[0], time: readU64(entry, 2) };
}

class Check {
  constructor(history, heldTo) {
    this.h = history;
    this.heldTo = heldTo;
  }

  included({ index, entry, path }) {
    return this.isAt(index, leafHash(entry), path);
  }
  isAt(index, leaf, path) {
    const root = rootFrom(index, this.at.size, leaf, path);
    return root !== null && same(root, this.at.root);
  }

  checkpoint() {
    try {
      this.at = openWitnessed(this.h.checkpoint, this.heldTo.policy);
    } catch (error) {
      throw new Problem(error instanceof NotWitnessed ? 'quorum' : 'checkpoint', error.message);
    }
    const { youngest } = this.at; // 0: a policy without witnesses promises no freshness
    must(
      youngest === 0n || youngest + checkpointAgeMax >= this.heldTo.now,
      'stale_checkpoint',
      `the youngest cosignature is ${this.heldTo.now - youngest} s old`,
    );
  }

  genesis() {
    const { first, genesis } = this.h;
    must(
      first.index === 0n && headOf(first.entry)?.type === 'GENESIS' && this.included(first),
      'genesis',
      "entry 0 is not this log's GENESIS",
    );
    must(
      same(digest(first.entry, tailAt), sha256(genesis)),
      'genesis',
      'the document is not the one entry 0 commits to',
    );
    let document = {};
    try {
      document = JSON.parse(utf8(genesis));
    } catch {
      // Signed for, yet not a document: the next line says so.
    }
    this.labelKey = typeof document?.label_key === 'string' ? fromBase64(document.label_key) : null;
    must(
      document?.origin === this.at.origin && this.labelKey?.length === 32,
      'genesis',
      'the document names another log, or no key of labels',
    );
  }

  epoch() {
    const { epoch } = this.h;
    const head = headOf(epoch.entry);
    must(
      head?.type === 'EPOCH' && this.included(epoch),
      'epoch',
      `entry ${epoch.index} is not an EPOCH of this log`,
    );
    this.epochNumber = readU64(epoch.entry, tailAt);
    this.covered = readU64(epoch.entry, tailAt + 8);
    this.mapRoot = digest(epoch.entry, tailAt + 16);
    this.epochTime = head.time;
    must(this.covered <= epoch.index, 'epoch', 'the EPOCH covers more than what stood before it');
  }

  label() {
    const beta = vrfVerify(this.labelKey, ascii(this.heldTo.subject), this.h.vrf);
    must(beta !== null, 'label', 'the proof of the label is not of this citizen');
    this.mine = beta.subarray(0, 32);
  }

  map() {
    const bucketOf = (label) => (label[0] << 16) | (label[1] << 8) | label[2];
    let number = bucketOf(this.mine);
    const { bucket, mapPath } = this.h;
    bucket.forEach(({ label }, i) =>
      must(
        bucketOf(label) === number && (i === 0 || compare(bucket[i - 1].label, label) < 0),
        'bucket',
        'the bucket is out of order, or another one',
      ),
    );
    const slots = bucket.map(({ label, value }) => sha256(Uint8Array.of(4), label, value));
    let root = sha256(Uint8Array.of(5), u32(bucket.length), ...slots);
    for (const sibling of mapPath) {
      const [left, right] = number % 2 === 1 ? [sibling, root] : [root, sibling];
      root = sha256(Uint8Array.of(3), left, right);
      number >>= 1;
    }
    must(same(root, this.mapRoot), 'map_root', "the bucket does not lead to the epoch's root");
  }

  chain() {
    const { entries, bucket, mapSecret } = this.h;
    this.heads = [nothing]; // before the first entry, and after each
    entries.forEach((e, i) => {
      must(i === 0 || e.index > entries[i - 1].index, 'order', `entry ${e.index} is out of order`);
      must(e.index < this.covered, 'order', `entry ${e.index} is not covered by the epoch`);
      e.leaf ??= leafHash(e.entry);
      this.heads.push(sha256(Uint8Array.of(2), this.heads[i], e.leaf, u64(e.index)));
    });
    const pair = bucket.find(({ label }) => same(label, this.mine));
    if (pair === undefined) {
      must(entries.length === 0, 'map_value', 'entries are listed that the map does not know');
    } else {
      const value = mac(mapSecret, domain('map'), u64(BigInt(entries.length)), this.heads.at(-1));
      must(
        same(value, pair.value),
        'chain',
        'the entries listed are not those the map counts: one was left out, added or changed',
      );
    }
    for (const e of entries)
      must(this.isAt(e.index, e.leaf, e.path), 'inclusion', `entry ${e.index} is not in the log there`);
  }

  openings() {
    const minimum = this.minimumIndex();
    this.shown = this.h.entries.map((e) => {
      if (e.state === 'pruned') {
        must(
          e.index < minimum,
          'retention',
          `entry ${e.index} is not below the minimum index of a POLICY entry`,
        );
        return { index: e.index, state: e.state };
      }
      const head = headOf(e.entry);
      must(head !== null, 'inclusion', `entry ${e.index} is not an entry of this form`);
      const shown = { index: e.index, ...head, state: e.state };
      if (e.state === 'erased') this.erased(e, head);
      else this.opening(e, shown);
      return shown;
    });
  }

  // Below it entries may be gone: as the log itself says, in an entry that is included.
  minimumIndex() {
    const { minimum } = this.h;
    if (minimum === null) return 0n;
    must(
      headOf(minimum.entry)?.type === 'POLICY-KEY' && this.included(minimum),
      'retention',
      `entry ${minimum.index} is not a POLICY entry of this log`,
    );
    return readU64(minimum.entry, tailAt + 32);
  }

  opening(e, shown) {
    const place = `entry ${e.index}`;
    const opens = (r, name, value, at) => same(mac(r, domain(name), value), digest(e.entry, at));
    must(opens(e.rSubject, 'subject', this.mine, subjectAt), 'opening_subject', `${place} is not shown to be yours`);
    must(
      opens(e.rBody, 'body', concat(...e.partHashes), bodyAt),
      'opening_body',
      `${place}: its content is another one`,
    );
    const parts = new Map();
    for (const { number, salt, bytes } of e.parts) {
      must(
        same(sha256(Uint8Array.of(0x12), salt, Uint8Array.of(number), bytes), e.partHashes[number - 1]),
        'opening_body',
        `${place}: part ${number} was changed`,
      );
      if (bytes.length > 0) parts.set(number, bytes);
    }
    if (e.actor !== null) {
      must(
        opens(e.actor.r, 'actor', e.actor.canonical, actorAt),
        'opening_actor',
        `${place}: its account is another one`,
      );
    }
    shown.sealedUntil = sealedUntil(parts.get(9));
    if (this.heldTo.expert) {
      this.forExpert(e, shown, parts, place);
    } else if (e.state === 'sealed') {
      must(shown.sealedUntil !== null, 'seal_date', `${place} is sealed without a date`);
      must(shown.sealedUntil > this.heldTo.now * 1000n, 'seal_date', `${place} is sealed past its date`);
    } else {
      // An opened entry shows why and what: parts left shut would be a seal without a date.
      for (const number of shown.type === 'DENIED' ? [1, 3, 10] : [1, 3])
        must(
          parts.has(number) || same(e.partHashes[number - 1], nothing),
          'opening_body',
          `${place}: part ${number} is kept from you`,
        );
    }
    shown.purpose = parts.get(1) ?? null;
    shown.fields = parts.get(3) ?? null;
    shown.denial = parts.get(10) ?? null;
  }

  // An expert sees which account, which fields, versions and marks: never why or in which case.
  forExpert(e, shown, parts, place) {
    must(e.state === 'open' && e.actor !== null, 'opening_actor', `${place}: its account is not shown`);
    const wanted = shown.type === 'DISCLOSURE' ? [3, 4, 8] : [];
    const given = e.parts.map((part) => part.number).join();
    must(given === wanted.join(), 'opening_body', `${place}: parts ${given} are shown, not ${wanted.join()}`);
    Object.assign(shown, { entry: e.entry, actor: e.actor.canonical, partHashes: e.partHashes });
    Object.assign(shown, { granted: parts.get(3), versions: parts.get(4), marks: parts.get(8) ?? null });
  }

  // The ERASURE is one of his own, later in the chain or not yet covered, or one of a retention run.
  erased(e, head) {
    let act = this.h.entries.find((other) => other.index === e.erasure && other.state !== 'pruned');
    for (const outside of this.h.erasures)
      if (outside.index === e.erasure && this.included(outside) && this.concernsMe(outside)) act = outside;
    must(
      act !== undefined && act.index > e.index && headOf(act.entry)?.type === 'ERASURE',
      'erasure',
      `entry ${e.index} has no opening, and no erasure is recorded for it`,
    );
    must(head.type !== 'ERASURE' || e.erasure !== e.index, 'erasure', `entry ${e.index} erases itself`);
  }
  concernsMe({ entry, rSubject }) {
    if (headOf(entry) === null) return false;
    const subject = digest(entry, subjectAt);
    return same(subject, rSubject === null ? nothing : mac(rSubject, domain('subject'), this.mine));
  }

  // Nobody may stop making epochs: the first entry with a subject that none covers yet is young.
  fresh() {
    let next = this.covered;
    for (const e of this.h.after) {
      must(
        e.index === next && this.included(e),
        'epoch',
        `entry ${e.index} after the epoch is not shown as it stands`,
      );
      ++next;
      const head = headOf(e.entry);
      must(head !== null, 'epoch', `entry ${e.index} is not an entry of this form`);
      if (same(digest(e.entry, subjectAt), nothing)) continue;
      const now = this.at.youngest !== 0n ? this.at.youngest : this.heldTo.now;
      must(
        head.time / 1000n + uncoveredAgeMax >= now,
        'stale_epoch',
        `entry ${e.index} has waited for its epoch too long`,
      );
      return;
    }
    must(next === this.at.size, 'epoch', 'not every entry after the epoch is shown');
  }

  remembered() {
    const { before } = this.heldTo;
    if (!before) return;
    must(
      before.origin === characters(new TextEncoder().encode(this.at.origin)) &&
        before.epoch <= this.epochNumber &&
        before.count < BigInt(this.heads.length) &&
        same(before.head, this.heads[Number(before.count)]),
      'rewritten',
      'what was shown before is not the beginning of what is shown now',
    );
  }
}

// Body part 9 of a sealed entry begins with "sealed-until <Unix ms>" and a line feed.
function sealedUntil(part) {
  const found = part && /^sealed-until (0|[1-9][0-9]{0,19})\n/.exec(characters(part));
  const date = found ? BigInt(found[1]) : null;
  return date !== null && date < 1n << 64n ? date : null;
}

/**
 * verifyHistory does every step. `file` is the history's bytes; `policy` from parsePolicy; `subject`
 * the national ID, 13 digits; `now` in Unix seconds (BigInt); `before` from parseRemembered or null.
 * Gives { holds: false, fault, problem } or { holds: true, origin, epoch, epochTime, covered, size,
 * entries, remember }; never throws for what is in the file.
 */
export function verifyHistory(file, { policy, subject, now, before = null }) {
  try {
    const check = new Check(parseHistory(file), { policy, subject, now, before });
    for (const step of ['checkpoint', 'genesis', 'epoch', 'label', 'map', 'chain', 'openings', 'fresh', 'remembered'])
      check[step]();
    const { origin, size } = check.at;
    const { epochNumber: epoch, epochTime, covered, shown: entries } = check;
    const remember =
      `amanat-remembered/1\norigin ${origin}\nepoch ${epoch}\n` +
      `count ${entries.length}\nhead ${toBase64(check.heads.at(-1))}\n`;
    return { holds: true, origin, epoch, epochTime, covered, size, entries, remember };
  } catch (error) {
    if (error instanceof Problem) return { holds: false, fault: error.fault, problem: error.message };
    if (error instanceof Malformed) return { holds: false, fault: 'malformed', problem: error.message };
    throw error;
  }
}

/**
 * verifyShown checks a history that was made for experts: the same, without ages. Gives { origin,
 * size, root, label, entries }, each opened entry with its account; throws what does not hold.
 */
export function verifyShown(file, { policy, subject }) {
  const check = new Check(parseHistory(file), { policy, subject, now: 0n, expert: true });
  for (const step of ['checkpoint', 'genesis', 'epoch', 'label', 'map', 'chain', 'openings']) check[step]();
  must(check.h.after.length === 0, 'malformed', 'an expert\'s history shows no later entries');
  const { origin, size, root } = check.at;
  return { origin, size, root, covered: check.covered, label: check.mine, entries: check.shown };
}

/** fieldsOf reads body part 3: names, each after its length in two bytes; as it is, if it is not that. */
export function fieldsOf(part) {
  const names = [];
  let at = 0;
  while (part !== null && at + 2 <= part.length) {
    const length = part[at] * 256 + part[at + 1];
    if (length === 0 || at + 2 + length > part.length) break;
    names.push(words(part.subarray(at + 2, at + 2 + length)));
    at += 2 + length;
  }
  return part === null || at === part.length ? names : [words(part)];
}

/** words shows bytes as text, whatever they are. */
export function words(bytes) {
  return new TextDecoder().decode(bytes).replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '?');
}
