package policy

// The house's lists from the files that consentry.yaml names, beside those that are shipped.

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"hash"
	"io"
	"path/filepath"
	"time"

	"github.com/consentry/consentry/detect"
)

// HouseFiles is what consentry.yaml says of the house's lists. A Text without a value is a list that is not named.
type HouseFiles struct {
	At                     Pos // of the main file, for what concerns no list
	Region                 string
	Places                 Text
	PlacesWarn, PlacesPark time.Duration // age of the data
	Domains, Apps, Terms   Text
	Jurisdictions          Text
	ReadFile               func(path string) ([]byte, error)
}

// NewHouse reads and compiles the lists. It returns a House, or everything that is wrong with the files.
func NewHouse(f HouseFiles) (*House, []Problem) {
	l := &houseLoader{files: f, sum: sha256.New()}
	h := &House{}
	var err error
	if h.Scanner, err = detect.NewScanner(f.Region); err != nil {
		l.refuse(f.At, "consent.region %q: its telephone numbers are not known, so they could not be looked for", f.Region)
	}
	h.Topics = l.topics()
	h.Jurisdictions = l.jurisdictions()
	h.Places, h.PlacesWarnMS, h.PlacesParkMS = l.places()
	if h.Places != nil {
		h.PlacesMadeMS = h.Places.Made().UnixMilli()
	}
	if len(l.problems) > 0 {
		return nil, l.problems
	}
	h.Versions, h.Digest = l.versions, l.sum.Sum(nil)
	return h, nil
}

type houseLoader struct {
	files    HouseFiles
	problems []Problem
	versions []ListVersion
	sum      hash.Hash
}

func (l *houseLoader) refuse(pos Pos, format string, args ...any) {
	l.problems = append(l.problems, Problem{Pos: pos, Message: fmt.Sprintf(format, args...)})
}

func (l *houseLoader) version(detector, text string) {
	l.versions = append(l.versions, ListVersion{detector, text})
}

// read gives the content of a list that is named, and lets it count in the digest; nil where none is or it cannot be read.
func (l *houseLoader) read(name Text, what, mend string) []byte {
	if name.Value == "" {
		return nil
	}
	raw, err := l.files.ReadFile(name.Value)
	if err != nil {
		l.refuse(name.Pos, "%s %s cannot be read: %s", what, name.Value, mend)
		return nil
	}
	fmt.Fprintf(l.sum, "%s %d ", what, len(raw))
	l.sum.Write(raw)
	return raw
}

const there = "is it there, relative to this file, and readable?"

func (l *houseLoader) topics() *detect.Topics {
	var extra detect.TopicLists
	lists := []struct {
		name string
		text Text
		into *[]detect.TopicEntry
		line []int // of each entry
	}{
		{"domains", l.files.Domains, &extra.Domains, nil}, {"apps", l.files.Apps, &extra.Apps, nil}, {"terms", l.files.Terms, &extra.Terms, nil},
	}
	for i := range lists {
		n := &lists[i]
		raw := l.read(n.text, "the list of "+n.name, there)
		if raw == nil {
			continue
		}
		msg := ""
		if *n.into, n.line, msg = pairs(raw); msg != "" {
			l.refuse(n.text.Pos, "%s %s", n.text.Value, msg)
			continue
		}
		l.version("sensitive_topic", fmt.Sprintf("%s: %d %s of this house's own", filepath.Base(n.text.Value), len(*n.into), n.name))
	}
	t, err := detect.NewTopics(extra)
	if err == nil {
		return t
	}
	if bad := (*detect.TopicError)(nil); errors.As(err, &bad) {
		for _, n := range lists {
			if n.name == bad.List && bad.Index >= 0 && bad.Index < len(n.line) {
				l.refuse(n.text.Pos, "%s line %d: %s", n.text.Value, n.line[bad.Index], bad.Message)
				return nil
			}
		}
	}
	l.refuse(l.files.At, "the lists of topics cannot be compiled: %v", err)
	return nil
}

// pairs reads a CSV file with the header from,to. msg says what is wrong with it, beginning with the line.
func pairs(raw []byte) (entries []detect.TopicEntry, lines []int, msg string) {
	r := csv.NewReader(bytes.NewReader(raw))
	r.FieldsPerRecord, r.Comment = 2, '#'
	for first := true; ; first = false {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			line := 0
			if pe, ok := errors.AsType[*csv.ParseError](err); ok {
				line = pe.Line
			}
			return nil, nil, fmt.Sprintf("line %d: is not two values separated by a comma", line)
		}
		line, _ := r.FieldPos(0)
		switch {
		case first && (rec[0] != "from" || rec[1] != "to"):
			return nil, nil, fmt.Sprintf("line %d: must be the header `from,to`", line)
		case first:
		default:
			entries, lines = append(entries, detect.TopicEntry{From: rec[0], To: rec[1]}), append(lines, line)
		}
	}
	if len(entries) == 0 {
		return nil, nil, "has no entry: name some, or remove the file from `detect.topics`"
	}
	return entries, lines, ""
}

func (l *houseLoader) places() (p *detect.Places, warnMS, parkMS int64) {
	const mend = "make it with `consentry places import --out FILE IN...`"
	at := l.files.Places
	raw := l.read(at, "the list of places", mend)
	if raw == nil {
		return nil, 0, 0
	}
	p, err := detect.ReadPlaces(bytes.NewReader(raw))
	if err != nil {
		l.refuse(at.Pos, "the list of places %s cannot be used: %v; %s", at.Value, err, mend)
		return nil, 0, 0
	}
	l.version("sensitive_place", fmt.Sprintf("%s: %d places, data of %s", filepath.Base(at.Value), count(p), p.Made().UTC().Format(time.DateOnly)))
	return p, p.Made().Add(l.files.PlacesWarn).UnixMilli(), p.Made().Add(l.files.PlacesPark).UnixMilli()
}

func count(p *detect.Places) int {
	n := 0
	for _, c := range p.Categories() {
		n += p.Count(c)
	}
	return n
}

func (l *houseLoader) jurisdictions() *detect.Jurisdictions {
	at := l.files.Jurisdictions
	raw := l.read(at, "the table of jurisdictions", there)
	if raw == nil && at.Value != "" {
		return nil
	}
	var extra io.Reader
	if raw != nil {
		extra = bytes.NewReader(raw)
	}
	j, err := detect.NewJurisdictions(at.Value, extra)
	if err != nil {
		l.refuse(at.Pos, "the table of jurisdictions %s cannot be used: %v", at.Value, err)
		return nil
	}
	if raw != nil {
		l.version("jurisdiction", filepath.Base(at.Value)+": jurisdictions of this house's own")
	}
	return j
}
