// Package corpus makes the cases by which the detectors of residual identifiers are measured: published test values, and
// values made by the rules by which numbers are given out. It shares no code with the detectors.
package corpus

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Case is one line of a corpus.
type Case struct {
	Text        string `json:"text"`
	Class       string `json:"class"`                 // empty: the text is clean
	Source      string `json:"source,omitempty"`      // where the value is from
	Obfuscation string `json:"obfuscation,omitempty"` // empty: as it is

	bare bool // the text is nothing but the identifier, whose digits may be grouped in other ways
}

// Classes are the classes of the contract, in its order.
var Classes = []string{
	"email", "phone", "national_id", "card", "iban", "imei", "imsi", "iccid", "mac", "ip", "coordinates", "geocode", "uuid",
	"digest", "token", "click_id", "url_userinfo", "name_line", "street_address",
}

// Fewest is how many cases a class has at least, before they are obfuscated.
const Fewest = 200

// Plain makes the cases as they are. data is the folder of published test values. The same folder makes the same cases.
func Plain(data string) ([]Case, error) {
	m := &maker{data: data}
	for _, make := range []func(*maker) error{
		published, emails, phones, nationalIDs, cards, ibans, telecom, networks, coordinates, geocodes, identifiers, tokens,
		links, people,
	} {
		if err := make(m); err != nil {
			return nil, err
		}
	}
	counts := map[string]int{}
	for _, c := range m.cases {
		counts[c.Class]++
	}
	for _, class := range Classes {
		if counts[class] < Fewest {
			return nil, fmt.Errorf("class %s has %d cases, %d are the least", class, counts[class], Fewest)
		}
	}
	return m.cases, nil
}

// Set is a set of clean texts.
type Set struct {
	Name  string
	Texts []string
}

// Clean reads the sets of clean texts from the folder of published data.
func Clean(data string) ([]Set, error) {
	sets := []Set{
		{Name: "queries_trec_million/queries_1_20000.jsonl.gz"},
		{Name: "queries_multilingual_miracl/miracl_dev_a.jsonl"},
		{Name: "queries_natural_questions/nq_test.jsonl.gz"},
	}
	for i := range sets {
		s := &sets[i]
		err := eachLine(filepath.Join(data, s.Name), func(line []byte) error {
			var q struct{ Query string }
			if err := json.Unmarshal(line, &q); err != nil {
				return err
			}
			s.Texts = append(s.Texts, q.Query)
			return nil
		})
		if err != nil {
			return nil, err
		}
		s.Name, _, _ = strings.Cut(s.Name, "/")
	}
	return sets, nil
}

// Write writes cases as JSON lines.
func Write(w io.Writer, cases []Case) error {
	b := bufio.NewWriter(w)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	for _, c := range cases {
		if err := e.Encode(c); err != nil {
			return err
		}
	}
	return b.Flush()
}

// DataFolder finds the folder of published data beside the repository that holds dir.
func DataFolder(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			data := filepath.Join(dir, "..", "shared", "data")
			if _, err := os.Stat(data); err != nil {
				return "", fmt.Errorf("the published test values are missing: %s should stand beside the repository", filepath.Join("..", "shared", "data"))
			}
			return data, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no go.mod in this folder or above it")
		}
		dir = up
	}
}

// maker gathers cases and has the randomness that makes them: SplitMix64 from a fixed start for each class, so that a
// case of one class does not move the cases of another.
type maker struct {
	data   string
	cases  []Case
	class  string
	source string
	state  uint64
}

// of turns to a class and where its next cases are from.
func (m *maker) of(class, source string) {
	m.class, m.source, m.state = class, source, 0
	for _, c := range class + source {
		m.state = m.state*1099511628211 + uint64(c)
	}
}

func (m *maker) add(text string)  { m.put(text, true) }
func (m *maker) text(text string) { m.put(text, false) }

func (m *maker) put(text string, bare bool) {
	m.cases = append(m.cases, Case{Text: text, Class: m.class, Source: m.source, bare: bare})
}

func (m *maker) next() uint64 {
	m.state += 0x9e3779b97f4a7c15
	x := m.state
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// below is a number from 0 to n-1.
func (m *maker) below(n int) int { return int(m.next() % uint64(n)) }

// between is a number from a to b.
func (m *maker) between(a, b int) int { return a + m.below(b-a+1) }

func (m *maker) pick(from ...string) string { return from[m.below(len(from))] }

// from is n characters of an alphabet.
func (m *maker) from(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[m.below(len(alphabet))]
	}
	return string(b)
}

const (
	digits = "0123456789"
	hexes  = "0123456789abcdef"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lower  = "abcdefghijklmnopqrstuvwxyz"
)

func (m *maker) digits(n int) string { return m.from(digits, n) }

func (m *maker) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(m.next())
	}
	return b
}

// eachLine reads a file of lines, compressed or not.
func eachLine(path string, use func([]byte) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return err
		}
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if err := use(lines.Bytes()); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return lines.Err()
}
