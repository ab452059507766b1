// Checks an exported log with code that others wrote: golang.org/x/mod/sumdb/note and .../tlog, as
// Debian packages them. Nothing of Amanat is used: the three lines of a checkpoint, the bundles and
// the path of a tile are read here from their public specifications (c2sp.org/tlog-checkpoint,
// c2sp.org/tlog-tiles, c2sp.org/tlog-proof).
//
// usage: check DIR VKEY [RECEIPTS-DIR]     exit 0 no disagreement, 1 disagreement
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

func die(format string, args ...interface{}) {
	fmt.Fprintf(os.Stderr, "interop: "+format+"\n", args...)
	os.Exit(1)
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
	return os.ReadFile(filepath.Join(f.dir, "tile", strings.TrimPrefix(t.Path(), "tile/8/")))
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
		data, err := os.ReadFile(path)
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
	data, err := os.ReadFile(file)
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

func main() {
	if len(os.Args) != 3 && len(os.Args) != 4 {
		die("usage: check DIR VKEY [RECEIPTS-DIR]")
	}
	dir, vkey := os.Args[1], os.Args[2]
	signed, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
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
	const rounds = 1000
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
	if len(os.Args) == 4 {
		names, err := filepath.Glob(filepath.Join(os.Args[3], "*.tlog-proof"))
		must(err, "receipts")
		for _, name := range names {
			checkReceipt(name, vkey, tree.N, stored)
			receipts++
		}
	}
	fmt.Printf("%s: %d entries, %d tiles, %d inclusion and %d consistency proofs, %d receipts: no disagreement\n",
		origin, tree.N, len(tiles), rounds, rounds, receipts)
}
