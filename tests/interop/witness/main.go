// The witness protocol spoken by code that others wrote (golang.org/x/mod/sumdb/note and tlog, as
// Debian packages them, and Go's own HTTPS): a log that is cosigned by our witness, or a witness
// that cosigns our log. Nothing of Amanat is used.
//
//	witness log URL CA-FILE LOG-SKEY WITNESS-VKEY    dialogues with a witness; exit 0 as specified
//	witness serve CERT KEY NAME LOG-VKEY             prints vkey and address, serves until killed
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func die(format string, args ...interface{}) {
	fmt.Fprintf(os.Stderr, "witness interop: "+format+"\n", args...)
	os.Exit(1)
}

func must(err error, what string) {
	if err != nil {
		die("%s: %v", what, err)
	}
}

// cosigner reads a vkey of type 0x04 and verifies one line (c2sp.org/tlog-cosignature).
type cosigner struct {
	name string
	id   uint32
	key  ed25519.PublicKey
}

func parseCosigner(vkey string) cosigner {
	parts := strings.SplitN(vkey, "+", 3)
	id, err := strconv.ParseUint(parts[1], 16, 32)
	must(err, "vkey id")
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	must(err, "vkey")
	if len(raw) != 33 || raw[0] != 4 {
		die("not a cosigner's key")
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), raw...))
	if binary.BigEndian.Uint32(sum[:]) != uint32(id) {
		die("the key's id")
	}
	return cosigner{parts[0], uint32(id), ed25519.PublicKey(raw[1:])}
}

func (c cosigner) holds(line, text string) bool {
	fields := strings.Split(strings.TrimSuffix(line, "\n"), " ")
	if len(fields) != 3 || fields[0] != "\u2014" || fields[1] != c.name {
		return false
	}
	blob, err := base64.StdEncoding.DecodeString(fields[2])
	if err != nil || len(blob) != 4+8+64 || binary.BigEndian.Uint32(blob) != c.id {
		return false
	}
	at := binary.BigEndian.Uint64(blob[4:])
	now := uint64(time.Now().Unix())
	if at > now+5 || at+60 < now {
		return false
	}
	return ed25519.Verify(c.key, []byte(fmt.Sprintf("cosignature/v1\ntime %d\n%s", at, text)), blob[12:])
}

// tree keeps the hashes of a growing tree of tlog's.
type tree struct{ hashes []tlog.Hash }

func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = t.hashes[x]
	}
	return out, nil
}
func (t *tree) add(n int64, record string) {
	hashes, err := tlog.StoredHashes(n, []byte(record), t)
	must(err, "StoredHashes")
	t.hashes = append(t.hashes, hashes...)
}
func (t *tree) text(origin string, size int64) string {
	root, err := tlog.TreeHash(size, t)
	must(err, "TreeHash")
	return fmt.Sprintf("%s\n%d\n%s\n", origin, size, base64.StdEncoding.EncodeToString(root[:]))
}

func playLog(url, caFile, skey, vkey string) {
	pem, err := os.ReadFile(caFile)
	must(err, "ca")
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		die("no certificate in %s", caFile)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	signer, err := note.NewSigner(skey)
	must(err, "skey")
	witness := parseCosigner(vkey)
	var mine, other tree
	for i := int64(0); i < 200; i++ {
		mine.add(i, fmt.Sprintf("mine %d", i))
		other.add(i, fmt.Sprintf("other %d", i))
	}
	sign := func(text string) string {
		signed, err := note.Sign(&note.Note{Text: text}, signer)
		must(err, "sign")
		return string(signed)
	}
	post := func(want int, why, body string) string {
		reply, err := client.Post(url+"/add-checkpoint", "text/plain", strings.NewReader(body))
		must(err, "post")
		text, err := io.ReadAll(reply.Body)
		must(err, "reply")
		reply.Body.Close()
		if reply.StatusCode != want {
			die("%s: status %d, want %d: %s", why, reply.StatusCode, want, text)
		}
		if want == 409 && reply.Header.Get("Content-Type") != "text/x.tlog.size" {
			die("%s: content type %q", why, reply.Header.Get("Content-Type"))
		}
		return string(text)
	}
	prove := func(t *tree, m, n int64) string {
		if m == 0 || m == n {
			return ""
		}
		proof, err := tlog.ProveTree(n, m, t)
		must(err, "ProveTree")
		out := ""
		for _, h := range proof {
			out += base64.StdEncoding.EncodeToString(h[:]) + "\n"
		}
		return out
	}
	name := signer.Name()
	at := int64(0)
	for _, n := range []int64{1, 2, 3, 7, 8, 64, 65, 127, 200} {
		text := mine.text(name, n)
		line := post(200, "growing", fmt.Sprintf("old %d\n%s\n%s", at, prove(&mine, at, n), sign(text)))
		if !witness.holds(line, text) {
			die("the cosignature of size %d does not hold", n)
		}
		if at > 0 {
			if got := post(409, "stale", fmt.Sprintf("old 0\n\n%s", sign(text))); got != fmt.Sprintf("%d\n", n) {
				die("409 says %q", got)
			}
		}
		forked := other.text(name, n)
		post(422, "another root of the same size", fmt.Sprintf("old %d\n\n%s", n, sign(forked)))
		at = n
		if n < 200 {
			post(422, "a fork", fmt.Sprintf("old %d\n%s\n%s", n, prove(&other, n, n+1), sign(other.text(name, n+1))))
		}
	}
	post(200, "again", fmt.Sprintf("old 200\n\n%s", sign(mine.text(name, 200))))
	post(400, "old too large", fmt.Sprintf("old 201\n\n%s", sign(mine.text(name, 200))))
	skey2, _, err := note.GenerateKey(rand.Reader, name)
	must(err, "key")
	forger, err := note.NewSigner(skey2)
	must(err, "signer")
	forged, err := note.Sign(&note.Note{Text: mine.text(name, 200)}, forger)
	must(err, "sign")
	post(403, "another key", fmt.Sprintf("old 200\n\n%s", forged))
	stranger, _, err := note.GenerateKey(rand.Reader, "log.example.org/stranger")
	must(err, "key")
	unknown, err := note.NewSigner(stranger)
	must(err, "signer")
	foreign, err := note.Sign(&note.Note{Text: mine.text("log.example.org/stranger", 3)}, unknown)
	must(err, "sign")
	post(404, "another log", fmt.Sprintf("old 0\n\n%s", foreign))
	sum := sha256.Sum256([]byte(name))
	reply, err := client.Get(url + "/" + hex.EncodeToString(sum[:]) + "/checkpoint")
	must(err, "monitoring")
	latest, err := io.ReadAll(reply.Body)
	must(err, "monitoring")
	if reply.StatusCode != 200 || !bytes.HasPrefix(latest, []byte(name+"\n200\n")) {
		die("monitoring: %d %s", reply.StatusCode, latest)
	}
	fmt.Println("the dialogues agree with the specification")
}

func serve(cert, key, name, logVkey string) {
	verifier, err := note.NewVerifier(logVkey)
	must(err, "log vkey")
	public, private, err := ed25519.GenerateKey(rand.Reader)
	must(err, "key")
	typed := append([]byte{4}, public...)
	sum := sha256.Sum256(append([]byte(name+"\n"), typed...))
	id := sum[:4]
	var lock sync.Mutex
	size, root := int64(0), tlog.Hash{}
	http.HandleFunc("/add-checkpoint", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		head, signed, found := strings.Cut(string(body), "\n\n")
		lines := strings.Split(head, "\n")
		old, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "old "), 10, 64)
		if !found || err != nil {
			http.Error(w, "form", 400)
			return
		}
		opened, err := note.Open([]byte(signed), note.VerifierList(verifier))
		if err != nil {
			http.Error(w, "signature", 403)
			return
		}
		parts := strings.Split(opened.Text, "\n")
		next, _ := strconv.ParseInt(parts[1], 10, 64)
		raw, _ := base64.StdEncoding.DecodeString(parts[2])
		var nextRoot tlog.Hash
		copy(nextRoot[:], raw)
		lock.Lock()
		defer lock.Unlock()
		if old != size {
			w.Header().Set("Content-Type", "text/x.tlog.size")
			w.WriteHeader(409)
			fmt.Fprintf(w, "%d\n", size)
			return
		}
		if size > 0 && next > size {
			var proof tlog.TreeProof
			for _, line := range lines[1:] {
				var h tlog.Hash
				raw, _ := base64.StdEncoding.DecodeString(line)
				copy(h[:], raw)
				proof = append(proof, h)
			}
			if err := tlog.CheckTree(proof, next, nextRoot, size, root); err != nil {
				http.Error(w, err.Error(), 422)
				return
			}
		} else if size > 0 && nextRoot != root {
			http.Error(w, "fork", 422)
			return
		}
		size, root = next, nextRoot
		at := uint64(time.Now().Unix())
		blob := append([]byte{}, id...)
		blob = binary.BigEndian.AppendUint64(blob, at)
		blob = append(blob, ed25519.Sign(private, []byte(fmt.Sprintf("cosignature/v1\ntime %d\n%s", at, opened.Text)))...)
		fmt.Fprintf(w, "\u2014 %s %s\n", name, base64.StdEncoding.EncodeToString(blob))
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err, "listen")
	fmt.Fprintf(os.Stderr, "vkey=%s+%x+%s address=%s\n", name, id, base64.StdEncoding.EncodeToString(typed), listener.Addr())
	must(http.ServeTLS(listener, nil, cert, key), "serve")
}

func main() {
	switch {
	case len(os.Args) == 6 && os.Args[1] == "log":
		playLog(os.Args[2], os.Args[3], os.Args[4], os.Args[5])
	case len(os.Args) == 6 && os.Args[1] == "serve":
		serve(os.Args[2], os.Args[3], os.Args[4], os.Args[5])
	default:
		die("usage")
	}
}
