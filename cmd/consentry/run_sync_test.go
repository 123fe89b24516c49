package main

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
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

// The intake compares its house key with the log's each time until the log names one, and now and then from there on.
func TestIntakeNames(t *testing.T) {
	asked, answer, fails := 0, subjects{}, error(nil)
	n := intakeNames{ask: func(context.Context) (*subjects, error) {
		asked++
		return &answer, fails
	}}
	want := func(what string, times int, well bool) {
		t.Helper()
		name, err := n.name(t.Context())
		if asked != times || (err == nil) != well || (name != nil) != well {
			t.Errorf("%s: asked %d times, %v", what, asked, err)
		}
	}
	want("a log without a key", 1, true)
	want("again", 2, true)
	fails = errors.New("another key")
	want("the log names another", 3, false)
	fails, answer.bound = nil, true
	want("it names this one", 4, true)
	want("soon after", 4, true)
	n.until = time.Now()
	want("a minute later", 5, true)
	n.until, fails = time.Now(), errors.New("another key")
	want("the log was opened anew with another", 6, false)
	want("still", 7, false)
}
