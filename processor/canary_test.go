package processor

// The canary of this room: marked values stand in every field; none of them is in what leaves, in pointers, errors or
// sentences.

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// marks are the canaries: the subject, the account, and a word in every text that is not meant to leave.
var marks = []string{subject, subject[1:], "ACCOUNT-77341", "canary-note-5512", "canary-path-9081", "canary-kind-3307"}

func encodings(mark string) [][]byte {
	reversed := []byte(mark)
	slices.Reverse(reversed)
	b := []byte(mark)
	out := [][]byte{b, reversed, []byte(hex.EncodeToString(b)), []byte(strings.ToUpper(hex.EncodeToString(b))), []byte(url.QueryEscape(mark))}
	// Base64 at each of the three alignments, without the characters that neighbours would change.
	for pad := range 3 {
		text := base64.StdEncoding.EncodeToString(append(make([]byte, pad), b...))
		out = append(out, []byte(text[(pad*8+5)/6:len(text)-4]))
	}
	return out
}

func marked() map[string]any {
	e := good()
	who(e)["account"] = "ACCOUNT-77341"
	e["note"] = "canary-note-5512 " + subject
	e["url"] = "https://user:canary-path-9081@www.example.com/canary-path-9081?id=" + url.QueryEscape(subject)
	return e
}

func search(t *testing.T, where string, said []byte) {
	t.Helper()
	for _, m := range marks {
		for _, enc := range encodings(m) {
			if bytes.Contains(said, enc) {
				t.Errorf("%s holds %s (as %s)", where, m, enc)
			}
		}
	}
}

func TestCanary(t *testing.T) {
	released := 0
	for _, avro := range []bool{false, true} {
		for name, change := range map[string]func(map[string]any){
			"released":    func(map[string]any) {},
			"refused":     func(e map[string]any) { e["kind"] = "canary-kind-3307" },
			"bad subject": func(e map[string]any) { who(e)["id"] = subject[1:] },
			"bad time":    func(e map[string]any) { e["at"] = "2001-01-01T00:00:00Z" },
		} {
			b := newBench(t, nil)
			b.store.lines[idOf(subject)] = []byte(goodLine)
			e := marked()
			change(e)
			in := b.json(t, e)
			if avro {
				in = b.avro(t, e)
			}
			batch, err := b.Decide(t.Context(), []Inbound{in})
			if err != nil {
				t.Fatal(err)
			}
			for i := range batch.Out {
				released++
				search(t, name+": value", batch.Out[i].Value())
				search(t, name+": key", batch.Out[i].Key())
			}
			x, err := b.Explain(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			said, err := json.Marshal(x)
			if err != nil {
				t.Fatal(err)
			}
			search(t, name+": explanation", said)
			// The same bytes, broken off at every place and with a foreign key in front: pointers and sentences.
			for cut := range in.Value {
				broken := in
				broken.Value = in.Value[:cut]
				if cut%2 == 1 && !avro {
					broken.Value = append([]byte(`{"canary-note-5512":`), in.Value[:cut]...)
				}
				batch, err := b.Decide(t.Context(), []Inbound{broken})
				if err != nil {
					t.Fatal(err)
				}
				search(t, "pointer", fmt.Appendf(nil, "%+v", batch.Quarantine))
				if x, err = b.Explain(t.Context(), broken); err != nil {
					t.Fatal(err)
				}
				search(t, "sentence", []byte(x.Streams[0].Why))
			}
		}
	}
	if released < 4 {
		t.Errorf("only %d records were released: the search proves little", released)
	}
}

// TestCanaryIsSeen: the search finds a mark where there is one, in each encoding.
func TestCanaryIsSeen(t *testing.T) {
	for _, m := range marks {
		for i, enc := range encodings(m) {
			if !slices.ContainsFunc(encodings(m), func(e []byte) bool { return bytes.Contains(slices.Concat([]byte("xx"), enc, []byte("yy")), e) }) {
				t.Errorf("encoding %d of %s is not found", i, m)
			}
		}
		for pad := range 3 {
			text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("_", pad) + m + "tail"))
			if !slices.ContainsFunc(encodings(m), func(e []byte) bool { return bytes.Contains([]byte(text), e) }) {
				t.Errorf("%s in base64 at alignment %d is not found", m, pad)
			}
		}
	}
}
