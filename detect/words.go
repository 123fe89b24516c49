package detect

// Word lists that are looked up without allocation: the names, the top-level domains, the words of street addresses.

import (
	_ "embed" // the lists
	"strings"
	"sync"
)

//go:embed data/tlds.txt
var tldText string

//go:embed data/names/given.txt
var givenText string

//go:embed data/names/family.txt
var familyText string

//go:embed data/names/ordinary.txt
var ordinaryText string

// wordSet is a read-only set of words with the place of each in its list.
type wordSet struct {
	text  string   // the words, each ended by a line feed
	slots []uint32 // an open hash table: 1 + where a word begins in text, 0 is free
	ranks []uint32 // beside slots: 0 for the first word of the list
}

// newWordSet reads a list of one word a line; lines that begin with # are remarks, and of a word twice the first counts.
func newWordSet(list string) *wordSet {
	var text strings.Builder
	var starts []uint32
	for line := range strings.Lines(list) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		starts = append(starts, uint32(text.Len()))
		text.WriteString(line)
		text.WriteByte('\n')
	}
	size := 1
	for size < 2*len(starts) {
		size *= 2
	}
	w := &wordSet{text: text.String(), slots: make([]uint32, size), ranks: make([]uint32, size)}
	for rank, at := range starts {
		word := w.text[at:]
		word = word[:strings.IndexByte(word, '\n')]
		if i, known := w.slot([]byte(word)); !known {
			w.slots[i], w.ranks[i] = at+1, uint32(rank)
		}
	}
	return w
}

// slot finds where word is, or where it would be.
func (w *wordSet) slot(word []byte) (slot int, known bool) {
	h := uint32(2166136261) // FNV-1a
	for _, c := range word {
		h = (h ^ uint32(c)) * 16777619
	}
	mask := uint32(len(w.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		at := w.slots[i]
		if at == 0 {
			return int(i), false
		}
		rest := w.text[at-1:]
		if len(rest) > len(word) && rest[len(word)] == '\n' && rest[:len(word)] == string(word) {
			return int(i), true
		}
	}
}

// has says whether word, in lower case, is in the list.
func (w *wordSet) has(word []byte) bool {
	_, known := w.slot(word)
	return known
}

// rank is the place of word in the list, from 0; -1 if it is not in it.
func (w *wordSet) rank(word []byte) int {
	i, known := w.slot(word)
	if !known {
		return -1
	}
	return int(w.ranks[i])
}

// wordLists are the lists that the searches share.
type wordLists struct {
	tlds, given, family, ordinary *wordSet
	kinds, prefixKinds, states    *wordSet
	functionWords                 *wordSet
}

// words are made once, when the first scanner needs them.
var words = sync.OnceValue(func() *wordLists {
	return &wordLists{
		tlds:          newWordSet(string(normalized(nil, []byte(tldText)))),
		given:         newWordSet(givenText),
		family:        newWordSet(familyText),
		ordinary:      newWordSet(ordinaryText),
		kinds:         newWordSet(lines(streetKinds)),
		prefixKinds:   newWordSet(lines(streetKindsBefore)),
		states:        newWordSet(lines(stateCodes)),
		functionWords: newWordSet(lines(functionWords)),
	}
})

// lines makes a list of words that are separated by white space.
func lines(list string) string { return strings.Join(strings.Fields(list), "\n") }

// functionWords are what holds a sentence together. None of them is a name or the name of a street.
const functionWords = `
a an and are as at be but by can did do does for from had has have he her him his how i if in into is it its me my
no not of off on or our out she so than that their them then there these they this those to too up us was we were what
when where which who whom whose why will with would you your
about after all also any because been before being between both can could each few more most much must only other over
same should some such under until very while one two three four five six seven eight nine ten best new top free near vs`

// isWordByte says whether c may stand inside a word of fold. Bytes above ASCII are letters of other scripts.
func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c >= 0x80 || c == '\''
}

// nextWord finds the first word at or after from; start is len(text) when there is none.
func nextWord(text []byte, from int) (start, end int) {
	for from < len(text) && !isWordByte(text[from]) {
		from++
	}
	end = from
	for end < len(text) && isWordByte(text[end]) {
		end++
	}
	return from, end
}
