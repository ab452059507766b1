#!/bin/bash
# A leak's rows joined with all disclosures, ours beside DuckDB and PostgreSQL 15 on the same data, in
# one run: the index by trace_bench, the others' tables from the disclosures it streams. Theirs are in
# the order of subjects and join 64-bit numbers that nobody has to hash; DuckDB is asked in two forms
# and the faster counts; PostgreSQL has an index and is asked after ANALYZE. Beyond 100 million
# disclosures PostgreSQL has 100 million, because its table and index take 51 bytes each.
#
# Sourced by bench/run. By itself, with BENCH_BUILD and BENCH_DIR as bench/run:
#   bench/trace.sh [MILLIONS]            this alone: made, measured, removed
#   bench/trace.sh MILLIONS make         the data, left in $BENCH_DIR/amanat-trace-MILLIONS; 1000 take
#                                        20 GB and some minutes
#   bench/trace.sh MILLIONS measure      measured, as often as one likes
#   bench/trace.sh MILLIONS remove

TRACE_ROWS=(1000 100000 1000000 10000000)
TRACE_PG_MOST=100

# trace_part NAME SECONDS WHAT
trace_part() { printf '%s\t%s\ts\t%s\n' "$1" "$2" "$3" >>"$OUT/parts.tsv"; }

# note_ratio SYSTEM ROWS SECONDS [_cold]: how many times ours.
note_ratio() {
  local ours state=warm
  [ -z "${4:-}" ] || state=cold
  ours=$(awk -F '\t' -v name="trace_match_$2${4:-}" '$1 == name { print $2 }' "$OUT/parts.tsv" | tail -1)
  awk -v a="$3" -v b="$ours" -v peer="$1" -v rows="$2" -v cold="${4:-}" -v state="$state" \
    'BEGIN { printf "trace_%s_%s%s_ratio\t%.1f\tx\ttime of %s beside ours, a leak of %s rows, both %s\n", peer, rows, cold, a / b, peer, rows, state }' \
    >>"$OUT/parts.tsv"
}

# same_found ROWS FOUND: who finds another number of disclosures than ours answers another question.
same_found() {
  local ours
  ours=$(awk -F '\t' -v name="trace_match_$1" '$1 == name { print $4 }' "$OUT/parts.tsv" | tail -1 | sed -nE 's/.*; ([0-9]+) found$/\1/p')
  [ "$ours" = "$2" ] || trouble "a leak of $1 rows: $2 disclosures found, $ours by ours"
}

# have_duckdb: not among the tests' packages: some of its builds for other systems are not in every
# registry, and a lock file would ask for them.
have_duckdb() {
  [ -d bench/duckdb/node_modules/@duckdb ] || (cd bench/duckdb && npm install --no-package-lock --no-audit --no-fund --silent) 2>/dev/null
}

make_duckdb() {
  mkfifo "$1/disclosures.csv"
  "$BIN/trace_bench" stream "$2" >"$1/disclosures.csv" &
  node bench/trace_duckdb.mjs make "$1" 2>"$OUT/duckdb.log" || trouble "DuckDB: $(cat "$OUT/duckdb.log")"
  wait $! || trouble "trace_bench stream failed"
  rm "$1/disclosures.csv"
}

measure_duckdb() {
  local rows warm cold found
  node bench/trace_duckdb.mjs ask "$1" "${TRACE_ROWS[@]}" >"$OUT/duckdb.tsv" 2>"$OUT/duckdb.log" || trouble "DuckDB: $(cat "$OUT/duckdb.log")"
  while IFS=$'\t' read -r rows warm cold found; do
    same_found "$rows" "$found"
    trace_part "trace_duckdb_$rows" "$warm" "DuckDB's join of the same leak and disclosures, in memory, two threads; $found found"
    note_ratio duckdb "$rows" "$warm"
    trace_part "trace_duckdb_${rows}_cold" "$cold" "the same, its file read from the disk"
    note_ratio duckdb "$rows" "$cold" _cold
  done <"$OUT/duckdb.tsv"
}

# psql_trace: SQL on standard input, on the cluster of this part.
psql_trace() { as_postgres "$PG_BIN/psql" -XqAt -v ON_ERROR_STOP=1 -h "$TRACE_PG" -U postgres -d postgres "$@"; }

start_trace_postgres() {
  as_postgres "$PG_BIN/pg_ctl" -D "$TRACE_PG/data" -w -t 60 -l "$TRACE_PG/log" start >/dev/null || trouble "PostgreSQL did not start"
}

stop_trace_postgres() {
  if [ -n "${TRACE_PG:-}" ] && [ -f "$TRACE_PG/data/postmaster.pid" ]; then
    as_postgres "$PG_BIN/pg_ctl" -D "$TRACE_PG/data" -w -t 60 -m "${1:-immediate}" stop >/dev/null 2>&1 || true
  fi
}

make_trace_postgres() {
  TRACE_PG=$1/pg
  mkdir "$TRACE_PG"
  if [ "$(id -u)" = 0 ]; then chmod 755 "$1" && chown postgres: "$TRACE_PG"; fi
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
  start_trace_postgres
  psql_trace -c 'create unlogged table disclosures (subject bigint not null, account int not null, day smallint not null, version smallint not null, fields smallint not null)'
  "$BIN/trace_bench" stream "$2" | psql_trace -c "copy disclosures from stdin (format csv)"
  psql_trace -c 'create index on disclosures (subject)' -c 'vacuum analyze disclosures'
  local rows
  for rows in "${TRACE_ROWS[@]}"; do
    [ -f "$1/leak_$rows.csv" ] || continue
    psql_trace -c "create unlogged table leak_$rows (subject bigint not null)"
    psql_trace -c "copy leak_$rows from stdin (format csv)" <"$1/leak_$rows.csv"
    psql_trace -c "vacuum analyze leak_$rows"
  done
  stop_trace_postgres fast
}

# ask_postgres_leak ROWS: seconds and disclosures found, of one run.
ask_postgres_leak() {
  psql_trace -c '\timing on' -c "select count(*), min(d.day), max(d.day) from (select distinct subject from leak_$1) l join disclosures d using (subject)" |
    sed -nE 's/^([0-9]+)\|.*/\1/p; s/^Time: ([0-9.]+) ms.*/\1/p' | paste -s | awk '{ print $2 / 1000, $1 }'
}

measure_trace_postgres() {
  local rows best cold seconds found beside=the
  TRACE_PG=$1/pg
  [ "$2" -le "$TRACE_PG_MOST" ] || beside="$TRACE_PG_MOST million"
  for rows in "${TRACE_ROWS[@]}"; do
    [ -f "$1/leak_$rows.csv" ] || continue
    find "$TRACE_PG/data/base" -type f -exec dd if={} iflag=nocache count=0 status=none \;
    start_trace_postgres
    read -r cold found < <(ask_postgres_leak "$rows")
    best=$cold
    for _ in 1 2 3; do
      read -r seconds found < <(ask_postgres_leak "$rows")
      best=$(awk -v a="$seconds" -v b="$best" 'BEGIN { print a < b ? a : b }')
      awk -v a="$seconds" 'BEGIN { exit a > 15 }' || break
    done
    stop_trace_postgres fast
    [ "$2" -gt "$TRACE_PG_MOST" ] || same_found "$rows" "$found"
    trace_part "trace_postgresql_$rows" "$best" "PostgreSQL 15's join with $beside disclosures, index and table in memory; $found found"
    note_ratio postgresql "$rows" "$best"
    trace_part "trace_postgresql_${rows}_cold" "$cold" "the same, its files read from the disk"
    note_ratio postgresql "$rows" "$cold" _cold
  done
}

# make_trace MILLIONS DIRECTORY
make_trace() {
  local of_postgres=$2
  mkdir -p "$2"
  "$BIN/trace_bench" make "$1" "$2" >&2 || trouble "trace_bench make failed"
  "$BIN/trace_bench" export "$1" "$2" || trouble "trace_bench export failed"
  if have_duckdb; then make_duckdb "$2" "$1"; else say "note: no DuckDB: npm could not install it (bench/duckdb)"; fi
  if [ "$1" -gt "$TRACE_PG_MOST" ]; then
    of_postgres=$2/fewer
    mkdir "$of_postgres"
    "$BIN/trace_bench" export "$TRACE_PG_MOST" "$of_postgres" || trouble "trace_bench export failed"
    if [ "$(id -u)" = 0 ]; then chmod 755 "$2"; fi
  fi
  make_trace_postgres "$of_postgres" $(($1 < TRACE_PG_MOST ? $1 : TRACE_PG_MOST))
}

# measure_trace_made MILLIONS DIRECTORY: ours first, then the others.
measure_trace_made() {
  figures_of trace match "$1" "$2"
  if [ -f "$2/duck.db" ]; then measure_duckdb "$2"; fi
  if [ -d "$2/fewer" ]; then measure_trace_postgres "$2/fewer" "$1"; else measure_trace_postgres "$2" "$1"; fi
}

# measure_trace MILLIONS
measure_trace() {
  local directory=$WORK/leaks
  if [ "$(id -u)" = 0 ]; then chmod 755 "$WORK"; fi
  figures_of trace necessity
  mkdir -p "$directory"
  figures_of trace fresh 1 "$directory"
  make_trace "$1" "$directory"
  measure_trace_made "$1" "$directory"
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
  MILLIONS=${1:-20}
  KEPT=$WORK_PARENT/amanat-trace-$MILLIONS
  WORK=$(mktemp -d "$WORK_PARENT/amanat-bench.XXXXXX")
  trap 'stop_trace_postgres; rm -rf "$WORK"' EXIT
  : >"$OUT/parts.tsv"
  case ${2:-} in
    make)
      rm -rf "$KEPT"
      make_trace "$MILLIONS" "$KEPT"
      exit 0
      ;;
    remove)
      rm -rf "$KEPT"
      exit 0
      ;;
    measure)
      figures_of trace 64
      measure_trace_made "$MILLIONS" "$KEPT"
      ;;
    '') measure_trace "$MILLIONS" ;;
    *) trouble "make, measure or remove" ;;
  esac
  awk -F '\t' '{ printf "%-36s %12s %-6s %s\n", $1, $2, $3, $4 }' "$OUT/parts.tsv"
fi
