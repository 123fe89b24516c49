package detect

// Says which node of the taxonomy a text, a host name or an app is about, and which of them are nobody's business.
// Everything is looked up in lists: those of the house, which are shipped, and those that an operator adds. No list
// takes anything back that another denies, and what no list knows is unknown.

// TopicEntry is one line of an operator's list: from a term, a host name or an app id, to the name of a taxonomy node,
// or to a class of the house list (e.g. "health"), or "withhold".
type TopicEntry struct{ From, To string }

// TopicLists is what an operator adds. Terms may end in *, which stands for the rest of a word; app ids may end in .*,
// hosts may begin with =, which leaves out what is below.
type TopicLists struct {
	Domains, Apps, Terms []TopicEntry
	AlsoWithhold         []string // names of nodes that are withheld too, with all below them
}

// TopicError says which entry of an operator's list cannot be used, and why.
type TopicError struct {
	List    string // domains, apps, terms or also_withhold
	Index   int    // counted from 0
	Message string
}

func (e *TopicError) Error() string { return e.List + ": " + e.Message }

// Topics is built once. It is read only, and safe for concurrent use.
type Topics struct {
	words   *automaton
	domains map[string]entry
	apps    map[string]entry
	also    []Node
}

// houseClasses are the classes of the house list: what is nobody's business even with consent. A denial names one of
// them, or a closed node of the taxonomy.
var houseClasses = []string{
	"withheld", // named by an operator, without a class
	"unreadable",
	"health", "pregnancy", "sexuality", "adult", "religion", "politics", "union", "debt", "gambling", "dating", "children",
	"family", "ethnicity", "addiction", "weapons", "violence", "immigration", "crime", "surveillance",
}

type entry struct {
	node  Node
	exact bool // not for what is below it: a suffix under which strangers have names
}

// NewTopics compiles the lists of the house with those of an operator, which only add. An error is a *TopicError.
func NewTopics(extra TopicLists) (*Topics, error) {
	return loadTopics(extra)
}

// Text says what a text that somebody typed is about. A sensitive answer wins over all others; its node is a class of
// the house list or a closed node. Node 0 is unknown. Spellings that hide a word are read as the word.
func (t *Topics) Text(text []byte) (node Node, sensitive bool) {
	return t.text(text)
}

// Domain says what a host is about: a host name as the filters' host reader gives it, in lower case and ASCII. It looks
// at the host itself, at every parent, and at words inside its labels, Punycode decoded.
func (t *Topics) Domain(host []byte) (node Node, sensitive bool) {
	return t.domain(host)
}

// Rest says what is denied in the part of a URL behind its host: path, query and fragment, escapes undone, and hosts that
// stand in it. It gives no node that may leave.
func (t *Topics) Rest(rest []byte) (class Node, sensitive bool) {
	return t.rest(rest)
}

// App says what an app is about, from its package id: by the whole id, by its beginnings (com.vendor.*), and by words
// inside it. The id may stand among other signs, as in com.vendor.app:process.
func (t *Topics) App(pkg []byte) (node Node, sensitive bool) {
	return t.app(pkg)
}
