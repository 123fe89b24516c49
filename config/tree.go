// tree.go turns YAML text into a small tree of values with positions. It is the only file that knows the YAML
// library. What would make a file mean other than it reads (anchors, merge keys, tags, several documents, numbers in
// odd bases) is refused.

package config

import (
	"errors"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/consentry/consentry/policy"
)

type kind uint8

const (
	isNull kind = iota
	isString
	isInt
	isFloat
	isBool
	isList
	isMap
)

var kindNames = [...]string{"nothing", "text", "a whole number", "a number", "true or false", "a list", "a mapping"}

// value is one YAML value with its references resolved.
type value struct {
	kind    kind
	text    string // of a scalar
	pos     policy.Pos
	end     int  // last line
	refs    bool // holds a reference
	onlyRef bool // is nothing but references
	num     int64
	float   float64
	bool    bool
	items   []*value
	entries []entry // after the check: those that passed
	given   []entry // all of a mapping, set by the check
	bad     bool    // already reported: say nothing more about it

	inlinePassword bool     // a URL with a password that is not a reference
	url            *url.URL // set by the check of a URL
}

type entry struct {
	key string
	pos policy.Pos
	val *value
}

func (v *value) get(key string) *value {
	for _, e := range v.entries {
		if e.key == key {
			return e.val
		}
	}
	return nil
}

const maxDepth = 32

// parse gives the tree of one file, or nil after reporting why there is none.
func (l *loader) parse(path string, text []byte) (root *value) {
	t := l.files.add(path, text)
	broken := func(line, column int, msg string) {
		t.all = t.mentionsSecret()
		if strings.ContainsAny(msg, "\"'") && t.all {
			msg = "the text breaks off or a sign is out of place"
		}
		if line <= len(t.lines) && strings.Contains(t.lines[line-1], "${") {
			msg += " (inside { } and [ ] a value with ${...} stands in quotes)"
		}
		l.problem(policy.Pos{File: path, Line: line, Column: column}, "not valid YAML: "+msg)
	}
	// The parser is a dependency that reads what people type: should it panic on some text, that text is refused.
	defer func() {
		if recover() != nil {
			root = nil
			broken(1, 1, "the text cannot be parsed")
		}
	}()
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var se *yaml.SyntaxError
		if errors.As(err, &se) && se.Token != nil && se.Token.Position != nil {
			broken(max(se.Token.Position.Line, 1), max(se.Token.Position.Column, 1), se.Message)
		} else {
			broken(1, 1, "the text cannot be parsed")
		}
		return nil
	}
	c := converter{l: l, file: path, text: t}
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		v := c.convert(doc.Body, 0)
		if root != nil {
			l.problem(v.pos, "a second document: each file holds one")
			continue
		}
		root = v
	}
	if root == nil {
		l.problem(policy.Pos{File: path, Line: 1, Column: 1}, "the file is empty")
	}
	return root
}

type converter struct {
	l    *loader
	file string
	text *fileText
}

func (c *converter) at(t *token.Token) policy.Pos {
	if t == nil || t.Position == nil {
		return policy.Pos{File: c.file, Line: 1, Column: 1}
	}
	p := policy.Pos{File: c.file, Line: max(t.Position.Line, 1), Column: max(t.Position.Column, 1)}
	if p.Line > len(c.text.lines) || !strings.Contains(c.text.lines[p.Line-1], "\t") {
		return p
	}
	// The library counts no column for a tab between words: the word stands at or to the right of where it says.
	sign := strings.TrimSpace(t.Origin)
	if before, _, more := strings.Cut(sign, "\n"); more {
		sign = before
	}
	line := []rune(c.text.lines[p.Line-1])
	for i := p.Column - 1; sign != "" && i < len(line); i++ {
		if strings.HasPrefix(string(line[i:]), sign) {
			p.Column = i + 1
			break
		}
	}
	return p
}

func (c *converter) refuse(v *value, msg string) *value {
	c.l.problem(v.pos, msg)
	v.bad = true
	return v
}

func (c *converter) convert(n ast.Node, depth int) *value {
	if n == nil {
		return &value{pos: policy.Pos{File: c.file, Line: 1, Column: 1}, end: 1}
	}
	tok := n.GetToken()
	v := &value{pos: c.at(tok)}
	v.end = v.pos.Line
	if tok != nil {
		v.end += strings.Count(tok.Origin, "\n")
	}
	if depth > maxDepth {
		return c.refuse(v, "nested too deeply")
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return c.mapping(v, n.Values, n.IsFlowStyle, depth)
	case *ast.MappingValueNode:
		return c.mapping(v, []*ast.MappingValueNode{n}, false, depth)
	case *ast.SequenceNode:
		v.kind = isList
		for _, item := range n.Values {
			iv := c.joined(item)
			if iv == nil {
				iv = c.convert(item, depth+1)
			}
			v.items = append(v.items, iv)
			v.end = max(v.end, iv.end)
		}
		return v
	case *ast.NullNode:
		return v
	case *ast.BoolNode:
		v.kind, v.bool, v.text = isBool, n.Value, tok.Value
		return v
	case *ast.IntegerNode:
		v.kind, v.text = isInt, tok.Value
		if !v.asInt() {
			return c.refuse(v, "write the number in plain decimal digits, or in quotes if it is text")
		}
		return v
	case *ast.FloatNode:
		v.kind, v.text, v.float = isFloat, tok.Value, n.Value
		if math.IsInf(n.Value, 0) || math.IsNaN(n.Value) {
			return c.refuse(v, "the number is too large")
		}
		return v
	case *ast.StringNode:
		v.kind, v.text = isString, n.Value
		plain := n.Token.Type == token.StringType
		c.resolve(v, plain)
		return v
	case *ast.LiteralNode:
		v.kind = isString
		if n.Value != nil {
			v.text = n.Value.Value
			v.end += strings.Count(n.Value.Value, "\n") + 1
		}
		c.resolve(v, false)
		return v
	case *ast.InfinityNode, *ast.NanNode:
		return c.refuse(v, "infinity and not-a-number have no meaning here")
	default: // anchors, aliases, tags, merge keys, explicit keys, directives
		return c.refuse(v, "anchors, aliases, merge keys and tags are not used here: write the value out")
	}
}

// joined undoes what the library does to host:9092 inside a flow sequence inside a flow mapping: it splits it into a
// key and a value although no blank follows the colon. nil when item is anything else.
func (c *converter) joined(item ast.Node) *value {
	pair, ok := item.(*ast.MappingValueNode)
	if m, isMap := item.(*ast.MappingNode); isMap && len(m.Values) == 1 && m.Start.Type != token.MappingStartType {
		pair, ok = m.Values[0], true
	}
	if !ok || !c.adjacent(pair) {
		return nil
	}
	left, right := pair.Key.GetToken(), pair.Value.GetToken()
	if _, scalar := pair.Value.(ast.ScalarNode); !scalar || right.Type == token.DoubleQuoteType || right.Type == token.SingleQuoteType {
		return nil
	}
	v := &value{kind: isString, text: left.Value + ":" + right.Value, pos: c.at(left), end: c.at(right).Line}
	c.resolve(v, true)
	return v
}

// adjacent tells that a value follows the colon after a bare key without a blank. To every other YAML reader that is
// one word with a colon in it.
func (c *converter) adjacent(n *ast.MappingValueNode) bool {
	key := n.Key.GetToken()
	if key == nil || n.Value == nil || n.Start == nil || key.Type == token.DoubleQuoteType || key.Type == token.SingleQuoteType {
		return false
	}
	tok := n.Value.GetToken()
	if tok == nil || tok == n.Start {
		return false
	}
	colon, val := c.at(n.Start), c.at(tok)
	return val.Line == colon.Line && val.Column == colon.Column+1
}

func (c *converter) mapping(v *value, nodes []*ast.MappingValueNode, flow bool, depth int) *value {
	v.kind = isMap
	if !flow && len(nodes) > 0 && nodes[0].Key != nil {
		v.pos = c.at(nodes[0].Key.GetToken())
	}
	seen := map[string]policy.Pos{}
	for _, n := range nodes {
		pos := c.at(n.Key.GetToken())
		var key string
		switch k := n.Key.(type) {
		case *ast.StringNode:
			key = k.Value
		case ast.ScalarNode:
			if _, null := n.Key.(*ast.NullNode); null || n.Key.IsMergeKey() {
				c.l.problem(pos, "anchors, aliases, merge keys and tags are not used here: write the value out")
				v.bad = true
				continue
			}
			key = k.GetToken().Value
		default:
			c.l.problem(pos, "a key is a plain word")
			v.bad = true
			continue
		}
		if c.adjacent(n) {
			c.l.problem(pos, "write a blank after the colon")
			v.bad = true
			continue
		}
		val := c.convert(n.Value, depth+1)
		if _, absent := n.Value.(*ast.NullNode); absent || n.Value == nil {
			val.pos, val.end = pos, pos.Line
		}
		v.end = max(v.end, val.end)
		if secretKey(key) && !val.onlyRef {
			for line := pos.Line; line <= val.end; line++ {
				c.text.hidden[line] = true
			}
		}
		if first, twice := seen[key]; twice {
			c.l.problemf(pos, "key %q is already given in line %d", key, first.Line)
			continue
		}
		seen[key] = pos
		v.entries = append(v.entries, entry{key, pos, val})
	}
	return v
}

var plainInt = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

// asInt reads the text as a whole number in plain decimal digits.
func (v *value) asInt() bool {
	if !plainInt.MatchString(v.text) {
		return false
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	if err != nil {
		return false
	}
	v.num = n
	return true
}

// retype lets a reference without quotes mean what its text would have meant in its place.
func (v *value) retype() {
	switch {
	case v.text == "true" || v.text == "false":
		v.kind, v.bool = isBool, v.text == "true"
	case v.asInt():
		v.kind = isInt
	}
}
