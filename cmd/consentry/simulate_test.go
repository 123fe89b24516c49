package main

// simulate on an embedded house: what it writes, where, and where it refuses.

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/internal/city"
	"github.com/consentry/consentry/kafka"
	"github.com/consentry/consentry/keys"
)

const samplesConfig = "../../deploy/samples/consentry.yaml"

// simulateHouse gives the samples a house to point at, with keys and an accepted store.
func simulateHouse(t *testing.T) (*house, *deployment) {
	t.Helper()
	h, err := openHouse()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.close)
	for name, value := range h.env {
		t.Setenv(name, value)
	}
	d, err := h.deployment(t.Context(), &app{err: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Init(d.cfg.Keys.Dir, keyPlan(d.cfg), time.Now()); err != nil {
		t.Fatal(err)
	}
	return h, d
}

func TestSimulateWritesTheCity(t *testing.T) {
	h, d := simulateHouse(t)
	store, err := h.store(d.cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	args := []string{"-c", samplesConfig, "simulate", "--events", "3000", "--subscribers", "400", "--seed", "5", "--days", "2"}
	var out, errw bytes.Buffer
	if code := run(append(args, "--consents"), strings.NewReader(""), &out, &errw); code != exitFailed || !strings.Contains(errw.String(), "accept-epoch") {
		t.Fatalf("consents into a store that nobody accepted: exit %d: %s", code, errw.String())
	}
	if _, err := store.Accept(t.Context(), func(context.Context, consent.Writer) error { return nil }, func(int) {}); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	errw.Reset()
	before := time.Now()
	if code := run(append(args, "--consents"), strings.NewReader(""), &out, &errw); code != exitOK {
		t.Fatalf("exit %d: %s", code, errw.String())
	}
	conn, err := connectionOf(d.cfg)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	newest, oldest := int64(0), before.UnixMilli()
	town, err := city.New(city.Options{Seed: 5, Subscribers: 400, Days: 2, Events: 3000, StartMS: before.Add(-48 * time.Hour).UnixMilli()})
	if err != nil {
		t.Fatal(err)
	}
	people := map[string]bool{}
	for who := range town.Subscribers() {
		people[town.MSISDN(who)] = true
	}
	_, err = kafka.ReadCommitted(t.Context(), conn, []string{"raw.location", "raw.app_usage", "raw.search"}, func(r *kafka.Committed) {
		n++
		newest, oldest = max(newest, r.TimestampMS), min(oldest, r.TimestampMS)
		if !people[string(r.Key)] {
			t.Errorf("key of offset %d is nobody's", r.Offset)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if n != 3000 {
		t.Errorf("%d events", n)
	}
	if age := before.UnixMilli() - newest; age > time.Hour.Milliseconds() || age < -time.Minute.Milliseconds() {
		t.Errorf("the newest event is %d ms old", age)
	}
	if span := newest - oldest; span < 40*time.Hour.Milliseconds() {
		t.Errorf("the days span %d ms", span)
	}
	lines, err := store.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	agreeing := 0
	for who := range town.Subscribers() {
		if town.Agrees(who) {
			agreeing++
		}
	}
	if int(lines.Lines) != agreeing {
		t.Errorf("%d lines for %d people who agreed to something", lines.Lines, agreeing)
	}
}

func TestSimulateRefusals(t *testing.T) {
	h, d := simulateHouse(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../deploy/samples")); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "consentry.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, bytes.Replace(text, []byte("environment: test "), []byte("environment: production "), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-c", config, "simulate"}, exitConfig, "environment: test"},
		{[]string{"-c", samplesConfig, "simulate", "--events", "0"}, exitUsage, "at least 1"},
		{[]string{"-c", samplesConfig, "simulate", "--rate", "-1"}, exitUsage, "at least 0"},
		{[]string{"-c", samplesConfig, "simulate", "--subscribers", "3000000"}, exitUsage, "2,000,000"},
	} {
		var out, errw bytes.Buffer
		if code := run(c.args, strings.NewReader(""), &out, &errw); code != c.code || !strings.Contains(errw.String(), c.want) {
			t.Errorf("%v: exit %d, want %d: %s", c.args, code, c.code, errw.String())
		}
	}
	conn, err := connectionOf(d.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kafka.ReadCommitted(t.Context(), conn, []string{"raw.location"}, func(*kafka.Committed) { t.Error("an event was written") }); err == nil {
		t.Error("a refused simulate made a raw topic")
	}
	_ = h
}
