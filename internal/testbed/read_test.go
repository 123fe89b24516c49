package testbed

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestRead: what a partner sees, and in a form that a person can read: committed records only, Avro as JSON, the last ones.
func TestRead(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "partner.a.b"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/schemas/ids/7" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, `{"schema": "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"os\",\"type\":[\"null\",\"string\"]},{\"name\":\"n\",\"type\":\"long\"}]}"}`)
	}))
	t.Cleanup(registry.Close)
	broker := cluster.ListenAddrs()[0]
	cl, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.TransactionalID("t"), kgo.DefaultProduceTopic("partner.a.b"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	send := func(end kgo.TransactionEndTry, values ...string) {
		t.Helper()
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			if err := cl.ProduceSync(t.Context(), kgo.StringRecord(v)).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if err := cl.EndTransaction(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	send(kgo.TryCommit, `{"first":1}`, `{"b":"<60","a":1}`)
	send(kgo.TryAbort, `{"aborted":true}`)
	send(kgo.TryCommit, "\x00\x00\x00\x00\x07\x02\x06ios\x54")
	r := Report{Env: []string{"CONSENTRY_KAFKA=" + broker, "CONSENTRY_REGISTRY_RAW=http://127.0.0.1:1", "CONSENTRY_REGISTRY_PARTNER=" + registry.URL}}
	got, all, err := r.Read(t.Context(), "partner.a.b", 2)
	if want := []string{`{"b":"<60","a":1}`, `{"n":42,"os":"ios"}`}; err != nil || all != 3 || !slices.Equal(got, want) {
		t.Errorf("%d records, %q, %v; want 3, %q", all, got, err, want)
	}
	if _, _, err := r.Read(t.Context(), "partner.a.missing", 2); err == nil || !strings.Contains(err.Error(), "partner.a.missing") {
		t.Errorf("a topic that is not there: %v", err)
	}
	send(kgo.TryCommit, "\x00\x00\x00\x00\x08\x00")
	if _, _, err := r.Read(t.Context(), "partner.a.b", 1); err == nil || !strings.Contains(err.Error(), "schema 8") {
		t.Errorf("a schema that is not there: %v", err)
	}
	r.Env = append(r.Env, "CONSENTRY_PASSWORD_FILE=x")
	if _, _, err := r.Read(t.Context(), "partner.a.b", 1); err == nil {
		t.Error("a secure testbed is read without a password")
	}
}
