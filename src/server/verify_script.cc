#include "server/verify_script.h"

namespace amanat::server {

// Every step prints what it shows; the first that does not hold ends the script with 1. It compares in
// hexadecimal, because a shell's text cannot hold every byte.
const std::string_view kVerifyScript = R"sh(#!/bin/sh
# Verifies the evidence in this directory with OpenSSL and POSIX tools alone: sh verify.sh
cd "$(dirname "$0")" || exit 2
kind=$(cat kind)
fail() { echo "DOES NOT HOLD: $1"; exit 1; }
holds() { echo "holds: $1"; }
same() { [ -n "$2" ] && [ "$2" = "$3" ] || fail "$1"; holds "$1"; }
hex() { od -An -v -tx1 | tr -d ' \n'; }
hash() { openssl dgst -sha256 -binary "$1" | hex; }
mac() { openssl dgst -sha256 -mac HMAC -macopt "hexkey:$(cat "$2")" -binary "$1" | hex; }
at() { dd if="$1" bs=1 skip="$2" count="$3" 2>/dev/null | hex; }
size() { wc -c < "$1" | tr -d ' '; }
unb64u() {
  t=$(tr -d '\n' | tr '_-' '/+')
  while [ $(( ${#t} % 4 )) -ne 0 ]; do t="$t="; done
  printf '%s' "$t" | openssl base64 -d -A
}
b64u() { openssl base64 -A | tr '/+' '_-' | tr -d '='; }
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$2"; }
length() { printf "\\$(printf %03o $(( $1 >> 24 & 255 )))\\$(printf %03o $(( $1 >> 16 & 255 )))\\$(printf %03o $(( $1 >> 8 & 255 )))\\$(printf %03o $(( $1 & 255 )))"; }
prefixed() { length "$(size "$1")"; cat "$1"; }
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
seconds_apart() {  # milliseconds, milliseconds
  if [ "$1" -gt "$2" ]; then echo $(( ($1 - $2) / 1000 )); else echo $(( ($2 - $1) / 1000 )); fi
}
entry_ms=$(printf '%d' "0x$(at entry.bin 2 8)")
point=$(openssl pkey -pubin -in key.pem -outform DER 2>/dev/null | tail -c 64 | hex)

# 1. The signature, by the public key alone.
if [ "$kind" != 1 ]; then
  openssl dgst -sha256 -verify key.pem -signature signature.der signed.txt >/dev/null 2>&1 \
    || fail "the key in key.pem signed signed.txt"
  holds "the key in key.pem signed signed.txt"
fi

# 2. What was signed says this question, this key, this time.
case $kind in
2)
  cut -d. -f1 signed.txt | unb64u > "$work/header"
  cut -d. -f2 signed.txt | unb64u > "$work/claims"
  same "the proof names the key" \
    "$(member x "$work/header" | unb64u | hex)$(member y "$work/header" | unb64u | hex)" "$point"
  same "the proof is over question.json (bdh)" \
    "$(member bdh "$work/claims")" "$(openssl dgst -sha256 -binary question.json | b64u)"
  made=$(member nonce "$work/claims" | unb64u | hex | cut -c7-22)
  made_ms=$(printf '%d' "0x$made")
  apart=$(seconds_apart "$made_ms" "$entry_ms")
  [ "$apart" -le 120 ] || fail "the entry was made within two minutes of the exchange's nonce"
  holds "the entry was made within two minutes of the exchange's nonce ($apart s)"
  { printf '{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}' "$(member x "$work/header")" "$(member y "$work/header")"; } > "$work/key"
  thumbprint=$(hash "$work/key"); kind_hex=01
  openssl asn1parse -inform DER -in signature.der | sed -n 's/.*INTEGER *://p' > "$work/rs"
  raw=$(while read -r n; do printf '%64s' "$n" | tr ' ' 0; done < "$work/rs" | tr 'A-F' 'a-f')
  octal=$(echo "$raw" | sed 's/../& /g'); : > "$work/raw"
  for b in $octal; do printf "\\$(printf %03o "0x$b")" >> "$work/raw"; done
  { printf '%s.' "$(cat signed.txt)"; b64u < "$work/raw"; } > "$work/jws"
  { printf '\002'; prefixed "$work/jws"; prefixed question.json; } > "$work/evidence"
  ;;
3)
  same "key.pem is the certificate's key" \
    "$(openssl x509 -in certificate.pem -pubkey -noout | openssl pkey -pubin -outform DER | hash /dev/stdin)" \
    "$(openssl pkey -pubin -in key.pem -outform DER | hash /dev/stdin)"
  openssl verify -no_check_time -CAfile ca.crt certificate.pem >/dev/null 2>&1 || fail "the exchange's authority issued the certificate"
  holds "the exchange's authority issued the certificate"
  same "the signature is over question.json (Content-Digest)" \
    "$(sed -n 's/^"content-digest": sha-256=:\(.*\):$/\1/p' signed.txt)" \
    "$(openssl dgst -sha256 -binary question.json | openssl base64 -A)"
  created=$(sed -n 's/^"@signature-params".*;created=\([0-9]*\).*/\1/p' signed.txt)
  apart=$(seconds_apart $(( created * 1000 )) "$entry_ms")
  [ "$apart" -le 120 ] || fail "the entry was made within two minutes of the signature"
  holds "the entry was made within two minutes of the signature ($apart s)"
  thumbprint=$(openssl x509 -in certificate.pem -outform DER | hash /dev/stdin); kind_hex=02
  openssl x509 -in certificate.pem -outform DER > "$work/der"
  openssl asn1parse -inform DER -in signature.der | sed -n 's/.*INTEGER *://p' > "$work/rs"
  raw=$(while read -r n; do printf '%64s' "$n" | tr ' ' 0; done < "$work/rs" | tr 'A-F' 'a-f')
  octal=$(echo "$raw" | sed 's/../& /g'); : > "$work/raw"
  for b in $octal; do printf "\\$(printf %03o "0x$b")" >> "$work/raw"; done
  { printf '\003'; prefixed signed.txt; prefixed "$work/raw"; prefixed "$work/der"; prefixed question.json; } > "$work/evidence"
  ;;
4|5)
  client=$(openssl dgst -sha256 -binary clientData.json | hex)
  same "signed.txt is authenticatorData and the hash of clientData" \
    "$(hex < authenticatorData.bin)$client" "$(hex < signed.txt)"
  if [ "$kind" = 4 ]; then
    { printf 'amanat/question/v1\000'; cat question.bin; } > "$work/q"
    { printf 'amanat/ask/v1\000'; cat nonce.bin; openssl dgst -sha256 -binary "$work/q"; } > "$work/challenge"
    same "the person signed exactly question.bin with nonce.bin" \
      "$(member challenge clientData.json)" "$(openssl dgst -sha256 -binary "$work/challenge" | b64u)"
  fi
  flags=$(printf '%d' "0x$(at authenticatorData.bin 32 1)")
  [ $(( flags & 1 )) -eq 1 ] || fail "a person touched the key"
  holds "a person touched the key"
  thumbprint=$(hash key.cose); kind_hex=03
  same "key.pem is key.cose" "$(at key.cose 10 32)$(at key.cose 45 32)" "$point"
  { printf "\\00$kind"; if [ "$kind" = 4 ]; then prefixed question.bin; else prefixed act.bin; prefixed account.txt; fi
    for f in nonce.bin credential.bin key.cose authenticatorData.bin clientData.json signature.der; do prefixed "$f"; done; } > "$work/evidence"
  ;;
1)
  echo "channel only: the exchange saw this question on the connection; the device signed nothing"
  cp evidence.bin "$work/evidence"; kind_hex=; thumbprint=
  ;;
*) fail "the kind of evidence is known" ;;
esac

# 3. That is the evidence the public entry commits to.
same "these files are the evidence the entry keeps" "$(hex < "$work/evidence")" "$(hex < evidence.bin)"
same "part 11 of the body holds the evidence's hash" "$(tail -c 32 part11.bin | hex)" "$(hash evidence.bin)"
same "the body holds part 11" "$(at body.bin 335 32)" "$(hash part11.bin)"
same "the entry commits to the body" "$(mac body.bin body.blind)" "$(at entry.bin 74 32)"
same "the entry commits to the actor" "$(mac actor.bin actor.blind)" "$(at entry.bin 42 32)"
[ "$kind" = 1 ] || same "the actor is this key" "$(at actor.bin 20 33)" "$kind_hex$thumbprint"
if [ -e receipt.tlog-proof ]; then
  same "the receipt is this entry's" "$(sed -n 's/^extra //p' receipt.tlog-proof | openssl base64 -d -A | hex)" "$(hex < entry.bin)"
fi
echo "EVERYTHING HOLDS. That the entry is in the ledger: amanat-verify receipt.tlog-proof (README.txt)."
)sh";

std::string evidence_readme(std::uint8_t kind, std::uint64_t entry) {
  std::string text = "The evidence of entry " + std::to_string(entry) + R"(

  sh verify.sh      checks everything below with the OpenSSL command line and POSIX tools alone

signed.txt          what was signed, byte for byte
signature.der       the signature: ECDSA over P-256 with SHA-256
key.pem, key.jwk    the public key
                      openssl dgst -sha256 -verify key.pem -signature signature.der signed.txt
)";
  if (kind == 2)
    text += R"(question.json       the question's body as it came; signed.txt is a DPoP proof (RFC 9449), header and
                    claims in base64url, whose claim bdh is the body's SHA-256:
                      cut -d. -f2 signed.txt | basenc -d --base64url
                      openssl dgst -sha256 -binary question.json | basenc --base64url
                    The claim nonce holds the exchange's time (bytes 4 to 11, milliseconds).
)";
  if (kind == 3)
    text += R"(question.json       the question's body as it came; signed.txt is a signature base (RFC 9421) with the
                    body's Content-Digest (RFC 9530)
certificate.pem     whose key it is; ca.crt issued it
)";
  if (kind == 4 || kind == 5)
    text += R"(question.bin        the question (or act.bin: the act) in its canonical bytes, with nonce.bin in the
                    challenge of clientData.json (docs/callers.md)
authenticatorData.bin, clientData.json, credential.bin, key.cose   the passkey's (WebAuthn 7.2)
)";
  if (kind == 1)
    text = "The evidence of entry " + std::to_string(entry) + R"(: its channel only

  sh verify.sh      checks that the entry keeps question.json; no device signed it

question.json       the question's body as it came
)";
  text += R"txt(
entry.bin           the public entry; its time is bytes 3 to 10, milliseconds
receipt.tlog-proof  that it is in the ledger; ledger.vkey is the ledger's key. With amanat-verify, or any
                    verifier of c2sp.org/tlog-proof:
                      amanat-verify --vkey "$(cat ledger.vkey)" receipt.tlog-proof
actor.bin, body.bin what the entry commits to, with HMAC-SHA256 under actor.blind and body.blind
part11.bin          the part of the body that holds the hash of evidence.bin
evidence.bin        the evidence as the entry's private opening keeps it

Whose key it is, the ledger's KEY entries say: one names this key's thumbprint and the account at its
enrolment, another at its revocation.
)txt";
  return text;
}

}  // namespace amanat::server
