// Import files: what a row becomes, and that a bad row spoils nothing but itself.

package consent

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestRows(t *testing.T) {
	cases := []struct{ row, problem string }{
		{"grant,s,acme,ads,location app_usage,true,2026-01-01T00:00:00Z,,E1", ""},
		{"grant,s,acme,ads,location,false,2026-01-01T00:00:00.5+02:00,2027-01-01T00:00:00Z,", ""},
		{`grant,"s",acme,ads,"location",false,2026-01-01T00:00:00Z,,"a,""b"`, ""},
		{"withdraw,s,acme,ads,,false,,,", ""},
		{"withdraw,s,acme,ads,,,2026-01-01T00:00:00Z,,", ""},
		{"withdraw,s,acme,ads,location,true,,,", ""},
		{"withdraw-all,s,,,,,,,", ""},
		{"withdraw-all,s,,,,,2026-01-01T00:00:00Z,,E", ""},
		{"grant,s,acme,ads,location,true,,,", "a grant must state since when it holds"},
		{"grant,s,acme,ads,location,true,yesterday,,", "since is not an RFC 3339 time"},
		{"grant,s,acme,ads,location,true,now,,", "since is not an RFC 3339 time"},
		{"grant,s,acme,ads,location,true,1969-12-31T00:00:00Z,,", "since is not an RFC 3339 time"},
		{"grant,s,acme,ads,location,true,2026-01-01T00:00:00Z,never,", "until is not an RFC 3339 time"},
		{"grant,s,acme,ads,location,true,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z,", "its until is not after its since"},
		{"grant,s,acme,ads,location,yes,2026-01-01T00:00:00Z,,", "linked is neither true nor false"},
		{"grant,s,acme,ads,location,,2026-01-01T00:00:00Z,,", "linked is neither true nor false"},
		{"grant,s,acme,ads,,true,2026-01-01T00:00:00Z,,", "a grant names at least one category"},
		{"grant,s,acme,ads,location location,true,2026-01-01T00:00:00Z,,", "the change names no valid partner, purpose or category"},
		{"grant,s,acme,ads,weather,true,2026-01-01T00:00:00Z,,", "a category is none of location, browsing, app_usage, search"},
		{"grant,s,,ads,location,true,2026-01-01T00:00:00Z,,", "partner is not a name"},
		{"grant,s,acme,Ads,location,true,2026-01-01T00:00:00Z,,", "purpose is not a name"},
		{"withdraw,s,acme,ads,,false,,2026-01-01T00:00:00Z,", "a withdrawal leaves until empty"},
		{"withdraw-all,s,acme,,,,,,", "withdraw-all leaves partner, purpose, categories and linked empty"},
		{"withdraw-all,s,,,,false,,,", "withdraw-all leaves partner, purpose, categories and linked empty"},
		{"revoke,s,acme,ads,,false,,,", "action is not grant, withdraw or withdraw-all"},
		{"grant,s,acme", "not nine columns of CSV"},
		{`grant,"s,acme,ads,location,true,2026-01-01T00:00:00Z,,`, "not nine columns of CSV"},
		{"withdraw,s,acme,ads,,false,,,,", "not nine columns of CSV"},
	}
	text := "\ufeff" + Header + "\r\n\r\n"
	for _, c := range cases {
		text += c.row + "\r\n"
	}
	rows, err := ReadRows(strings.NewReader(text), true)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		row, err := rows.Next()
		if err != nil || row.Problem != c.problem || row.Line != i+3 {
			t.Errorf("%s: line %d %q %v, want %q", c.row, row.Line, row.Problem, err, c.problem)
		}
		if c.problem == "" && (row.Subject != "s" || !row.Change.History || row.Change.Action == 0) {
			t.Errorf("%s: %+v", c.row, row)
		}
	}
	if _, err := rows.Next(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func TestFilesThatAreNone(t *testing.T) {
	for _, text := range []string{"", "action,subject\n", Header + ",more\n", "\n" + Header} {
		if _, err := ReadRows(strings.NewReader(text), false); err == nil {
			t.Errorf("%q was read", text)
		}
	}
	rows, err := ReadRows(strings.NewReader(Header+"\nwithdraw,"+strings.Repeat("s", maxCSVLine)), false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rows.Next(); err == nil || err == io.EOF {
		t.Errorf("a line without end: %v", err)
	}
}

// memory is a writer that merges into a map.
type memory struct {
	lines map[ID][]byte
	fail  bool
}

func (m memory) ApplyAll(_ context.Context, changes []Named) ([]Result, error) {
	if m.fail {
		return nil, errors.New("down")
	}
	results := make([]Result, len(changes))
	for i, c := range changes {
		line, out := Merge(m.lines[c.ID], c.Change, 1_800_000_000_000)
		m.lines[c.ID] = line
		results[i] = Result{AcknowledgedAtMS: 1_800_000_000_000, InForce: out.InForce, Effect: out.Effect}
	}
	return results, nil
}

func TestLoad(t *testing.T) {
	const file = Header + `
grant,s,acme,ads,location,true,2026-01-01T00:00:00Z,,
grant,s,acme,ads,location,true,2025-01-01T00:00:00Z,,
withdraw,s,acme,ads,,false,2025-06-01T00:00:00Z,,
grant,nobody,acme,ads,location,true,2026-01-01T00:00:00Z,,
withdraw,nobody,acme,ads,,false,,,
grant,s,other,ads,location,true,2026-01-01T00:00:00Z,,
grant,s,acme,ads,location,true,2099-01-01T00:00:00Z,,
?
`
	var said []string
	l := Loading{
		Name: func(s string) (ID, bool) { return ID{1}, s == "s" },
		Check: func(c Change) string {
			if c.Partner == "other" {
				return "unknown partner"
			}
			return ""
		},
		Report: func(line int, kind, reason string) {
			said = append(said, string(rune('0'+line))+" "+kind+" "+reason)
		},
		Progress: func(int) {},
	}
	rows, err := ReadRows(strings.NewReader(file), true)
	if err != nil {
		t.Fatal(err)
	}
	done, err := l.Load(t.Context(), rows, memory{lines: map[ID][]byte{}})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Loaded{Made: 2, Void: 1, Refused: 5, Doubtful: 2, Line: 9}); done != want {
		t.Errorf("%+v, want %+v", done, want)
	}
	got := strings.Join(said, "\n")
	for _, want := range []string{
		"3 void a later grant is in force", "4 note a later grant stands", "5 refused the subject", "6 refused the subject",
		"7 refused unknown partner", "8 refused its since is more than 5 minutes", "9 refused not nine columns",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("not said: %s; but\n%s", want, got)
		}
	}
	if strings.Contains(got, "nobody") {
		t.Error("a subject was named")
	}
	rows, err = ReadRows(strings.NewReader(file), false)
	if err != nil {
		t.Fatal(err)
	}
	if done, err := l.Load(t.Context(), rows, memory{fail: true}); err == nil || done.Made != 0 || done.Line != 0 {
		t.Errorf("a store that is down: %+v %v", done, err)
	}
}

func FuzzRows(f *testing.F) {
	f.Add([]byte(Header + "\ngrant,s,acme,ads,location,true,2026-01-01T00:00:00Z,,\nwithdraw-all,s,,,,,,,\n"))
	f.Add([]byte(Header + "\n\"\n,,,,,,,,\n"))
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, file []byte) {
		rows, err := ReadRows(strings.NewReader(string(file)), true)
		if err != nil {
			return
		}
		for last := 1; ; {
			row, err := rows.Next()
			if err != nil {
				return
			}
			if row.Line <= last {
				t.Fatal("lines do not rise")
			}
			last = row.Line
			if row.Problem == "" {
				line, out := Merge(nil, row.Change, 1<<41)
				if out.Effect == RefusedForm || line != nil && !Valid(line) {
					t.Fatalf("%+v: %q %d", row.Change, line, out.Effect)
				}
			}
		}
	})
}

// A row keeps its evidence, and a quote makes no other columns of a line than CSV does.
func TestRowEvidence(t *testing.T) {
	file := Header + "\n" +
		"withdraw-all,+12025550123,,,,,,,CRM-7\n" +
		"withdraw-all,+12025550123,,,,,,,\"box 3, folder 7\"\n" +
		"withdraw-all,+12025550123,,,,,,,box 3, folder 7\n"
	rows, err := ReadRows(strings.NewReader(file), false)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct{ evidence, problem string }{{"CRM-7", ""}, {"box 3, folder 7", ""}, {"", "not nine columns of CSV"}} {
		r, err := rows.Next()
		if err != nil || r.Evidence != want.evidence || r.Problem != want.problem {
			t.Errorf("row %d: %q %q, %v", i, r.Evidence, r.Problem, err)
		}
	}
}
