package main

import (
	"slices"
	"testing"
)

func TestRoles(t *testing.T) {
	for list, want := range map[string][]string{
		"all": {"filter", "sync"}, "filter": {"filter"}, "sync": {"sync"}, "sync, filter": {"filter", "sync"},
	} {
		r, err := parseRoles(list)
		if err != nil || !slices.Equal(r.names(), want) {
			t.Errorf("%q: %v, %v", list, r.names(), err)
		}
	}
	for _, list := range []string{"", "gate", "filter,gate", "owner", "all,sync"} {
		if r, err := parseRoles(list); err == nil || r != (roles{}) {
			t.Errorf("%q is taken for %v", list, r.names())
		}
	}
}
