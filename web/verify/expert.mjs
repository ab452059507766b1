#!/usr/bin/env node
// The second check of an evidence bundle for a terminal: what amanat-verify evidence does, by a
// program that shares no code with the exchange (evidence.mjs).

import { lstatSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { bundleBytesMax, Fault, fromDirectory, fromTar, verifyEvidence } from './evidence.mjs';
import { parseKey, parsePolicy } from './note.mjs';

const help = `Check an evidence bundle offline: whose copy the leaked rows are, and whether the numbers hold.

  node expert.mjs --policy FILE --auditor KEY [--json] BUNDLE

  --policy FILE   the log's tlog-policy: its key and its witnesses, from somebody else than the exchange
  --auditor KEY   the auditor's verifier key, or a file that holds it
  BUNDLE          the bundle's directory, or its tar

Not done again here: reading the sides of coins off the leaked cells (check 7), and tier B's margins.
amanat-verify evidence does both.

Exit code: 0 it holds, 1 it does not hold, 2 trouble (nothing was shown either way).`;

function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { policy: { type: 'string' }, auditor: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean' } },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  if (positionals.length !== 1 || !values.policy || !values.auditor) throw new Error('--policy, --auditor and one bundle are needed: see --help');
  const policy = parsePolicy(readFileSync(values.policy));
  const auditor = parseKey(values.auditor.includes('+') ? values.auditor : readFileSync(values.auditor, 'utf8').trim());
  const stat = lstatSync(positionals[0]);
  if (stat.size > bundleBytesMax) throw new Error('a bundle larger than 1 GiB');
  let verdict;
  try {
    const files = stat.isDirectory() ? fromDirectory(positionals[0]) : fromTar(new Uint8Array(readFileSync(positionals[0])));
    verdict = verifyEvidence(files, { policy, auditor });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    verdict = { holds: false, step: error.step, problem: error.message };
  }
  if (values.json) console.log(JSON.stringify(verdict));
  else if (!verdict.holds) console.log(`The evidence does not hold (${verdict.step}).\n  why: ${verdict.problem}`);
  else {
    console.log(`The evidence holds: ${verdict.files} files.`);
    for (const n of verdict.named)
      console.log(`  account ${n.account}'s copies: ${(n.bits / 1000).toFixed(3)} bits, ${n.agreeing} of ${n.coins} coins agree, ${n.subjects} citizens, ${n.decoys} decoys of its extracts`);
    console.log('  not done again here: reading the sides off the leaked cells, and the margins of necessity');
  }
  return verdict.holds ? 0 : 1;
}

try {
  process.exitCode = main();
} catch (error) {
  console.error(`expert.mjs: ${error.message}`);
  process.exitCode = 2;
}
