// A request: a wish about consents on its way through Kafka. It names its subject by the keyed id only, and carries no
// time of its own acceptance: that is the log's.

package consent

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"
)

// RequestKind is what a Request asks for. The zero kind is none.
type RequestKind uint8

const (
	_              RequestKind = iota
	AskGrant                   // Change
	AskWithdraw                // Change
	AskWithdrawAll             // Change
	AskForget                  // a withdrawal of all, after which the verb erases the subject's earlier requests
	AskProtect                 // the subject's events are kept from every partner
	AskUnprotect
	AskAdopt  // a line of a single store, before the first opening
	AskOpen   // the shard's store may answer, under Epoch
	AskStop   // Partner, with a Reason
	AskResume // Partner, with a Reason
	numRequestKinds
)

var requestKindNames = [numRequestKinds]string{
	AskGrant: "grant", AskWithdraw: "withdraw", AskWithdrawAll: "withdraw-all", AskForget: "forget",
	AskProtect: "protect", AskUnprotect: "unprotect", AskAdopt: "adopt", AskOpen: "open", AskStop: "stop", AskResume: "resume",
}

// String is the kind's word in records; empty for none.
func (k RequestKind) String() string {
	if k >= numRequestKinds {
		return ""
	}
	return requestKindNames[k]
}

const (
	// MaxEvidence bounds the reference to the proof of a change, in bytes.
	MaxEvidence = 128
	// MaxReason bounds the reason of a stop or resume, in bytes.
	MaxReason = 256
)

// Request is one wish. Which fields count stands with its kind; the others are empty.
type Request struct {
	Kind RequestKind
	// ReqID makes the record's key unique, so that compaction takes away only what forget erases.
	ReqID  [16]byte
	ID     ID     // of grant, withdraw, withdraw-all, forget, protect, unprotect and adopt
	Change Change // of grant, withdraw and withdraw-all; its Action follows from Kind
	// SinceNow: a grant holds since its acceptance. Change.Stated is false then.
	SinceNow bool
	Evidence string // of every request of a subject
	Line     []byte // of adopt: valid. A damaged line is taken over as a withdrawal of all
	Epoch    uint64 // of open
	Hold     bool   // of open: the owner fills and does not vouch, until an open without it
	House    string // of open: the fingerprint of the house key that names subjects here; empty says nothing of it
	OpenOf   int    // of open: its shard
	Partner  string // of stop and resume
	Reason   string // of stop and resume
}

// Shard is the partition in which the request stands: stop flags live in the first.
func (r *Request) Shard() int {
	switch {
	case r.Kind.ofSubject():
		return r.ID.Shard()
	case r.Kind == AskOpen:
		return r.OpenOf
	}
	return stopShard
}

func (k RequestKind) ofSubject() bool { return k >= AskGrant && k <= AskAdopt }

// StateKey is the key of the state record that the request may change; empty for open, which changes the mark.
func (r *Request) StateKey() string {
	switch r.Kind {
	case AskProtect, AskUnprotect:
		return ProtectedKey(r.ID)
	case AskStop, AskResume:
		return StopKey(r.Partner)
	case AskOpen:
		return ""
	}
	return LineKey(r.ID)
}

// Key is the record's key: SUBJECT/REQUEST, or open/REQUEST, stop:PARTNER/REQUEST, resume:PARTNER/REQUEST, where SUBJECT
// and REQUEST are 22 characters of base64url.
func (r *Request) Key() []byte {
	var b []byte
	switch {
	case r.Kind.ofSubject():
		b = r.ID.Append(b)
	case r.Kind == AskOpen:
		b = append(b, "open"...)
	default:
		b = append(append(append(b, r.Kind.String()...), ':'), r.Partner...)
	}
	return base64.RawURLEncoding.AppendEncode(append(b, '/'), r.ReqID[:])
}

// requestJSON is the record's value. What is absent is zero.
type requestJSON struct {
	Kind       string   `json:"kind"`
	Partner    string   `json:"partner,omitempty"`
	Purpose    string   `json:"purpose,omitempty"`
	Categories []string `json:"categories,omitempty"`
	Linked     bool     `json:"linked,omitempty"`
	Since      *int64   `json:"since,omitempty"`
	SinceNow   bool     `json:"since_now,omitempty"`
	Until      *int64   `json:"until,omitempty"`
	Stated     *int64   `json:"stated,omitempty"`
	History    bool     `json:"history,omitempty"`
	Evidence   string   `json:"evidence,omitempty"`
	Line       string   `json:"line,omitempty"`
	Epoch      uint64   `json:"epoch,omitempty"`
	Hold       bool     `json:"hold,omitempty"`
	House      string   `json:"house,omitempty"`
	Reason     string   `json:"reason,omitempty"`
}

// Value is the record's value, in the one form that DecodeRequest takes.
func (r *Request) Value() []byte {
	j := requestJSON{Kind: r.Kind.String()}
	c := &r.Change
	switch r.Kind {
	case AskGrant, AskWithdraw, AskWithdrawAll:
		j.Partner, j.Purpose, j.Categories, j.Linked, j.History = c.Partner, c.Purpose, c.Categories, c.Linked, c.History
		if c.Ends {
			j.Until = &c.UntilMS
		}
		switch {
		case r.Kind == AskGrant && r.SinceNow:
			j.SinceNow = true
		case r.Kind == AskGrant && c.Stated:
			j.Since = &c.AtMS
		case c.Stated:
			j.Stated = &c.AtMS
		}
	case AskAdopt:
		j.Line = string(r.Line)
	case AskOpen:
		j.Epoch, j.Hold, j.House = r.Epoch, r.Hold, r.House
	case AskStop, AskResume:
		j.Reason = r.Reason
	}
	if r.Kind.ofSubject() {
		j.Evidence = r.Evidence
	}
	b, err := json.Marshal(&j)
	if err != nil {
		return nil // strings, numbers and flags: it cannot fail
	}
	return b
}

// Problem says why a request cannot be appended, without a value of it; empty when it can. Whether a change is well
// formed is Merge's to say.
func (r *Request) Problem() string {
	problem := r.malformed()
	switch {
	case problem != "":
	case !prints(r.Evidence):
		return "evidence has characters that do not print"
	case !prints(r.Reason):
		return "the reason has characters that do not print"
	}
	return problem
}

// malformed says why what stands in the log is no request. It asks less of texts than Problem: which characters print
// changes with Unicode, and a withdrawal that was accepted must stay one.
func (r *Request) malformed() string {
	switch {
	case r.Kind == 0 || r.Kind >= numRequestKinds:
		return "the request has no kind"
	case len(r.Evidence) > MaxEvidence || !plain(r.Evidence):
		return "evidence is longer than 128 bytes, or not plain text"
	case len(r.Reason) > MaxReason || !plain(r.Reason):
		return "the reason is longer than 256 bytes, or not plain text"
	case r.Kind == AskAdopt && !Valid(r.Line):
		return "the line to adopt is damaged"
	case r.Kind == AskOpen && (r.Epoch == 0 || r.Epoch > maxTimeMS):
		return "an opening names no epoch"
	case r.Kind == AskOpen && r.House != "" && !ValidFingerprint(r.House):
		return "an opening names a key by what is no fingerprint"
	case r.Kind == AskOpen && (r.OpenOf < 0 || r.OpenOf >= Shards):
		return "an opening names no shard"
	case (r.Kind == AskStop || r.Kind == AskResume) && !ValidName(r.Partner):
		return "a stop or resume names no partner"
	}
	return ""
}

// plain tells whether s is UTF-8 without control characters.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f })
}

// prints tells whether a text that a person will read shows as what it is: C1 controls steer terminals, and format
// characters are not seen themselves and turn the text around them (bidirectional overrides, UAX #9).
func prints(s string) bool {
	return plain(s) && !strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsGraphic(c) })
}

var errRequest error = &Refused{Reason: "the record is no request"}

// DecodeRequest reads the record of a shard's partition, which must be exactly as Key and Value write it. The error
// quotes nothing.
func DecodeRequest(shard int, key, value []byte) (Request, error) {
	var r Request
	var j requestJSON
	if json.Unmarshal(value, &j) != nil {
		return Request{}, errRequest
	}
	for k := AskGrant; k < numRequestKinds; k++ {
		if requestKindNames[k] == j.Kind {
			r.Kind = k
		}
	}
	head, tail, cut := bytes.Cut(key, []byte("/"))
	if r.Kind == 0 || !cut || !decodeID(tail, &r.ReqID) {
		return Request{}, errRequest
	}
	switch {
	case r.Kind.ofSubject():
		if !decodeID(head, (*[16]byte)(&r.ID)) {
			return Request{}, errRequest
		}
	case r.Kind == AskOpen:
		r.OpenOf = shard
	default:
		_, partner, _ := bytes.Cut(head, []byte(":"))
		r.Partner = string(partner)
	}
	r.Evidence, r.Epoch, r.Hold, r.House, r.Reason = j.Evidence, j.Epoch, j.Hold, j.House, j.Reason
	if j.Line != "" {
		r.Line = []byte(j.Line)
	}
	r.change(&j)
	// What does not come out as it went in has a field that is not its kind's, or was not written by us.
	if r.malformed() != "" || r.Shard() != shard || !bytes.Equal(r.Key(), key) || !bytes.Equal(r.Value(), value) {
		return Request{}, errRequest
	}
	return r, nil
}

// KindOf is the request that asks for a change; the zero kind for an action that is none.
func KindOf(a Action) RequestKind {
	switch a {
	case ActGrant:
		return AskGrant
	case ActWithdraw:
		return AskWithdraw
	case ActWithdrawAll:
		return AskWithdrawAll
	}
	return 0
}

func (r *Request) change(j *requestJSON) {
	c := &r.Change
	switch r.Kind {
	case AskGrant:
		c.Action = ActGrant
	case AskWithdraw:
		c.Action = ActWithdraw
	case AskWithdrawAll:
		c.Action = ActWithdrawAll
	default:
		return
	}
	c.Partner, c.Purpose, c.Categories, c.Linked, c.History = j.Partner, j.Purpose, j.Categories, j.Linked, j.History
	at := j.Stated
	if r.Kind == AskGrant {
		at, r.SinceNow = j.Since, j.SinceNow
	}
	if at != nil {
		c.AtMS, c.Stated = *at, true
	}
	if j.Until != nil {
		c.UntilMS, c.Ends = *j.Until, true
	}
}

// decodeID reads 22 characters of base64url.
func decodeID(text []byte, id *[16]byte) bool {
	if len(text) != IDText {
		return false
	}
	var b [18]byte
	n, err := base64.RawURLEncoding.Strict().Decode(b[:], text)
	if err != nil || n != len(id) {
		return false
	}
	copy(id[:], b[:n])
	return true
}

// ParseID reads what ID.Append wrote.
func ParseID(text []byte) (ID, bool) {
	var id ID
	ok := decodeID(text, (*[16]byte)(&id))
	return id, ok
}
