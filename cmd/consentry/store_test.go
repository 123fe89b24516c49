package main

// What a person types for a subject, and what it is taken for.

import (
	"testing"

	"github.com/consentry/consentry/consent"
)

func TestTypedSubjects(t *testing.T) {
	house := []byte("house")
	for _, c := range []struct{ kind, region, text, canonical string }{
		{consent.MSISDN, "US", "+12025550123", "+12025550123"},
		{consent.MSISDN, "US", "(202) 555-0123", "+12025550123"},
		{consent.MSISDN, "US", "1 202.555.0123", "+12025550123"},
		{consent.MSISDN, "US", "+1 (202) 555-0123", "+12025550123"},
		{consent.MSISDN, "US", "+49 171 1234567", "+491711234567"},
		{consent.MSISDN, "US", "+999000000001", "+999000000001"}, // in an event it would be a subject
		{consent.MSISDN, "DE", "0171/1234567", "+491711234567"},
		{consent.MSISDN, "DE", "4917112345678", ""},
		{consent.MSISDN, "US", "2025550123x", ""},
		{consent.MSISDN, "US", "2025550123 ext 5", ""},
		{consent.MSISDN, "US", "1-800-FLOWERS", ""},
		{consent.MSISDN, "US", "1112223333", ""}, // no such area code
		{consent.MSISDN, "US", "", ""},
		{consent.IMSI, "US", "310150123456789", "310150123456789"},
		{consent.IMSI, "US", "310-150", ""},
		{consent.Opaque, "US", "a-b", "a-b"},
	} {
		s := subjects{kind: c.kind, region: c.region, namer: consent.NewNamer(house)}
		id, ok := s.typed(c.text)
		if ok != (c.canonical != "") || ok && id != consent.NewID(house, c.kind, []byte(c.canonical)) {
			t.Errorf("%s %s %q: %v", c.kind, c.region, c.text, ok)
		}
		if _, ok := s.id(c.text); ok != (c.canonical == c.text && ok) {
			t.Errorf("%q is not canonical", c.text)
		}
	}
	s := subjects{kind: consent.MSISDN, region: "US"}
	if s.unlikely(who) || !s.unlikely("+999000000001") {
		t.Error("likely and unlikely are mixed up")
	}
}
