package corpus

// Ways to hide an identifier from a machine and not from a reader.

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// Obfuscations are the ways, in the order of the published table, whose columns are their groups. The first changes nothing.
var Obfuscations = []struct {
	Group, Name string
	// hide gives the hidden text; the same text where the way does not apply.
	hide func(c Case) string
}{
	{"as it is", "as it is", func(c Case) string { return c.Text }},
	{"Unicode forms", "fullwidth", each(func(r rune) string {
		if r > ' ' && r < 0x7f {
			return string(r + 0xfee0)
		}
		return string(r)
	})},
	{"Unicode forms", "mathematical letters", each(func(r rune) string {
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
	{"Unicode forms", "Arabic digits", digitsOf(0x660)},
	{"Unicode forms", "Devanagari digits", digitsOf(0x966)},
	{"homoglyphs", "homoglyphs", each(homoglyph)},
	{"homoglyphs", "letters for digits", func(c Case) string {
		if !c.bare {
			return c.Text
		}
		return lettered(c.Text, "O", "l", "3")
	}},
	{"homoglyphs", "Cyrillic for digits", func(c Case) string {
		if !c.bare {
			return c.Text
		}
		return lettered(c.Text, "О", "1", "З")
	}},
	{"invisible", "zero-width", between("\u200b")},
	{"invisible", "soft hyphens", between("\u00ad")},
	{"invisible", "joiners", between("\u2060")},
	{"grouped", "grouped by space", grouped(" ")},
	{"grouped", "grouped by dash", grouped("-")},
	{"grouped", "grouped by dot", grouped(".")},
	{"grouped", "grouped by slash", grouped("/")},
	{"URL", "URL-encoded", func(c Case) string { return url.QueryEscape(c.Text) }},
	{"URL twice", "URL-encoded twice", func(c Case) string { return url.QueryEscape(url.QueryEscape(c.Text)) }},
	{"URL", "all percent", func(c Case) string { return percent(c.Text) }},
	{"URL twice", "all percent, twice", func(c Case) string { return strings.ReplaceAll(percent(c.Text), "%", "%25") }},
	{"base64", "base64", func(c Case) string { return base64.StdEncoding.EncodeToString([]byte(c.Text)) }},
	{"base64", "base64 for URLs", func(c Case) string { return base64.RawURLEncoding.EncodeToString([]byte(c.Text)) }},
	{`\uXXXX`, `\uXXXX`, each(func(r rune) string {
		if r > 0xffff {
			return string(r)
		}
		return fmt.Sprintf(`\u%04x`, r)
	})},
	{"in other text", "capitals", inCase(strings.ToUpper)},
	{"in other text", "small letters", inCase(strings.ToLower)},
	{"in other text", "in a sentence", inside(func(text string) string { return "please look at " + text + " , thank you" })},
	{"in other text", "in quotes", inside(func(text string) string { return `he wrote: "` + text + `".` })},
	{"in other text", "in JSON", inside(func(text string) string { return `{"q":` + strconv.Quote(text) + `,"n":7}` })},
	{"in other text", "in a parameter", inside(func(text string) string {
		return "https://example.com/find?lang=en&q=" + url.QueryEscape(text) + "&page=2"
	})},
	{"in other text", "base64 in a parameter", inside(func(text string) string {
		return "https://example.com/r?d=" + base64.RawURLEncoding.EncodeToString([]byte(text)) + "&v=1"
	})},
}

// Obfuscate hides a case in every way that applies to it, the first of which changes nothing.
func Obfuscate(c Case) []Case {
	var out []Case
	for _, o := range Obfuscations {
		// What is escaped already is no plainer text; bytes that are no text are not what base64 hides.
		if strings.Contains(o.Name, "a parameter") && strings.Contains(c.Text, "%") || strings.Contains(o.Name, "URL") && strings.Contains(c.Text, "%") || strings.Contains(o.Name, "percent") && strings.Contains(c.Text, "%") ||
			strings.Contains(o.Name, "base64") && strings.ContainsFunc(c.Text, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }) {
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

// lettered writes letters for 0, 1 and 3, but in groups of which nothing else would be left: no reader takes those for
// numbers either.
func lettered(s, zero, one, three string) string {
	letters := strings.NewReplacer("0", zero, "1", one, "3", three)
	var b strings.Builder
	for s != "" {
		n := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
		if n < 0 {
			n = len(s)
		}
		group := s[:n]
		if written := letters.Replace(group); strings.ContainsAny(written, digits) {
			group = written
		}
		b.WriteString(group)
		if n < len(s) {
			b.WriteByte(s[n])
			n++
		}
		s = s[n:]
	}
	return b.String()
}

// inCase changes case where it means nothing.
func inCase(to func(string) string) func(Case) string {
	return func(c Case) string {
		if c.Class == "token" {
			return c.Text
		}
		return to(c.Text)
	}
}

// inside puts a text into another one. A line that is a name is one only as a whole.
func inside(other func(string) string) func(Case) string {
	return func(c Case) string {
		if c.Class == "name_line" {
			return c.Text
		}
		return other(c.Text)
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

// regrouped writes an account number in fours and a hardware address in pairs, where the text is nothing else.
func regrouped(c Case, sep string) string {
	plain := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" :-.", r) {
			return -1
		}
		return r
	}, c.Text)
	isAccount := c.Class == "iban" && len(plain) >= 15 && len(plain) <= 34 && strings.Trim(plain, digits+upper+lower) == ""
	isHardware := c.Class == "mac" && (len(plain) == 12 || len(plain) == 16) && strings.Trim(plain, hexes+"ABCDEF") == ""
	switch {
	case isAccount:
		return group(plain, sep, 4, 4, 4)
	case isHardware && len(plain) == 12:
		return group(plain, sep, 2, 2, 2, 2, 2)
	case isHardware:
		return group(plain, sep, 2, 2, 2, 2, 2, 2, 2)
	}
	return c.Text
}

// grouped writes the digits of an identifier that is nothing but digits in groups of three and four.
func grouped(sep string) func(Case) string {
	return func(c Case) string {
		if c.Class == "iban" || c.Class == "mac" {
			return regrouped(c, sep)
		}
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
