package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/consentry/consentry/kafka"
)

// What fails comes back as a list to work through: each command once, in the order of the findings, warnings left out.
func TestPreflightListsTheSteps(t *testing.T) {
	var out, errw bytes.Buffer
	a := &app{out: &out, err: &errw}
	err := a.printFindings([]kafka.Finding{
		{Level: kafka.Fail, Check: "keys", Message: "none", Run: "consentry keys init"},
		{Level: kafka.Warn, Check: "partner", Message: "stopped", Run: "consentry resume globex"},
		{Level: kafka.Fail, Check: "topic a", Message: "missing", Run: "consentry topics create"},
		{Level: kafka.Fail, Check: "topic b", Message: "missing", Run: "consentry topics create"},
		{Level: kafka.Fail, Check: "brokers", Message: "down"},
	}, false)
	var ee *exitError
	if !errors.As(err, &ee) || ee.code != exitFailed {
		t.Fatalf("got %v, want exit %d", err, exitFailed)
	}
	want := "preflight: 4 to mend, 1 more to know\nIn this order, and then preflight again:\n  consentry keys init\n  consentry topics create\n"
	if errw.String() != want {
		t.Errorf("stderr:\n%s\nwant:\n%s", errw.String(), want)
	}
	if !strings.Contains(out.String(), "fail  brokers: down\n") {
		t.Errorf("stdout lacks a finding:\n%s", out.String())
	}
	if strings.Contains(out.String(), "everything is ready") {
		t.Error("it says that everything is ready")
	}
}
