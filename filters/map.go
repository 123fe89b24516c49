package filters

// map looks a value up in a closed file: exact match, nothing else. What can leave is what the file's second column
// says.

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/consentry/consentry/schema"
)

// maxTargets bounds the different values that one map can emit.
const maxTargets = 1000

func buildMap(a *Args) (*Built, *Refusal) {
	if k := a.Types[0].Kind; k != schema.String {
		return nil, refuse("", fmt.Sprintf("%s is %s, and map looks up strings", a.Paths[0], kindName(k)))
	}
	file, raw, no := readList(a, "map", "a CSV file with the header `from,to`")
	if no != nil {
		return nil, no
	}
	m := &lookup{}
	if msg := m.load(raw); msg != "" {
		return nil, refuse("with", file+" "+msg)
	}
	rest, no := withList(a, "map", schema.String)
	if no != nil {
		return nil, no
	}
	m.rest = rest
	values, n := rest.distinct(m.targets)
	if len(values) > maxTargets {
		return nil, refuse("with", fmt.Sprintf("%s has %d different values in its column `to`: at most %d, else and missing included", file, len(values), maxTargets))
	}
	return &Built{
		Filter: m, Kind: schema.String, Values: texts(schema.String, values), Doc: "one of a closed list",
		How: fmt.Sprintf("looked up in a closed list of %d entries, giving %s", len(m.from), listed(m.targets)) + rest.how(), Leaves: Closed, Distinct: n,
	}, nil
}

// listed names the values of a list for a listing, or counts them where they would fill a page.
func listed(values []schema.Value) string {
	if len(values) <= 24 {
		return "one of " + join(values)
	}
	return fmt.Sprintf("one of %d values", len(values))
}

// readList reads the file that `with:` names.
func readList(a *Args, name, what string) (file string, raw []byte, no *Refusal) {
	arg, given := a.Option("with")
	if !given || arg.Kind != ArgString || arg.Text == "" {
		return "", nil, refuse("with", fmt.Sprintf("%s needs `with: FILE`, %s", name, what))
	}
	raw, err := a.Read(arg.Text)
	if err != nil {
		return "", nil, refuse("with", fmt.Sprintf("%s cannot be read: is it there, relative to this file, and readable?", arg.Text))
	}
	return arg.Text, raw, nil
}

// lookup is sorted by from. to[i] is an index into targets.
type lookup struct {
	from    []string
	to      []int32
	targets []schema.Value
	rest    fallback
}

// load reads the CSV; "" or what is wrong with it, beginning with the line.
func (m *lookup) load(raw []byte) string {
	r := csv.NewReader(bytes.NewReader(raw))
	r.FieldsPerRecord = 2
	type row struct {
		from, to string
		line     int
	}
	var rows []row
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			line := 0
			if pe, ok := errors.AsType[*csv.ParseError](err); ok {
				line = pe.Line
			}
			return fmt.Sprintf("line %d: is not two values separated by a comma", line)
		}
		line, _ := r.FieldPos(0)
		rows = append(rows, row{rec[0], rec[1], line})
	}
	if len(rows) == 0 || rows[0].from != "from" || rows[0].to != "to" {
		return "line 1: must be the header `from,to`"
	}
	rows = rows[1:]
	if len(rows) == 0 {
		return "line 2: has no entry, so nothing could match"
	}
	slices.SortStableFunc(rows, func(a, b row) int { return strings.Compare(a.from, b.from) })
	numbers := make(map[string]int32)
	for i, e := range rows {
		if e.from == "" || e.to == "" {
			return fmt.Sprintf("line %d: has an empty value", e.line)
		}
		if i > 0 && rows[i-1].from == e.from {
			return fmt.Sprintf("line %d: maps %q a second time, after line %d", e.line, e.from, rows[i-1].line)
		}
		n, known := numbers[e.to]
		if !known {
			n = int32(len(m.targets))
			numbers[e.to] = n
			m.targets = append(m.targets, schema.StringValue([]byte(e.to)))
		}
		m.from, m.to = append(m.from, e.from), append(m.to, n)
	}
	return ""
}

func (m *lookup) Apply(dst *schema.Value, in []schema.Value, _ *Event) Outcome {
	v := &in[0]
	if v.Kind == schema.Absent {
		return m.rest.onMissing(dst)
	}
	if v.Kind != schema.String {
		return Refused
	}
	if i, ok := find(m.from, v.Raw); ok {
		*dst = m.targets[m.to[i]]
		return Filled
	}
	return m.rest.onOutside(dst)
}

// find looks a key up in a sorted list without making a string of it.
func find(list []string, key []byte) (int, bool) {
	lo, hi := 0, len(list)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		switch s := list[mid]; {
		case s == string(key):
			return mid, true
		case s < string(key):
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return 0, false
}
