// refs.go resolves ${env:NAME} and ${file:path}, which may stand anywhere in a value.

package config

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxReference bounds a referenced file: a secret is short, and a device or a log is not one.
const maxReference = 64 << 10

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// resolve replaces the references in v.text. Of a file one trailing newline is cut. plain tells that the value stood
// without quotes: then the resolved text is typed as if it had been written there.
func (c *converter) resolve(v *value, plain bool) {
	v.inlinePassword = passwordInURL(v.text)
	if !strings.Contains(v.text, "${") {
		return
	}
	v.refs, v.onlyRef = true, onlyRefs.MatchString(v.text)
	rest := v.text
	var out strings.Builder
	for {
		before, after, found := strings.Cut(rest, "${")
		out.WriteString(before)
		if !found {
			break
		}
		inner, tail, closed := strings.Cut(after, "}")
		if !closed {
			c.refuse(v, "a reference is not closed: write ${env:NAME} or ${file:path}")
			return
		}
		text, ok := c.reference(v, inner)
		if !ok {
			return
		}
		c.l.files.resolved = append(c.l.files.resolved, resolved{v.pos, text})
		out.WriteString(text)
		rest = tail
	}
	v.text = out.String()
	if plain {
		v.retype()
	}
}

func (c *converter) reference(v *value, inner string) (string, bool) {
	scheme, arg, _ := strings.Cut(inner, ":")
	var text string
	switch {
	case scheme == "env" && envName.MatchString(arg):
		got, ok := c.l.world.LookupEnv(arg)
		if !ok {
			c.refuse(v, "environment variable "+arg+" is not set")
			return "", false
		}
		text = got
	case scheme == "file" && arg != "" && arg == strings.TrimSpace(arg):
		path := beside(c.file, arg)
		got, err := c.l.world.ReadFile(path)
		if err != nil {
			c.refuse(v, "file "+path+" of a reference: "+ReadCause(err))
			return "", false
		}
		if len(got) > maxReference {
			c.refuse(v, "file "+path+" of a reference is larger than 64 KiB")
			return "", false
		}
		var ended bool
		if text, ended = strings.CutSuffix(string(got), "\n"); ended {
			text = strings.TrimSuffix(text, "\r")
		}
	default:
		c.refuse(v, "a reference is written ${env:NAME} or ${file:path}")
		return "", false
	}
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		c.refuse(v, "the reference gives bytes that are not text")
		return "", false
	}
	return text, true
}
