# Turns `ctest -V` into sentences: prints each binary's own "ok  Room: A sentence" lines, and sums
# the counts of all binaries into one closing line. A test that is no GoogleTest binary (a
# compile-fail case) counts as one; one that dies before its own count is a failure and its last
# lines are shown. What failed is told once more before the closing line, so that whoever has only
# the end of a long log knows it too.

# "compile_fail.a_caller_cannot_be_forged" is "Compile fail: A caller cannot be forged".
function sentence(name,   at, rest) {
  gsub(/_/, " ", name); at = index(name, ".")
  if (at == 0) return name
  rest = substr(name, at + 1)
  return toupper(substr(name, 1, 1)) substr(name, 2, at - 2) ": " toupper(substr(rest, 1, 1)) substr(rest, 2)
}

function tell(text, failure) {
  print text
  if (failure) again = again text "\n"
}

/^[0-9]+: / {
  id = $1; text = substr($0, length(id) + 2); sub(":", "", id)
  if (text ~ /^[0-9]+ passed, [0-9]+ failed/) {
    split(text, n, " "); passed += n[1]; failed += n[3]; counted[id] = 1
    if (n[3] > 0) broken[id] = 1
  } else if (text ~ /^(ok|NOT OK|--)  /) { tell(text, text ~ /^NOT/); telling[id] = 0 }
  else if (text ~ /^    [^ ]+:[0-9]+$/) { tell(text, 1); telling[id] = 1 }   # a failure, up to its sentence
  else if (telling[id]) tell(text, 1)
  tail[id] = tail[id] "\n    " text
  if (length(tail[id]) > 6000) tail[id] = substr(tail[id], 3000)
  next
}
/ Test +#[0-9]+: / {
  match($0, /#[0-9]+/); id = substr($0, RSTART + 1, RLENGTH - 1)
  name = $0; sub(/.*#[0-9]+: /, "", name); sub(/ .*/, "", name)
  good = $0 ~ / Passed /
  if (!(id in counted)) {
    if (good) { passed++; print "ok  " sentence(name) }
    else { failed++; tell("NOT OK  " sentence(name) tail[id], 1) }
  } else if (!good && !(id in broken)) { failed++; tell("NOT OK  " name " ended badly" tail[id], 1) }
  delete tail[id]; next
}
/CMake Error|No tests were found/ { print; trouble = 1 }
END {
  if (again != "") printf "\nWhat failed, once more:\n%s", substr(again, 1, 20000)
  printf "%d passed, %d failed\n", passed, failed
  exit (failed > 0 || passed == 0 || trouble) ? 1 : 0
}
