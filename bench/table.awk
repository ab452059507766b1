# Turns machine.tsv, parts.tsv and runs.tsv (in this order) into the table for a terminal
# (form=table), the page's section (form=page) or results.json (form=json). Of several rounds it
# shows the median; ratios are taken round by round, where both sides met the same machine, and
# then the median of them.

BEGIN {
  FS = "\t"
  split("nginx_1 ours_first ours_1 postgres_16 nginx_64 ours_64 postgres_64", order, " ")
  title["nginx_1"] = "nginx, static 1 KiB file, 64 connections x 1"
  title["ours_first"] = "Amanat, a citizen's first lookup, 64 connections x 1"
  title["ours_1"] = "Amanat, recorded lookup, 64 connections x 1"
  title["postgres_16"] = "PostgreSQL, recorded lookup, 16 clients"
  title["nginx_64"] = "nginx, static 1 KiB file, 64 connections x 64"
  title["ours_64"] = "Amanat, recorded lookup, 64 connections x 64"
  title["postgres_64"] = "PostgreSQL, recorded lookup, 64 clients"
  split("requests per_second p50_ms p99_ms p999_ms cpu_us server_busy load_busy body_bytes", column, " ")
}

FNR == 1 { ++file_number }
file_number == 1 { machine[$1] = $2; facts[++fact_count] = $1; next }
FILENAME ~ /parts\.tsv$/ { part_name[++parts] = $1; part_value[parts] = $2; part_unit[parts] = $3; part_what[parts] = $4; next }
FILENAME ~ /runs\.tsv$/ {
  if ($2 > rounds) rounds = $2
  for (i = 1; i <= 9 && i + 2 <= NF; ++i) run[$1, $2, column[i]] = $(i + 2)
}

function median_of(count,   i, j, t) {       # of sample[1..count]
  for (i = 2; i <= count; ++i) {
    t = sample[i]
    for (j = i - 1; j >= 1 && sample[j] > t; --j) sample[j + 1] = sample[j]
    sample[j + 1] = t
  }
  return count == 0 ? 0 : count % 2 ? sample[(count + 1) / 2] : (sample[count / 2] + sample[count / 2 + 1]) / 2
}
function median(row, what,   r, n) {
  n = 0
  for (r = 1; r <= rounds; ++r) if ((row, r, what) in run) sample[++n] = run[row, r, what] + 0
  return median_of(n)
}
# ratio of two rows, round by round; `other` may name two rows: the better of them counts.
function ratio(row, other, what,   r, n, names, best, k, i) {
  n = 0
  k = split(other, names, " ")
  for (r = 1; r <= rounds; ++r) {
    best = run[names[1], r, what] + 0
    for (i = 2; i <= k; ++i) if (run[names[i], r, what] > best) best = run[names[i], r, what] + 0
    if (best > 0) sample[++n] = run[row, r, what] / best
  }
  return median_of(n)
}
function value_of(name,   i) {
  for (i = 1; i <= parts; ++i) if (part_name[i] == name) return part_value[i] + 0
  return -1
}
function number_text(v) { return v >= 1000 ? grouped(v) : v >= 100 ? sprintf("%.0f", v) : v >= 10 ? sprintf("%.1f", v) : sprintf("%.2f", v) }
function grouped(v,   s, out) {
  s = sprintf("%.0f", v)
  while (length(s) > 3) { out = "," substr(s, length(s) - 2) out; s = substr(s, 1, length(s) - 3) }
  return s out
}
# goal(id, words, value, sense, limit): one goal of the design beside what was measured.
function goal(id, words, value, sense, limit, unit) {
  if (value < 0) return
  ++goals
  goal_id[goals] = id; goal_words[goals] = words; goal_value[goals] = value; goal_unit[goals] = unit
  goal_limit[goals] = sense " " limit
  goal_met[goals] = sense == ">=" ? value >= limit : sense == ">" ? value > limit : value <= limit
}
function weigh() {
  goal("P1", "one question at a time / nginx, requests/s on one core" by_cpu("ours_1", "nginx_1"), ratio("ours_1", "nginx_1", "per_second"), ">=", 0.5, "x")
  goal("P1", "the same for citizens never asked about before" by_cpu("ours_first", "nginx_1"), ratio("ours_first", "nginx_1", "per_second"), ">=", 0.5, "x")
  goal("P1", "64 outstanding / nginx one at a time, requests/s on one core" by_cpu("ours_64", "nginx_1"), ratio("ours_64", "nginx_1", "per_second"), ">", 1, "x")
  goal("P1", "64 outstanding / nginx 64 outstanding, requests/s on one core" by_cpu("ours_64", "nginx_64"), ratio("ours_64", "nginx_64", "per_second"), ">", 1, "x")
  goal("P1", "one question at a time / PostgreSQL's better, requests/s on one core" by_cpu("ours_1", "postgres_16"), ratio("ours_1", "postgres_16 postgres_64", "per_second"), ">=", 4, "x")
  goal("P1", "p99 at 64 clients", median("ours_1", "p99_ms"), "<=", 5, "ms")
  goal("P3", "durable appends, as fast as one sequencer takes them", value_of("ledger_appends_1024"), ">=", 100000, "entries/s")
  goal("P3", "p99 of an append, 100,000 a second offered", value_of("ledger_append_offered_p99"), "<=", 15, "ms")
  goal("G1", "20,000 appends a second offered, p50", value_of("ledger_append_20k_p50"), "<=", 1, "ms")
  goal("G1", "20,000 appends a second offered, p99", value_of("ledger_append_20k_p99"), "<=", 15, "ms")
  goal("G3", "pwrite calls to one fdatasync", value_of("ledger_writes_a_batch"), "<=", 1.0005, "")
  goal("G3", "other calls of the sequencer on files", value_of("ledger_other_calls"), "<=", 2, "")
  goal("G3", "flushes of a zero-filled file / of a growing one", value_of("ledger_flush_ratio"), ">", 1, "x")
  goal("G4", "a self-contained receipt at 10^9 entries", value_of("ledger_receipt"), "<=", 2253, "bytes")
  goal("G5", "the map, an access", value_of("ledger_map_access"), "<=", 5, "us")
  goal("G5", "bucket, path and VRF proof, median", value_of("ledger_map_proof"), "<=", 2048, "bytes")
  goal("G5", "a citizen's history of 50 entries verified", value_of("ledger_history_check"), "<=", 500, "ms")
  goal("G5", "the same in a browser (Chromium), by the page in web/verify", value_of("ledger_history_browser"), "<=", 500, "ms")
  goal("G6", "refolding by the auditor", value_of("ledger_refold"), ">=", 500000, "entries/s")
  goal("G6", "the same by the clock on two cores: 10^7 entries in 30 s", value_of("ledger_refold_clock"), ">=", 333334, "entries/s")
  goal("G7", "restart after a kill to the first append", value_of("restart"), "<=", 10, "s")
  goal("G8", "publication to a quorum of witnesses, p99", value_of("ledger_publication_p99"), "<=", 1.5, "s")
  goal("P3", "offline audit", value_of("ledger_audit"), ">=", 500000, "entries/s")
  goal("P4", "policy decision, p50, 512 rules x 256 fields", value_of("policy_decision_p50"), "<=", 200, "ns")
  goal("P4", "who can see a field, exact", value_of("policy_who"), "<=", 1, "s")
  goal("P5", "import of the identity register, end to end", value_of("import_persons_core"), ">=", 100000, "records/s/core")
  goal("P5", "import of all registries, end to end", value_of("import_all_core"), ">=", 100000, "records/s/core")
}
# by_cpu: the same ratio by the servers' CPU time, which other programs on the machine disturb less.
function by_cpu(row, other,   own) {
  own = median(row, "cpu_us")
  return own > 0 ? sprintf(" (by CPU time %.2f)", median(other, "cpu_us") / own) : ""
}
function machine_line() {
  return sprintf("%s, %s cores, %s GiB, %s, %s on %s; fdatasync of 4 KiB p50 %s ms, p99 %s ms", machine["cpu"], machine["cores"], \
    machine["memory_gib"], machine["system"], machine["kernel"], machine["filesystem"], machine["flush_p50_ms"], machine["flush_p99_ms"])
}
function method_line() {
  return sprintf("TLS 1.3, one P-256 server certificate, client certificates, keep-alive, loopback; server on core %s, load on core %s; " \
    "%s citizens; %s interleaved round%s of %s s, medians; nginx %s, PostgreSQL %s, OpenSSL %s", machine["server_core"], machine["load_core"], \
    grouped(machine["citizens"]), rounds, rounds == 1 ? "" : "s", machine["seconds"], machine["nginx"], machine["postgresql"], machine["openssl"])
}
function busy() { return machine["busy_before_percent"] > 5 || machine["busy_after_percent"] > 5 }

function print_table(   i, row) {
  print "Machine   " machine_line()
  print "Method    " method_line()
  if (busy()) print "Warning   other programs used " machine["busy_before_percent"] " % of this machine when the run began, " machine["busy_after_percent"] " % when it ended: not figures for the record"
  printf "\n%-54s %9s %8s %8s %9s %11s %11s %9s\n", "", "req/s", "p50 ms", "p99 ms", "p99.9 ms", "CPU us/req", "server busy", "load busy"
  for (i = 1; i <= 7; ++i) {
    row = order[i]
    printf "%-54s %9s %8.2f %8.2f %9.2f %11.1f %9.0f %% %7.0f %%\n", title[row], grouped(median(row, "per_second")), median(row, "p50_ms"), \
      median(row, "p99_ms"), median(row, "p999_ms"), median(row, "cpu_us"), median(row, "server_busy"), median(row, "load_busy")
  }
  print ""
  for (i = 1; i <= parts; ++i) printf "%-26s %12s %-12s %s\n", part_name[i], number_text(part_value[i]), part_unit[i], part_what[i]
  print ""
  for (i = 1; i <= goals; ++i)
    printf "%-3s %-90s %10s %-14s  goal %-9s %s\n", goal_id[i], goal_words[i], number_text(goal_value[i]), goal_unit[i], goal_limit[i], goal_met[i] ? "reached" : "NOT REACHED"
}

function print_page(   i, row) {
  print "Taken " machine["taken"] " at " machine["amanat"] ".\n"
  print "Machine: " machine_line() ".\n"
  print "Method: " method_line() ".\n"
  if (busy()) print "**Other programs used " machine["busy_before_percent"] " % of the machine when the run began, " machine["busy_after_percent"] " % when it ended.**\n"
  print "| Server and shape | requests/s on one core | p50 ms | p99 ms | p99.9 ms | server CPU µs/request | server core busy | load core busy |"
  print "|---|--:|--:|--:|--:|--:|--:|--:|"
  for (i = 1; i <= 7; ++i) {
    row = order[i]
    printf "| %s | %s | %.2f | %.2f | %.2f | %.1f | %.0f %% | %.0f %% |\n", title[row], grouped(median(row, "per_second")), median(row, "p50_ms"), \
      median(row, "p99_ms"), median(row, "p999_ms"), median(row, "cpu_us"), median(row, "server_busy"), median(row, "load_busy")
  }
  print "\n| Part | Figure | Unit | What was measured |\n|---|--:|---|---|"
  for (i = 1; i <= parts; ++i) printf "| %s | %s | %s | %s |\n", part_name[i], number_text(part_value[i]), part_unit[i], part_what[i]
  print "\n| Goal | What | Measured | Goal | |\n|---|---|--:|--:|---|"
  for (i = 1; i <= goals; ++i)
    printf "| %s | %s | %s %s | %s | %s |\n", goal_id[i], goal_words[i], number_text(goal_value[i]), goal_unit[i], goal_limit[i], goal_met[i] ? "reached" : "**not reached**"
}

function quoted(s) { gsub(/\\/, "\\\\", s); gsub(/"/, "\\\"", s); gsub(/\t/, " ", s); return "\"" s "\"" }
function json_value(s) { return s ~ /^-?(0|[1-9][0-9]*)(\.[0-9]+)?(e[-+]?[0-9]+)?$/ ? s : quoted(s) }
function print_json(   i, j, r, row, first) {
  printf "{\n  \"machine\": {"
  for (i = 1; i <= fact_count; ++i) printf "%s%s: %s", (i > 1 ? ", " : ""), quoted(facts[i]), json_value(machine[facts[i]])
  printf "},\n  \"requests\": ["
  for (i = 1; i <= 7; ++i) {
    row = order[i]
    printf "%s\n    {\"id\": %s, \"what\": %s, \"median\": {", (i > 1 ? "," : ""), quoted(row), quoted(title[row])
    for (j = 2; j <= 9; ++j) if (median(row, column[j]) || j < 9) printf "%s%s: %.3f", (j > 2 ? ", " : ""), quoted(column[j]), median(row, column[j])
    printf "}, \"rounds\": ["
    first = 1
    for (r = 1; r <= rounds; ++r) {
      if (!((row, r, "requests") in run)) continue
      printf "%s{", first ? "" : ", "
      for (j = 1; j <= 9; ++j) if ((row, r, column[j]) in run) printf "%s%s: %s", (j > 1 ? ", " : ""), quoted(column[j]), json_value(run[row, r, column[j]])
      printf "}"
      first = 0
    }
    printf "]}"
  }
  printf "\n  ],\n  \"parts\": ["
  for (i = 1; i <= parts; ++i)
    printf "%s\n    {\"id\": %s, \"value\": %s, \"unit\": %s, \"what\": %s}", (i > 1 ? "," : ""), quoted(part_name[i]), json_value(part_value[i]), quoted(part_unit[i]), quoted(part_what[i])
  printf "\n  ],\n  \"goals\": ["
  for (i = 1; i <= goals; ++i)
    printf "%s\n    {\"id\": %s, \"what\": %s, \"measured\": %.4f, \"unit\": %s, \"goal\": %s, \"reached\": %s}", (i > 1 ? "," : ""), quoted(goal_id[i]), quoted(goal_words[i]), \
      goal_value[i], quoted(goal_unit[i]), quoted(goal_limit[i]), goal_met[i] ? "true" : "false"
  print "\n  ]\n}"
}

END {
  weigh()
  if (form == "json") print_json()
  else if (form == "page") print_page()
  else print_table()
}
