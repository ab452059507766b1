// Coins, from docs/marks.md: where an answer has room for one, which side falls, how a value then
// looks, and what the sides that a leak shows weigh (docs/trace-weighing.md).

import { ascii, compare, concat, mac, readU64, sha256, toHex, u16 } from './bytes.mjs';

const utf8 = new TextEncoder();
const alternativesMax = 4;
const retyped = new Set(['withheld', 'which', 'first', 'house', 'day', 'minute', 'seconds', 'cell']);
const sidesOf = {
  house: 2, day: 2, minute: 2, seconds: 2, cell: 2, abbreviation: 4, date: 4, dashes: 2, number: 4, unicode: 2, section: 2,
};
const order = [...['withheld', 'which', 'first'], ...Object.keys(sidesOf)];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** parseCatalogue reads a slot catalogue: { version, ids: number → id, numbers: id → number, slots }. */
export function parseCatalogue(text) {
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines[0] !== 'amanat-slots v1' || !/^version [1-9][0-9]*$/.test(lines[1] ?? ''))
    throw new Error('the catalogue begins otherwise');
  const out = { version: Number(lines[1].slice(8)), ids: new Map(), numbers: new Map(), slots: [] };
  for (const line of lines.slice(2)) {
    const words = line.split(' ');
    if (words[0] === 'name' && words.length === 3) {
      out.ids.set(Number(words[1]), words[2]);
      out.numbers.set(words[2], Number(words[1]));
    } else if (words[0] === 'slot' && words.length === 7 && order.includes(words[3])) {
      const list = (word) => (word === '-' || word === 'even' ? [] : word.split(',').map(Number));
      out.slots.push({
        field: Number(words[1]), number: Number(words[2]), kind: words[3],
        weights: list(words[4]), anchor: words[5] === '-' ? 0 : Number(words[5]), members: list(words[6]),
      });
    } else {
      throw new Error('a line of the catalogue is neither a name nor a slot');
    }
  }
  return out;
}

/** canonical bytes of a value, as text: single blanks, a number without +, a time to the second. */
function canonical(value) {
  const single = value.replace(/ +/g, ' ').replace(/^ | $/g, '');
  if (/^\+[0-9]+$/.test(single)) return single.slice(1);
  return single.replace(/^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})\.[0-9]+$/, '$1');
}
const valueId = (content) => toHex(sha256(content).subarray(0, 8));
const byBytes = (a, b) => compare(utf8.encode(a), utf8.encode(b));

const parts = (address) => address.split(',').map((part) => part.trim());
const minuteOf = (value) => /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:([0-9]{2})/.exec(value)?.[1];
const alive = {
  house: (v) => parts(v).length >= 3 && /^House .+/.test(parts(v)[0]),
  day: (v) => /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(v),
  minute: (v) => minuteOf(v) !== undefined && Number(minuteOf(v)) % 5 !== 0,
  seconds: (v) => /^[0-9]+$/.test(v) && Number(v) % 60 !== 0,
  cell: (v) => v.split('-').length >= 3,
  abbreviation: (v) => parts(v).some((part) => /^(House|Street) .+/.test(part)),
  date: (v) => /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(v),
  dashes: (v) => /^[0-9]{13}$/.test(v),
  number: (v) => /^\+923[0-9]{9}$/.test(v),
  unicode: (v) => v.normalize('NFC') !== v.normalize('NFD'),
  section: (v) => /^[0-9][^ ]* (.* )?\p{L}+$/u.test(v),
};

/**
 * placesOf lists the coins of one citizen's answer. `records`: arrays of { number, text }, in the
 * answer's order, of the fields granted and filled; `optional`: the numbers the purpose can do without.
 */
export function placesOf(catalogue, records, optional) {
  const out = [];
  const free = new Set(optional);
  const valueOf = (record, number) => record.find((v) => v.number === number)?.text;
  const keep = (slot, content, sides, more) =>
    out.push({ slot, value: valueId(content), weights: slot.weights.length ? slot.weights : Array(sides).fill(1), ...more });
  const choose = (slot, choices, more) => {
    if (choices.length < 2) return;
    const last = choices.slice(-alternativesMax);
    const content = last.map((c, i) => concat(i ? Uint8Array.of(0) : new Uint8Array(0), utf8.encode(c.text)));
    keep(slot, concat(...content), last.length, { sides: last.map((c) => c.of), ...more });
  };
  for (const slot of catalogue.slots) {
    if (slot.kind === 'first') {
      const found = new Map(); // the first record that has a value stands for it
      if (free.has(slot.field))
        records.forEach((record, i) => {
          const text = valueOf(record, slot.field);
          if (text !== undefined && !found.has(canonical(text))) found.set(canonical(text), i);
        });
      choose(slot, [...found].map(([text, of]) => ({ text, of })).sort((a, b) => byBytes(a.text, b.text)), {});
      continue;
    }
    records.forEach((record, i) => {
      if (slot.kind === 'withheld') {
        const sides = slot.members.filter((m) => free.has(m) && valueOf(record, m) !== undefined).slice(0, alternativesMax);
        if (sides.length >= 2) keep(slot, concat(...sides.map(u16)), sides.length, { sides, record: i });
      } else if (slot.kind === 'which') {
        const choices = slot.members.map((m) => ({ of: m, text: valueOf(record, m) }));
        if (choices.some((c) => c.text === undefined || !free.has(c.of))) return;
        for (const c of choices) c.text = canonical(c.text);
        if (new Set(choices.map((c) => c.text)).size === choices.length)
          choose(slot, choices.sort((a, b) => byBytes(a.text, b.text)), { record: i });
      } else if (slot.kind === 'date' || slot.kind === 'dashes') {
        const shown = slot.members.some((m) => valueOf(record, m) !== undefined && alive[slot.kind](valueOf(record, m)));
        if (shown) keep(slot, new Uint8Array(0), sidesOf[slot.kind], { record: i });
      } else {
        const text = valueOf(record, slot.field);
        if (text === undefined || !alive[slot.kind](text) || (retyped.has(slot.kind) && !free.has(slot.field))) return;
        const said = [[slot.field, text]];
        if (slot.anchor && slot.anchor !== slot.field) {
          const other = valueOf(record, slot.anchor);
          if (other === undefined) return;
          said.push([slot.anchor, other]);
        }
        said.sort((a, b) => a[0] - b[0]);
        keep(slot, utf8.encode(said.map(([, t]) => canonical(t)).join('\0')), sidesOf[slot.kind], { record: i });
      }
    });
  }
  return out;
}

/** sideOf is the side of a coin that key K makes fall for a citizen's label. */
export function sideOf(key, label, { field, number }, value, weights) {
  const id = Uint8Array.from(value.match(/../g), (pair) => parseInt(pair, 16));
  const message = concat(ascii('amanat/marks/coin/v1\0'), u16(label.length), label, u16(field), id, Uint8Array.of(number));
  const total = BigInt(weights.reduce((a, b) => a + b));
  const at = (readU64(mac(key, message), 0) * total) >> 64n;
  let sum = 0n;
  return weights.findIndex((w) => (sum += BigInt(w)) > at);
}

const two = (n) => String(n).padStart(2, '0');
function fiveMinutes(value) {
  const [day, hours, minutes] = [value.slice(0, 10), Number(value.slice(11, 13)), Number(value.slice(14, 16))];
  const from = minutes - (minutes % 5);
  const to = (hours * 60 + from + 5) % 1440;
  return `${day}T${two(hours)}:${two(from)}/${two(Math.floor(to / 60))}:${two(to % 60)}`;
}
const looks = {
  house: (v, side) => (side === 0 ? v : parts(v).slice(1).join(', ')),
  day: (v, side) => (side === 0 ? v : v.slice(0, 7)),
  minute: (v, side) => (side === 0 ? v : fiveMinutes(v)),
  seconds: (v, side) => (side === 0 ? v : `${Math.floor(v / 60)}-${Math.floor(v / 60) + 1} min`),
  cell: (v, side) => (side === 0 ? v : v.split('-').slice(0, -1).join('-')),
  abbreviation: (v, side) =>
    parts(v)
      .map((part) => part.replace(/^(House|Street) (?=.)/, (_, word) =>
        [`${word} `, word === 'House' ? 'H. ' : 'St. ', word === 'House' ? 'H# ' : 'St# ', ''][side]))
      .join(', '),
  date: (v, side) => {
    const [year, month, day] = v.split('-');
    return [v, `${day}-${month}-${year}`, `${day} ${months[month - 1]} ${year}`, `${day}/${month}/${year}`][side];
  },
  dashes: (v, side) => (side === 0 ? `${v.slice(0, 5)}-${v.slice(5, 12)}-${v.slice(12)}` : v),
  number: (v, side) => {
    const n = v.slice(3);
    return [`0${n.slice(0, 3)}-${n.slice(3)}`, `0${n}`, `+92 ${n.slice(0, 3)} ${n.slice(3)}`, `92${n}`][side];
  },
  unicode: (v, side) => v.normalize(side === 0 ? 'NFC' : 'NFD'),
  section: (v, side) => (side === 0 ? v : v.replace(/^([^ ]+) (.+)$/, '$2 $1')),
};

/**
 * shownUnder gives what K's coins show of an answer: for each record a Map number → text, or null
 * for a record that waits behind another.
 */
export function shownUnder(key, label, catalogue, records, places) {
  const shown = records.map((record) => new Map(record.map((v) => [v.number, v.text])));
  const fallen = places.map((place) => ({ ...place, side: sideOf(key, label, place.slot, place.value, place.weights) }));
  const rank = (p) => order.indexOf(p.slot.kind) * 1e6 + p.slot.field * 300 + p.slot.number;
  const touched = (p, number) =>
    p.slot.members.length ? p.slot.members.includes(number) : p.slot.field === number;
  for (const p of fallen.sort((a, b) => rank(a) - rank(b))) {
    if (p.slot.kind === 'first') {
      const dataset = catalogue.ids.get(p.slot.field).split('.').slice(0, 2).join('.');
      records.forEach((record, i) => {
        const same = record.some((v) => catalogue.ids.get(v.number)?.startsWith(`${dataset}.`));
        if (same && i !== p.sides[p.side]) shown[i] = null;
      });
    } else if (p.slot.kind === 'withheld') {
      shown[p.record]?.delete(p.sides[p.side]);
    } else if (p.slot.kind === 'which') {
      p.sides.forEach((number, side) => side !== p.side && shown[p.record]?.delete(number));
    } else if (shown[p.record] !== null) {
      for (const [number, text] of shown[p.record]) {
        const truth = records[p.record].find((v) => v.number === number).text;
        if (touched(p, number) && alive[p.slot.kind](truth)) shown[p.record].set(number, looks[p.slot.kind](text, p.side));
      }
    }
  }
  return shown;
}

const survivals = [0.75, 0.9, 0.98];
const shares = [0.02, 0.2, 0.6, 0.98];

/** millibits of one observed side: the same for everybody. */
export const millibits = ({ weight, total }) => Math.round(1000 * Math.log2(total / weight));

// L of one subject: mean over copies of the product over coins; a coin seen on several sides enters
// with their mean.
function likelihood(copies, theta) {
  const ofCoin = ({ own, seen }) =>
    seen.reduce((sum, { side, weight, total }) => {
      const p = weight / total;
      return sum + (side === own ? theta / p : (1 - theta) / (1 - p));
    }, 0) / seen.length;
  return copies.reduce((sum, coins) => sum + coins.reduce((l, coin) => l * ofCoin(coin), 1), 0) / copies.length;
}

/** weigh gives { log2, explains }: log2 E over subjects (arrays of copies, copies arrays of coins), and
 *  which subjects the account explains at the pair of the grid that says most. */
export function weigh(subjects) {
  const cells = survivals.flatMap((theta) =>
    shares.map((pi) => {
      const ls = subjects.map((copies) => likelihood(copies, theta));
      return { pi, ls, log2: ls.reduce((sum, l) => sum + Math.log2(1 - pi + pi * l), 0) };
    }),
  );
  const most = cells.reduce((a, b) => (b.log2 > a.log2 ? b : a));
  const sum = cells.reduce((s, cell) => s + 2 ** (cell.log2 - most.log2), 0);
  const explains = most.ls.map((l) => (most.pi * l) / (1 - most.pi + most.pi * l) >= 0.5);
  return { log2: most.log2 + Math.log2(sum / cells.length), explains };
}
