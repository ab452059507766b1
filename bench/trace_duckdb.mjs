// DuckDB's join of a leak with all disclosures (bench/trace.sh):
//   node bench/trace_duckdb.mjs make DIR       DIR/duck.db from DIR/disclosures.csv, a file or a pipe
//   node bench/trace_duckdb.mjs ask DIR ROWS...  each DIR/leak_ROWS.csv, cold and warm
// Its table is in the order of subjects, 64-bit numbers that nobody has to hash, so that its own
// statistics skip what no leak can hit. Asked in two forms, a semi-join and a join with the distinct
// subjects; the faster one counts. `ask` prints ROWS, seconds warm (best of the rounds), seconds cold
// (its file out of the page cache and its process anew) and disclosures found, parted by tabs.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const require = createRequire(new URL('./duckdb/package.json', import.meta.url));
const { DuckDBInstance } = await import(pathToFileURL(require.resolve('@duckdb/node-api')).href);

const [what, directory, ...leaks] = process.argv.slice(2);
const file = `${directory}/duck.db`;
const settings = { threads: '2', memory_limit: process.env.DUCKDB_MEMORY ?? '10GB', temp_directory: `${directory}/duck.tmp` };

async function opened() {
  const instance = await DuckDBInstance.create(file, settings);
  return { instance, db: await instance.connect() };
}

const read = (name, columns) =>
  `select * from read_csv('${directory}/${name}', auto_detect = false, header = false, delim = ',', columns = {${columns}})`;

if (what === 'make') {
  const { db } = await opened();
  await db.run(
    `create table disclosures as ${read(
      'disclosures.csv',
      "subject: 'BIGINT', account: 'UINTEGER', day: 'USMALLINT', version: 'USMALLINT', fields: 'USMALLINT'",
    )}`,
  );
  await db.run('checkpoint');
  process.exit(0);
}

const forms = [
  'select count(*), min(day), max(day) from disclosures where subject in (select subject from leak)',
  'select count(*), min(d.day), max(d.day) from (select distinct subject from leak) l join disclosures d using (subject)',
];

async function ask(db, form) {
  const begin = process.hrtime.bigint();
  const answer = await db.runAndReadAll(form);
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
  return { seconds, found: answer.getRows()[0][0] };
}

for (const rows of leaks) {
  if (!existsSync(`${directory}/leak_${rows}.csv`)) continue;
  let { instance, db } = await opened();
  await db.run(`create or replace table leak as ${read(`leak_${rows}.csv`, "subject: 'BIGINT'")}`);
  await db.run('checkpoint');
  db.closeSync();
  instance.closeSync();
  // A cache that nobody holds pages of is dropped by posix_fadvise, which dd asks for.
  execFileSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']);
  ({ instance, db } = await opened());
  const cold = await ask(db, forms[0]);
  let warm = Infinity;
  for (const form of forms) {
    for (let round = 0; round < 4; ++round) {
      const took = await ask(db, form);
      if (took.found !== cold.found) throw new Error('two forms of one question differ');
      // The first brings in what the cold one of the other form left out.
      if (round > 0) warm = Math.min(warm, took.seconds);
      if (round === 2 && took.seconds > 5) break;
    }
  }
  console.log(`${rows}\t${warm.toFixed(4)}\t${cold.seconds.toFixed(4)}\t${cold.found}`);
  db.closeSync();
  instance.closeSync();
}
process.exit(0);
