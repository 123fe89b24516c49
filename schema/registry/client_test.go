package registry

// This file checks the client against srfake and against servers that answer wrongly.

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/sr/srfake"
)

func connect(t *testing.T, o Options) *Client {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestPublishAndFind(t *testing.T) {
	fake := srfake.New()
	t.Cleanup(fake.Close)
	c := connect(t, Options{URL: fake.URL()})
	if _, _, err := c.Latest(t.Context(), "a-value"); !errors.Is(err, ErrNotFound) {
		t.Errorf("no subject yet: %v", err)
	}
	first, err := c.Publish(t.Context(), "a-value", compiled, Avro)
	if err != nil || first.ID == 0 || first.Version != 1 {
		t.Fatalf("%+v %v", first, err)
	}
	again, err := c.Publish(t.Context(), "a-value", compiled, Avro)
	if err != nil || again != first {
		t.Errorf("published twice: %+v, %v", again, err)
	}
	id, text, err := c.Latest(t.Context(), "a-value")
	if err != nil || id != first.ID || text != compiled {
		t.Errorf("%d %q %v", id, text, err)
	}
	if s, err := c.ByID(t.Context(), first.ID); err != nil || s.Text != compiled || !s.Avro {
		t.Errorf("%+v %v", s, err)
	}
	if _, err := c.ByID(t.Context(), 999); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown id: %v", err)
	}
	if _, err := c.Lookup(t.Context(), "a-value", wider, Avro); !errors.Is(err, ErrNotFound) {
		t.Errorf("another text: %v", err)
	}
	level := c.sr.Compatibility(t.Context(), "a-value")
	if level[0].Err != nil || level[0].Level.String() != "FULL_TRANSITIVE" {
		t.Errorf("%+v", level)
	}
	// The whole road, as a worker goes it.
	src := source()
	src.Subject, src.ID = "a-value", first.ID
	if _, err := NewResolver(c).Reader(t.Context(), src, first.ID); err != nil {
		t.Error(err)
	}
}

func TestWrongAnswers(t *testing.T) {
	const secret = "secret-in-answer"
	for name, c := range map[string]struct {
		status int
		body   string
		want   error // nil: Unreachable
	}{
		"no such id":     {404, `{"error_code":40403,"message":"` + secret + `"}`, ErrNotFound},
		"wrong path":     {404, `{"error_code":404,"message":"` + secret + `"}`, nil},
		"web server":     {404, `<html>` + secret, nil},
		"subject's code": {404, `{"error_code":40401}`, nil},
		"500":            {500, `{"error_code":50001,"message":"` + secret + `"}`, nil},
		"401":            {401, secret, nil},
		"40403 with 200": {200, `{"error_code":40403}`, nil},
		"redirect":       {302, ``, nil},
		"not JSON":       {200, secret, nil},
		"other JSON":     {200, `[]`, nil},
		"too large":      {200, `{"schema":"` + strings.Repeat("x", maxAnswer+10) + `"}`, nil},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		_, err := connect(t, Options{URL: srv.URL}).ByID(t.Context(), 1)
		srv.Close()
		if c.want != nil && !errors.Is(err, c.want) || c.want == nil && !isSick(err) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), srv.URL)) {
			t.Errorf("%s: the error quotes: %v", name, err)
		}
	}
}

func TestNoAnswer(t *testing.T) {
	hang := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	c := connect(t, Options{URL: srv.URL, Timeout: 50 * time.Millisecond})
	if _, err := c.ByID(t.Context(), 1); !isSick(err) {
		t.Errorf("a server that hangs: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.ByID(ctx, 1); !isSick(err) {
		t.Errorf("cancelled: %v", err)
	}
	close(hang)
	srv.Close()
	if _, err := c.ByID(t.Context(), 1); !isSick(err) {
		t.Errorf("a server that is gone: %v", err)
	}
}

func TestBasicAuth(t *testing.T) {
	fake := srfake.New(srfake.WithAuth("Basic dXNlcjpwYXNz")) // user:pass
	t.Cleanup(fake.Close)
	if _, _, err := connect(t, Options{URL: fake.URL(), Username: "user", Password: "pass"}).Latest(t.Context(), "x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("right password: %v", err)
	}
	if _, _, err := connect(t, Options{URL: fake.URL(), Username: "user", Password: "wrong"}).Latest(t.Context(), "x"); !isSick(err) {
		t.Errorf("wrong password: %v", err)
	}
}

func TestOptionsRefused(t *testing.T) {
	for _, u := range []string{"", "127.0.0.1:8081", "ftp://host", "http://user:pw@host", "http://host?x=1", "http://%zz"} {
		if _, err := New(Options{URL: u}); err == nil || u != "" && strings.Contains(err.Error(), u) {
			t.Errorf("%q: %v", u, err)
		}
	}
}
