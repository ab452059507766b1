#!/bin/bash
# bench/calls.sh [BUILD [SECONDS]]: what the sequencer asks of the system for a batch, as strace sees
# it: batches of one, one after another. Prints part lines (bench/README.md). Its files lie under
# $TMPDIR.
set -euo pipefail
bin=${1:-build} seconds=${2:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
strace -f -qq -o "$work/trace" \
  -e trace=pwrite64,fdatasync,fsync,ftruncate,fallocate,openat,rename,renameat,renameat2,unlink,unlinkat,mkdir \
  "$bin/append_bench" "$work/log" "$seconds" 1 1 0 >/dev/null
# The sequencer is the thread that flushes most; every call of its life counts. A call that another
# thread's interrupts in the list has a second line, which is no call.
awk '/ resumed>/ { next }
  { sub(/\(.*/, "", $2); ++n[$1, $2]; if ($2 == "fdatasync") ++flushes[$1]; ids[$1] }
  END {
    for (id in ids) if (flushes[id] > most) { most = flushes[id]; who = id }
    if (!most) exit 1
    for (key in n) {
      split(key, part, SUBSEP)
      if (part[1] == who && part[2] != "fdatasync" && part[2] != "pwrite64") others += n[key]
    }
    line = "part\t%s\t%s\t%s\t%s\n"
    printf line, "ledger_batches_traced", most, "batches", "appends one after another under strace: fdatasync calls of the sequencer"
    printf line, "ledger_writes_a_batch", sprintf("%.5f", n[who, "pwrite64"] / most), "pwrite/fdatasync", "the sequencer'"'"'s pwrite calls to one fdatasync"
    printf line, "ledger_other_calls", others + 0, "calls", "of the sequencer that change a size, a name or a directory"
  }' "$work/trace"
