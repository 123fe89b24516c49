// The record that a carrier's own system writes to the intake topic: JSON, one change a record (docs/consent-intake.md).
// Nothing that is said about a record quotes it.

package consent

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"slices"
	"unicode/utf8"
)

// maxIntake bounds a record; the largest sensible one is far below.
const maxIntake = 16 << 10

// Intake is one record of the intake topic.
type Intake struct {
	Subject  string // as the carrier writes it
	Change   Change
	Evidence string
}

type intakeJSON struct {
	Action     string   `json:"action"`
	Subject    string   `json:"subject"`
	Partner    string   `json:"partner"`
	Purpose    string   `json:"purpose"`
	Categories []string `json:"categories"`
	Linked     *bool    `json:"linked"`
	Since      string   `json:"since"`
	Until      string   `json:"until"`
	Evidence   string   `json:"evidence"`
}

var errIntake error = &Refused{Reason: "the record is no change of consent"}

// DecodeIntake reads a record strictly: unknown fields, anything behind the object, and what an import file would refuse
// are refused. A withdrawal counts from its acceptance, whatever since says. The error quotes nothing.
func DecodeIntake(value []byte) (Intake, error) {
	if len(value) > maxIntake || !utf8.Valid(value) {
		return Intake{}, errIntake
	}
	d := json.NewDecoder(bytes.NewReader(value))
	d.DisallowUnknownFields()
	var j intakeJSON
	if d.Decode(&j) != nil {
		return Intake{}, errIntake
	}
	if _, err := d.Token(); err != io.EOF || !exactFields(value) {
		return Intake{}, errIntake
	}
	c := Change{Partner: j.Partner, Purpose: j.Purpose, Categories: j.Categories}
	linked := ""
	switch {
	case j.Linked == nil && j.Action == actionGrant:
		linked = "false"
	case j.Linked != nil && *j.Linked:
		linked = "true"
	case j.Linked != nil && j.Action != actionWithdrawAll:
		linked = "false"
	}
	if c.fill(j.Action, linked, j.Since, j.Until) != "" || len(j.Evidence) > MaxEvidence || !prints(j.Evidence) {
		return Intake{}, errIntake
	}
	return Intake{Subject: j.Subject, Change: c, Evidence: j.Evidence}, nil
}

// intakeFields are the names of a record's fields, as their tags have them.
var intakeFields = func() []string {
	var names []string
	for f := range reflect.TypeFor[intakeJSON]().Fields() {
		names = append(names, f.Tag.Get("json"))
	}
	return names
}()

// exactFields tells whether the fields of an object are written as ours are: the library takes them in any case.
func exactFields(object []byte) bool {
	var fields map[string]json.RawMessage
	if json.Unmarshal(object, &fields) != nil {
		return false
	}
	for name := range fields {
		if !slices.Contains(intakeFields, name) {
			return false
		}
	}
	return true
}

const (
	actionGrant       = "grant"
	actionWithdrawAll = "withdraw-all"
)

// Request makes the request of a record for a subject that has been named.
func (in *Intake) Request(id ID, reqID [16]byte) Request {
	kind := AskWithdraw
	switch in.Change.Action {
	case ActGrant:
		kind = AskGrant
	case ActWithdrawAll:
		kind = AskWithdrawAll
	}
	return Request{Kind: kind, ReqID: reqID, ID: id, Change: in.Change, Evidence: in.Evidence}
}
