package detect

// Digits of one number may stand in groups. The tokenizer joins neighbouring groups to a sequence; the searches look at
// windows of it that begin and end with a group.

// maxGroup is the longest group of digits that belongs to any number. A longer one ends a sequence.
const maxGroup = 20

// maxSequence bounds the digits of one sequence. A longer one is cut into pieces that overlap by overlap digits, so that
// every window of maxGroup digits lies in one piece.
const (
	maxSequence = 160
	overlap     = 2 * maxGroup
)

// glue says what stands beside a group without a separator.
type glue uint8

const (
	glueNone    glue = iota // nothing, or a letter that is not ASCII
	glueLetters             // a word with a letter that is no hex digit
	glueHex                 // nothing but hex digits: the group is part of a hex number
)

// group is a run of digits.
type group struct {
	at, end int    // offsets in the reading
	first   uint16 // index of its first digit in the sequence
	size    uint8
	sep     byte // the first separator behind it; 0 for none
	plus    bool // a plus stands before it, at most with a space or bracket between
}

// sequence is groups with separators between: at most three of space, tab, dash, dot, slash, plus, underscore and
// brackets.
type sequence struct {
	digit       [maxSequence]byte // values 0 to 9
	group       [maxSequence]group
	n           int // groups
	starts      int // windows begin at the groups before this one; the others belong to the next piece
	left, right glue

	// The last word that was looked at: where it ends, and whether it is hex.
	wordEnd int
	wordHex bool

	// Sums of the digits before an index, with those at odd (even) indexes doubled as Luhn does.
	odd, even [maxSequence + 1]uint16
}

// isSeparator says which bytes join groups.
var isSeparator = [256]bool{
	' ': true, '\t': true, '-': true, '.': true, '/': true, '+': true, '_': true, '(': true, ')': true, '[': true, ']': true, '{': true, '}': true,
}

var luhnDouble = [10]uint16{0, 2, 4, 6, 8, 1, 3, 5, 7, 9}

// read fills q with the sequence that begins at the digit b[i] and gives the offset at which to go on. The sequence may
// be empty.
func (q *sequence) read(b []byte, i int) (next int) {
	q.n, q.starts, q.left, q.right = 0, 0, glueNone, glueNone
	if i > 0 && isLetter(b[i-1]) {
		if q.left = q.glueAt(b, i); q.left == glueHex && !longRun(b, i) {
			// No group of this word counts, but the last may begin a sequence.
			last := q.wordEnd
			for last > i && isDigit(b[last-1]) {
				last--
			}
			if last > i {
				return last
			}
		}
	}
	digits := 0
	for {
		end := i
		for end < len(b) && isDigit(b[end]) && end-i <= maxGroup {
			end++
		}
		if end-i > maxGroup {
			for end < len(b) && isDigit(b[end]) {
				end++
			}
			q.starts = q.n
			return end
		}
		if digits+end-i > maxSequence || q.n == maxSequence {
			for q.starts = 1; int(q.group[q.starts].first)+overlap <= digits && q.starts < q.n-1; {
				q.starts++
			}
			return q.group[q.starts].at
		}
		g := &q.group[q.n]
		*g = group{at: i, end: end, first: uint16(digits), size: uint8(end - i), plus: plusBefore(b, i)}
		for ; i < end; i++ {
			d := b[i] - '0'
			q.digit[digits] = d
			plain, double := uint16(d), luhnDouble[d]
			if digits&1 == 1 {
				plain, double = double, plain
			}
			q.odd[digits+1] = q.odd[digits] + plain
			q.even[digits+1] = q.even[digits] + double
			digits++
		}
		q.n++
		q.starts = q.n
		if i < len(b) && isLetter(b[i]) {
			q.right = q.glueAt(b, i)
			return i
		}
		for end = i; end < len(b) && end-i < 3 && isSeparator[b[end]]; {
			end++
		}
		if end == i || end == len(b) || !isDigit(b[end]) {
			return i
		}
		g.sep = b[i]
		i = end
	}
}

// longGroup is from how many digits on a group counts that stands beside hex digits: so many are seldom part of a hex number.
const longGroup = 13

func longRun(b []byte, i int) bool {
	n := 0
	for i+n < len(b) && n < longGroup && isDigit(b[i+n]) {
		n++
	}
	return n == longGroup
}

// luhn says whether the digits from i up to j pass Luhn's check (ISO/IEC 7812-1, annex B).
func (q *sequence) luhn(i, j int) bool {
	// The last digit counts as it is, the one before it doubled, and so on.
	if j&1 == 1 {
		return (q.odd[j]-q.odd[i])%10 == 0
	}
	return (q.even[j]-q.even[i])%10 == 0
}

func plusBefore(b []byte, i int) bool {
	for k := i - 1; k >= 0 && k >= i-3; k-- {
		switch b[k] {
		case '+':
			return true
		case ' ', '(':
		default:
			return false
		}
	}
	return false
}

// glueAt says what the word around b[i] is. It remembers the last word: whoever reads forward looks at each once.
func (q *sequence) glueAt(b []byte, i int) glue {
	if i >= q.wordEnd {
		q.wordHex = true
		from := i
		for from > 0 && isAlnum(b[from-1]) {
			from--
		}
		for q.wordEnd = from; q.wordEnd < len(b) && isAlnum(b[q.wordEnd]); q.wordEnd++ {
			q.wordHex = q.wordHex && hexValue[b[q.wordEnd]] >= 0
		}
	}
	if q.wordHex {
		return glueHex
	}
	return glueLetters
}

// labelled says whether one of the words stands in the 32 bytes before fold[at], as a word of its own or at the end of
// one.
func labelled(fold []byte, at int, words []string) bool {
	before := fold[max(0, at-32):at]
	for _, w := range words {
		last := w[len(w)-1]
		for end := len(before); end >= len(w); end-- {
			if before[end-1] != last || string(before[end-len(w):end]) != w {
				continue
			}
			startsWord := end == len(w) || !isLetter(before[end-len(w)-1])
			endsWord := end == len(before) || !isLetter(before[end])
			if startsWord && endsWord {
				return true
			}
		}
	}
	return false
}
