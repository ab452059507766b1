// The page: takes the files and the number, and says in plain words what holds and what does not.
// It shows text only through the DOM, keeps nothing, and has no way to connect to anything.

import { fieldsOf, parsePolicy, parseRemembered, verifyHistory, words as plain } from './verify.mjs';
import { faults, languages, words } from './words.mjs';

const byId = (id) => document.getElementById(id);
const chosen = { history: null, policy: null, remembered: null, wrong: [] };
let language = navigator.languages?.some((l) => /^ur\b/.test(l)) ? 'ur' : 'en';
let shown = () => {}; // shows the last result again, in the language of now

function say(word, values = {}) {
  const text = (words[word] ?? words.other)[Object.keys(languages).indexOf(language)];
  return text.replace(/\{(\w+)\}/g, (_, name) => isolated(values[name]));
}
// Numbers and names keep their own direction in a sentence of the other one.
const isolated = (value) => `\u2068${value}\u2069`;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function timeText(ms) {
  if (ms >= 8640000000000000n) return String(ms);
  const locale = language === 'ur' ? 'ur-PK-u-nu-latn' : 'en-GB';
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'long' }).format(new Date(Number(ms)));
}

function describePolicy(policy) {
  const of = [...policy.logs.map((key) => key.name), ...policy.witnesses.map((w) => w.key.name)].join(', ');
  return policy.quorum === 'none' ? `${of}. ${say('noQuorum')}` : of;
}

function showChosen() {
  const rows = [
    ['historyFile', chosen.history?.name ?? say('missing')],
    [
      'policyFile',
      chosen.policy
        ? `${chosen.policy.builtIn ? say('builtIn') : chosen.policy.name}: ${describePolicy(chosen.policy.value)}`
        : say('missing'),
    ],
    ['rememberedFile', chosen.remembered?.name ?? say('optional')],
  ];
  byId('chosen').replaceChildren(
    ...rows.flatMap(([word, text]) => [element('dt', {}, say(word)), element('dd', {}, element('bdi', {}, text))]),
    ...chosen.wrong.flatMap(({ name, why }) => [
      element('dt', {}, `${say('unreadable')}: `, element('bdi', {}, name)),
      element('dd', { lang: 'en', dir: 'ltr' }, why),
    ]),
  );
}

async function take(files) {
  chosen.wrong = [];
  for (const file of files) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const start = plain(bytes.subarray(0, 20));
    try {
      if (start.startsWith('amanat-history/')) chosen.history = { name: file.name, bytes };
      else if (start.startsWith('amanat-remembered/'))
        chosen.remembered = { name: file.name, value: parseRemembered(bytes) };
      else chosen.policy = { name: file.name, value: parsePolicy(bytes) };
    } catch (error) {
      chosen.wrong.push({ name: file.name, why: error.message });
    }
  }
  showChosen();
}

function verdictBox(kind, title, ...rest) {
  const heading = element('h2', { tabindex: '-1' }, title);
  return [heading, element('div', { class: `verdict ${kind}` }, heading, ...rest)];
}

function showEntry(e) {
  const lines = [];
  const line = (word, ...content) => lines.push(element('p', {}, `${say(word)}: `, ...content));
  if (e.state === 'sealed') lines.push(element('p', {}, say('sealed', { time: timeText(e.sealedUntil) })));
  if (e.state === 'erased' || e.state === 'pruned') lines.push(element('p', {}, say(e.state)));
  if (e.purpose) line('purpose', element('bdi', {}, plain(e.purpose)));
  if (e.fields) line('fields', element('bdi', { dir: 'ltr' }, fieldsOf(e.fields).join(', ')));
  if (e.denial) line('denial', element('bdi', {}, plain(e.denial)));
  const what = Object.hasOwn(words, e.type ?? '') ? say(e.type) : say('other');
  const when = e.time === undefined ? '' : `${timeText(e.time)} · `;
  return element(
    'li',
    {},
    element('p', {}, element('strong', {}, what)),
    element('p', { class: 'hint' }, when, say('entry', { index: e.index })),
    ...lines,
  );
}

function showHolding(v) {
  const keep = element('button', { type: 'button' }, say('keep'));
  keep.addEventListener('click', () => {
    const link = element('a', { download: 'amanat-remembered' });
    link.href = URL.createObjectURL(new Blob([v.remember], { type: 'text/plain' }));
    link.click();
    URL.revokeObjectURL(link.href);
  });
  const did = [
    say('didSign', { origin: v.origin, size: v.size }),
    say('didLabel'),
    v.entries.length === 0 ? say('didNever') : say('didCount', { count: v.entries.length }),
    ...(v.entries.length === 0 ? [] : [say('didOpen')]),
    ...(chosen.remembered ? [say('didRemember')] : []),
  ];
  const [heading, box] = verdictBox(
    'holds',
    say('holds'),
    element('p', {}, say('upTo', { time: timeText(v.epochTime) })),
  );
  byId('result').replaceChildren(
    box,
    element('h3', {}, say('shown')),
    element('ul', {}, ...did.map((text) => element('li', {}, text))),
    element('h3', {}, `${say('entries')} (${v.entries.length})`),
    element('ol', { class: 'looks' }, ...v.entries.map(showEntry).reverse()),
    element('p', {}, keep),
    element('p', { class: 'hint' }, say('keepHint')),
  );
  return heading;
}

function showFailing(v) {
  const [english, urdu, then] = faults[v.fault];
  const [heading, box] = verdictBox(
    'fails',
    say('fails'),
    element('p', {}, language === 'ur' ? urdu : english),
    element('p', {}, say(then)),
  );
  byId('result').replaceChildren(
    box,
    element('h3', {}, say('forExperts')),
    element('p', { class: 'hint', lang: 'en', dir: 'ltr' }, `${v.fault}: ${v.problem}`),
  );
  return heading;
}

function check(event) {
  event.preventDefault();
  const subject = byId('id').value.replace(/[^0-9]/g, '');
  const need =
    chosen.history === null ? 'needHistory' : chosen.policy === null ? 'needPolicy' : subject.length !== 13 ? 'needId' : null;
  if (need !== null) {
    shown = () => byId('result').replaceChildren(element('p', { class: 'note', role: 'alert' }, say(need)));
    shown();
    byId(need === 'needId' ? 'id' : 'files').focus();
    return;
  }
  const started = performance.now();
  const verdict = verifyHistory(chosen.history.bytes, {
    policy: chosen.policy.value,
    subject,
    now: BigInt(Math.floor(Date.now() / 1000)),
    before: chosen.remembered?.value ?? null,
  });
  const took = performance.now() - started;
  shown = () => (verdict.holds ? showHolding(verdict) : showFailing(verdict));
  shown().focus();
  byId('result').dataset.milliseconds = took.toFixed(1); // what bench/run reads
}

function speak(to) {
  language = to;
  document.documentElement.lang = to;
  document.documentElement.dir = to === 'ur' ? 'rtl' : 'ltr';
  document.title = say('title');
  for (const e of document.querySelectorAll('[data-word]')) e.textContent = say(e.dataset.word);
  byId('languages').replaceChildren(
    ...Object.entries(languages).map(([code, name]) => {
      const button = element('button', { type: 'button', lang: code, 'aria-pressed': String(code === to) }, name);
      button.addEventListener('click', () => {
        speak(code);
        byId('languages').querySelector(`[lang=${code}]`).focus();
      });
      return button;
    }),
  );
  showChosen();
  shown();
}

const builtIn = JSON.parse(byId('built-in').textContent);
if (builtIn.policy)
  chosen.policy = { builtIn: true, value: parsePolicy(new TextEncoder().encode(builtIn.policy)) };
byId('form').addEventListener('submit', check);
byId('files').addEventListener('change', (event) => take(event.target.files));
for (const kind of ['dragover', 'drop', 'dragleave'])
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.toggle('dropping', kind === 'dragover');
    if (kind === 'drop') take(event.dataTransfer.files);
  });
speak(language);
