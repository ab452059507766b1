#!/usr/bin/env node
// Makes amanat-verify.html: the page, its style and its program in one file that connects to nothing.
//
//   node build.mjs [--policy FILE] [--out FILE]
//
// --policy builds a log's tlog-policy in, so that a citizen needs his history alone: for the body
// that publishes the page. The same sources give the same bytes.

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { rollup } from 'rollup';

import { parsePolicy } from './verify.mjs';
import { faults, languages, words } from './words.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const text = (name) => readFileSync(join(here, name), 'utf8');

// Resolves the packages that package-lock.json pins, as their own `exports` name them: name/file.js.
const packages = {
  name: 'packages',
  resolveId(from) {
    return from.startsWith('@noble/') ? join(here, 'node_modules', from) : null;
  },
};

async function bundle() {
  const made = await rollup({
    input: join(here, 'page.mjs'),
    plugins: [packages],
    treeshake: { moduleSideEffects: false },
    onwarn(warning) {
      throw new Error(warning.message);
    },
  });
  const { output } = await made.generate({ format: 'iife', generatedCode: 'es2015' });
  return output[0].code;
}

const csp = (content) => `'sha256-${createHash('sha256').update(content).digest('base64')}'`;

for (const [name, cells] of Object.entries({ ...words, ...faults }))
  for (let i = 0; i < Object.keys(languages).length; ++i)
    if (!cells[i]) throw new Error(`words.mjs: ${name} is not in every language`);

const { values } = parseArgs({ options: { policy: { type: 'string' }, out: { type: 'string' } } });
const policy = values.policy ? readFileSync(values.policy) : null;
if (policy !== null) parsePolicy(policy);

const script = await bundle();
const style = text('page.css');
if (/<\/script|<!--/i.test(script)) throw new Error('the program would end its own element');
const parts = {
  policy:
    `default-src 'none'; script-src ${csp(script)}; style-src ${csp(style)}; ` +
    "base-uri 'none'; form-action 'none'",
  style,
  script,
  built_in: JSON.stringify({ policy: policy?.toString('utf8') ?? null }).replaceAll('<', '\\u003c'),
};
const page = text('page.html').replace(/\{\{(\w+)\}\}/g, (_, name) => parts[name]);
const out = values.out ?? join(here, 'amanat-verify.html');
writeFileSync(out, page);
console.log(`${out}: ${page.length} bytes, SHA-256 ${createHash('sha256').update(page).digest('hex')}`);
