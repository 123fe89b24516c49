package filters

// text passes a search on word by word: in common words only, none of them sensitive, and nothing in it that looks like
// an identifier or a name. It is safe only for what many people searched, so policy refuses it without a crowd.

import (
	_ "embed"
	"fmt"
	"math"
	"strings"
	"sync"

	"github.com/consentry/consentry/detect"
	"github.com/consentry/consentry/schema"
)

// maxTextWords bounds one search: what is longer was composed by one person.
const maxTextWords = 16

//go:embed common_words.txt
var commonWordsText string

// commonWords are sorted.
var commonWords = sync.OnceValue(func() []string {
	var words []string
	for line := range strings.SplitSeq(commonWordsText, "\n") {
		if line != "" && line[0] != '#' {
			words = append(words, line)
		}
	}
	return words
})

func buildText(a *Args) (*Built, *Refusal) {
	if in := a.Types[0]; in.Kind != schema.String || in.Symbols != nil {
		return nil, refuse("", fmt.Sprintf("%s is no free string, and text takes a search", a.Paths[0]))
	}
	if a.Reads != QueryField {
		return nil, refuse("", fmt.Sprintf("%s is not the source's `query:`: only what people type into a search is passed on as text", a.Paths[0]))
	}
	if a.Topics == nil || a.Scanner == nil {
		return nil, refuse("", "text needs the lists of topics and the scanner for identifiers")
	}
	rest, no := onlyNull(a, "text")
	if no != nil {
		return nil, no
	}
	return &Built{
		Filter: &text{topics: a.Topics, prototype: a.Scanner, words: commonWords(), rest: rest}, Kind: schema.String,
		Doc:    "a search in common English words",
		How:    fmt.Sprintf("word by word, if all are among %d common words, none is sensitive and no identifier or name is in it", len(commonWords())) + rest.how(),
		Leaves: Open, Distinct: math.Inf(1),
	}, nil
}

type text struct {
	topics    *detect.Topics
	prototype *detect.Scanner
	scanner   *detect.Scanner // the lane's own, nil before Clone
	words     []string
	rest      fallback
}

// Clone gives a lane its own scanner, which keeps working state. It needs no keys.
func (t *text) Clone(Keyring) Filter {
	c := *t
	c.scanner = t.prototype.Clone()
	return &c
}

func (t *text) Apply(dst *schema.Value, in []schema.Value, ev *Event) Outcome {
	v := &in[0]
	if v.Kind == schema.Absent {
		return t.rest.onMissing(dst)
	}
	if v.Kind != schema.String || t.scanner == nil {
		return Refused
	}
	if _, sensitive := t.topics.Text(v.Raw); sensitive {
		return Refused
	}
	from := len(ev.Scratch)
	buf, ok := detect.AppendWords(ev.Scratch, v.Raw)
	plain := buf[from:]
	if !ok || len(plain) == 0 || !t.common(plain) || t.scanner.ScanText(v.Raw) != 0 || t.scanner.ScanText(plain) != 0 {
		ev.Scratch = buf[:from]
		return Refused
	}
	ev.Scratch = buf
	*dst = schema.StringValue(plain)
	return Filled
}

// common tells whether every word is in the lexicon.
func (t *text) common(plain []byte) bool {
	words, start := 0, 0
	for i := 0; i <= len(plain); i++ {
		if i < len(plain) && plain[i] != ' ' {
			continue
		}
		if _, listed := find(t.words, plain[start:i]); !listed {
			return false
		}
		if words++; words > maxTextWords {
			return false
		}
		start = i + 1
	}
	return true
}
