package detect

// Whose law forbids how small an area: a table by place of the event and residence of the account. The shipped table
// names each rule's source and is no legal advice; an operator's file adds rules, and never takes one back.

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed data/jurisdictions.csv
var shippedJurisdictions string

// JurisdictionHeader is the first line of the shipped table and of an operator's file.
const JurisdictionHeader = "code,of,min_radius_m,since,source,note"

// JurisdictionRule is a line of the table: an event whose place, or whose account's residence, lies within Code.
type JurisdictionRule struct {
	Code             string // ISO 3166-1 alpha-2, ISO 3166-2, or * for everywhere
	Place, Residence bool   // what the code is compared with; both: either counts
	MinRadiusM       float64
	Since            string // YYYY-MM-DD; for readers: a rule counts from the day that it is in the table
	Source, Note     string
}

// Jurisdictions is the table. It is immutable and safe for concurrent use. The zero value allows nothing.
type Jurisdictions struct {
	rules            []JurisdictionRule
	place, residence floors
}

// floors are the least radii by code, as packed by packCode.
type floors struct {
	ready     bool
	world     float64 // of the rules for everywhere
	codes     []uint64
	least     []float64 // for what lies in the code and is known to be nowhere finer that has a rule
	strictest []float64 // for a country of which the part is not known: the highest of its parts too
	unknown   float64   // the highest of all
}

// NewJurisdictions reads the shipped table and what an operator's file adds to it; nil adds nothing. name is the file's,
// for errors: each says file and line.
func NewJurisdictions(name string, operator io.Reader) (*Jurisdictions, error) {
	rules, err := readRules("shipped table of jurisdictions", strings.NewReader(shippedJurisdictions))
	if err != nil {
		return nil, err
	}
	if operator != nil {
		more, err := readRules(name, operator)
		if err != nil {
			return nil, err
		}
		rules = append(rules, more...)
	}
	t := &Jurisdictions{rules: rules}
	t.place = newFloors(rules, func(r *JurisdictionRule) bool { return r.Place })
	t.residence = newFloors(rules, func(r *JurisdictionRule) bool { return r.Residence })
	return t, nil
}

// Rules lists the table, the shipped rules first.
func (t *Jurisdictions) Rules() []JurisdictionRule { return slices.Clone(t.rules) }

// Allows tells whether areas with an enclosing radius of at least radiusM metres may leave for an event at a place, of an
// account with a residence: ISO 3166-1 alpha-2 or ISO 3166-2 codes, in any case. What is empty or no such code counts as the strictest that it
// could be; so does a country without its part where parts have rules, and a part that neither the table names nor is known
// (only those of the United States are).
func (t *Jurisdictions) Allows(place, residence []byte, radiusM float64) bool {
	// False for NaN.
	return t.place.ready && radiusM >= max(t.place.of(place), t.residence.of(residence))
}

func newFloors(rules []JurisdictionRule, counts func(*JurisdictionRule) bool) floors {
	f := floors{ready: true}
	for i := range rules {
		if r := &rules[i]; counts(r) {
			f.unknown = max(f.unknown, r.MinRadiusM)
			if r.Code == "*" {
				f.world = max(f.world, r.MinRadiusM)
				continue
			}
			code, _ := packCode([]byte(r.Code))
			f.codes = append(f.codes, code, code&countryBits)
		}
	}
	slices.Sort(f.codes)
	f.codes = slices.Compact(f.codes)
	f.least, f.strictest = make([]float64, len(f.codes)), make([]float64, len(f.codes))
	for k, code := range f.codes {
		f.least[k] = f.world
		for i := range rules {
			r := &rules[i]
			if !counts(r) || r.Code == "*" {
				continue
			}
			rule, _ := packCode([]byte(r.Code))
			if rule == code || rule == code&countryBits {
				f.least[k] = max(f.least[k], r.MinRadiusM)
			}
			if rule&countryBits == code {
				f.strictest[k] = max(f.strictest[k], r.MinRadiusM)
			}
		}
		f.strictest[k] = max(f.strictest[k], f.least[k])
	}
	return f
}

// of gives the least radius for a code.
func (f *floors) of(text []byte) float64 {
	code, ok := packCode(text)
	if !ok {
		return f.unknown
	}
	if i, found := slices.BinarySearch(f.codes, code); found {
		return f.strictest[i]
	}
	if i, found := slices.BinarySearch(f.codes, code&countryBits); found {
		// A part without rules of its own has its country's, if it is known to be one.
		if code>>48 == 'U'<<8|'S' && code&0xffffffff == 0 && usPairs.has(byte(code>>40), byte(code>>32)) {
			return f.least[i]
		}
		return f.strictest[i]
	}
	return f.world
}

// countryBits are those of the country in a packed code.
const countryBits = 0xffff << 48

// packCode reads a code: two letters, or two letters, a hyphen, and one to three letters or digits. Two letters that are
// no country's are no code either.
func packCode(text []byte) (uint64, bool) {
	if len(text) != 2 && (len(text) < 4 || len(text) > 6 || text[2] != '-') {
		return 0, false
	}
	var code uint64
	for i, c := range text {
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		letter := c >= 'A' && c <= 'Z'
		if i == 2 {
			continue
		}
		if !letter && (i < 2 || c < '0' || c > '9') {
			return 0, false
		}
		at := i
		if i > 2 {
			at = i - 1
		}
		code |= uint64(c) << (56 - 8*at)
	}
	return code, countryPairs.has(byte(code>>56), byte(code>>48))
}

// readRules reads a table. An error says file and line.
func readRules(name string, r io.Reader) ([]JurisdictionRule, error) {
	var rules []JurisdictionRule
	lines, header, n := bufio.NewScanner(r), false, 0
	refuse := func(why string) ([]JurisdictionRule, error) { return nil, fmt.Errorf("%s:%d: %s", name, n, why) }
	for lines.Scan() {
		n++
		line := strings.TrimRight(strings.TrimPrefix(lines.Text(), "\ufeff"), "\r")
		switch {
		case line == "" || line[0] == '#':
			continue
		case !header:
			if line != JurisdictionHeader {
				return refuse("the first line must be " + JurisdictionHeader)
			}
			header = true
			continue
		}
		// The note is the last column and may have commas.
		col := strings.SplitN(line, ",", 6)
		if len(col) != 6 {
			return refuse("a line has six columns: " + JurisdictionHeader)
		}
		for i := range col {
			col[i] = strings.TrimSpace(col[i])
		}
		rule := JurisdictionRule{Code: strings.ToUpper(col[0]), Since: col[3], Source: col[4], Note: col[5]}
		if _, ok := packCode([]byte(rule.Code)); !ok && rule.Code != "*" {
			return refuse("code must be ISO 3166-1 alpha-2 (US), ISO 3166-2 (US-VA), or * for everywhere")
		}
		switch col[1] {
		case "place":
			rule.Place = true
		case "residence":
			rule.Residence = true
		case "either":
			rule.Place, rule.Residence = true, true
		default:
			return refuse("of must be place, residence or either")
		}
		if col[2] == "ban" {
			rule.MinRadiusM = math.Inf(1)
		} else {
			m, err := strconv.ParseFloat(col[2], 64)
			if err != nil || !(m > 0 && m <= 10_000_000) {
				return refuse("min_radius_m must be a number of metres from above 0 to 10000000, or ban")
			}
			rule.MinRadiusM = m
		}
		if _, err := time.Parse(time.DateOnly, rule.Since); err != nil {
			return refuse("since must be a day, YYYY-MM-DD")
		}
		if rule.Source == "" {
			return refuse("source must say where the rule comes from")
		}
		rules = append(rules, rule)
	}
	if lines.Err() != nil || !header {
		n++
		return refuse("the file cannot be read, or lacks the line " + JurisdictionHeader)
	}
	return rules, nil
}
