# What the machine is, and how its cores are shared out. Sourced by bench/run.

# share_out_cores picks a core for the server under test and another for whoever loads it. With one
# core both share it and every line says so.
share_out_cores() {
  local allowed first second
  allowed=$(taskset -pc $$ | sed 's/.*: //' | tr ',' '\n' |
            awk -F- '{ for (c = $1; c <= ($2 == "" ? $1 : $2); ++c) print c }')
  first=$(sed -n 1p <<<"$allowed")
  second=$(sed -n 2p <<<"$allowed")
  SERVER_CORE=$first
  LOAD_CORE=${second:-$first}
}

# on_load_core COMMAND...: on the core that no server under test has.
on_load_core() { taskset -c "$LOAD_CORE" "$@"; }

# busy_percent: how busy all cores were during one second in which the bench itself did nothing.
busy_percent() {
  local before after
  before=$(awk '/^cpu / { print $2 + $3 + $4 + $7 + $8 + $9, $2 + $3 + $4 + $5 + $6 + $7 + $8 + $9 }' /proc/stat)
  sleep 1
  after=$(awk '/^cpu / { print $2 + $3 + $4 + $7 + $8 + $9, $2 + $3 + $4 + $5 + $6 + $7 + $8 + $9 }' /proc/stat)
  awk -v b="$before" -v a="$after" 'BEGIN {
    split(b, x, " "); split(a, y, " ")
    printf "%.0f", 100 * (y[1] - x[1]) / (y[2] - x[2] + 0.0001)
  }'
}

# cpu_ms PID...: CPU milliseconds that these processes, and children of theirs already reaped, used.
cpu_ms() {
  # The command name may hold spaces and brackets: fields are counted after its last bracket.
  printf "/proc/%s/stat\n" "$@" | xargs cat 2>/dev/null |
    awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); total += $12 + $13 + $14 + $15 } END { print int(total * 1000 / hz) }'
}

# children_of PID
children_of() { tr ' ' '\n' <"/proc/$1/task/$1/children" 2>/dev/null | sed '/^$/d'; }

# note_machine writes the machine's facts into $OUT/machine.tsv (name TAB value).
note_machine() {
  local flush
  flush=$(on_load_core "$BIN/flush_bench" "$WORK")
  {
    printf 'cpu\t%s\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)"
    printf 'cores\t%s\n' "$(nproc)"
    printf 'memory_gib\t%s\n' "$(awk '/^MemTotal/ { printf "%.0f", $2 / 1048576 }' /proc/meminfo)"
    printf 'kernel\t%s\n' "$(uname -sr)"
    printf 'system\t%s\n' "$(. /etc/os-release && echo "$PRETTY_NAME")"
    printf 'filesystem\t%s\n' "$(df --output=fstype "$WORK" | tail -1)"
    printf 'flush_p50_ms\t%s\n' "$(sed -n 's/.*"p50_ms":\([0-9.]*\).*/\1/p' <<<"$flush")"
    printf 'flush_p99_ms\t%s\n' "$(sed -n 's/.*"p99_ms":\([0-9.]*\).*/\1/p' <<<"$flush")"
    printf 'server_core\t%s\n' "$SERVER_CORE"
    printf 'load_core\t%s\n' "$LOAD_CORE"
    printf 'busy_before_percent\t%s\n' "$(busy_percent)"
    printf 'openssl\t%s\n' "$(openssl version | awk '{ print $2 }')"
    printf 'nginx\t%s\n' "$(nginx -v 2>&1 | sed 's/.*nginx\///')"
    printf 'postgresql\t%s\n' "$("$PG_BIN/postgres" --version | awk '{ print $3 }')"
    printf 'amanat\t%s\n' "$(git describe --always --dirty 2>/dev/null || echo unknown)"
    printf 'seconds\t%s\n' "$BENCH_SECONDS"
    printf 'rounds\t%s\n' "$BENCH_ROUNDS"
    printf 'citizens\t%s\n' "$BENCH_CITIZENS"
    printf 'taken\t%s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
  } >"$OUT/machine.tsv"
}
