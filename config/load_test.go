// load_test.go runs every case of testdata: a folder in one txtar file, and the exact text that Print must give for it.

package config

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/consentry/consentry/policy"
)

var update = flag.Bool("update", false, "write what came out as what is wanted")

// unpack makes a World of an archive: its files, and an environment from the lines NAME=value of its comment. A
// literal \t, \r and \0 in a file stands for that byte, so that it can be seen.
func unpack(ar *txtar.Archive) (World, string) {
	files, env, want := fstest.MapFS{}, map[string]string{}, ""
	for _, line := range strings.Split(string(ar.Comment), "\n") {
		if name, val, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			env[name] = val
		}
	}
	escapes := strings.NewReplacer(`\t`, "\t", `\r`, "\r", `\0`, "\x00", `\xff`, "\xff")
	for _, f := range ar.Files {
		if f.Name == "want" {
			want = string(f.Data)
			continue
		}
		files[f.Name] = &fstest.MapFile{Data: []byte(escapes.Replace(string(f.Data)))}
	}
	return FromFS(files, env), want
}

// base is a good folder. A case lists only the files in which it differs.
func base(t testing.TB) map[string][]byte {
	t.Helper()
	ar, err := txtar.ParseFile("testdata/base.txtar")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range ar.Files {
		out[f.Name] = f.Data
	}
	return out
}

func withBase(t testing.TB, ar *txtar.Archive) *txtar.Archive {
	have := map[string]bool{}
	for _, f := range ar.Files {
		have[f.Name] = true
	}
	merged := &txtar.Archive{Comment: ar.Comment, Files: ar.Files}
	if strings.Contains(string(ar.Comment), "# alone") {
		return merged
	}
	for name, data := range base(t) {
		if !have[name] {
			merged.Files = append(merged.Files, txtar.File{Name: name, Data: data})
		}
	}
	return merged
}

func TestRefused(t *testing.T) {
	cases, err := filepath.Glob("testdata/refused/*.txtar")
	if err != nil || len(cases) < 20 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, path := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			world, want := unpack(withBase(t, ar))
			l := Load("consentry.yaml", world)
			var got bytes.Buffer
			l.Files.Print(&got, l.Problems)
			if *update {
				writeWant(t, path, ar, got.String())
				return
			}
			if got.String() != want || want == "" {
				t.Errorf("got:\n%s\nwant:\n%s", &got, want)
			}
			// Every secret of these cases is spelled with this word; none may be shown.
			if bytes.Contains(got.Bytes(), []byte("hunter2")) {
				t.Errorf("a secret is shown:\n%s", &got)
			}
		})
	}
}

func writeWant(t *testing.T, path string, ar *txtar.Archive, got string) {
	for i := range ar.Files {
		if ar.Files[i].Name == "want" {
			ar.Files = append(ar.Files[:i], ar.Files[i+1:]...)
			break
		}
	}
	ar.Files = append(ar.Files, txtar.File{Name: "want", Data: []byte(got)})
	if err := os.WriteFile(path, txtar.Format(ar), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestAccepted(t *testing.T) {
	cases, err := filepath.Glob("testdata/accepted/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, path := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			world, want := unpack(withBase(t, ar))
			l := Load("consentry.yaml", world)
			var got bytes.Buffer
			l.Files.Print(&got, l.Problems)
			if got.Len() > 0 {
				t.Fatalf("refused:\n%s", &got)
			}
			dump(&got, l.Config)
			if *update {
				writeWant(t, path, ar, got.String())
				return
			}
			if got.String() != want || want == "" {
				t.Errorf("got:\n%s\nwant:\n%s", &got, want)
			}
		})
	}
}

// TestOnlyWellFormed: beside a broken file the others can still be looked at, and nothing of the broken one.
func TestOnlyWellFormed(t *testing.T) {
	for _, c := range []struct {
		file, text       string
		sources, partner int
		missing          bool
	}{
		{"README", "", 1, 1, false},
		{"sources/apps.yaml", "apiVersion: consentry/v1\nsource: apps\n", 0, 1, true},
		{"sources/b.yaml", "{", 1, 1, true},
		{"partners/acme.yaml", "apiVersion: consentry/v1\npartner: acme\n", 1, 0, false},
		{"consentry.yaml", "sources: nowhere/*\npartners: partners/*\n", 0, 1, true},
		{"consentry.yaml", "{", 0, 0, true},
	} {
		files := fstest.MapFS{}
		for name, data := range base(t) {
			files[name] = &fstest.MapFile{Data: data}
		}
		files[c.file] = &fstest.MapFile{Data: []byte(c.text)}
		l := Load("consentry.yaml", FromFS(files, nil))
		if len(l.Config.Sources) != c.sources || len(l.Config.Partners) != c.partner || l.SourcesMissing != c.missing {
			t.Errorf("%s %q: %d sources, %d partners, missing %v", c.file, c.text, len(l.Config.Sources), len(l.Config.Partners), l.SourcesMissing)
		}
		if (len(l.Problems) == 0) != (c.file == "README") {
			t.Errorf("%s %q: problems %v", c.file, c.text, l.Problems)
		}
	}
}

// dump writes the typed values without their places, one a line. Secrets are revealed: these are made up.
func dump(w *bytes.Buffer, c *Config) {
	k := c.Kafka
	fmt.Fprintf(w, "environment %s\nkafka %q group %s instance %d lanes %d commit %v %d topics %d %d %v\n",
		c.Environment, k.Brokers, k.Group, k.Instance, k.Lanes, k.Commit.Every, k.Commit.Records, k.Topics.Replication, k.Topics.Partitions, k.Topics.Retention)
	if k.TLS != nil {
		fmt.Fprintf(w, "kafka tls %+v\n", *k.TLS)
	}
	if k.SASL != nil {
		fmt.Fprintf(w, "kafka sasl %s %s %q\n", k.SASL.Mechanism, k.SASL.Username, k.SASL.Password.Reveal())
	}
	for _, e := range []struct {
		what string
		Endpoint
	}{{"raw", c.Registry.Raw}, {"partner", c.Registry.Partner}, {"redis", Endpoint{c.Redis.URL, c.Redis.Username, c.Redis.Password, c.Redis.TLS}}} {
		fmt.Fprintf(w, "%s %s user %q password %q tls %v\n", e.what, e.URL, e.Username, e.Password.Reveal(), e.TLS)
	}
	if s := c.Redis.Sentinel; s != nil {
		fmt.Fprintf(w, "sentinel %s %q user %q password %q database %d\n", s.Master, s.Nodes, s.Username, s.Password.Reveal(), c.Redis.Database)
	}
	if cl := c.Redis.Cluster; cl != nil {
		fmt.Fprintf(w, "cluster %q\n", cl.Nodes)
	}
	if g := c.Consent.Changelog; g != nil {
		fmt.Fprintf(w, "changelog %+v\n", *g)
	}
	fmt.Fprintf(w, "consent %s %s %v\nkeys %+v\nquarantine %s tally %s admin %s\n", c.Consent.Subject, c.Consent.Region, c.Consent.ParkWhenStale, c.Keys, c.Quarantine, c.Tally, c.Admin)
	if d := c.Detect; d != (Detect{Places: Places{WarnAfter: 35 * 24 * time.Hour, ParkAfter: 90 * 24 * time.Hour}}) {
		fmt.Fprintf(w, "detect places %q %v %v domains %q apps %q terms %q jurisdictions %q\n", d.Places.File.Value, d.Places.WarnAfter,
			d.Places.ParkAfter, d.Domains.Value, d.Apps.Value, d.Terms.Value, d.Jurisdictions.Value)
	}
	for _, s := range c.Sources {
		fmt.Fprintf(w, "source %s %s %s schema %q %q category %s subject %s %s account %s line_since %s\n", s.Name.Value, s.Topic.Value, s.Format.Value,
			s.SchemaSubject.Value, s.SchemaFile.Value, s.Category.Value, s.SubjectField.Value, s.SubjectForm.Value, s.Account.Value, s.LineSince.Value)
		fmt.Fprintf(w, "  time %s %q past %v future %v url %q app %q query %q", s.Time.Field.Value, s.Time.Unit.Value, s.Time.Past.Value, s.Time.Future.Value, s.URL.Value, s.App.Value, s.Query.Value)
		if p := s.Position; p != nil {
			fmt.Fprintf(w, " position %s %s %q", p.Lat.Value, p.Lon.Value, p.Accuracy.Value)
		}
		if j := s.Jurisdiction; j != (policy.JurisdictionSpec{}) {
			fmt.Fprintf(w, " jurisdiction %q %q", j.Place.Value, j.Residence.Value)
		}
		for _, id := range s.Identifiers {
			fmt.Fprintf(w, " -%s", id.Value)
		}
		for _, f := range s.ReleaseOnlyIfFalse {
			fmt.Fprintf(w, " %s!%s", f.Name.Value, f.Path.Value)
		}
		for _, f := range s.OptOutIfSet {
			fmt.Fprintf(w, " %s?%s", f.Name.Value, f.Path.Value)
		}
		fmt.Fprintln(w)
	}
	for _, p := range c.Partners {
		fmt.Fprintf(w, "partner %s purpose %s mode %q", p.Name.Value, p.Purpose.Value, p.Mode.Value)
		if p.Contract != nil {
			fmt.Fprintf(w, " contract %s %s %v", p.Contract.ID.Value, p.Contract.Until.Value, p.Contract.ForbidsReidentification)
		}
		fmt.Fprintln(w)
		for _, st := range p.Streams {
			fmt.Fprintf(w, "  stream %s of %s %q %s same %v %v", st.Topic.Value, st.Source.Value, st.Profile.Value, st.Format.Value, st.SamePersonFor.Set, st.SamePersonFor.Value)
			for _, n := range st.AlsoNear {
				fmt.Fprintf(w, " also near %s at %d:%d", n.Value, n.Pos.Line, n.Pos.Column)
			}
			for _, n := range st.AlsoTopics {
				fmt.Fprintf(w, " also about %q at %d:%d", n.Value, n.Pos.Line, n.Pos.Column)
			}
			for _, n := range st.NotYet {
				fmt.Fprintf(w, " not yet %s at %d:%d", n.Value, n.Pos.Line, n.Pos.Column)
			}
			fmt.Fprintln(w)
			for _, f := range st.Fields {
				fmt.Fprintf(w, "    %s at %d:%d", f.Name.Value, f.Name.Pos.Line, f.Name.Pos.Column)
				for _, e := range f.Entries {
					fmt.Fprintf(w, " %s=%s", e.Key.Value, showScalar(e.Value))
				}
				fmt.Fprintln(w)
			}
		}
	}
}

func showScalar(s policy.Scalar) string {
	if len(s.List) > 0 {
		parts := make([]string, len(s.List))
		for i, item := range s.List {
			parts[i] = showScalar(item)
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return fmt.Sprintf("%d:%q@%d:%d", s.Kind, s.Str, s.Pos.Line, s.Pos.Column)
}
