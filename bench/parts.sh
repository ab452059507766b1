# The parts by themselves, each by its own *_bench program, when the servers are stopped. What a
# program prints as part lines (bench/README.md) goes into the tables; of a program that prints for
# people alone, a pattern here takes the figures, and one that is not there fails the bench. Sourced
# by bench/run.

# run_part NAME ARGUMENT...: runs NAME_bench; its report is left in $REPORT.
run_part() {
  local name=$1
  [ -x "$BIN/${name}_bench" ] || trouble "there is no ${name}_bench"
  mkdir -p "$WORK/$name"
  REPORT=$(TMPDIR=$WORK/$name "$BIN/${name}_bench" "${@:2}" 2>>"$OUT/$name.log") || trouble "${name}_bench failed: $(cat "$OUT/$name.log")"
  rm -rf "${WORK:?}/$name"
  printf '%s\n' "$REPORT" >>"$OUT/$name.log"
}

# figures_of NAME ARGUMENT...: a program that prints part lines.
figures_of() {
  run_part "$@"
  grep -q $'^part\t' <<<"$REPORT" || trouble "${1}_bench printed no figure"
  sed -n 's/^part\t//p' <<<"$REPORT" >>"$OUT/parts.tsv"
}

# taken PATTERN: the number in the last report that an extended regular expression's group holds.
taken() {
  local value
  value=$(sed -nE "s|.*$1.*|\\1|p" <<<"$REPORT" | tail -1)
  [[ $value =~ ^[0-9.]+$ ]] || trouble "no figure like '$1' in: $REPORT"
  echo "$value"
}

# measure_ledger: as fast as the sequencer takes them, with few and with many in flight, and then at
# 100,000 a second offered, which is what the goal's latency is meant for.
measure_ledger() {
  local in_flight seconds=$((BENCH_SECONDS < 5 ? BENCH_SECONDS : 5))   # more is gigabytes of ledger
  for in_flight in 64 1024; do
    run_part append "$WORK/append/log" "$seconds" "$in_flight"
    part "ledger_appends_$in_flight" "$(taken 'appends ([0-9]+)/s')" entries/s \
      "durable appends with $in_flight in flight, 300 bytes of evidence each: hashed, committed, flushed by one sequencer"
    part "ledger_append_${in_flight}_p99" "$(taken 'p99 ([0-9.]+) ms')" ms "from append to receipt, $in_flight in flight"
    part "ledger_append_${in_flight}_cpu" "$(taken 'sequencer ([0-9.]+)')" us "CPU of the sequencer an append, $in_flight in flight"
  done
  for in_flight in 1 64 512; do
    run_part append postgresql "$seconds" "$in_flight"
    part "ledger_postgresql_appends_$in_flight" "$(taken 'appends ([0-9]+)/s')" entries/s \
      "durable appends with $in_flight in flight where the ledger rests in PostgreSQL: one transaction a group, fsync on"
    part "ledger_postgresql_append_${in_flight}_p99" "$(taken 'p99 ([0-9.]+) ms')" ms "from append to receipt, $in_flight in flight, in PostgreSQL"
  done
  run_part append "$WORK/append/log" "$seconds" 1024 1 600 20000
  part ledger_append_20k_p50 "$(taken 'p50 ([0-9.]+) ms')" ms "from append to receipt, 20,000 a second offered, 600 bytes of evidence"
  part ledger_append_20k_p99 "$(taken 'p99 ([0-9.]+) ms')" ms "the same, 99th percentile"
  # LEDGER_SECONDS=60 is the goal's; a minute of it is gigabytes of ledger.
  seconds=${LEDGER_SECONDS:-$seconds}
  run_part append "$WORK/append/log" "$seconds" 1024 1 300 100000
  part ledger_appends_offered "$(taken 'appends ([0-9]+)/s')" entries/s "durable appends when 100,000 a second are offered"
  part ledger_append_offered_p50 "$(taken 'p50 ([0-9.]+) ms')" ms "from append to receipt, 100,000 a second offered"
  part ledger_append_offered_p99 "$(taken 'p99 ([0-9.]+) ms')" ms "the same, 99th percentile"
}

# measure_calls: what the sequencer asks of the system for a batch.
measure_calls() {
  REPORT=$(TMPDIR=$WORK bench/calls.sh "$BIN" "${CALLS_SECONDS:-5}" 2>>"$OUT/append.log") || trouble "strace of append_bench failed: $(cat "$OUT/append.log")"
  sed -n 's/^part\t//p' <<<"$REPORT" >>"$OUT/parts.tsv"
}

# measure_detection: the verdict by itself, and what it makes of a lookup's cost, whose processor time
# the rounds before have measured. DETECTION_PAST=100000000 is the goal's: two minutes and 12 GB.
measure_detection() {
  local lookup
  lookup=$(awk -F '\t' '$1 == "ours_1" { print $8 }' "$OUT/runs.tsv" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')
  AMANAT_PAST=${DETECTION_PAST:-2000000} AMANAT_LOOKUP_US=$lookup figures_of detection
}

# measure_browser: a citizen's history of 50 entries, checked by the page he would open himself.
measure_browser() {
  mkdir -p "$WORK/browser"
  "$BIN/audit_bench" history "$WORK/browser" >/dev/null || trouble "audit_bench history failed"
  REPORT=$(node tests/clients/citizen-page.mjs measure web/verify/amanat-verify.html "$WORK/browser" 2>>"$OUT/browser.log") ||
    trouble "the page in the browser failed: $REPORT $(cat "$OUT/browser.log")"
  part ledger_history_browser "$(taken '"median_ms":([0-9.]+)')" ms "a citizen's history of 50 entries checked in Chromium, signature and three cosignatures included: median of 20 checks"
  part ledger_history_browser_first "$(taken '"first_ms":([0-9.]+)')" ms "the same, the page's first check"
  rm -rf "$WORK/browser"
}

# measure_flushes: what it saves that the ledger's files are written full of zeros before they are used.
measure_flushes() {
  local zeros growing
  mkdir -p "$WORK/flush"
  zeros=$("$BIN/flush_bench" "$WORK/flush" | json_number p50_ms)
  growing=$("$BIN/flush_bench" "$WORK/flush" growing | json_number p50_ms)
  rm -rf "$WORK/flush"
  part ledger_flush_zero_filled "$zeros" ms "4 KiB written and flushed in a file full of zeros, p50"
  part ledger_flush_growing "$growing" ms "the same where each write makes the file longer, p50"
  part ledger_flush_ratio "$(awk -v a="$growing" -v b="$zeros" 'BEGIN { printf "%.1f", a / b }')" x "growing / zero-filled"
}

# measure_append_peer: PostgreSQL 15 taking the same bytes with as many in flight, each a synchronous
# insert of its own and an answer after its flush: prepared statements over its socket, a cluster of its
# own. What it lacks beside the ledger (hashes, signature, receipt) is in its favour. Tessera, the log
# this would be held to, needs Go 1.25, which Debian 12 does not have.
measure_append_peer() {
  local dir port pid seconds=$((BENCH_SECONDS < 5 ? BENCH_SECONDS : 5)) report clients=64 own
  dir=$(mktemp -d "$WORK_PARENT/amanat-bench-peer.XXXXXX")
  port=$(free_port)
  if [ "$(id -u)" = 0 ]; then chown postgres: "$dir"; fi
  (cd / && as_postgres "$PG_BIN/initdb" -D "$dir/data" -U postgres -A trust --no-sync -E UTF8 --locale=C) >>"$OUT/append.log" 2>&1
  as_postgres tee "$dir/data/postgresql.auto.conf" >/dev/null <<CONF
listen_addresses = ''
port = $port
unix_socket_directories = '$dir'
max_connections = 100
fsync = on
synchronous_commit = on
wal_level = minimal
max_wal_senders = 0
min_wal_size = 2GB
max_wal_size = 8GB
checkpoint_timeout = 30min
shared_buffers = 1GB
update_process_title = off
CONF
  (cd / && exec $([ "$(id -u)" = 0 ] && echo setpriv --reuid=postgres --regid=postgres --init-groups) \
    "$PG_BIN/postgres" -D "$dir/data" >>"$OUT/append.log" 2>&1 </dev/null) &
  pid=$!
  peer_sql() { as_postgres "$PG_BIN/psql" -XqAt -v ON_ERROR_STOP=1 -h "$dir" -p "$port" -U postgres -d postgres "$@"; }
  for _ in $(seq 100); do
    peer_sql -c 'select 1' >/dev/null 2>&1 && break
    sleep 0.1
  done
  # An entry of 106 bytes and its opening, as append_bench's with 300 bytes of evidence.
  peer_sql -c 'create table entries (id bigint generated always as identity primary key, entry bytea not null, opening bytea not null);
    alter table entries alter entry set storage plain, alter opening set storage plain; checkpoint' >>"$OUT/append.log"
  cat >"$WORK/append_peer.sql" <<'SQL'
insert into entries (entry, opening) values (decode(repeat('a5', 106), 'hex'), decode(repeat('5a', 620), 'hex')) returning id;
SQL
  mkdir -p "$WORK/peer"
  if [ "$(id -u)" = 0 ]; then chmod 755 "$WORK"; fi
  report=$(cd "$WORK/peer" && "$PG_BIN/pgbench" -n -M prepared -c $clients -j 2 -T "$seconds" -l --log-prefix=append -f "$WORK/append_peer.sql" \
    -h "$dir" -p "$port" -U postgres postgres 2>&1) || { kill "$pid"; rm -rf "$dir"; trouble "pgbench failed: $report"; }
  printf '%s\n' "$report" >>"$OUT/append.log"
  own=$(sed -nE 's/^tps = ([0-9.]+).*/\1/p' <<<"$report")
  part ledger_peer_appends "$own" inserts/s "PostgreSQL 15: synchronous inserts of the same bytes, $clients in flight, prepared, over its socket"
  part ledger_peer_append_p99 "$(cut -d' ' -f3 "$WORK"/peer/append.* | sort -n | awk '{ v[NR] = $1 } END { printf "%.2f", v[int(NR * 0.99)] / 1000 }')" ms "the same, 99th percentile"
  part ledger_append_ratio "$(awk -F '\t' -v peer="$own" '$1 == "ledger_appends_64" { printf "%.1f", $2 / peer }' "$OUT/parts.tsv")" x \
    "the ledger's appends with 64 in flight / PostgreSQL's inserts, in this run"
  kill "$pid"
  wait "$pid" 2>/dev/null || true
  rm -rf "$dir" "$WORK/peer" "$WORK/append_peer.sql"
}

measure_parts() {
  part country "$COUNTRY_RATE" citizens/s "the invented country written as CSV files, one thread"
  measure_ledger
  measure_append_peer
  measure_calls
  measure_flushes
  # 200000 10000000 is the goal's size: a minute and 4 GB of memory.
  figures_of audit "${AUDIT_CITIZENS:-200000}" "${AUDIT_ENTRIES:-1000000}"
  measure_browser
  figures_of publish "${PUBLISH_SECONDS:-10}"
  # 100000000 is the goal's size; 20 GB, and a quarter of an hour to make.
  figures_of restart "${RESTART_ENTRIES:-100000}" "${RESTART_PERCENT:-100}" "${RESTART_AFTER:-20000}"
  figures_of policy
  measure_detection
  figures_of search "${SEARCH_ENTRIES:-10000000}"
  figures_of passkey
  figures_of gate
  figures_of signed 2
  figures_of marks 2
  figures_of storage $((BENCH_SECONDS >= 10 ? 1000000 : 100000))
  figures_of import "$BENCH_SECONDS"
  figures_of trace 64
  measure_trace "${TRACE_MILLIONS:-$((BENCH_SECONDS >= 10 ? 20 : 4))}"
}
