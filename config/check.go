// check.go holds a tree against the table and reports every way in which it differs. What passes can be read without
// further questions; what does not is left out.

package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/consentry/consentry/policy"
)

// check returns v, or nil after reporting why it is not what s asks for. Missing and unknown keys of a mapping do not
// take the rest of it away.
func (l *loader) check(v *value, s *spec) *value {
	if v == nil || v.bad {
		return nil
	}
	switch s.form {
	case refused:
		return l.bad(v, s.doc)
	case notYet:
		return v
	case object:
		return l.checkObject(v, s)
	case paths:
		return l.checkPaths(v)
	case fields:
		return l.checkFields(v)
	case list:
		return l.checkList(v, s)
	case integer:
		if v.kind == isString && v.refs && v.asInt() {
			v.kind = isInt
		}
		if v.kind != isInt {
			return l.wrongType(v, "a whole number")
		}
		if v.num < s.min || v.num > s.max {
			return l.bad(v, "must be "+strconv.FormatInt(s.min, 10)+" to "+strconv.FormatInt(s.max, 10))
		}
		return v
	case boolean:
		if v.kind == isString && v.refs {
			v.retype()
		}
		if v.kind != isBool {
			return l.wrongType(v, "true or false")
		}
		return v
	case secret:
		if v.kind == isNull {
			return l.wrongType(v, "a reference")
		}
		if !v.onlyRef {
			return l.bad(v, "a password is never written here: give it as ${env:NAME} or ${file:path}")
		}
		if v.text == "" {
			return l.bad(v, "the reference gives an empty password")
		}
		return v
	}
	if v.refs && (v.kind == isInt || v.kind == isBool) {
		v.kind = isString
	}
	if v.kind != isString {
		if s.form == span {
			return l.wrongType(v, "a duration such as 250ms or 7d")
		}
		if v.kind == isInt || v.kind == isFloat || v.kind == isBool {
			return l.wrongType(v, "text in quotes")
		}
		return l.wrongType(v, "text")
	}
	if v.text == "" {
		return l.bad(v, "must not be empty")
	}
	return l.checkText(v, s)
}

func (l *loader) checkObject(v *value, s *spec) *value {
	if v.kind != isMap {
		return l.wrongType(v, "a mapping")
	}
	kept, mistyped := v.entries[:0:0], map[string]bool{}
	for _, e := range v.entries {
		i := slices.IndexFunc(s.keys, func(k spec) bool { return k.key == e.key })
		if i < 0 {
			names := make([]string, 0, len(s.keys))
			for _, k := range s.keys {
				if k.form != refused {
					names = append(names, k.key)
				}
			}
			probably := policy.Nearest(e.key, names)
			mistyped[probably] = true
			l.problem(e.pos, "unknown key "+strconv.Quote(e.key)+policy.DidYouMean(probably))
			continue
		}
		if s.keys[i].form == notYet || s.keys[i].form == refused {
			e.val.pos = e.pos
		}
		if val := l.check(e.val, &s.keys[i]); val != nil {
			kept = append(kept, entry{e.key, e.pos, val})
		}
	}
	for _, k := range s.keys {
		if k.need && v.get(k.key) == nil && !mistyped[k.key] {
			l.problem(v.pos, "missing key "+strconv.Quote(k.key))
		}
	}
	v.entries, v.given = kept, v.entries
	if !slices.ContainsFunc(s.one, func(key string) bool { return mistyped[key] }) {
		l.checkOne(v, s.one)
	}
	return v
}

// checkOne reports a mapping that has none, or more than one, of the keys in one. An empty one asks nothing.
func (l *loader) checkOne(v *value, one []string) {
	if len(one) == 0 {
		return
	}
	var given []entry
	for _, e := range v.given {
		if slices.Contains(one, e.key) {
			given = append(given, e)
		}
	}
	switch {
	case len(given) == 0:
		l.problem(v.pos, "missing key "+strconv.Quote(one[0])+" (or "+strings.Join(one[1:], ", or ")+")")
	case len(given) > 1 && !slices.ContainsFunc(given, func(e entry) bool { return e.val.bad }):
		l.problem(given[1].pos, "take one of "+strings.Join(one, ", ")+": "+given[0].key+" is given already")
	}
}

// has tells that a mapping was given the key, with whatever value.
func (v *value) has(key string) bool {
	return v != nil && slices.ContainsFunc(v.given, func(e entry) bool { return e.key == key })
}

func (l *loader) checkList(v *value, s *spec) *value {
	if v.kind != isList {
		return l.wrongType(v, "a list")
	}
	if len(v.items) == 0 && s.need {
		return l.bad(v, "must not be empty")
	}
	kept := v.items[:0:0]
	for _, item := range v.items {
		if item = l.check(item, s.item); item != nil {
			kept = append(kept, item)
		}
	}
	v.items = kept
	return v
}

func (l *loader) checkPaths(v *value) *value {
	if v.kind != isMap {
		return l.wrongType(v, "a mapping of names to fields")
	}
	kept := v.entries[:0:0]
	for _, e := range v.entries {
		if !l.checkName(e) {
			continue
		}
		if e.val = l.check(e.val, &spec{form: field}); e.val != nil {
			kept = append(kept, e)
		}
	}
	v.entries = kept
	return v
}

// checkFields checks names and shapes; which keys a filter takes is package policy's business.
func (l *loader) checkFields(v *value) *value {
	if v.kind != isMap {
		return l.wrongType(v, "a mapping of names to filters")
	}
	kept := v.entries[:0:0]
	for _, e := range v.entries {
		if !l.checkName(e) || e.val.bad {
			continue
		}
		if e.val.kind != isMap {
			l.wrongType(e.val, "a filter, such as {keep: device.os, oneof: [android, ios]}")
			continue
		}
		good := true
		for _, param := range e.val.entries {
			if !l.flat(param.val, true) {
				good = false
			}
		}
		if good {
			kept = append(kept, e)
		}
	}
	if len(v.entries) == 0 {
		return l.bad(v, "must not be empty")
	}
	v.entries = kept
	return v
}

func (l *loader) flat(v *value, listOK bool) bool {
	switch {
	case v.bad:
		return false
	case v.kind == isMap, v.kind == isList && !listOK:
		l.wrongType(v, "a plain value")
		return false
	}
	for _, item := range v.items {
		if !l.flat(item, false) {
			return false
		}
	}
	return true
}

func (l *loader) checkName(e entry) bool {
	if nameForm.MatchString(e.key) {
		return true
	}
	l.problem(e.pos, strconv.Quote(e.key)+" is not a name: 1 to 32 of a-z, 0-9, _ and -, beginning with a letter or digit")
	return false
}

func (l *loader) bad(v *value, msg string) *value {
	l.problem(v.pos, msg)
	v.bad = true
	return nil
}

func (l *loader) wrongType(v *value, want string) *value {
	if v.refs {
		return l.bad(v, "must be "+want+"; the reference gives something else")
	}
	return l.bad(v, "must be "+want+", not "+kindNames[v.kind])
}

// quoted names a value in a message, unless it came by reference.
func quoted(v *value) string {
	if v.refs {
		return "what the reference gives "
	}
	if holdsSecret(v.text) {
		return "the value "
	}
	return strconv.Quote(v.text) + " "
}

func meant(v *value, words []string) string {
	if v.refs || len(words) == 1 {
		return ""
	}
	return policy.DidYouMean(policy.Nearest(v.text, words))
}
