// schema_test.go publishes the samples' schemas to a registry in memory.

package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/consentry/consentry/policy"
	"github.com/consentry/consentry/schema"
	"github.com/consentry/consentry/schema/registry"
)

func TestSchemaPublish(t *testing.T) {
	fake := srfake.New()
	t.Cleanup(fake.Close)
	client, err := registry.New(registry.Options{URL: fake.URL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	fields := []schema.OutField{{Name: "os", Kind: schema.String}}
	streams := []*policy.Program{
		{Topic: "partner.a.x", Format: "avro", Output: schema.Output{Format: "avro", Name: "partner.a.x", Fields: fields}},
		{Topic: "partner.a.y", Format: "json", Output: schema.Output{Format: "json", Name: "partner.a.y", Fields: fields}},
	}
	var out, errw bytes.Buffer
	a := &app{out: &out, err: &errw}
	for range 2 { // again changes nothing
		out.Reset()
		if err := a.publish(t.Context(), client, streams); err != nil {
			t.Fatal(err, errw.String())
		}
		if got := out.String(); strings.Count(got, "version 1\n") != 2 || !strings.HasPrefix(got, "partner.a.x-value\tid ") {
			t.Errorf("printed %q", got)
		}
	}
	for i, f := range []registry.Format{registry.Avro, registry.JSON} {
		if _, err := client.Lookup(t.Context(), registry.Subject(streams[i].Topic), streams[i].Output.Text(), f); err != nil {
			t.Errorf("%s: what run looks up is not there: %v", streams[i].Topic, err)
		}
	}
}
