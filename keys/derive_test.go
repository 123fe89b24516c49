package keys

// HKDF as this package calls it, against Project Wycheproof, and the info against a derivation written out by hand.

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// sharedData finds ../shared/data from the repository's root.
func sharedData(t *testing.T, elem ...string) []byte {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above this package")
		}
		dir = filepath.Dir(dir)
	}
	path := filepath.Join(append([]string{dir, "..", "shared", "data"}, elem...)...)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("the shared data is missing: %s", path)
	}
	return b
}

func TestExpandAgreesWithWycheproof(t *testing.T) {
	var file struct {
		TestGroups []struct {
			Tests []struct {
				ID                   int `json:"tcId"`
				IKM, Salt, Info, OKM string
				Size                 int
				Result               string
			}
		}
	}
	if err := json.Unmarshal(sharedData(t, "ref_wycheproof", "hkdf_sha256_test.json"), &file); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, g := range file.TestGroups {
		for _, c := range g.Tests {
			seen++
			got := make([]byte, c.Size)
			ok := expand(got, unhex(t, c.IKM), unhex(t, c.Salt), string(unhex(t, c.Info)))
			if want := c.Result == "valid"; ok != want {
				t.Errorf("case %d: accepted %v, want %v", c.ID, ok, want)
			} else if ok && !bytes.Equal(got, unhex(t, c.OKM)) {
				t.Errorf("case %d: wrong output", c.ID)
			}
		}
	}
	if seen != 86 {
		t.Fatalf("%d cases, want 86", seen)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestDeriveByHand writes RFC 5869 out: extract under 32 zero bytes, one block of expand.
func TestDeriveByHand(t *testing.T) {
	root := [keySize]byte{1, 2, 3, 31: 9}
	mac := func(key []byte, parts ...string) []byte {
		h := hmac.New(sha256.New, key)
		for _, p := range parts {
			h.Write([]byte(p))
		}
		return h.Sum(nil)
	}
	prk := mac(make([]byte, 32), string(root[:]))
	want := mac(prk, "\x00\x00\x00\x04acme\x00\x00\x00\x0epartner.acme.a\x01")
	if got, want := fingerprint(&root), hex.EncodeToString(mac(prk, "fingerprint\x01")[:8]); got != want {
		t.Errorf("fingerprint = %s, want %s", got, want)
	}
	var got [32]byte
	if !derive(&got, &root, "acme", "partner.acme.a") || !bytes.Equal(got[:], want) {
		t.Fatalf("derive = %x, want %x", got, want)
	}
}

func TestDerivedKeysDiffer(t *testing.T) {
	root, other := [keySize]byte{1}, [keySize]byte{2}
	seen := map[[32]byte]string{}
	for _, c := range []struct {
		name, partner, topic string
		root                 *[keySize]byte
	}{
		{"base", "ab", "cd", &root}, {"moved border", "abc", "d", &root}, {"empty partner", "", "abcd", &root},
		{"other topic", "ab", "ce", &root}, {"other root", "ab", "cd", &other},
	} {
		var k [32]byte
		if !derive(&k, c.root, c.partner, c.topic) {
			t.Fatal(c.name)
		}
		if before, dup := seen[k]; dup {
			t.Errorf("%s and %s share a key", before, c.name)
		}
		seen[k] = c.name
	}
}
