package detect

// The categories of sensitive places, and which of them a map's own word for a place means.

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"
)

// houseCategories are always withheld: docs/places.md says what each holds.
var houseCategories = []string{
	"addiction", "adult", "correctional", "diplomatic", "education", "ethnic", "funeral", "justice", "medical", "military",
	"political", "refugee", "religious", "sexuality", "shelter", "union",
}

// optionalCategories are in a list for streams that ask for them by also_near.
var optionalCategories = []string{
	"airport", "bar", "casino", "debt", "government", "hotel", "nightclub", "stadium", "tobacco", "weapons",
}

// optionalPrefix begins the name of every other category that is not always withheld.
const optionalPrefix = "also_"

// AlwaysWithheld tells whether no policy is needed to withhold near a category's places. A name that the house does not
// know is: a slip of the pen withholds more, never less.
func AlwaysWithheld(category string) bool {
	return !slices.Contains(optionalCategories, category) && !strings.HasPrefix(category, optionalPrefix)
}

func validCategory(name string) bool {
	if name == "" || len(name) > 32 || name == unreadablePlace {
		return false
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

//go:embed data/places_categories.csv
var shippedCategories string

// categoryMap says what a map's words mean, as masks over names.
type categoryMap struct {
	names []string
	masks map[string]uint64 // by key=value, key=* or a name in plain form
	keys  map[string]bool   // of tags, so that most are passed over
}

// newCategoryMap reads the shipped map and an operator's, which only adds; nil adds nothing. file is for errors.
func newCategoryMap(file string, operator io.Reader) (*categoryMap, error) {
	m := &categoryMap{masks: map[string]uint64{}, keys: map[string]bool{}}
	if err := m.read("shipped categories", strings.NewReader(shippedCategories)); err != nil {
		return nil, err
	}
	if operator == nil {
		return m, nil
	}
	return m, m.read(file, operator)
}

func (m *categoryMap) read(file string, r io.Reader) error {
	lines, header := bufio.NewScanner(r), false
	n := 0
	refuse := func(why string) error { return fmt.Errorf("%s:%d: %s", file, n, why) }
	for lines.Scan() {
		n++
		line := strings.TrimRight(strings.TrimPrefix(lines.Text(), "\ufeff"), "\r")
		if line == "" || line[0] == '#' {
			continue
		}
		from, to, ok := strings.Cut(line, ",")
		from, to = strings.TrimSpace(from), strings.TrimSpace(to)
		if !header {
			if from != "from" || to != "to" {
				return refuse("the first line must be from,to")
			}
			header = true
			continue
		}
		key, value, tag := strings.Cut(from, "=")
		if !tag {
			from = plainName(from)
		}
		if !ok || from == "" || tag && (key == "" || value == "") {
			return refuse("a line is a tag (key=value, key=*) or a name, a comma, and a category")
		}
		if !validCategory(to) {
			return refuse("a category is 1 to 32 of a-z, 0-9 and _")
		}
		bit := slices.Index(m.names, to)
		if bit < 0 {
			if len(m.names) == maxCategories {
				return refuse("there is room for 64 categories")
			}
			bit = len(m.names)
			m.names = append(m.names, to)
		}
		m.masks[from] |= 1 << bit
		if tag {
			m.keys[key] = true
		}
	}
	if lines.Err() != nil || !header {
		n++
		return refuse("the file cannot be read, or has no line from,to")
	}
	return nil
}

// tag gives the categories of an OpenStreetMap tag.
func (m *categoryMap) tag(key, value string) uint64 {
	if !m.keys[key] || value == "no" || value == "" {
		return 0
	}
	mask := m.masks[key+"=*"]
	for v := range strings.SplitSeq(value, ";") { // several values of one tag
		mask |= m.masks[key+"="+strings.TrimSpace(v)]
	}
	return mask
}

// name gives the categories of a name such as gay_bar, "Gay Bar", or "Nightlife Spot > Bar > Gay Bar".
func (m *categoryMap) name(s string) (mask uint64) {
	for part := range strings.SplitSeq(s, ">") {
		mask |= m.masks[plainName(part)]
	}
	return mask
}

// plainName is a name in lower case with _ between words.
func plainName(s string) string {
	b := make([]byte, 0, len(s))
	for _, c := range []byte(strings.ToLower(s)) {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			b = append(b, c)
		} else if len(b) > 0 && b[len(b)-1] != '_' {
			b = append(b, '_')
		}
	}
	return strings.TrimRight(string(b), "_")
}
