// load_test.go: schemas from the raw registry, and what is left out of the compilation beside a broken file. The forms of
// files are tested in package config, the rules of policies in package policy.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/consentry/consentry/config"
	samples "github.com/consentry/consentry/deploy/samples"
)

// sampleWorld is the samples in memory, with a raw registry, and with files changed by edit.
func sampleWorld(t *testing.T, registry string, edit map[string]func(string) string) config.World {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(samples.Files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(samples.Files, path)
		if e := edit[path]; e != nil {
			changed := e(string(text))
			if changed == string(text) {
				t.Fatalf("the edit of %s changes nothing", path)
			}
			text = []byte(changed)
		}
		files[path] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return config.FromFS(files, map[string]string{
		"CONSENTRY_KAFKA": nobody, "CONSENTRY_INSTANCE": "0", "CONSENTRY_REGISTRY_RAW": registry, "PASSWORD": "s3cret",
		"CONSENTRY_REGISTRY_PARTNER": "http://" + nobody, "CONSENTRY_REDIS": nobody, "CONSENTRY_KEYS": "keys", "CONSENTRY_ADMIN": nobody,
	})
}

func bySubject(s string) string {
	return strings.Replace(s, "schema: {file: ../schemas/location.avsc}", "schema: {subject: raw.location-value}", 1)
}

func withPassword(s string) string {
	return strings.Replace(s, `raw:     {url: "${env:CONSENTRY_REGISTRY_RAW}"}`,
		`raw:     {url: "${env:CONSENTRY_REGISTRY_RAW}", username: u, password: "${env:PASSWORD}"}`, 1)
}

// confluent answers for one subject, and only to u and s3cret.
func confluent(t *testing.T, text string) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
		if user, password, _ := r.BasicAuth(); user != "u" || password != "s3cret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.URL.Path != "/subjects/raw.location-value/versions/latest" || text == "" {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"error_code":40401,"message":"Subject not found."}`))
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"subject": "raw.location-value", "version": 3, "id": 42, "schema": text})
	}))
	t.Cleanup(s.Close)
	return s
}

func TestSchemaFromRegistry(t *testing.T) {
	text, err := fs.ReadFile(samples.Files, "schemas/location.avsc")
	if err != nil {
		t.Fatal(err)
	}
	edits := map[string]func(string) string{"sources/location.yaml": bySubject, "consentry.yaml": withPassword}
	world := sampleWorld(t, confluent(t, string(text)).URL, edits)
	var errs bytes.Buffer
	d, err := (&app{err: &errs}).loadPolicyFrom(context.Background(), "consentry.yaml", world)
	if err != nil {
		t.Fatalf("%v\n%s", err, &errs)
	}
	if got := d.schemas["location"]; got.id != 42 || got.text != string(text) {
		t.Errorf("id %d and %d bytes of schema", got.id, len(got.text))
	}
	if got := d.schemas["search"]; got.id != 0 || got.text == "" {
		t.Errorf("of a file: id %d and %d bytes of schema", got.id, len(got.text))
	}
	fromFiles, err := (&app{err: &errs}).loadPolicyFrom(context.Background(), "consentry.yaml", sampleWorld(t, "http://"+nobody, nil))
	if err != nil {
		t.Fatalf("%v\n%s", err, &errs)
	}
	if len(d.set.Partners) != 3 || len(fromFiles.set.Partners) != 3 {
		t.Errorf("%d and %d partners", len(d.set.Partners), len(fromFiles.set.Partners))
	}
}

// TestRegistryWithoutAnswer: whatever keeps the registry from giving the schema is doubt about the system, so that run
// can park; nothing usable comes with it, and the exit code is not that of a wrong configuration.
func TestRegistryWithoutAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		url  string
		edit func(string) string
	}{
		"down":        {"http://" + nobody, withPassword},
		"no subject":  {confluent(t, "").URL, withPassword},
		"no password": {confluent(t, "{}").URL, func(s string) string { return s + "\n" }},
	} {
		t.Run(name, func(t *testing.T) {
			world := sampleWorld(t, c.url, map[string]func(string) string{"sources/location.yaml": bySubject, "consentry.yaml": c.edit})
			d, err := (&app{err: &bytes.Buffer{}}).loadPolicyFrom(context.Background(), "consentry.yaml", world)
			var ee *exitError
			if d != nil || !errors.As(err, &ee) || ee.code != exitFailed || ee.said {
				t.Fatalf("got %v, %v", d, err)
			}
			var sick interface{ Cause() string }
			if !errors.As(err, &sick) || sick.Cause() != "registry_unreachable" {
				t.Errorf("no cause in %v", err)
			}
			if strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "127.0.0.1") {
				t.Errorf("the error tells what came by reference: %v", err)
			}
		})
	}
}

// TestBadSchema: a schema that is none is a mistake in the configuration, shown where it is named.
func TestBadSchema(t *testing.T) {
	for name, c := range map[string]struct {
		edits map[string]func(string) string
		want  string
	}{
		"file":     {map[string]func(string) string{"schemas/location.avsc": func(string) string { return `{"type": "hunter2"}` }}, "sources/location.yaml:6:16: schema file schemas/location.avsc: "},
		"registry": {map[string]func(string) string{"sources/location.yaml": bySubject, "consentry.yaml": withPassword}, "sources/location.yaml:6:19: schema raw.location-value of registry.raw: "},
		"authority": {map[string]func(string) string{"sources/location.yaml": bySubject, "consentry.yaml": func(s string) string {
			return strings.Replace(s, `raw:     {url: "${env:CONSENTRY_REGISTRY_RAW}"}`, `raw:     {url: https://127.0.0.1:1, tls: {ca: nowhere.pem}}`, 1)
		}}, "sources/location.yaml:6:19: registry.raw: tls.ca nowhere.pem: no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			var errs bytes.Buffer
			world := sampleWorld(t, confluent(t, `{"type": "hunter2"}`).URL, c.edits)
			d, err := (&app{err: &errs}).loadPolicyFrom(context.Background(), "consentry.yaml", world)
			var ee *exitError
			if d != nil || !errors.As(err, &ee) || ee.code != exitConfig || !ee.said {
				t.Fatalf("got %v, %v", d, err)
			}
			if !strings.HasPrefix(errs.String(), c.want) || strings.Count(errs.String(), "^") != 1 {
				t.Errorf("got:\n%s\nwant one problem beginning %s", &errs, c.want)
			}
		})
	}
}

// TestOneMistakeOnce: a source that cannot be read is told once, not again by every stream that reads it; what is wrong
// elsewhere is told in the same run.
func TestOneMistakeOnce(t *testing.T) {
	var errs bytes.Buffer
	world := sampleWorld(t, "http://"+nobody, map[string]func(string) string{
		"sources/location.yaml": func(s string) string { return strings.Replace(s, "category: location", "category: place", 1) },
		"partners/globex.yaml": func(s string) string {
			return strings.Replace(s, "{keep: search.engine, oneof: [northfind, lookaround], else: other}", "{keep: search.engine}", 1)
		},
	})
	d, err := (&app{err: &errs}).loadPolicyFrom(context.Background(), "consentry.yaml", world)
	if d != nil || err == nil {
		t.Fatalf("got %v, %v", d, err)
	}
	lines := strings.Split(strings.TrimSpace(errs.String()), "\n")
	if len(lines) != 6 || !strings.HasPrefix(lines[0], "sources/location.yaml:7:11: ") || !strings.HasPrefix(lines[3], "partners/globex.yaml:16:") {
		t.Errorf("got:\n%s", &errs)
	}
}
