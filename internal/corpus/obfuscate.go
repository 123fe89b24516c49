package corpus

// Ways to hide an identifier from a machine and not from a reader.

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"unicode"
)

// Obfuscations are the ways, in the order of the published table. The first changes nothing.
var Obfuscations = []struct {
	Name string
	// hide gives the hidden text; the same text where the way does not apply.
	hide func(c Case) string
}{
	{"as it is", func(c Case) string { return c.Text }},
	{"fullwidth", each(func(r rune) string {
		if r > ' ' && r < 0x7f {
			return string(r + 0xfee0)
		}
		return string(r)
	})},
	{"mathematical letters", each(func(r rune) string {
		switch {
		case r >= 'a' && r <= 'z':
			return string(0x1d41a + r - 'a')
		case r >= 'A' && r <= 'Z':
			return string(0x1d400 + r - 'A')
		case r >= '0' && r <= '9':
			return string(0x1d7ce + r - '0')
		}
		return string(r)
	})},
	{"Arabic digits", digitsOf(0x660)},
	{"Devanagari digits", digitsOf(0x966)},
	{"homoglyphs", each(homoglyph)},
	{"zero-width", between("\u200b")},
	{"soft hyphens", between("\u00ad")},
	{"joiners", between("\u2060")},
	{"grouped by space", grouped(" ")},
	{"grouped by dash", grouped("-")},
	{"grouped by dot", grouped(".")},
	{"grouped by slash", grouped("/")},
	{"URL-encoded", func(c Case) string { return url.QueryEscape(c.Text) }},
	{"URL-encoded twice", func(c Case) string { return url.QueryEscape(url.QueryEscape(c.Text)) }},
	{"all percent", func(c Case) string { return percent(c.Text) }},
	{"all percent, twice", func(c Case) string { return strings.ReplaceAll(percent(c.Text), "%", "%25") }},
	{"base64", func(c Case) string { return base64.StdEncoding.EncodeToString([]byte(c.Text)) }},
	{"base64 for URLs", func(c Case) string { return base64.RawURLEncoding.EncodeToString([]byte(c.Text)) }},
	{`\uXXXX`, each(func(r rune) string {
		if r > 0xffff {
			return string(r)
		}
		return fmt.Sprintf(`\u%04x`, r)
	})},
}

// Obfuscate hides a case in every way that applies to it, the first of which changes nothing.
func Obfuscate(c Case) []Case {
	var out []Case
	for _, o := range Obfuscations {
		// What is escaped already is no plainer text; bytes that are no text are not what base64 hides.
		if strings.Contains(o.Name, "URL") && strings.Contains(c.Text, "%") || strings.Contains(o.Name, "percent") && strings.Contains(c.Text, "%") ||
			strings.HasPrefix(o.Name, "base64") && strings.ContainsFunc(c.Text, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }) {
			continue
		}
		h := c
		h.Text, h.Obfuscation = o.hide(c), o.Name
		if h.Text != c.Text || len(out) == 0 {
			out = append(out, h)
		}
	}
	return out
}

func each(of func(rune) string) func(Case) string {
	return func(c Case) string {
		var b strings.Builder
		for _, r := range c.Text {
			b.WriteString(of(r))
		}
		return b.String()
	}
}

func digitsOf(zero rune) func(Case) string {
	return each(func(r rune) string {
		if r >= '0' && r <= '9' {
			return string(zero + r - '0')
		}
		return string(r)
	})
}

// homoglyph gives a letter of another alphabet that looks the same in most fonts (Cyrillic and Greek).
func homoglyph(r rune) string {
	const latin = "aceopxysijABCEHIKMOPTX"
	const others = "асеорхуѕіјАВСЕНІКМОРТХ"
	if i := strings.IndexRune(latin, r); i >= 0 {
		return string([]rune(others)[i])
	}
	return string(r)
}

func between(sign string) func(Case) string {
	return func(c Case) string { return strings.Join(strings.Split(c.Text, ""), sign) }
}

// grouped writes the digits of an identifier that is nothing but digits in groups of three and four.
func grouped(sep string) func(Case) string {
	return func(c Case) string {
		if !c.bare {
			return c.Text
		}
		plain, sign := "", ""
		for i, r := range c.Text {
			switch {
			case unicode.IsDigit(r):
				plain += string(r)
			case i == 0 && r == '+':
				sign = "+"
			}
		}
		switch {
		case c.Class == "national_id" && len(plain) == 9:
			return group(plain, sep, 3, 2, 4)
		case len(plain) > 12:
			return sign + group(plain, sep, 4, 4, 4)
		case len(plain) > 6:
			return sign + group(plain, sep, 3, 3)
		}
		return c.Text
	}
}

func percent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02X", s[i])
	}
	return b.String()
}
