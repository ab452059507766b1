// DuckDB's join of a leak with all disclosures (bench/trace.sh):
//   node bench/trace_duckdb.mjs DIR MILLIONS ROWS...
// From the CSV files in DIR if there are any; else, because a thousand million disclosures as CSV are
// 25 GB, from as many made by DuckDB itself: ten to a subject, the same columns, subjects as far
// apart. Its table is in the order of subjects, so that its own statistics skip what no leak can hit.
// Prints ROWS, seconds and disclosures found, parted by tabs; the best of three runs, after one that
// brings its file into memory.
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const require = createRequire(new URL('./duckdb/package.json', import.meta.url));
const { DuckDBInstance } = await import(pathToFileURL(require.resolve('@duckdb/node-api')).href);

const [directory, millions, ...leaks] = process.argv.slice(2);
const instance = await DuckDBInstance.create(`${directory}/duck.db`, { threads: '2', memory_limit: '8GB' });
const db = await instance.connect();
const subjects = BigInt(millions) * 100_000n;
const gap = 9_000_000_000_000_000_000n / subjects;
const subject_of = (n) => `((${n}) * ${gap} + (hash(${n}) % ${gap / 2n})::BIGINT)`;
const exported = existsSync(`${directory}/disclosures.csv`);
const read = (file, columns) => `select * from read_csv('${directory}/${file}', header = false, columns = {${columns}})`;
const disclosures = exported
  ? read('disclosures.csv', "subject: 'BIGINT', account: 'UINTEGER', day: 'USMALLINT', version: 'USMALLINT', fields: 'USMALLINT'")
  : `select ${subject_of('i // 10')} as subject, (hash(i) % 100000)::UINTEGER as account,
       (9000 + hash(i + 1) % 365)::USMALLINT as day, 1::USMALLINT as version, 2::USMALLINT as fields
     from range(${subjects * 10n}) t(i)`;
await db.run(`create table disclosures as ${disclosures}`);
await db.run('checkpoint');
for (const rows of leaks) {
  if (exported && !existsSync(`${directory}/leak_${rows}.csv`)) continue;
  // Half of the rows are of subjects with disclosures; the others lie in the gaps.
  const leaked = exported
    ? read(`leak_${rows}.csv`, "subject: 'BIGINT'")
    : `select ${subject_of(`(hash(i + 7) % ${subjects})::BIGINT`)} + (i % 2) * ${gap / 2n} as subject from range(${rows}) t(i)`;
  await db.run(`create or replace table leak as ${leaked}`);
  let best = Infinity;
  let found = 0n;
  for (let round = 0; round < 4; ++round) {
    const begin = process.hrtime.bigint();
    const answer = await db.runAndReadAll(
      'select count(*), min(d.day), max(d.day) from (select distinct subject from leak) l join disclosures d using (subject)',
    );
    if (round > 0) best = Math.min(best, Number(process.hrtime.bigint() - begin) / 1e9);
    found = answer.getRows()[0][0];
  }
  console.log(`${rows}\t${best.toFixed(4)}\t${found}`);
}
