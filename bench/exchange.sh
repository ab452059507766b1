# Ours: an exchange of an invented country, serving one department's gateway: four fields of one
# citizen a question, over a channel bound to the gateway's certificate, each answer decrypted,
# decided, counted against a quota, and in the durable ledger before it leaves. Sourced by bench/run.

BENCH_CASE='FIR 1/26 PS Bench'
BENCH_FIELDS='"identity.persons.name","identity.persons.father_name","identity.persons.date_of_birth","identity.persons.present_address"'

# make_home makes the country, the exchange, its gateway and the file of questions.
make_home() {
  HOME_DIR=$WORK/home
  COUNTRY_DIR=$WORK/country
  CA_CERT=$HOME_DIR/ca.crt
  SERVER_CERT=$HOME_DIR/server.crt
  SERVER_KEY=$HOME_DIR/keys/server.key
  CLIENT_CERT=$WORK/gateway.crt
  CLIENT_KEY=$WORK/gateway.key
  QUESTIONS=$WORK/questions.jsonl
  ASKED=$WORK/asked.jsonl
  mkdir "$COUNTRY_DIR"
  say "Inventing a country of $BENCH_CITIZENS citizens ..."
  COUNTRY_RATE=$("$BIN/country_bench" "$BENCH_CITIZENS" "$COUNTRY_DIR" | json_number per_second)
  say "Making its exchange ..."
  amanat init --home "$HOME_DIR" --catalog catalog/pakistan --policy bench/policy --origin bench.test/one
  # One thread: the exchange has one core, like the others.
  sed -i 's/^#\? *threads = .*/threads = 1/' "$HOME_DIR/exchange.toml"
  grep -q '^threads = 1$' "$HOME_DIR/exchange.toml" || trouble "exchange.toml has no line for threads"
  amanat import --home "$HOME_DIR" identity.persons "$COUNTRY_DIR/nadra_identity.csv"
  printf 'Case Ref,Kind,Opened,Closed,Unit,Officers,Subjects CNIC\n%s,fir,2026-01-02,,PS Bench,bench-gateway,\n' "$BENCH_CASE" >"$WORK/cases.csv"
  amanat case import --home "$HOME_DIR" "$WORK/cases.csv"
  amanat enrol service --home "$HOME_DIR" --id bench-gateway --department police --roles case-gateway
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$CLIENT_KEY" -out "$WORK/gateway.csr" \
    -subj /CN=bench-gateway >/dev/null 2>&1
  chmod 600 "$CLIENT_KEY"
  amanat enrol device --home "$HOME_DIR" --service bench-gateway --csr "$WORK/gateway.csr" --out "$CLIENT_CERT"
  write_questions
}

amanat() {
  "$BIN/amanat" "$@" >"$OUT/amanat.log" 2>&1 || { cat "$OUT/amanat.log" >&2; trouble "amanat $1 failed"; }
}

# write_questions asks once about every citizen whose row was accepted, in an order of no pattern.
write_questions() {
  local refused="$WORK/refused"
  # The country plants rows that an import must refuse: 13 digits that no province begins with, and
  # the like. Whoever is in the quarantine list is not asked for.
  cat "$HOME_DIR"/quarantine/*.csv 2>/dev/null | grep -oE '[0-9]{5}-?[0-9]{7}-?[0-9]' | tr -d - | sort -u >"$refused" || true
  awk -F, -v fields="$BENCH_FIELDS" -v ref="$BENCH_CASE" -v refused="$refused" '
    BEGIN { srand(7); while ((getline id < refused) > 0) skip[id] = 1 }
    NR > 1 {
      id = $1
      gsub(/[^0-9]/, "", id)
      if (length(id) != 13 || id ~ /^0/ || skip[id]++) next
      printf "%.9f\t{\"subject\":{\"national_id\":\"%s\"},\"fields\":[%s],\"purpose\":\"bench-investigation\",\"case\":\"%s\"}\n", rand(), id, fields, ref
    }' "$COUNTRY_DIR/nadra_identity.csv" | sort -k1,1 | cut -f2- >"$QUESTIONS"
  [ "$(wc -l <"$QUESTIONS")" -ge $((BENCH_CITIZENS * 9 / 10)) ] || trouble "too few citizens to ask about: $(wc -l <"$QUESTIONS")"
}

start_exchange() {
  local ready="$OUT/serve.log"
  : >"$ready"
  taskset -c "$SERVER_CORE" "$BIN/amanat" serve --home "$HOME_DIR" --listen 127.0.0.1:0 --json >"$ready" 2>"$OUT/serve.err" </dev/null &
  EXCHANGE_PID=$!
  for _ in $(seq 300); do
    EXCHANGE_ADDRESS=$(sed -n 's/.*"listening":"\([^"]*\)".*/\1/p' "$ready")
    if [ -n "$EXCHANGE_ADDRESS" ]; then break; fi
    kill -0 "$EXCHANGE_PID" 2>/dev/null || break
    sleep 0.1
  done
  [ -n "$EXCHANGE_ADDRESS" ] || { cat "$ready" "$OUT/serve.err" >&2; trouble "the exchange did not start"; }
  judge_exchange
}

# judge_exchange makes sure that the exchange does what it is measured for: four fields, nothing
# withheld, a receipt that an outsider's verifier accepts, and nothing for a stranger.
judge_exchange() {
  local answer fields
  answer=$(curl_device -H 'Content-Type: application/json' -d "$(head -1 "$QUESTIONS")" "https://$EXCHANGE_ADDRESS/v1/lookups")
  fields=$(grep -oE '"(name|father_name|date_of_birth|present_address)":"[^"]' <<<"$answer" | wc -l)
  [ "$fields" = 4 ] || trouble "the exchange does not answer a lookup with four fields: $answer"
  grep -q '"withheld":\[\]' <<<"$answer" || trouble "the exchange withholds: $answer"
  grep -q '"receipt":"c2sp.org/tlog-proof@v1' <<<"$answer" || trouble "the exchange gives no receipt: $answer"
  [ "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$CA_CERT" -H 'Content-Type: application/json' \
        -d "$(head -1 "$QUESTIONS")" "https://$EXCHANGE_ADDRESS/v1/lookups")" = 401 ] ||
    trouble "the exchange answers a stranger without a certificate"
}

# ledger_size is the size that the published checkpoint states; it is published once a second.
ledger_size() {
  sleep 1.5
  curl_device "https://$EXCHANGE_ADDRESS/ledger/checkpoint" | sed -n 2p
}

# ask_first ROW: the citizens of this round's part, each asked about for the first time since the
# exchange was made; ask_exchange then asks again about everybody who was.
ask_first() {
  local part="$WORK/first.jsonl" size
  size=$(($(wc -l <"$QUESTIONS") / BENCH_ROUNDS))
  sed -n "$(((ROUND - 1) * size + 1)),$((ROUND * size))p" "$QUESTIONS" >"$part"
  cat "$part" >>"$ASKED"
  ask "$1" 1 "$part" --once
}

ask_exchange() { ask "$1" "$2" "$ASKED"; }

# ask ROW OUTSTANDING FILE ARGUMENT...: a run, and then the ledger must have grown by every answer.
ask() {
  local before after
  before=$(ledger_size)
  load "$1" "$2" "$EXCHANGE_PID" --url "https://$EXCHANGE_ADDRESS" --method POST --target /v1/lookups --bodies "$3" \
    --must-hold '"present_address":"' --must-not-hold '"withheld":[{' "${@:4}"
  after=$(ledger_size)
  # Once a minute the strangers turned away are one ALERT entry: it may fall into the run.
  [ "$((after - before))" -ge "$ANSWERS_TOTAL" ] && [ "$((after - before))" -le "$((ANSWERS_TOTAL + 1 + BENCH_SECONDS / 60))" ] || trouble "the exchange gave $ANSWERS_TOTAL answers and recorded $((after - before))"
}

# extract_exchange: one bulk answer, as a department's clerk fetches it. Every citizen of it has an entry.
extract_exchange() {
  local list="$WORK/extract.txt" begin end report n
  grep -oE '"national_id":"[0-9]{13}"' "$QUESTIONS" | grep -oE '[0-9]{13}' | head -"${BENCH_EXTRACT:-10000}" >"$list"
  n=$(wc -l <"$list")
  begin=$(date +%s%N)
  report=$(on_load_core "$BIN/amanat" extract --url "https://$EXCHANGE_ADDRESS" --ca "$CA_CERT" --cert "$CLIENT_CERT" --key "$CLIENT_KEY" \
    --list "$list" --fields identity.persons.name,identity.persons.present_address --purpose bench-comparison \
    --out "$WORK/extract.csv" --json 2>>"$OUT/extract.log") || trouble "the extract failed: $report $(cat "$OUT/extract.log")"
  end=$(date +%s%N)
  [ "$(json_number citizens <<<"$report")" = "$n" ] || trouble "the extract is not about $n citizens: $report"
  part extract "$(awk -v n="$n" -v ns=$((end - begin)) 'BEGIN { printf "%.0f", n * 1e9 / ns }')" "citizens/s" \
    "amanat extract of $n citizens: list sent, judged, read, an entry each, the file sealed, fetched, checked and wiped"
}

stop_exchange() {
  if [ -n "${EXCHANGE_PID:-}" ]; then
    kill -TERM "$EXCHANGE_PID" 2>/dev/null || true
    wait "$EXCHANGE_PID" 2>/dev/null || true
    EXCHANGE_PID=
  fi
}

# audit_ledger checks the whole ledger that the run left, offline, and times it.
audit_ledger() {
  local begin end size report
  begin=$(date +%s%N)
  report=$(on_load_core "$BIN/amanat" ledger verify --home "$HOME_DIR" --json) || trouble "the ledger does not hold: $report"
  end=$(date +%s%N)
  size=$(json_number size <<<"$report")
  part ledger_audit "$(awk -v n="$size" -v ns=$((end - begin)) 'BEGIN { printf "%.0f", n * 1e9 / ns }')" "entries/s" \
    "amanat ledger verify: every frame, leaf, root and signature of $size entries, one core"
}
