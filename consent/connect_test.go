package consent_test

// Connections as carriers have them: a user, a password, TLS. And what an error of one may say.

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/internal/testbed"
)

func TestSecureConnection(t *testing.T) {
	bed, err := testbed.Start(t.Context(), testbed.Options{Parts: []string{testbed.PartRedis}, Secure: true})
	must(t, err)
	t.Cleanup(func() {
		if err := bed.Close(); err != nil {
			t.Error(err)
		}
	})
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(readFile(t, bed.Secure.Certs.CA)) {
		t.Fatal("no CA")
	}
	for _, c := range []struct {
		name, scheme, user, password string
		tls                          *tls.Config
		cause                        string
	}{
		{"right", "rediss", testbed.User, bed.Secure.Password, &tls.Config{RootCAs: pool}, "redis_wiped"},
		{"right, by the mapping alone", "redis", testbed.User, bed.Secure.Password, &tls.Config{RootCAs: pool}, "redis_wiped"},
		{"wrong password", "rediss", testbed.User, "wrong-secret", &tls.Config{RootCAs: pool}, "redis_unreachable"},
		{"no user", "rediss", "", "", &tls.Config{RootCAs: pool}, "redis_unreachable"},
		{"unknown authority", "rediss", testbed.User, bed.Secure.Password, nil, "redis_unreachable"},
		{"in the clear", "redis", testbed.User, bed.Secure.Password, nil, "redis_unreachable"},
	} {
		s, err := consent.Open(consent.Options{
			URL: c.scheme + "://" + bed.Redis.Addr + "/0", Username: c.user, Password: c.password, TLS: c.tls, Deadline: slow,
		})
		must(t, err)
		var snap consent.Snapshot
		err = s.Ask(t.Context(), "acme", nil, &snap)
		if got := cause(t, err); got != c.cause {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.password != "" && strings.Contains(err.Error(), c.password) {
			t.Errorf("%s: the error has the password", c.name)
		}
		must(t, s.Close())
	}
}

// Who has asked in vain for a while is answered by the first question that the server could answer.
func TestAnsweredAtOnce(t *testing.T) {
	server := testbed.StartRedis(t)
	s, err := consent.Open(consent.Options{URL: "redis://" + server.Addr + "/0", Deadline: slow})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	must(t, server.Kill())
	var snap consent.Snapshot
	for range 500 {
		if got := cause(t, s.Ask(t.Context(), "acme", nil, &snap)); got != "redis_unreachable" {
			t.Fatalf("a server that is down: %s", got)
		}
	}
	must(t, server.Start(t.Context()))
	if got := cause(t, s.Ask(t.Context(), "acme", nil, &snap)); got != "redis_wiped" {
		t.Errorf("the first question to a server that is back: %s", got)
	}
}

func TestBadURL(t *testing.T) {
	for _, url := range []string{"", "http://secret@x", "redis://:secret@host:port/0", "redis://host/secret", "redis+sentinel://secret"} {
		s, err := consent.Open(consent.Options{URL: url})
		if err == nil || s != nil {
			t.Errorf("%q was taken", url)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error quotes the URL: %v", err)
		}
	}
}
