#!/bin/bash
# A leak's rows joined with all disclosures, ours beside DuckDB and PostgreSQL 15 on the same data, in
# one run: the index by trace_bench, the others from the CSV files it exports (beyond 100 million DuckDB
# makes as many itself, and PostgreSQL is left out). Theirs are in the order
# of subjects and join 64-bit numbers that nobody has to hash; PostgreSQL has an index over them and is
# asked after ANALYZE, with the settings that were fastest. Sourced by bench/run; bench/trace.sh run by
# itself measures this alone: bench/trace.sh [MILLIONS], with BENCH_BUILD and BENCH_DIR as bench/run.

TRACE_ROWS=(1000 100000 1000000 10000000)

# trace_part NAME SECONDS WHAT
trace_part() { printf '%s\t%s\ts\t%s\n' "$1" "$2" "$3" >>"$OUT/parts.tsv"; }

# note_ratio SYSTEM ROWS SECONDS: how many times ours, warm.
note_ratio() {
  local ours
  ours=$(awk -F '\t' -v name="trace_match_$2" '$1 == name { print $2 }' "$OUT/parts.tsv" | tail -1)
  awk -v a="$3" -v b="$ours" -v peer="$1" -v rows="$2" \
    'BEGIN { printf "trace_%s_%s_ratio\t%.1f\tx\ttime of %s beside ours, a leak of %s rows, both in memory\n", peer, rows, a / b, peer, rows }' \
    >>"$OUT/parts.tsv"
}

measure_duckdb() {
  local rows seconds
  # Not among the tests' packages: some of its builds for other systems are not in every registry, and a lock
  # file would ask for them.
  if [ ! -d bench/duckdb/node_modules/@duckdb ] && ! (cd bench/duckdb && npm install --no-package-lock --no-audit --no-fund --silent) 2>/dev/null; then
    say "note: no DuckDB: npm could not install it (bench/duckdb)"
    return
  fi
  node bench/trace_duckdb.mjs "$1" "$2" "${TRACE_ROWS[@]}" >"$OUT/duckdb.tsv" 2>"$OUT/duckdb.log" || trouble "DuckDB: $(cat "$OUT/duckdb.log")"
  while IFS=$'\t' read -r rows seconds found; do
    trace_part "trace_duckdb_$rows" "$seconds" "DuckDB's join of the same leak and disclosures, in memory, two threads; $found found"
    note_ratio duckdb "$rows" "$seconds"
  done <"$OUT/duckdb.tsv"
}

# psql_trace: SQL on standard input, on the cluster of this part.
psql_trace() { as_postgres "$PG_BIN/psql" -XqAt -v ON_ERROR_STOP=1 -h "$TRACE_PG" -U postgres -d postgres "$@"; }

start_trace_postgres() {
  TRACE_PG=$(mktemp -d "$WORK_PARENT/amanat-bench-trace.XXXXXX")
  if [ "$(id -u)" = 0 ]; then chown postgres: "$TRACE_PG"; fi
  (cd / && as_postgres "$PG_BIN/initdb" -D "$TRACE_PG/data" -U postgres -A trust --no-sync -E UTF8 --locale=C >"$OUT/trace-initdb.log" 2>&1)
  as_postgres tee "$TRACE_PG/data/postgresql.auto.conf" >/dev/null <<CONF
listen_addresses = ''
unix_socket_directories = '$TRACE_PG'
shared_buffers = 2GB
work_mem = 512MB
maintenance_work_mem = 1GB
max_parallel_workers_per_gather = 2
effective_cache_size = 12GB
random_page_cost = 1.1
fsync = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = 16GB
CONF
  as_postgres "$PG_BIN/pg_ctl" -D "$TRACE_PG/data" -w -t 60 -l "$TRACE_PG/log" start >/dev/null || trouble "PostgreSQL did not start"
}

stop_trace_postgres() {
  if [ -n "${TRACE_PG:-}" ]; then
    as_postgres "$PG_BIN/pg_ctl" -D "$TRACE_PG/data" -m immediate stop >/dev/null 2>&1 || true
    rm -rf "$TRACE_PG"
    TRACE_PG=
  fi
}

measure_trace_postgres() {
  local rows best seconds found
  start_trace_postgres
  psql_trace -c 'create table disclosures (subject bigint not null, account int not null, day smallint not null, version smallint not null, fields smallint not null)'
  psql_trace -c "copy disclosures from stdin (format csv)" <"$1/disclosures.csv"
  psql_trace -c 'create index on disclosures (subject)' -c 'vacuum analyze disclosures'
  for rows in "${TRACE_ROWS[@]}"; do
    [ -f "$1/leak_$rows.csv" ] || continue
    if [ "$rows" -gt 1000000 ]; then continue; fi
    psql_trace -c 'set client_min_messages = error' -c 'drop table if exists leak' -c 'create unlogged table leak (subject bigint not null)'
    psql_trace -c 'copy leak from stdin (format csv)' <"$1/leak_$rows.csv"
    psql_trace -c 'vacuum analyze leak'
    best=
    for _ in 1 2 3; do
      seconds=$(psql_trace -c '\timing on' -c 'select count(*), min(d.day), max(d.day) from (select distinct subject from leak) l join disclosures d using (subject)' | tee "$TRACE_PG/answer" | sed -nE 's/^Time: ([0-9.]+) ms.*/\1/p')
      found=$(head -1 "$TRACE_PG/answer" | cut -d'|' -f1)
      best=$(awk -v a="$seconds" -v b="${best:-1e9}" 'BEGIN { a /= 1000; print a < b ? a : b }')
    done
    trace_part "trace_postgresql_$rows" "$best" "PostgreSQL 15's join of the same, index and table in memory; $found found"
    note_ratio postgresql "$rows" "$best"
  done
  stop_trace_postgres
}

# measure_trace MILLIONS: ours first, then the others, in one directory.
measure_trace() {
  local directory=$WORK/leaks
  mkdir -p "$directory"
  figures_of trace index "$1" "$directory"
  figures_of trace necessity
  figures_of trace fresh 1 "$directory"
  if [ "$1" -le 100 ]; then "$BIN/trace_bench" export "$1" "$directory" || trouble "trace_bench export failed"; fi
  measure_duckdb "$directory" "$1"
  if [ "$(id -u)" = 0 ]; then chmod 755 "$WORK" "$directory"; fi
  if [ "$1" -le 100 ]; then measure_trace_postgres "$directory"; else say "note: PostgreSQL is measured up to 100 million"; fi
  rm -rf "$directory"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  set -eEuo pipefail
  export LC_ALL=C
  cd "$(dirname "$0")/.."
  WORK_PARENT=${BENCH_DIR:-/var/tmp}
  BIN=$(realpath "${BENCH_BUILD:-build}")
  OUT=$PWD/bench/out
  mkdir -p "$OUT"
  say() { echo "$*" >&2; }
  trouble() {
    say "bench: $*"
    exit 2
  }
  PG_BIN=/usr/lib/postgresql/15/bin
  as_postgres() {
    if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --init-groups "$@"; else "$@"; fi
  }
  . bench/parts.sh
  WORK=$(mktemp -d "$WORK_PARENT/amanat-bench.XXXXXX")
  trap 'stop_trace_postgres; rm -rf "$WORK"' EXIT
  : >"$OUT/parts.tsv"
  measure_trace "${1:-20}"
  awk -F '\t' '{ printf "%-32s %12s %-6s %s\n", $1, $2, $3, $4 }' "$OUT/parts.tsv"
fi
