// A line as values, for merging and for people. Printing what was parsed gives the same bytes.

package consent

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Grant is one consent: what it covers, from when, until when.
type Grant struct {
	Linked     bool
	Categories []string // as given; no duplicates; not empty
	SinceMS    int64
	UntilMS    int64 // valid if Ends
	Ends       bool
}

// Entry is what a line holds for one partner and purpose: a grant, the mark of the last withdrawal, or both. Both with
// a mark at or after the grant's since means that the withdrawal took only a part of it.
type Entry struct {
	Partner, Purpose string
	Grant            *Grant
	MarkMS           int64 // valid if Marked
	Marked           bool
}

// Line is all that holds for one subject.
type Line struct {
	AllMarkMS int64 // the time at which everything was withdrawn; 0 unless AllMarked
	AllMarked bool
	Entries   []Entry // sorted by "partner/purpose", each pair once, at most MaxEntries
}

// Parse reads a line; false if it breaks the grammar anywhere.
func Parse(line []byte) (Line, bool) {
	var s scanner
	var e entry
	s.begin(line)
	l := Line{AllMarkMS: s.mark, AllMarked: s.marked}
	for s.next(&e) {
		out := Entry{
			Partner: string(e.pair[:e.slash]), Purpose: string(e.pair[e.slash+1:]), MarkMS: e.mark, Marked: e.marked,
		}
		if e.granted {
			out.Grant = &Grant{
				Linked: e.linked, Categories: strings.Split(string(e.categories), ","),
				SinceMS: e.since, UntilMS: e.until, Ends: e.ends,
			}
		}
		l.Entries = append(l.Entries, out)
	}
	if s.bad {
		return Line{}, false
	}
	return l, true
}

// Append prints the line.
func (l *Line) Append(dst []byte) []byte {
	begin := len(dst)
	if l.AllMarked {
		dst = append(dst, '*')
		dst = appendCut(dst, l.AllMarkMS)
	}
	for i := range l.Entries {
		if len(dst) > begin {
			dst = append(dst, ' ')
		}
		dst = l.Entries[i].append(dst)
	}
	return dst
}

func (e *Entry) append(dst []byte) []byte {
	dst = append(dst, e.Partner...)
	dst = append(dst, '/')
	dst = append(dst, e.Purpose...)
	if g := e.Grant; g != nil {
		if g.Linked {
			dst = append(dst, '!')
		}
		dst = append(dst, ':')
		for i, c := range g.Categories {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, c...)
		}
		dst = append(dst, '@')
		dst = strconv.AppendInt(dst, g.SinceMS, 10)
		dst = append(dst, '-')
		if g.Ends {
			dst = strconv.AppendInt(dst, g.UntilMS, 10)
		}
	}
	if e.Marked {
		dst = appendCut(dst, e.MarkMS)
	}
	return dst
}

func appendCut(dst []byte, at int64) []byte { return strconv.AppendInt(append(dst, 'X'), at, 10) }

// find gives the index of a pair's entry, or where it would stand.
func (l *Line) find(partner, purpose string) (int, bool) {
	return slices.BinarySearchFunc(l.Entries, partner+"/"+purpose, func(e Entry, pair string) int {
		return cmp.Compare(e.Partner+"/"+e.Purpose, pair)
	})
}
