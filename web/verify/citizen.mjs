#!/usr/bin/env node
// The check of a citizen's history in Node: the same steps as `amanat-verify citizen`, written a
// second time. What the page in this folder does in a browser, for those who like a terminal.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { fieldsOf, parsePolicy, parseRemembered, verifyHistory, words } from './verify.mjs';

const help = `Check a history of who looked at a citizen: nothing in it is left out, added or changed.

  node citizen.mjs --policy FILE [--state FILE] [--at SECONDS] [--json] HISTORY

The national ID is read from standard input (13 digits, with dashes or without).

  --policy FILE   the log's tlog-policy: its key and its witnesses, as their bodies publish it
  --state FILE    what this program or amanat-verify kept from last time; it is read, not written
  --at SECONDS    judge by this Unix time instead of the clock, for a history kept as evidence
  --remember      print what to keep for next time (--state), if it holds

Exit code: 0 it holds, 1 it does not hold, 2 trouble (nothing was shown either way).`;

function timeText(ms) {
  return ms < 253402300800000n ? new Date(Number(ms)).toISOString() : `${ms} ms`;
}
const stateWord = (state) => (state === 'pruned' ? 'past-retention' : state);

function asJson(v) {
  const quoted = JSON.stringify;
  if (!v.holds) return `{"holds":false,"fault":${quoted(v.fault)},"problem":${quoted(v.problem)}}`;
  const entries = v.entries.map((e) => {
    let out = `{"entry":${e.index}`;
    if (e.state !== 'pruned') out += `,"type":${quoted(e.type)},"time":${quoted(timeText(e.time))}`;
    out += `,"state":${quoted(stateWord(e.state))}`;
    if (e.sealedUntil != null) out += `,"sealed_until":${quoted(timeText(e.sealedUntil))}`;
    if (e.purpose) out += `,"purpose":${quoted(words(e.purpose))}`;
    if (e.fields) out += `,"fields":[${fieldsOf(e.fields).map((name) => quoted(name)).join(',')}]`;
    return out + '}';
  });
  return (
    `{"holds":true,"origin":${quoted(v.origin)},"epoch":${v.epoch},"covered":${v.covered},` +
    `"size":${v.size},"entries":[${entries.join(',')}]}`
  );
}

function asText(v) {
  if (!v.holds) return `The history does not hold (${v.fault}).\n  why: ${v.problem}\n  hint: keep the file: it is evidence`;
  const lines = v.entries.map((e) => {
    if (e.state === 'pruned') return `  entry ${e.index}  past its retention, as a POLICY entry allows`;
    let line = `  ${timeText(e.time)}  ${e.type}  entry ${e.index}`;
    if (e.state === 'erased') line += '  erased, and the erasure is recorded';
    if (e.state === 'sealed') line += `  sealed until ${timeText(e.sealedUntil)}`;
    if (e.purpose) line += `  ${words(e.purpose)}`;
    return e.fields ? `${line}\n      ${fieldsOf(e.fields).join(' ')}` : line;
  });
  return [
    `The history holds: nothing is missing up to epoch ${v.epoch} (${timeText(v.epochTime)}).`,
    `  log      ${v.origin}, ${v.size} entries`,
    `  entries  ${v.entries.length}`,
    ...lines,
  ].join('\n');
}

function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      policy: { type: 'string' },
      state: { type: 'string' },
      at: { type: 'string' },
      json: { type: 'boolean' },
      remember: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  if (positionals.length !== 1 || !values.policy) throw new Error('--policy and one history are needed: see --help');
  if (values.at && !/^[0-9]{1,18}$/.test(values.at)) throw new Error('--at is Unix seconds');
  const policy = parsePolicy(readFileSync(values.policy));
  const before = values.state ? parseRemembered(readFileSync(values.state)) : null;
  const history = readFileSync(positionals[0]);
  const subject = readFileSync(0, 'latin1').replace(/[^0-9]/g, '');
  if (subject.length !== 13) throw new Error('a national ID has 13 digits: give it on standard input');
  const now = values.at ? BigInt(values.at) : BigInt(Math.floor(Date.now() / 1000));
  const verdict = verifyHistory(history, { policy, subject, now, before });
  console.log(values.json ? asJson(verdict) : asText(verdict));
  if (verdict.holds && values.remember) process.stdout.write(verdict.remember);
  return verdict.holds ? 0 : 1;
}

try {
  process.exitCode = main();
} catch (error) {
  console.error(`citizen.mjs: ${error.message}`);
  process.exitCode = 2;
}
