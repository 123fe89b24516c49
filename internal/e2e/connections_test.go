// Every way that carriers connect, on real parts: the built binary, a configuration of that form, and what preflight
// says of it. What must be refused is refused with a cause that one can act on.
package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/consentry/consentry/deploy/samples"
	"github.com/consentry/consentry/internal/e2e/house"
	"github.com/consentry/consentry/internal/testbed"
)

// secure is a deployment whose parts all want TLS and a user.
type secure struct {
	tb  *testbed.Testbed
	bin string
}

// settings are the lines of consentry.yaml that say how to connect. Files stand for passwords.
type settings struct {
	kafka                             string // address
	kafkaTLS, kafkaSASL               string // flow mappings, empty for none
	redisUser, redisPassword, redisCA string
	registryPassword, registryCA      string
}

func (s *secure) good() settings {
	c := s.tb.Secure.Certs
	return settings{kafka: s.tb.Kafka.Addr, kafkaTLS: "{ca: " + c.CA + "}", kafkaSASL: s.sasl("SCRAM-SHA-512", s.tb.Secure.PasswordFile),
		redisUser: testbed.User, redisPassword: s.tb.Secure.PasswordFile, redisCA: c.CA,
		registryPassword: s.tb.Secure.PasswordFile, registryCA: c.CA}
}

func (s *secure) sasl(mechanism, passwordFile string) string {
	return fmt.Sprintf(`{mechanism: %s, username: %s, password: "${file:%s}"}`, mechanism, testbed.User, passwordFile)
}

// finding is a line of preflight.
type finding struct{ Level, Check, Message, Run string }

// configure writes the samples into dir with these settings, and returns the path of consentry.yaml.
func (s *secure) configure(t *testing.T, dir string, set settings) string {
	t.Helper()
	if err := os.CopyFS(dir, samples.Files); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`apiVersion: consentry/v1
environment: test
kafka:
  brokers: [%q]
  group: consentry
  instance: 0
  lanes: 1
  topics: {replication: 1, partitions: 1, retention: 7d}
`, set.kafka)
	if set.kafkaTLS != "" {
		text += "  tls: " + set.kafkaTLS + "\n"
	}
	if set.kafkaSASL != "" {
		text += "  sasl: " + set.kafkaSASL + "\n"
	}
	registry := func(url string) string {
		return fmt.Sprintf(`{url: %q, username: %s, password: "${file:%s}", tls: {ca: %s}}`, url, testbed.User, set.registryPassword, set.registryCA)
	}
	text += fmt.Sprintf("registry:\n  raw: %s\n  partner: %s\n", registry(s.tb.Raw.URL), registry(s.tb.Partner.URL))
	text += fmt.Sprintf("redis: {url: %q, username: %s, password: \"${file:%s}\", tls: {ca: %s}}\n",
		"rediss://"+s.tb.Redis.Addr+"/0", set.redisUser, set.redisPassword, set.redisCA)
	text += fmt.Sprintf(`consent: {subject: msisdn, region: US, park_when_stale: 2s}
keys: {dir: %q}
detect:
  places: {file: lists/places.consentry, warn_after: 3660d, park_after: 3660d}
  topics: {domains: lists/topic-domains.csv}
quarantine: consentry.quarantine
tally: consentry.tally
admin: %q
sources: sources/*.yaml
partners: partners/*.yaml
`, filepath.Join(dir, "keys"), s.tb.Admin)
	path := filepath.Join(dir, "consentry.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// preflight runs the binary on a configuration with these settings.
func (s *secure) preflight(t *testing.T, set settings) []finding {
	t.Helper()
	path := s.configure(t, t.TempDir(), set)
	cmd := exec.CommandContext(t.Context(), s.bin, "preflight", "--json", "-c", path)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if strings.Contains(string(out)+stderr.String(), s.tb.Secure.Password) {
		t.Error("the password is printed")
	}
	var answer struct{ Findings []finding }
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return answer.Findings
}

// want looks for a finding about a check.
func want(t *testing.T, all []finding, level, check, words string) {
	t.Helper()
	for _, f := range all {
		if f.Level == level && f.Check == check && strings.Contains(f.Message, words) {
			return
		}
	}
	t.Errorf("no %s about %s with %q in:\n%+v", level, check, words, all)
}

func TestConnections(t *testing.T) {
	tb, err := testbed.SharedSecure()
	if err != nil {
		t.Fatal(err)
	}
	bin, err := house.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &secure{tb, bin}
	c := tb.Secure.Certs
	wrong := filepath.Join(t.TempDir(), "wrong")
	if err := os.WriteFile(wrong, []byte("not-the-password"), 0o600); err != nil {
		t.Fatal(err)
	}

	t.Run("kafka", func(t *testing.T) {
		ca, mutual := "{ca: "+c.CA+"}", fmt.Sprintf("{ca: %s, cert: %s, key: %s}", c.CA, c.ClientCert, c.ClientKey)
		for _, k := range []struct {
			name, addr, tls, sasl string
			cause                 string // empty where it works
		}{
			{"TLS", tb.Kafka.TLS, ca, "", ""},
			{"mutual TLS", tb.Kafka.MTLS, mutual, "", ""},
			{"SASL PLAIN", tb.Kafka.PLAIN, ca, s.sasl("PLAIN", tb.Secure.PasswordFile), ""},
			{"SCRAM-SHA-256", tb.Kafka.Addr, ca, s.sasl("SCRAM-SHA-256", tb.Secure.PasswordFile), ""},
			{"SCRAM-SHA-512", tb.Kafka.Addr, ca, s.sasl("SCRAM-SHA-512", tb.Secure.PasswordFile), ""},
			{"in the clear to TLS", tb.Kafka.TLS, "", "", "spoken to in the clear"},
			{"a stranger's CA", tb.Kafka.TLS, "{ca: " + c.StrangerCA + "}", "", "certificate"},
			{"no client certificate", tb.Kafka.MTLS, ca, "", "certificate"},
			{"PLAIN with a wrong password", tb.Kafka.PLAIN, ca, s.sasl("PLAIN", wrong), "user or the password"},
			{"SCRAM-SHA-256 with a wrong password", tb.Kafka.Addr, ca, s.sasl("SCRAM-SHA-256", wrong), "user or the password"},
			{"SCRAM-SHA-512 with a wrong password", tb.Kafka.Addr, ca, s.sasl("SCRAM-SHA-512", wrong), "user or the password"},
			{"a mechanism that the listener lacks", tb.Kafka.PLAIN, ca, s.sasl("SCRAM-SHA-512", tb.Secure.PasswordFile), "mechanism"},
		} {
			t.Run(k.name, func(t *testing.T) {
				set := s.good()
				set.kafka, set.kafkaTLS, set.kafkaSASL = k.addr, k.tls, k.sasl
				all := s.preflight(t, set)
				if k.cause != "" {
					want(t, all, "fail", "brokers", k.cause)
					return
				}
				want(t, all, "ok", "brokers", "1 answer")
				want(t, all, "ok", "rights", "transactional ids")
			})
		}
	})
	t.Run("redis", func(t *testing.T) {
		want(t, s.preflight(t, s.good()), "fail", "consent store", "nobody has said that it is right") // it let us in: it is new
		for name, change := range map[string]func(*settings){
			"password": func(set *settings) { set.redisPassword = wrong },
			"user":     func(set *settings) { set.redisUser = "stranger" },
			"CA":       func(set *settings) { set.redisCA = c.StrangerCA },
		} {
			t.Run("wrong "+name, func(t *testing.T) {
				set := s.good()
				change(&set)
				want(t, s.preflight(t, set), "fail", "consent store", "does not let us in")
			})
		}
	})
	t.Run("registry", func(t *testing.T) {
		all := s.preflight(t, s.good())
		want(t, all, "fail", "raw registry", "has no schema") // both let us in: they are empty
		want(t, all, "fail", "partner registry", "lacks the schema")
		for name, k := range map[string]struct {
			change func(*settings)
			cause  string
		}{
			"password": {func(set *settings) { set.registryPassword = wrong }, "HTTP 401"},
			"CA":       {func(set *settings) { set.registryCA = c.StrangerCA }, "certificate"},
		} {
			t.Run("wrong "+name, func(t *testing.T) {
				set := s.good()
				k.change(&set)
				all := s.preflight(t, set)
				want(t, all, "fail", "raw registry", k.cause)
				want(t, all, "fail", "partner registry", k.cause)
			})
		}
	})
}
