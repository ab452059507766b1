// A second check of an evidence bundle (docs/trace-evidence.md), written apart from amanat-verify:
// files, signatures, order, keys, renderings, who was shown what, and the numbers of the verdict.

import { lstatSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { ascii, characters, compare, concat, decimal, fromBase64, fromHex, readU32, readU64, same, sha256, toHex, u32, utf8 } from './bytes.mjs';
import { millibits, parseCatalogue, placesOf, shownUnder, sideOf, weigh } from './coins.mjs';
import { chanceOfDecoy, readDecoy, wrongExport, wrongKey, wrongStray } from './decoys.mjs';
import { leafHash, rootFrom } from './merkle.mjs';
import { openNote, openWitnessed } from './note.mjs';
import { accountKey, commitmentOf, shareHolds } from './shares.mjs';
import { fieldsOf, headOf, tailOf, verifyShown } from './verify.mjs';

export const bundleBytesMax = 1 << 30;
const roundsMax = 8;
const candidateMillibits = 10_000;

/** Fault is a step that does not hold. */
export class Fault extends Error {
  constructor(step, words) {
    super(words);
    this.step = step;
  }
}
function must(holds, step, words) {
  if (!holds) throw new Fault(step, words);
}
// attempt gives another module's complaint the name of the step it was made in.
function attempt(step, place, make) {
  try {
    return make();
  } catch (error) {
    throw error instanceof Fault ? error : new Fault(step, `${place}: ${error.message}`);
  }
}

// ---- the files

/** fromDirectory and fromTar give a bundle's files, path → bytes. They throw Fault. */
export function fromDirectory(root) {
  const files = new Map();
  const walk = (at, prefix) => {
    for (const name of readdirSync(at)) {
      const stat = lstatSync(join(at, name));
      if (stat.isDirectory()) walk(join(at, name), `${prefix}${name}/`);
      else if (stat.isFile() && stat.size <= bundleBytesMax) files.set(prefix + name, new Uint8Array(readFileSync(join(at, name))));
      else throw new Fault('files', `${prefix}${name} is no plain file`);
    }
  };
  walk(root, '');
  return files;
}

export function fromTar(bytes) {
  const files = new Map();
  const end = (field) => characters(field).replace(/\0.*$/s, '');
  for (let at = 0; at + 512 <= bytes.length; ) {
    const header = bytes.subarray(at, at + 512);
    if (header.every((b) => b === 0)) return files;
    const prefix = end(header.subarray(345, 500));
    const path = (prefix ? `${prefix}/` : '') + end(header.subarray(0, 100));
    const size = parseInt(end(header.subarray(124, 136)), 8);
    must(header[156] === 48 && size >= 0 && at + 512 + size <= bytes.length && !files.has(path), 'files', `${path}: the archive`);
    files.set(path, bytes.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  throw new Fault('files', 'the archive has no end');
}

// lines of words of a small file, the first of which is `title`.
function rowsOf(step, path, bytes, title) {
  const text = utf8(bytes);
  must(text !== null && text.endsWith('\n') && text.startsWith(`${title}\n`), step, `${path} does not begin with ${title}`);
  return text.slice(title.length + 1, -1).split('\n').map((line) => line.split(' '));
}
const numberOf = (step, path, word) => {
  const n = decimal(word ?? '');
  must(n !== null && n < 1n << 53n, step, `${path}: ${word} is no number`);
  return Number(n);
};
const hexOf = (step, path, word, length) => {
  const bytes = fromHex(word ?? '');
  must(bytes !== null && bytes.length === length, step, `${path}: not ${length} bytes`);
  return bytes;
};

// ---- the check

class Evidence {
  constructor(files, policy, auditor) {
    Object.assign(this, { files, policy, auditor });
  }
  file(step, path) {
    const bytes = this.files.get(path);
    must(bytes !== undefined, step, `${path} is missing`);
    return bytes;
  }
  under(folder) {
    return [...this.files.keys()].filter((path) => path.startsWith(`${folder}/`)).map((path) => path.slice(folder.length + 1));
  }

  checkFiles() {
    const manifest = utf8(this.file('files', 'manifest')) ?? '';
    const listed = new Set();
    let before = '';
    must(manifest.endsWith('\n'), 'files', 'the manifest does not end in a line feed');
    for (const line of manifest.slice(0, -1).split('\n')) {
      const found = /^([0-9a-f]{64})  ([A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*)$/.exec(line);
      must(found !== null && found[2] > before, 'files', 'the manifest is not hash, two blanks, path, in order');
      before = found[2];
      listed.add(found[2]);
      must(toHex(sha256(this.file('files', found[2]))) === found[1], 'files', `${found[2]} is not what the manifest lists`);
    }
    for (const path of this.files.keys())
      must(listed.has(path) || path === 'manifest' || path === 'verdict.tlog-proof', 'files', `${path} is not in the manifest`);
  }

  // A tlog-proof whose extra line is the entry.
  receipt(path, type) {
    const bytes = this.file('signatures', path);
    const text = characters(bytes);
    const found = /^c2sp\.org\/tlog-proof@v1\nextra (\S+)\nindex (\S+)\n((?:[^\n]+\n)*)\n([^]*)$/.exec(text);
    must(found !== null, 'signatures', `${path} is no receipt with its entry`);
    const entry = fromBase64(found[1]);
    const hashes = found[3].split('\n').slice(0, -1).map(fromBase64);
    const index = decimal(found[2]);
    const at = attempt('signatures', path, () => openWitnessed(ascii(found[4]), this.policy));
    const root = entry && index !== null && hashes.every((h) => h?.length === 32) && rootFrom(index, at.size, leafHash(entry), hashes);
    must(root && same(root, at.root), 'signatures', `${path}: the entry is not in the tree`);
    must(headOf(entry)?.type === type, 'signatures', `${path}: the entry is no ${type}`);
    return { index, entry, tail: tailOf(entry), origin: at.origin };
  }
  checkSignatures() {
    const acts = [
      ['seal', 1, 'extraction'],
      ['unlock', 2, 'auditor.statement'],
      ['verdict', 3, 'manifest'],
    ];
    for (const [name, kind, document] of acts) {
      const receipt = this.receipt(`${name}.tlog-proof`, 'TRACE');
      const digest = sha256(this.file('signatures', document));
      must(receipt.tail[0] === kind && same(receipt.tail.subarray(1, 33), digest), 'signatures', `${name}.tlog-proof is not of ${document}`);
      this[name] = receipt;
    }
    const text = attempt('signatures', 'auditor.statement', () => openNote(this.file('signatures', 'auditor.statement'), this.auditor));
    this.statement = { shares: [], years: new Map() };
    const takes = {
      origin: ([name]) => (this.statement.origin = name),
      extraction: ([hash]) => (this.statement.extraction = hash),
      seal: ([index]) => (this.statement.seal = decimal(index)),
      year: ([year, key]) => this.statement.years.set(Number(year), key),
      share: ([account, epoch, z, proof]) => this.statement.shares.push({ account: Number(account), epoch: Number(epoch), z, proof }),
    };
    for (const [word, ...rest] of rowsOf('signatures', 'auditor.statement', ascii(text), 'amanat-unlock v1')) {
      must(Object.hasOwn(takes, word), 'signatures', 'the statement has another line');
      takes[word](rest);
    }
    this.years = new Map();
    for (const name of this.under('keys').filter((n) => /^year-[0-9]+$/.test(n))) {
      const receipt = this.receipt(`keys/${name}.tlog-proof`, 'POLICY-KEY');
      const bytes = this.file('signatures', `keys/${name}`);
      must(same(receipt.tail.subarray(0, 32), sha256(bytes)), 'signatures', `keys/${name}.tlog-proof is not of it`);
      const lines = Object.fromEntries(rowsOf('signatures', `keys/${name}`, bytes, 'amanat-year-keys v1'));
      this.years.set(Number(lines.year), {
        index: receipt.index,
        exchange: hexOf('signatures', name, lines.exchange, 32),
        auditor: hexOf('signatures', name, lines.auditor, 32),
      });
    }
  }

  readExtraction() {
    const step = 'files';
    const x = { rows: new Map(), syms: new Map(), src: new Map(), accounts: [], erased: 0, unknown: 0, strays: null, held: [], rekeyed: [] };
    const takes = {
      leak: ([hash, bytes, day]) => (x.leak = `${hash} ${bytes} ${day}`, x.day = day),
      log: ([origin, size, root]) => (x.log = { origin, size: decimal(size), root }),
      catalogue: ([version, hash]) => (x.catalogue = { version: Number(version), hash }),
      test: ([name]) => (x.test = name),
      alpha: ([alpha]) => must(alpha === '1e-9', step, 'another alpha'),
      unknown: ([n]) => (x.unknown = numberOf(step, 'extraction', n)),
      strays: ([kind, count, root]) => (x.strays = { kind, count: BigInt(numberOf(step, 'extraction', count)), root: hexOf(step, 'extraction', root, 32) }),
      held: ([account, epoch, count]) => x.held.push({ account: Number(account), epoch: Number(epoch), count: numberOf(step, 'extraction', count) }),
      rekeyed: ([account, epoch]) => x.rekeyed.push({ account: Number(account), epoch: Number(epoch) }),
      cluster: () => {},
      erased: () => (x.erased += 1),
      foreign: () => {},
      row: ([n, , , cluster, label]) => x.rows.set(numberOf(step, 'extraction', n), { cluster, label }),
      sym: ([n, field, value, number, side, weight, total]) => {
        const row = numberOf(step, 'extraction', n);
        if (!x.syms.has(row)) x.syms.set(row, []);
        x.syms.get(row).push({ field: Number(field), number: Number(number), value, side: Number(side), weight: Number(weight), total: Number(total) });
      },
      src: ([n, ...entries]) => x.src.set(numberOf(step, 'extraction', n), entries.map((e) => BigInt(e))),
      page: () => must(false, step, 'a page: not known here'),
      acct: ([account, epoch, bits]) => x.accounts.push({ account: Number(account), epoch: Number(epoch), bits: Number(bits) }),
      nc: ([n]) => (x.nc = numberOf(step, 'extraction', n)),
    };
    for (const [word, ...rest] of rowsOf(step, 'extraction', this.file(step, 'extraction'), 'amanat-extraction v1')) {
      must(Object.hasOwn(takes, word), step, `the extraction has a line ${word}`);
      takes[word](rest);
    }
    this.x = x;
    const bytes = this.file(step, `catalogue-${x.catalogue.version}`);
    must(toHex(sha256(bytes)) === x.catalogue.hash, step, 'the catalogue is not the sealed one');
    this.catalogue = attempt(step, 'the catalogue', () => parseCatalogue(utf8(bytes) ?? ''));
  }

  readValues(n) {
    const path = `values/${n}`;
    const records = [];
    const [citizen, ...lines] = rowsOf('sources', path, this.file('sources', path), 'amanat-values v1');
    must(citizen[0] === 'citizen', 'sources', `${path}: no citizen`);
    for (const [word, ...rest] of lines) {
      if (word === 'record') records.push({ dataset: rest[0], tag: rest[1], version: Number(rest[2]), values: new Map() });
      else records.at(-1).values.set(rest[0], rest.slice(1).map((b) => utf8(fromBase64(b) ?? new Uint8Array(0))));
    }
    return { citizen: citizen[1], records };
  }

  checkSources() {
    this.subjects = new Map(); // label, hexadecimal → the history and the values
    this.entries = new Map(); // index → the disclosure, opened
    let before = null;
    const count = this.under('subjects').length;
    for (let n = 1; n <= count; ++n) {
      const { citizen, records } = this.readValues(n);
      const shown = attempt('sources', `subjects/${n}`, () => verifyShown(this.file('sources', `subjects/${n}`), { policy: this.policy, subject: citizen }));
      const { origin, size, root } = this.x.log;
      must(shown.origin === origin && shown.size === size && same(shown.root, fromBase64(root)), 'sources', `subjects/${n} is of another checkpoint`);
      must(before === null || compare(before, shown.label) < 0, 'sources', `subjects/${n} is out of order`);
      before = shown.label;
      const subject = { label: shown.label, records, rows: [] };
      this.subjects.set(toHex(shown.label), subject);
      for (const e of shown.entries) {
        if (e.type !== 'DISCLOSURE' || e.state !== 'open') continue;
        const marks = e.marks;
        const coined = marks !== null && marks[0] === 1 && marks.length >= 37;
        const optional = [];
        for (let at = 37; coined && at + 2 <= marks.length; at += 2) optional.push(marks[at] * 256 + marks[at + 1]);
        this.entries.set(e.index, {
          ...e, subject, optional, coined,
          account: readU32(e.actor, 0),
          epoch: coined || (marks !== null && marks[0] === 2) ? marks[3] * 256 + marks[4] : null,
          commitment: marks !== null && marks.length >= 37 ? marks.subarray(5, 37) : null,
        });
      }
    }
    const until = BigInt(Date.parse(`${this.x.day}T24:00:00Z`));
    for (const [n, row] of this.x.rows) {
      const subject = this.subjects.get(row.label);
      must(subject !== undefined, 'sources', `row ${n} is of a citizen without a history`);
      subject.rows.push(n);
      for (const index of this.x.src.get(n) ?? []) {
        const e = this.entries.get(index);
        must(e?.subject === subject && e.time < until, 'sources', `row ${n}: entry ${index} is no disclosure of this citizen by the leak's day`);
      }
    }
    for (const [subject, n] of [...this.subjects.values()].map((s, i) => [s, i + 1]))
      must(subject.rows.length > 0, 'sources', `subjects/${n} is of no row`);
    this.checkCandidates();
  }

  // A key that an earlier bundle gave away proves nothing.
  published({ account, epoch }) {
    return this.x.rekeyed.some((r) => r.account === account && epoch < r.epoch);
  }
  // What each account's rows could say, coins unseen: a coin once, whoever shows it.
  checkCandidates() {
    const bits = new Map(); // account → sum
    const epochs = new Map();
    for (const subject of this.subjects.values()) {
      const mine = new Map(); // account → coin → most informative side seen
      for (const n of subject.rows)
        for (const index of this.x.src.get(n) ?? []) {
          const e = this.entries.get(index);
          if (!e.coined || this.published(e)) continue;
          if (!epochs.has(e.account)) epochs.set(e.account, new Set());
          epochs.get(e.account).add(e.epoch);
          if (!mine.has(e.account)) mine.set(e.account, new Map());
          for (const sym of this.carriedBy(e, n)) mine.get(e.account).set(`${sym.field} ${sym.number} ${sym.value}`, millibits(sym));
        }
      for (const [account, coins] of mine)
        bits.set(account, (bits.get(account) ?? 0) + [...coins.values()].reduce((a, b) => a + b, 0));
    }
    const enough = [...bits].filter(([, sum]) => sum >= candidateMillibits).map(([account]) => account);
    this.alone = enough.length === 0;
    const holders = this.x.held.map((h) => h.account);
    const wanted = [...new Set([...enough, ...holders])].sort((a, b) => a - b);
    must((this.x.strays === null) === (holders.length === 0), 'sources', 'strays without holders of decoys');
    const listed = [...new Set(this.x.accounts.map((a) => a.account))];
    must(wanted.join() === listed.join(), 'sources', `accounts to unlock are ${wanted.join()}, not ${listed.join()}`);
    for (const { account, epoch, bits: said } of this.x.accounts) {
      const own = enough.includes(account) ? bits.get(account) : 0;
      const known = (own > 0 && epochs.get(account).has(epoch)) || this.x.held.some((h) => h.account === account && h.epoch === epoch);
      must(own === said && known, 'sources', `account ${account}: ${own} thousandths of a bit, not ${said}`);
    }
    must(this.x.nc === wanted.length, 'sources', 'the number of accounts under test');
  }

  // The records an entry released in full, with the numbers the catalogue gives their fields.
  recordsOf(e) {
    if (e.records) return e.records;
    const granted = new Set(fieldsOf(e.granted));
    const out = [];
    for (let at = 0; at + 22 <= e.versions.length; at += 22) {
      const tag = toHex(e.versions.subarray(at + 2, at + 18));
      const record = e.subject.records.find((r) => r.tag === tag && r.version === readU32(e.versions, at + 18));
      must(record !== undefined, 'sources', `entry ${e.index}: a version of a record is not in the values`);
      const values = [...record.values].filter(([id, texts]) => granted.has(id) && texts.length === 1 && texts[0] !== '');
      out.push(values.filter(([id]) => this.catalogue.numbers.has(id)).map(([id, [text]]) => ({ number: this.catalogue.numbers.get(id), text })));
    }
    e.records = out.map((values) => values.sort((a, b) => a.number - b.number));
    e.places = placesOf(this.catalogue, e.records, e.optional);
    return e.records;
  }
  // What row n shows of coins that this entry's answer carried.
  carriedBy(e, n) {
    this.recordsOf(e);
    return (this.x.syms.get(n) ?? []).filter((sym) =>
      e.places.some((p) => p.slot.field === sym.field && p.slot.number === sym.number && p.value === sym.value));
  }

  checkOrder() {
    const { seal, unlock, verdict } = this;
    must(seal.index < unlock.index && unlock.index < verdict.index, 'order', 'SEAL, UNLOCK and VERDICT are not in this order');
    must(this.statement.seal === seal.index && this.statement.extraction === toHex(sha256(this.file('order', 'extraction'))), 'order', 'the statement is of another seal');
    must(this.statement.origin === seal.origin && seal.origin === this.x.log.origin, 'order', 'the statement is of another log');
    for (const entries of this.x.src.values())
      for (const index of entries) {
        must(index < seal.index, 'order', `entry ${index} is younger than the seal`);
        const e = this.entries.get(index);
        if (e.commitment === null) continue;
        const year = this.years.get(2000 + (e.epoch >> 4));
        must(year === undefined || year.index < index, 'order', `entry ${index} is older than its year's key`);
      }
  }

  checkKeys() {
    const listed = this.x.accounts.map(({ account, epoch }) => `${account}-${epoch}`).join();
    must(listed === this.statement.shares.map(({ account, epoch }) => `${account}-${epoch}`).join(), 'keys', 'the auditor unlocked other accounts than were sealed');
    this.keys = new Map(); // account → epoch → K
    for (const name of this.under('keys').filter((n) => /^[0-9]+-[0-9]+$/.test(n))) {
      const path = `keys/${name}`;
      const lines = new Map(rowsOf('keys', path, this.file('keys', path), 'amanat-account-key v1').map(([word, ...rest]) => [word, rest]));
      const [account, epoch] = name.split('-').map(Number);
      must(lines.get('account')?.[0] === String(account) && lines.get('epoch')?.[0] === String(epoch), 'keys', `${path} is of another account`);
      const year = this.years.get(2000 + (epoch >> 4));
      must(year !== undefined, 'keys', `${path}: no keys of its year`);
      const elements = ['exchange', 'auditor'].map((party) => {
        const [element, proof] = lines.get(party) ?? [];
        const z = hexOf('keys', path, element, 32);
        must(shareHolds(year[party], account, epoch, z, hexOf('keys', path, proof, 64)), 'keys', `${path}: the proof of the ${party}'s share`);
        return z;
      });
      const stated = this.statement.shares.find((s) => s.account === account && s.epoch === epoch);
      must(stated?.z === toHex(elements[1]) && this.statement.years.get(2000 + (epoch >> 4)) === toHex(year.auditor), 'keys', `${path}: the auditor stated another share`);
      const key = accountKey(account, epoch, ...elements);
      must(toHex(key) === lines.get('key')?.[0], 'keys', `${path}: K is not made of both shares`);
      if (!this.keys.has(account)) this.keys.set(account, new Map());
      this.keys.get(account).set(epoch, key);
    }
    for (const e of this.entries.values()) {
      const key = this.keys.get(e.account)?.get(e.epoch);
      if (key) must(same(commitmentOf(key), e.commitment), 'keys', `entry ${e.index} committed to another key`);
    }
  }

  checkRendering() {
    for (const name of this.under('answers')) {
      const path = `answers/${name}`;
      const [entry, part, ...fields] = rowsOf('rendering', path, this.file('rendering', path), 'amanat-answer v1');
      const e = this.entries.get(decimal(entry[1] ?? '') ?? -1n);
      must(entry[0] === 'entry' && entry[1] === name && e !== undefined, 'rendering', `${path} is of no disclosure here`);
      const [salt, digest, nonce] = part.slice(1).map((word) => fromHex(word) ?? new Uint8Array(0));
      must(same(sha256(Uint8Array.of(0x12), salt, Uint8Array.of(7), digest, nonce), e.partHashes[6]), 'rendering', `${path} is not what entry ${name} commits to`);
      const hashes = [];
      const shown = new Map(); // record → id → text or null
      for (const [word, record, number, id, state, ...rest] of fields) {
        must(word === 'field' && (state === 'open' || state === 'shut'), 'rendering', `${path}: a line ${word}`);
        if (!shown.has(record)) shown.set(record, new Map());
        if (state === 'shut') {
          hashes.push(hexOf('rendering', path, rest[0], 32));
          shown.get(record).set(id, null);
          continue;
        }
        const bytes = fromBase64(rest[1] === '-' ? '' : rest[1]);
        must(bytes !== null, 'rendering', `${path}: not base64`);
        const head = concat(Uint8Array.of(0x10), hexOf('rendering', path, rest[0], 16), u32(Number(record)), Uint8Array.of(number >> 8, number & 0xff), u32(bytes.length));
        hashes.push(sha256(head, bytes));
        shown.get(record).set(id, utf8(bytes));
      }
      must(same(sha256(Uint8Array.of(0x11), ...hashes), digest), 'rendering', `${path}: the fields do not make the digest`);
      this.rendered(path, e, [...shown.entries()].sort((a, b) => a[0] - b[0]).map(([, record]) => record));
    }
  }
  // Each opened text is the one that K's coins give.
  rendered(path, e, shown) {
    const key = this.keys.get(e.account)?.get(e.epoch);
    must(key !== undefined, 'rendering', `${path}: its account's key is not here`);
    if (!e.coined) return;
    const records = this.recordsOf(e);
    const expected = shownUnder(key, e.subject.label, this.catalogue, records, e.places).filter((record) => record !== null);
    must(shown.length === expected.length, 'rendering', `${path}: ${shown.length} records, not ${expected.length}`);
    expected.forEach((record, i) => {
      for (const [number, text] of record) {
        const id = this.catalogue.ids.get(number);
        must(shown[i].has(id), 'rendering', `${path}: ${id} is not shown, though no coin hides it`);
        must(shown[i].get(id) === null || shown[i].get(id) === text, 'rendering', `${path}: ${id} is not what the coins show`);
      }
      for (const id of shown[i].keys())
        must(!this.catalogue.numbers.has(id) || record.has(this.catalogue.numbers.get(id)), 'rendering', `${path}: ${id} is shown, though a coin hides it`);
    });
  }

  // Decoys that were found, of named accounts alone.
  checkDecoys() {
    this.hits = new Map(); // account → how many
    const names = this.under('decoys');
    for (let n = 1; 2 * (n - 1) < names.length; ++n) {
      const path = `decoys/${n}`;
      const { index, entry } = this.receipt(`${path}.tlog-proof`, 'EXPORT');
      const decoy = attempt('signatures', path, () => readDecoy(this.file('signatures', path)));
      const day = new Date(Number(headOf(entry).time)).toISOString().slice(0, 10);
      const year = this.years.get(2000 + (decoy.epoch >> 4));
      must(year !== undefined && year.index < index && index < this.seal.index && day <= this.x.day, 'order', `${path}: its EXPORT is not before the leak`);
      const key = this.keys.get(decoy.account)?.get(decoy.epoch);
      must(key !== undefined, 'keys', `${path}: its account's key is not here`);
      const said = [['keys', wrongKey(decoy, key)], ['rendering', wrongExport(decoy, entry, commitmentOf(key))], ['symbols', wrongStray(decoy, this.x.strays, this.x.held)]];
      for (const [step, problem] of said) must(problem === null, step, `${path}: ${problem}`);
      this.hits.set(decoy.account, (this.hits.get(decoy.account) ?? 0) + 1);
    }
  }

  // ---- the numbers

  // An account's copies of the subjects it may have supplied, with the coins of each that rows show.
  copiesOf(account) {
    const out = [];
    for (const [label, subject] of this.subjects) {
      const copies = new Map(); // epoch → coin → { own, seen }
      for (const n of subject.rows)
        for (const index of this.x.src.get(n) ?? []) {
          const e = this.entries.get(index);
          const key = e.account === account && e.coined ? this.keys.get(account)?.get(e.epoch) : undefined;
          if (key === undefined) continue;
          if (!copies.has(e.epoch)) copies.set(e.epoch, new Map());
          for (const sym of this.carriedBy(e, n)) {
            const name = `${sym.field} ${sym.number} ${sym.value}`;
            const coins = copies.get(e.epoch);
            const { weights } = e.places.find((p) => p.slot.field === sym.field && p.slot.number === sym.number && p.value === sym.value);
            if (!coins.has(name)) coins.set(name, { own: sideOf(key, subject.label, sym, sym.value, weights), seen: [] });
            const { seen } = coins.get(name);
            if (!seen.some((s) => s.side === sym.side)) seen.push(sym);
          }
        }
      const given = [...copies.values()].map((coins) => [...coins.values()]).filter((coins) => coins.length > 0);
      if (given.length > 0) out.push({ label, copies: given });
    }
    return out;
  }
  // What decoys make of an account's evidence: they multiply it, or decide alone (part 9).
  withDecoys(account, log2) {
    const given = this.x.held.filter((h) => h.account === account).reduce((sum, h) => sum + h.count, 0);
    if (given === 0) return log2;
    const q = chanceOfDecoy(this.x.strays.kind, this.x.strays.count, given);
    const found = this.hits.has(account);
    if (this.alone) return found ? -Math.log2(q) : 0;
    return log2 + Math.log2(0.5 + (found ? 0.5 / q : 0));
  }
  checkFormulas() {
    const lines = rowsOf('formulas', 'findings', this.file('formulas', 'findings'), 'amanat-findings v1');
    const one = (word) => lines.find((line) => line[0] === word)?.slice(1).join(' ');
    const rows = this.x.rows.size;
    const sourced = [...this.x.src.values()].filter((entries) => entries.length > 0).length;
    must(one('leak') === this.x.leak && one('nc') === String(this.x.nc), 'formulas', 'the findings are of another leak');
    must(one('rows') === `${rows} ${sourced} ${rows - sourced} ${this.x.unknown}`, 'formulas', 'the rows counted');
    const bound = Math.log2(this.x.nc * 1e9);
    must(this.x.nc === 0 || one('bound') === String(Math.floor(1000 * bound)), 'formulas', 'the bound');
    this.named = lines.filter((line) => line[0] === 'named').map(([, account, round, bits, subjects, coins, agreeing]) =>
      ({ account: Number(account), round: Number(round), bits: Number(bits), subjects: Number(subjects), coins: Number(coins), agreeing: Number(agreeing) }));
    must(this.x.test === 'e' && this.named.length <= roundsMax, 'formulas', 'the test is not e');
    const gone = new Set(); // subjects explained by accounts named before
    this.named.forEach((named, i) => {
      must(named.round === i + 1, 'formulas', 'the rounds');
      const left = this.copiesOf(named.account).filter(({ label }) => !gone.has(label));
      const { log2: ofCoins, explains } = weigh(left.map(({ copies }) => copies));
      const log2 = this.withDecoys(named.account, ofCoins);
      must(log2 >= bound + 1e-6, 'formulas', `account ${named.account} does not reach the bound`);
      must(Math.abs(1000 * log2 - named.bits) <= 1, 'formulas', `account ${named.account}: ${(1000 * log2).toFixed(0)} thousandths of a bit, not ${named.bits}`);
      const coins = left.flatMap(({ copies }) => copies.flat());
      const agreeing = coins.filter(({ own, seen }) => seen.some(({ side }) => side === own)).length;
      must(named.subjects === left.length && named.coins === coins.length && named.agreeing === agreeing, 'formulas', `account ${named.account}: ${left.length} ${coins.length} ${agreeing}`);
      left.forEach(({ label }, k) => explains[k] && gone.add(label));
    });
    const accounts = [...this.keys.keys()].sort((a, b) => a - b).join();
    must(accounts === this.named.map((n) => n.account).sort((a, b) => a - b).join(), 'formulas', 'keys are published of others than the named');
  }
  checkReport() {
    const pre = /<pre id="findings">([^]*?)<\/pre>/;
    const findings = utf8(this.file('report', 'findings')) ?? '';
    for (const path of this.under('report').filter((name) => name.endsWith('.html')))
      must(pre.exec(utf8(this.file('report', `report/${path}`)) ?? '')?.[1].trim() === findings.trim(), 'report', `report/${path} says other numbers`);
  }
}

const steps = [
  ['files', 'checkFiles'],
  ['signatures', 'checkSignatures'],
  ['files', 'readExtraction'],
  ['sources', 'checkSources'],
  ['order', 'checkOrder'],
  ['keys', 'checkKeys'],
  ['rendering', 'checkRendering'],
  ['rendering', 'checkDecoys'],
  ['formulas', 'checkFormulas'],
  ['report', 'checkReport'],
];

/** verifyEvidence: { holds: true, named, files } or { holds: false, step, problem }. */
export function verifyEvidence(files, { policy, auditor }) {
  const check = new Evidence(files, policy, auditor);
  for (const [step, method] of steps) {
    try {
      check[method]();
    } catch (error) {
      if (error instanceof Fault) return { holds: false, step: error.step, problem: error.message };
      return { holds: false, step, problem: `not in the form: ${error.message}` };
    }
  }
  return { holds: true, files: files.size, named: check.named.map((n) => ({ ...n, decoys: check.hits.get(n.account) ?? 0 })) };
}
