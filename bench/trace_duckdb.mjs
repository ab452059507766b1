// DuckDB's join of a leak with all disclosures (bench/trace.sh): node bench/trace_duckdb.mjs DIR ROWS...
// Prints ROWS, seconds and disclosures found, parted by tabs; the best of three runs, its file in memory.
// Its table is in the order of subjects, so that its own statistics skip what no leak can hit.
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const require = createRequire(new URL('../tests/clients/package.json', import.meta.url));
const { DuckDBInstance } = await import(pathToFileURL(require.resolve('@duckdb/node-api')).href);

const [directory, ...leaks] = process.argv.slice(2);
const instance = await DuckDBInstance.create(`${directory}/duck.db`, { threads: '2' });
const db = await instance.connect();
const read = (file, columns) => `read_csv('${directory}/${file}', header = false, columns = {${columns}})`;
await db.run(`create table disclosures as select * from ${read(
  'disclosures.csv',
  "subject: 'BIGINT', account: 'UINTEGER', day: 'USMALLINT', version: 'USMALLINT', fields: 'USMALLINT'",
)}`);
await db.run('checkpoint');
for (const rows of leaks) {
  if (!existsSync(`${directory}/leak_${rows}.csv`)) continue;
  await db.run(`create or replace table leak as select * from ${read(`leak_${rows}.csv`, "subject: 'BIGINT'")}`);
  let best = Infinity;
  let found = 0n;
  for (let round = 0; round < 3; ++round) {
    const begin = process.hrtime.bigint();
    const answer = await db.runAndReadAll(
      'select count(*), min(d.day), max(d.day) from (select distinct subject from leak) l join disclosures d using (subject)',
    );
    best = Math.min(best, Number(process.hrtime.bigint() - begin) / 1e9);
    found = answer.getRows()[0][0];
  }
  console.log(`${rows}\t${best.toFixed(4)}\t${found}`);
}
