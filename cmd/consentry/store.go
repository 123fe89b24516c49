// store.go is how every verb reaches the consent store, and names a subject in it.
package main

import (
	"errors"

	"github.com/nyaruka/phonenumbers"

	"github.com/consentry/consentry/config"
	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/keys"
)

// openStore makes the client of the configured store; it does not connect.
func openStore(cfg *config.Config) (*consent.Store, error) {
	tls, err := cfg.Redis.TLS.Config()
	if err != nil {
		return nil, &exitError{code: exitConfig, err: err}
	}
	store, err := consent.Open(consent.Options{
		URL: cfg.Redis.URL, Username: cfg.Redis.Username, Password: cfg.Redis.Password.Reveal(), TLS: tls,
	})
	if err != nil {
		return nil, &exitError{code: exitConfig, err: err}
	}
	return store, nil
}

// subjects names what a person types.
type subjects struct {
	kind, region string
	namer        *consent.Namer
	buf          []byte
}

// openSubjects reads the house key.
func openSubjects(cfg *config.Config) (*subjects, error) {
	ring, err := keys.Open(cfg.Keys.Dir)
	if err != nil {
		return nil, &exitError{code: exitFailed, err: err}
	}
	house := ring.HouseKey()
	return &subjects{kind: cfg.Consent.Subject, region: cfg.Consent.Region, namer: consent.NewNamer(house[:])}, nil
}

var errSubject = errors.New("the subject is not of the kind that consent.subject names")

// id names a subject as typed. A telephone number may stand in any way that people write numbers in the region; one in
// E.164 is taken as it is, as an event's would be, so that every number which can be in an event can be withdrawn.
func (s *subjects) id(text string) (consent.ID, bool) {
	canonical, ok := consent.Canonical(s.buf[:0], s.kind, consent.E164, s.region, []byte(text))
	if !ok && s.kind == consent.MSISDN {
		canonical, ok = s.typed(text)
	}
	if !ok {
		return consent.ID{}, false
	}
	s.buf = canonical
	return s.namer.ID(s.kind, canonical), true
}

func (s *subjects) typed(text string) ([]byte, bool) {
	n, err := phonenumbers.Parse(text, s.region)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return nil, false
	}
	e164 := phonenumbers.Format(n, phonenumbers.E164)
	return consent.Canonical(s.buf[:0], s.kind, consent.E164, s.region, []byte(e164))
}

// unlikely tells whether a telephone number in E.164 is one that no plan has: worth a word to who typed it.
func (s *subjects) unlikely(text string) bool {
	if s.kind != consent.MSISDN {
		return false
	}
	n, err := phonenumbers.Parse(text, s.region)
	return err != nil || !phonenumbers.IsPossibleNumber(n)
}
