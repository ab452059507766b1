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
  run_part append "$WORK/append/log" "$seconds" 1024 1 300 100000
  part ledger_appends_offered "$(taken 'appends ([0-9]+)/s')" entries/s "durable appends when 100,000 a second are offered"
  part ledger_append_offered_p50 "$(taken 'p50 ([0-9.]+) ms')" ms "from append to receipt, 100,000 a second offered"
  part ledger_append_offered_p99 "$(taken 'p99 ([0-9.]+) ms')" ms "the same, 99th percentile"
}

measure_parts() {
  part country "$COUNTRY_RATE" citizens/s "the invented country written as CSV files, one thread"
  measure_ledger
  figures_of audit
  figures_of policy
  figures_of passkey
  figures_of gate
  figures_of signed 2
  figures_of marks 2
  figures_of storage $((BENCH_SECONDS >= 10 ? 1000000 : 100000))
  figures_of import "$BENCH_SECONDS"
  figures_of trace 64
  measure_trace "${TRACE_MILLIONS:-$((BENCH_SECONDS >= 10 ? 20 : 4))}"
}
