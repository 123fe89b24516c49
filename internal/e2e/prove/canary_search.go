package main

// Looking for many marked values at once, each in every way in which a program might have written it down.

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
)

// shortest is the least length of a needle, in bytes: what is shorter is found by chance.
const shortest = 8

// encodings is how a value may have been written. Each gives the bytes to look for; what is shorter than shortest is
// not looked for.
var encodings = []struct {
	name string
	of   func(v string) []string
}{
	{"plain", func(v string) []string { return []string{v} }},
	{"hex", func(v string) []string { return bothCases(hex.EncodeToString([]byte(v))) }},
	{"base64", aligned},
	{"URL", func(v string) []string {
		every := ""
		for _, c := range []byte(v) {
			every += fmt.Sprintf("%%%02X", c)
		}
		return []string{url.QueryEscape(v), url.PathEscape(v), every, strings.ToLower(every)}
	}},
	{"reversed", func(v string) []string {
		b := []byte(v)
		slices.Reverse(b)
		return []string{string(b)}
	}},
	{"JSON", func(v string) []string {
		b, _ := json.Marshal(v) // a string always marshals
		return []string{string(b[1 : len(b)-1])}
	}},
	{"UTF-16", func(v string) []string {
		var le, be []byte
		for _, u := range utf16.Encode([]rune(v)) {
			le, be = append(le, byte(u), byte(u>>8)), append(be, byte(u>>8), byte(u))
		}
		return []string{string(le), string(be)}
	}},
	{"MD5", func(v string) []string { d := md5.Sum([]byte(v)); return digest(d[:]) }},
	{"SHA-1", func(v string) []string { d := sha1.Sum([]byte(v)); return digest(d[:]) }},
	{"SHA-256", func(v string) []string { d := sha256.Sum256([]byte(v)); return digest(d[:]) }},
}

func bothCases(s string) []string { return []string{s, strings.ToUpper(s)} }

// aligned is base64 of v wherever it stands in a longer text: three alignments, without the characters that neighbours
// change, in both alphabets.
func aligned(v string) []string {
	var all []string
	for pad := range 3 {
		text := base64.StdEncoding.EncodeToString(append(make([]byte, pad), v...))
		text = text[(pad*8+5)/6 : (pad+len(v))*8/6]
		all = append(all, text, strings.NewReplacer("+", "-", "/", "_").Replace(text))
	}
	return all
}

// digest is a digest's first 16 bytes, which also a shortened one has: raw, in hex, in base64.
func digest(d []byte) []string {
	d = d[:16]
	return append(append(bothCases(hex.EncodeToString(d)), string(d)), base64.StdEncoding.EncodeToString(d)[:21],
		base64.URLEncoding.EncodeToString(d)[:21])
}

// variants are the forms of a value that are looked for in every encoding.
func variants(v string) []string {
	all := []string{v}
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, v)
	// Only what is mostly digits is still itself without the rest.
	if len(digits) >= 10 && 2*len(digits) > len(v) && digits != v {
		all = append(all, digits)
	}
	for _, w := range []string{strings.ToLower(v), strings.ToUpper(v)} {
		if w != v {
			all = append(all, w)
		}
	}
	return all
}

// needle is one form of one mark.
type needle struct {
	text string
	mark int32 // index in marks
	how  uint8 // index in encodings; len(encodings) is binary
}

// finder finds needles. Every needle is hooked up by its rarest window of bytes: a text is walked once, and each
// position costs one look into a small bitmap.
type finder struct {
	marks   []marked
	needles []needle
	hooks   map[uint64][]hook
	bitmap  []uint64
}

type hook struct {
	needle int32
	at     int32 // where the window stands in it
}

const (
	windowBytes = 6
	windowMask  = 1<<(8*windowBytes) - 1
	bitmapBits  = 24
)

func spot(window uint64) uint64 { return window * 0x9E3779B97F4A7C15 >> (64 - bitmapBits) }

// newFinder makes the needles of all marks.
func newFinder(marks []marked) *finder {
	f := &finder{marks: marks, hooks: map[uint64][]hook{}, bitmap: make([]uint64, 1<<bitmapBits/64)}
	seen := map[string]bool{}
	add := func(text string, mark, how int) {
		if len(text) >= shortest && !seen[text] {
			seen[text] = true
			f.needles = append(f.needles, needle{text, int32(mark), uint8(how)})
		}
	}
	for i := range marks {
		for _, v := range variants(marks[i].text) {
			for how := range encodings {
				for _, text := range encodings[how].of(v) {
					add(text, i, how)
				}
			}
		}
		for _, raw := range marks[i].binary {
			add(string(raw), i, len(encodings))
		}
	}
	often := make([]uint16, 1<<bitmapBits)
	eachWindow := func(text string, visit func(at int, window uint64)) {
		var w uint64
		for i := range len(text) {
			if w = w<<8 | uint64(text[i]); i >= windowBytes-1 {
				visit(i-windowBytes+1, w&windowMask)
			}
		}
	}
	for i := range f.needles {
		eachWindow(f.needles[i].text, func(_ int, w uint64) {
			if n := &often[spot(w)]; *n < 1<<16-1 {
				*n++
			}
		})
	}
	for i := range f.needles {
		best, at, least := uint64(0), 0, uint16(0)
		eachWindow(f.needles[i].text, func(here int, w uint64) {
			if n := often[spot(w)]; here == 0 || n < least {
				best, at, least = w, here, n
			}
		})
		f.hooks[best] = append(f.hooks[best], hook{int32(i), int32(at)})
		s := spot(best)
		f.bitmap[s/64] |= 1 << (s % 64)
	}
	return f
}

// find visits every needle in b.
func (f *finder) find(b []byte, visit func(n *needle, at int)) {
	var w uint64
	for i, c := range b {
		w = (w<<8 | uint64(c)) & windowMask
		s := spot(w)
		if i < windowBytes-1 || f.bitmap[s/64]&(1<<(s%64)) == 0 {
			continue
		}
		for _, h := range f.hooks[w] {
			n := &f.needles[h.needle]
			from := i - windowBytes + 1 - int(h.at)
			if from >= 0 && bytes.HasPrefix(b[from:], []byte(n.text)) {
				visit(n, from)
			}
		}
	}
}

// how names a needle's encoding.
func (n *needle) encoding() string {
	if int(n.how) == len(encodings) {
		return "binary"
	}
	return encodings[n.how].name
}
