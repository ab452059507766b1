# The peer: PostgreSQL doing what the exchange does, in its best honest configuration. A cluster of
# its own in a directory of its own; the system's clusters are not touched. Sourced by bench/run.
#
# One lookup there is one prepared statement, one round trip and one transaction: the four fields of
# one citizen, decrypted by pgcrypto (no key stretching), visible through row-level security only for
# an open case, with pgaudit's line on disk and an audit row inserted and flushed before the answer.
# A statement split into BEGIN, INSERT, SELECT, COMMIT is slower; so is pgcrypto's default stretching.

PG_BIN=/usr/lib/postgresql/15/bin
PG_PASSPHRASE=5f0c7a3e9b1d48e6a2c4f8071b6d93e5

# postgres refuses to run as root, so there it runs as the package's own user.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --init-groups "$@"; else "$@"; fi
}

# psql_local runs a superuser's SQL over the cluster's own socket.
psql_local() {
  as_postgres "$PG_BIN/psql" -XqAt -v ON_ERROR_STOP=1 -h "$PG_DIR" -p "$PG_PORT" -U postgres -d postgres "$@"
}

start_postgres() {
  PG_DIR=$(mktemp -d "$WORK_PARENT/amanat-bench-postgres.XXXXXX")
  PG_PORT=$(free_port)
  cp "$SERVER_CERT" "$PG_DIR/server.crt"
  cp "$SERVER_KEY" "$PG_DIR/server.key"
  cp "$CA_CERT" "$PG_DIR/ca.crt"
  if [ "$(id -u)" = 0 ]; then chown -R postgres: "$PG_DIR"; fi
  chmod 700 "$PG_DIR"
  chmod 600 "$PG_DIR/server.key"
  (cd / && as_postgres "$PG_BIN/initdb" -D "$PG_DIR/data" -U postgres -A peer --no-sync -E UTF8 --locale=C >"$OUT/initdb.log" 2>&1)
  as_postgres tee "$PG_DIR/data/postgresql.auto.conf" >/dev/null <<CONF
listen_addresses = '127.0.0.1'
port = $PG_PORT
unix_socket_directories = '$PG_DIR'
max_connections = 100
ssl = on
ssl_cert_file = '$PG_DIR/server.crt'
ssl_key_file = '$PG_DIR/server.key'
ssl_ca_file = '$PG_DIR/ca.crt'
ssl_min_protocol_version = 'TLSv1.3'
shared_preload_libraries = 'pgaudit'
pgaudit.log = 'read'
pgaudit.log_catalog = off
pgaudit.log_parameter = on
logging_collector = on
log_directory = '$PG_DIR'
log_filename = 'audit.log'
log_rotation_size = 0
log_rotation_age = 0
fsync = on
synchronous_commit = on
wal_level = minimal
max_wal_senders = 0
min_wal_size = 1GB
max_wal_size = 8GB
checkpoint_timeout = 30min
shared_buffers = 1GB
jit = off
update_process_title = off
CONF
  as_postgres tee "$PG_DIR/data/pg_hba.conf" >/dev/null <<CONF
local   all all                peer map=local
hostssl all all 127.0.0.1/32   cert map=device
CONF
  as_postgres tee "$PG_DIR/data/pg_ident.conf" >/dev/null <<CONF
local   $(if [ "$(id -u)" = 0 ]; then echo postgres; else id -un; fi)   postgres
device  /^.*\$     officer
CONF
  # The postmaster is pinned, and every process it makes inherits that.
  (cd / && exec taskset -c "$SERVER_CORE" \
     $([ "$(id -u)" = 0 ] && echo setpriv --reuid=postgres --regid=postgres --init-groups) \
     "$PG_BIN/postgres" -D "$PG_DIR/data" >"$OUT/postgres.log" 2>&1 </dev/null) &
  PG_PID=$!
  for _ in $(seq 100); do
    psql_local -c 'select 1' >/dev/null 2>&1 && break
    kill -0 "$PG_PID" 2>/dev/null || break
    sleep 0.1
  done
  psql_local -c 'select 1' >/dev/null || { cat "$OUT/postgres.log" >&2; trouble "PostgreSQL did not start"; }
  fill_postgres
}

# One citizen's values are as long as those of the invented country.
fill_postgres() {
  psql_local -v n="$BENCH_CITIZENS" -v passphrase="$PG_PASSPHRASE" >/dev/null <<'SQL'
create extension pgcrypto;
create extension pgaudit;
create role officer login;
create table cases (ref text primary key, purpose text not null, closed timestamptz);
insert into cases values ('FIR 1/26 PS Bench', 'bench-investigation', null), ('FIR 2/26 PS Bench', 'bench-investigation', now());
create table citizens (
  national_id bigint primary key,
  name bytea not null, father_name bytea not null, date_of_birth bytea not null, present_address bytea not null
);
alter table citizens alter name set storage main, alter father_name set storage main,
  alter date_of_birth set storage main, alter present_address set storage main;
insert into citizens select 3520100000000 + i,
  pgp_sym_encrypt('Muhammad Invented ' || i, :'passphrase', 's2k-mode=0, compress-algo=0, cipher-algo=aes256'),
  pgp_sym_encrypt('Abdul Invented ' || i, :'passphrase', 's2k-mode=0, compress-algo=0, cipher-algo=aes256'),
  pgp_sym_encrypt((date '1950-01-01' + i % 20000)::text, :'passphrase', 's2k-mode=0, compress-algo=0, cipher-algo=aes256'),
  pgp_sym_encrypt('House ' || i % 500 || ', Street ' || i % 90 || ', Invented Town, Multan', :'passphrase',
                  's2k-mode=0, compress-algo=0, cipher-algo=aes256')
  from generate_series(1, :n) as i;
alter table citizens enable row level security;
create policy in_an_open_case on citizens for select to officer using (
  exists (select from cases where ref = current_setting('amanat.case')
          and purpose = current_setting('amanat.purpose') and closed is null));
create table audit (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(), officer text not null default session_user,
  citizen bigint not null, purpose text not null, case_ref text not null, fields text not null
);
grant select on citizens, cases to officer;
grant insert on audit to officer;
vacuum analyze citizens;
vacuum analyze cases;
checkpoint;
SQL
  PG_SCRIPT=$WORK/lookup.sql
  cat >"$PG_SCRIPT" <<'SQL'
\set n random(1, :citizens)
with recorded as (insert into audit (citizen, purpose, case_ref, fields) values (3520100000000 + :n, current_setting('amanat.purpose'), current_setting('amanat.case'), 'name,father_name,date_of_birth,present_address')) select pgp_sym_decrypt(name, current_setting('amanat.key')), pgp_sym_decrypt(father_name, current_setting('amanat.key')), pgp_sym_decrypt(date_of_birth, current_setting('amanat.key')), pgp_sym_decrypt(present_address, current_setting('amanat.key')) from citizens where national_id = 3520100000000 + :n;
SQL
  judge_postgres
}

# as_officer CASE COMMAND...: how an officer's connection reaches the peer: TLS 1.3, certificates on
# both sides. The command replaces this shell, so call it in a subshell of its own.
as_officer() {
  export PGHOST=localhost PGHOSTADDR=127.0.0.1 PGPORT=$PG_PORT PGUSER=officer PGDATABASE=postgres PGSSLMODE=verify-full
  export PGSSLROOTCERT=$CA_CERT PGSSLCERT=$CLIENT_CERT PGSSLKEY=$CLIENT_KEY
  export PGOPTIONS="-c amanat.case=${1// /\\ } -c amanat.purpose=bench-investigation -c amanat.key=$PG_PASSPHRASE"
  exec "${@:2}"
}

# judge_postgres makes sure that the peer really does what it is compared for.
judge_postgres() {
  local seen rows lines
  seen=$(as_officer 'FIR 1/26 PS Bench' "$PG_BIN/psql" -XqAt -v n=7 -f <(tail -n +2 "$PG_SCRIPT"))
  [[ $seen == 'Muhammad Invented 7|Abdul Invented 7|'*'|House 7, Street 7, Invented Town, Multan' ]] ||
    trouble "the peer does not answer a lookup: '$seen'"
  seen=$(as_officer 'FIR 2/26 PS Bench' "$PG_BIN/psql" -XqAt -v n=7 -f <(tail -n +2 "$PG_SCRIPT"))
  [ -z "$seen" ] || trouble "the peer's row-level security shows rows of a closed case"
  rows=$(psql_local -c 'select count(*) from audit where citizen = 3520100000007 and officer = '"'officer'")
  [ "$rows" = 2 ] || trouble "the peer recorded $rows lookups of 2"
  seen=$(as_officer 'FIR 1/26 PS Bench' "$PG_BIN/psql" -XqAt -c "select version from pg_stat_ssl where pid = pg_backend_pid()")
  [ "$seen" = TLSv1.3 ] || trouble "the peer does not speak TLS 1.3 but '$seen'"
  lines=$(audit_lines)
  [ "$lines" -ge 2 ] || trouble "pgaudit wrote $lines lines for 2 lookups"
}

# judge_audit_lines: did pgaudit write a line for every lookup? Nothing in PostgreSQL fails if it did not.
judge_audit_lines() {
  local rows lines
  rows=$(psql_local -c "select count(*) from audit")
  lines=$(audit_lines)
  [ "$lines" = "$rows" ] || say "note: the peer recorded $rows lookups, pgaudit wrote $lines lines"
}

audit_lines() { as_postgres grep -c 'AUDIT: SESSION,.*pgp_sym_decrypt' "$PG_DIR/audit.log" || true; }

# ask_postgres ROW CLIENTS: one run of the peer; one line into $OUT/runs.tsv. As with http_load, the
# connections are made and warm before the measured time begins: pgbench logs when each lookup ended,
# and only those inside the window count, as does the servers' CPU time.
ask_postgres() {
  local row=$1 clients=$2 log="$WORK/pgbench" pid before after rows window server load
  before=$(psql_local -c 'select count(*) from audit')
  (as_officer 'FIR 1/26 PS Bench' taskset -c "$LOAD_CORE" "$PG_BIN/pgbench" -n -M prepared -c "$clients" -j 1 \
     -T $((BENCH_SECONDS + 4)) -D citizens="$BENCH_CITIZENS" -f "$PG_SCRIPT" --log --log-prefix="$log" >"$OUT/pgbench.out" 2>&1) &
  pid=$!
  for _ in $(seq 600); do
    if [ -s "$log.$pid" ] || ! kill -0 "$pid" 2>/dev/null; then break; fi
    sleep 0.05
  done
  sleep 0.5
  server=-$(postgres_cpu_ms) load=-$(cpu_ms "$pid") window=$(date +%s%6N)
  sleep "$BENCH_SECONDS"
  kill -0 "$pid" 2>/dev/null || { cat "$OUT/pgbench.out" >&2; trouble "pgbench ended early"; }
  server=$((server + $(postgres_cpu_ms))) load=$((load + $(cpu_ms "$pid"))) window="$window $(date +%s%6N)"
  wait "$pid" || { cat "$OUT/pgbench.out" >&2; trouble "pgbench failed"; }
  grep -q '^number of failed transactions: 0 ' "$OUT/pgbench.out" || trouble "the peer failed: $(cat "$OUT/pgbench.out")"
  after=$(psql_local -c 'select count(*) from audit')
  rows=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' "$OUT/pgbench.out")
  [ "$((after - before))" = "$rows" ] || trouble "the peer answered $rows lookups and recorded $((after - before))"
  awk -v window="$window" 'BEGIN { split(window, w, " ") } { t = $5 * 1e6 + $6 } t >= w[1] && t < w[2] { print $3 }' "$log.$pid" |
    sort -n | awk -v row="$row" -v round="$ROUND" -v window="$window" -v server="$server" -v load="$load" '
      function at(p,  i) { i = int(NR * p) + 1; return t[i > NR ? NR : i] / 1000 }
      { t[NR] = $1 }
      END {
        if (NR == 0) exit 1
        split(window, w, " ")
        seconds = (w[2] - w[1]) / 1e6
        printf "%s\t%d\t%d\t%.1f\t%.3f\t%.3f\t%.3f\t%.2f\t%.1f\t%.1f\n", row, round, NR, NR / seconds, at(0.5), at(0.99), at(0.999),
          server * 1000 / NR, server / seconds / 10, load / seconds / 10
      }' >>"$OUT/runs.tsv" || trouble "the peer answered nothing in $BENCH_SECONDS s"
  rm -f "$log".*
}

postgres_cpu_ms() {
  # shellcheck disable=SC2046
  cpu_ms "$PG_PID" $(children_of "$PG_PID")
}

stop_postgres() {
  if [ -n "${PG_PID:-}" ]; then
    kill -INT "$PG_PID" 2>/dev/null || true
    wait "$PG_PID" 2>/dev/null || true
    PG_PID=
  fi
  if [ -n "${PG_DIR:-}" ]; then rm -rf "$PG_DIR"; fi
}
