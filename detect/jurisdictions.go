package detect

// Whose law forbids how small an area: a table by place of the event and residence of the account.

import "io"

// Jurisdictions is the table. It is immutable and safe for concurrent use. The zero value allows nothing.
type Jurisdictions struct {
	strictest float64 // m
}

// NewJurisdictions reads the shipped table and what the operator's file adds to it; nil adds nothing. name is the file's,
// for errors: each says file and line.
func NewJurisdictions(name string, operator io.Reader) (*Jurisdictions, error) {
	return &Jurisdictions{}, nil
}

// Allows tells whether areas with an enclosing radius of at least radiusM metres may leave for an event at a place, of an
// account with a residence: ISO 3166-1 alpha-2 or ISO 3166-2 codes, any case. What is empty or not known counts as the strictest
// that it could be.
func (t *Jurisdictions) Allows(place, residence []byte, radiusM float64) bool { return false }
