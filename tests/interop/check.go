// Checks an exported log with code that others wrote: golang.org/x/mod/sumdb/note and .../tlog, as
// Debian packages them. Nothing of Amanat is used: the three lines of a checkpoint, the bundles and
// the path of a tile are read here from their public specifications (c2sp.org/tlog-checkpoint,
// c2sp.org/tlog-tiles, c2sp.org/tlog-proof).
//
// usage: check DIR VKEY [RECEIPTS-DIR]              exit 0 no disagreement, 1 disagreement
//
//	check mutate DIR VKEY RECEIPTS-DIR N SEED  N times one bit of one file is turned: each refused
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// disagreement is what a check panics with; main and mutate recover from it.
type disagreement string

func die(format string, args ...interface{}) {
	panic(disagreement(fmt.Sprintf(format, args...)))
}

// One bit of one file may be turned on the way in.
var turned struct {
	path string
	at   int
	mask byte
}

func readFile(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err == nil && path == turned.path {
		data[turned.at] ^= turned.mask
	}
	return data, err
}

func must(err error, what string) {
	if err != nil {
		die("%s: %v", what, err)
	}
}

// parseCheckpoint reads origin, size and root; sumdb's own trees differ only in the first line.
func parseCheckpoint(text string) (origin string, tree tlog.Tree) {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) != 4 || lines[3] != "" {
		die("the checkpoint has not exactly three lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err, "size")
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	must(err, "root")
	if len(root) != tlog.HashSize || strconv.FormatInt(size, 10) != lines[1] {
		die("size or root has the wrong form")
	}
	tree.N = size
	copy(tree.Hash[:], root)
	return lines[0], tree
}

// openCheckpoint verifies a signed checkpoint with the one key.
func openCheckpoint(signed []byte, vkey string) (string, tlog.Tree) {
	verifier, err := note.NewVerifier(vkey)
	must(err, "vkey")
	opened, err := note.Open(signed, note.VerifierList(verifier))
	must(err, "note.Open")
	if len(opened.Sigs) != 1 {
		die("%d verified signatures instead of 1", len(opened.Sigs))
	}
	origin, tree := parseCheckpoint(opened.Text)
	if origin != verifier.Name() {
		die("the origin is not the key's name")
	}
	return origin, tree
}

// folder reads tiles: sumdb's tile/8/L/N is tlog-tiles' tile/L/N.
type folder struct{ dir string }

func (f folder) Height() int                     { return height }
func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}
func (f folder) read(t tlog.Tile) ([]byte, error) {
	return readFile(filepath.Join(f.dir, "tile", strings.TrimPrefix(t.Path(), "tile/8/")))
}
func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, t := range tiles {
		data, err := f.read(t)
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}

// memory holds every stored hash of a tree that tlog itself built from the entries.
type memory []tlog.Hash

func (m memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(m)) {
			return nil, fmt.Errorf("hash %d of %d", index, len(m))
		}
		out[i] = m[index]
	}
	return out, nil
}

// entries reads the bundles in order.
func entries(dir string, size int64, visit func(index int64, entry []byte)) {
	for first := int64(0); first < size; first += 256 {
		width := size - first
		if width > 256 {
			width = 256
		}
		t := tlog.Tile{H: height, L: 0, N: first / 256, W: int(width)}
		path := filepath.Join(dir, "tile/entries", strings.TrimPrefix(t.Path(), "tile/8/0/"))
		data, err := readFile(path)
		must(err, "bundle")
		for i := int64(0); i < width; i++ {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				die("%s ends inside an entry", path)
			}
			length := int(binary.BigEndian.Uint16(data))
			visit(first+i, data[2:2+length])
			data = data[2+length:]
		}
		if len(data) != 0 {
			die("%s has bytes after its entries", path)
		}
	}
}

// checkReceipt takes a tlog-proof file apart and checks the path that Amanat made.
func checkReceipt(file, vkey string, size int64, stored memory) {
	data, err := readFile(file)
	must(err, "receipt")
	parts := strings.SplitN(string(data), "\n\n", 2)
	if len(parts) != 2 {
		die("%s has no blank line", file)
	}
	lines := strings.Split(parts[0], "\n")
	if len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "extra ") ||
		!strings.HasPrefix(lines[2], "index ") {
		die("%s: not the form of a receipt", file)
	}
	entry, err := base64.StdEncoding.Strict().DecodeString(lines[1][len("extra "):])
	must(err, "extra")
	index, err := strconv.ParseInt(lines[2][len("index "):], 10, 64)
	must(err, "index")
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		must(err, "proof line")
		proof = append(proof, hash)
	}
	_, tree := openCheckpoint([]byte(parts[1]), vkey)
	must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)), file)
	if tree.N <= size {
		ours, err := tlog.ProveRecord(tree.N, index, stored)
		must(err, "ProveRecord")
		if fmt.Sprint(ours) != fmt.Sprint(proof) {
			die("%s: another path than tlog.ProveRecord makes", file)
		}
	}
}

// check verifies everything of an exported log; it panics with a disagreement.
func check(dir, vkey, receiptsDir string, rounds int) string {
	signed, err := readFile(filepath.Join(dir, "checkpoint"))
	must(err, "checkpoint")
	origin, tree := openCheckpoint(signed, vkey)

	// A changed byte must be refused, or the check above would show nothing.
	changed := append([]byte(nil), signed...)
	changed[len(origin)+1] ^= 1
	verifier, _ := note.NewVerifier(vkey)
	if _, err := note.Open(changed, note.VerifierList(verifier)); err == nil {
		die("a changed checkpoint was accepted")
	}

	// The whole tree, built by tlog from the entries.
	var stored memory
	var leaves []tlog.Hash
	entries(dir, tree.N, func(index int64, entry []byte) {
		hashes, err := tlog.StoredHashes(index, entry, stored)
		must(err, "StoredHashes")
		stored = append(stored, hashes...)
		leaves = append(leaves, tlog.RecordHash(entry))
	})
	root, err := tlog.TreeHash(tree.N, stored)
	must(err, "TreeHash")
	if root != tree.Hash {
		die("the root of the entries is %v, the checkpoint signs %v", root, tree.Hash)
	}

	// Every tile of every level, byte for byte.
	files := folder{dir}
	var tiles []tlog.Tile
	for _, t := range tlog.NewTiles(height, 0, tree.N) {
		// NewTiles also names every narrower partial, which is a prefix of the widest.
		if widest := tree.N >> uint(height*t.L) & 255; t.W != 256 && int64(t.W) != widest {
			continue
		}
		tiles = append(tiles, t)
		want, err := tlog.ReadTileData(t, stored)
		must(err, "ReadTileData")
		have, err := files.read(t)
		must(err, t.Path())
		if !bytes.Equal(want, have) {
			die("%s differs", t.Path())
		}
	}

	// Proofs made and checked by tlog, from our tiles alone; its reader authenticates each tile.
	reader := tlog.TileHashReader(tree, files)
	random := rand.New(rand.NewSource(tree.N))
	for i := 0; i < rounds && tree.N > 0; i++ {
		index := random.Int63n(tree.N)
		proof, err := tlog.ProveRecord(tree.N, index, reader)
		must(err, "ProveRecord")
		must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaves[index]), "CheckRecord")
		wrong := leaves[index]
		wrong[i%tlog.HashSize] ^= 1
		if tlog.CheckRecord(proof, tree.N, tree.Hash, index, wrong) == nil {
			die("a wrong leaf was accepted")
		}
		older := index + 1
		olderRoot, err := tlog.TreeHash(older, stored)
		must(err, "TreeHash")
		growth, err := tlog.ProveTree(tree.N, older, reader)
		must(err, "ProveTree")
		must(tlog.CheckTree(growth, tree.N, tree.Hash, older, olderRoot), "CheckTree")
	}

	receipts := 0
	if receiptsDir != "" {
		names, err := filepath.Glob(filepath.Join(receiptsDir, "*.tlog-proof"))
		must(err, "receipts")
		for _, name := range names {
			checkReceipt(name, vkey, tree.N, stored)
			receipts++
		}
	}
	return fmt.Sprintf("%s: %d entries, %d tiles, %d inclusion and %d consistency proofs, %d receipts: no disagreement",
		origin, tree.N, len(tiles), rounds, rounds, receipts)
}

// refused says whether a check ends in a disagreement, and in which.
func refused(dir, vkey, receiptsDir string) (why string) {
	defer func() {
		if r := recover(); r != nil {
			d, ours := r.(disagreement)
			if !ours {
				panic(r)
			}
			why = string(d)
		}
	}()
	check(dir, vkey, receiptsDir, 3)
	return ""
}

// byStranger says whether a byte lies in a signature line that is not the key's: it proves nothing
// and is passed over by every reader (the log adds such lines on purpose).
func byStranger(data []byte, at int, vkey string) bool {
	begin := bytes.LastIndexByte(data[:at], '\n') + 1
	words := strings.Split(strings.SplitN(string(data[begin:]), "\n", 2)[0], " ")
	if len(words) != 3 || words[0] != "\u2014" {
		return false
	}
	blob, err := base64.StdEncoding.DecodeString(words[2])
	parts := strings.SplitN(vkey, "+", 3)
	return err == nil && len(blob) > 4 && (words[1] != parts[0] || fmt.Sprintf("%x", blob[:4]) != parts[1])
}

// mutate turns bits and expects each to be noticed. What may pass is another spelling of the same
// bytes: base64 leaves bits unused before its padding, and Go's decoder does not look at them.
func mutate(dir, vkey, receiptsDir string, n int, seed int64) {
	var files []string
	walk := func(path string, info os.FileInfo, err error) error {
		must(err, path)
		if info.Mode().IsRegular() && info.Size() > 0 {
			files = append(files, path)
		}
		return nil
	}
	must(filepath.Walk(dir, walk), "walk")
	must(filepath.Walk(receiptsDir, walk), "walk")
	if why := refused(dir, vkey, receiptsDir); why != "" {
		die("the log as it is: %s", why)
	}
	random := rand.New(rand.NewSource(seed))
	noticed, respelled, strangers := 0, 0, 0
	for i := 0; i < n; i++ {
		path := files[i%len(files)] // every file in turn
		if i >= len(files) {
			path = files[random.Intn(len(files))]
		}
		data, err := os.ReadFile(path)
		must(err, path)
		turned.path, turned.at, turned.mask = path, random.Intn(len(data)), byte(1)<<uint(random.Intn(8))
		if refused(dir, vkey, receiptsDir) != "" {
			noticed++
		} else if turned.at+1 < len(data) && data[turned.at+1] == '=' && data[turned.at] != '=' {
			respelled++
		} else if byStranger(data, turned.at, vkey) {
			strangers++
		} else {
			die("%s: bit %#x of byte %d turned, and nobody noticed", path, turned.mask, turned.at)
		}
	}
	fmt.Printf("%d turned bits in %d files refused; passed over: %d in unknown signers' lines, %d respellings of the same bytes; seed %d\n",
		noticed, len(files), strangers, respelled, seed)
}

func main() {
	defer func() {
		if r := recover(); r != nil {
			d, ours := r.(disagreement)
			if !ours {
				panic(r)
			}
			fmt.Fprintf(os.Stderr, "interop: %s\n", string(d))
			os.Exit(1)
		}
	}()
	switch {
	case len(os.Args) == 7 && os.Args[1] == "mutate":
		n, err := strconv.Atoi(os.Args[5])
		must(err, "N")
		seed, err := strconv.ParseInt(os.Args[6], 10, 64)
		must(err, "SEED")
		mutate(os.Args[2], os.Args[3], os.Args[4], n, seed)
	case len(os.Args) == 3:
		fmt.Println(check(os.Args[1], os.Args[2], "", 1000))
	case len(os.Args) == 4:
		fmt.Println(check(os.Args[1], os.Args[2], os.Args[3], 1000))
	default:
		die("usage: check DIR VKEY [RECEIPTS-DIR], or check mutate DIR VKEY RECEIPTS-DIR N SEED")
	}
}
