package schema

// This file reads a schema text into a tree that keeps the order of keys, so that listings come in the author's order
// and a duplicate key is noticed. It is never used on events.

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
)

// tree is one JSON value of a schema text: exactly one of the fields counts, told by kind.
type tree struct {
	kind    byte // '{' '[' 's' 'n' 'b' '0' (null)
	members []member
	items   []*tree
	text    string // string, or the digits of a number
	truth   bool
}

type member struct {
	key   string
	value *tree
}

// get returns a member of an object, nil when it is missing or t is no object.
func (t *tree) get(key string) *tree {
	if t == nil {
		return nil
	}
	for i := range t.members {
		if t.members[i].key == key {
			return t.members[i].value
		}
	}
	return nil
}

// str returns the text of a string, "" for anything else.
func (t *tree) str() string {
	if t == nil || t.kind != 's' {
		return ""
	}
	return t.text
}

func parseTree(text []byte) (*tree, error) {
	if len(text) > maxSchemaText {
		return nil, &Invalid{"", "the text is longer than 1 MiB"}
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	t, err := parseValue(dec, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, &Invalid{"", "there is something after the JSON value"}
	}
	return t, nil
}

func parseValue(dec *json.Decoder, depth int) (*tree, error) {
	if depth > maxSchemaDepth {
		return nil, &Invalid{"", "the text is nested too deeply"}
	}
	tok, err := dec.Token()
	if err != nil {
		return nil, &Invalid{"", "the text is not JSON"}
	}
	switch v := tok.(type) {
	case string:
		return &tree{kind: 's', text: v}, nil
	case json.Number:
		return &tree{kind: 'n', text: v.String()}, nil
	case bool:
		return &tree{kind: 'b', truth: v}, nil
	case json.Delim:
		t := &tree{kind: byte(v)}
		for dec.More() {
			key := ""
			if v == '{' {
				k, err := dec.Token()
				if err != nil {
					return nil, &Invalid{"", "the text is not JSON"}
				}
				key, _ = k.(string)
				if t.get(key) != nil {
					return nil, &Invalid{"", "the key " + key + " stands twice in one object"}
				}
			}
			child, err := parseValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			if v == '{' {
				t.members = append(t.members, member{key, child})
			} else {
				t.items = append(t.items, child)
			}
		}
		if _, err := dec.Token(); err != nil {
			return nil, &Invalid{"", "the text is not JSON"}
		}
		return t, nil
	}
	return &tree{kind: '0'}, nil
}

// SameText tells whether two schema texts hold the same JSON: white space and the order of keys do not count, names,
// docs and the order of fields do.
func SameText(a, b string) bool {
	var x, y any
	if !decodeNumbers(a, &x) || !decodeNumbers(b, &y) {
		return false
	}
	return reflect.DeepEqual(x, y)
}

func decodeNumbers(text string, v *any) bool {
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	if dec.Decode(v) != nil {
		return false
	}
	_, err := dec.Token()
	return err == io.EOF
}
