// Records of both topics: what is written is read back, and nothing else is read.

package consent

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func sampleRequests() []Request {
	id := ID{0xfc, 2, 3}
	req := [16]byte{9, 8, 7}
	pair := Change{Partner: "acme", Purpose: "ads"}
	grant, later, part, history, all := pair, pair, pair, pair, Change{Action: ActWithdrawAll}
	grant.Action, grant.Categories, grant.AtMS, grant.Stated, grant.Linked = ActGrant, []string{"location", "search"}, 0, true, true
	later.Action, later.Categories, later.UntilMS, later.Ends = ActGrant, []string{"location"}, 0, true
	part.Action, part.Categories, part.Linked = ActWithdraw, []string{"location"}, true
	history.Action, history.AtMS, history.Stated, history.History = ActWithdraw, 12, true, true
	return []Request{
		{Kind: AskGrant, ReqID: req, ID: id, Change: grant, Evidence: "call <17> & é"},
		{Kind: AskGrant, ReqID: req, ID: id, Change: later, SinceNow: true},
		{Kind: AskWithdraw, ReqID: req, ID: id, Change: part},
		{Kind: AskWithdraw, ReqID: req, ID: id, Change: history},
		{Kind: AskWithdrawAll, ReqID: req, ID: id, Change: all},
		{Kind: AskForget, ReqID: req, ID: id},
		{Kind: AskProtect, ReqID: req, ID: id},
		{Kind: AskUnprotect, ReqID: req, ID: id, Evidence: "letter"},
		{Kind: AskAdopt, ReqID: req, ID: id, Line: []byte("*X5 acme/ads:location@6-")},
		{Kind: AskOpen, ReqID: req, OpenOf: 63, Epoch: 7},
		{Kind: AskOpen, ReqID: req, OpenOf: 63, Epoch: 7, Hold: true},
		{Kind: AskOpen, ReqID: req, OpenOf: 63, Epoch: 7, House: "00112233aabbccdd"},
		{Kind: AskStop, ReqID: req, Partner: "acme", Reason: "contract ended"},
		{Kind: AskResume, ReqID: req, Partner: "acme"},
		{Kind: AskResume, ReqID: req, Partner: "acme", Reason: "signed again"},
	}
}

func TestRequestsComeBack(t *testing.T) {
	seen := map[RequestKind]bool{}
	for _, r := range sampleRequests() {
		if problem := r.Problem(); problem != "" {
			t.Fatalf("%s: %s", r.Kind, problem)
		}
		got, err := DecodeRequest(r.Shard(), r.Key(), r.Value())
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%s came back as %+v (%v) from %s", r.Kind, got, err, r.Value())
		}
		if _, err := DecodeRequest((r.Shard()+1)%Shards, r.Key(), r.Value()); err == nil && r.Kind != AskOpen {
			t.Errorf("%s is taken from another shard", r.Kind)
		}
		seen[r.Kind] = true
	}
	if len(seen) != int(numRequestKinds)-1 {
		t.Errorf("%d kinds of %d", len(seen), numRequestKinds-1)
	}
}

func TestRequestsRefused(t *testing.T) {
	good := sampleRequests()[0]
	key, value := string(good.Key()), string(good.Value())
	for name, c := range map[string][2]string{
		"another field":     {key, strings.Replace(value, `"partner"`, `"extra":1,"partner"`, 1)},
		"a field of others": {key, strings.Replace(value, `"partner"`, `"epoch":1,"partner"`, 1)},
		"a field twice":     {key, strings.Replace(value, `"linked":true`, `"linked":true,"linked":true`, 1)},
		"a space":           {key, strings.Replace(value, `:"grant"`, `: "grant"`, 1)},
		"an unknown kind":   {key, strings.Replace(value, "grant", "give", 1)},
		"no kind":           {key, "{}"},
		"no JSON":           {key, "grant"},
		"nothing":           {key, ""},
		"a short key":       {key[:len(key)-1], value},
		"no request id":     {key[:22], value},
		"another form":      {"open" + key[22:], value},
		"another evidence":  {key, strings.Replace(value, "17", strings.Repeat("1", 200), 1)},
		"base64 with slack": {key[:21] + "B" + key[22:], value},
	} {
		if c[0] == key && c[1] == value {
			t.Fatalf("%s: nothing was spoilt", name)
		}
		if got, err := DecodeRequest(good.Shard(), []byte(c[0]), []byte(c[1])); err == nil {
			t.Errorf("%s: %+v", name, got)
		} else if strings.Contains(err.Error(), "acme") {
			t.Errorf("%s: the error quotes", name)
		}
	}
}

func FuzzRequest(f *testing.F) {
	for _, r := range sampleRequests() {
		f.Add(r.Shard(), r.Key(), r.Value())
	}
	f.Fuzz(func(t *testing.T, shard int, key, value []byte) {
		r, err := DecodeRequest(shard, key, value)
		if err != nil {
			return
		}
		if r.malformed() != "" || r.Shard() != shard || !bytes.Equal(r.Key(), key) || !bytes.Equal(r.Value(), value) {
			t.Fatalf("%+v", r)
		}
		// Whatever came in, the merge takes it, and leaves a line that can be read.
		_, records := MergeRequests(Mark{Epoch: 1}, func(string) []byte { return nil }, []Positioned{{Offset: 3, AppendMS: 1, Request: r}})
		for _, rec := range records {
			if ParseStateKey(shard, []byte(rec.Key)).Kind == StateLine && !Valid(rec.Value) {
				t.Fatalf("%q", rec.Value)
			}
		}
	})
}

func TestMarks(t *testing.T) {
	for _, m := range []Mark{{}, {Epoch: 7, Requests: 9, AcceptedMS: 1767225600000}, {Epoch: 1, Hold: true}, {Epoch: 1, House: "00112233aabbccdd"}} {
		if got, err := DecodeMark(m.Value()); err != nil || got != m {
			t.Errorf("%+v came back as %+v: %v", m, got, err)
		}
	}
	for _, text := range []string{"", "{}", `{"epoch":7}`, `{"epoch":7,"requests":-1,"accepted":0}`, `{"epoch":7,"requests":1,"accepted":0,"hold":false}`, `{"epoch":7,"requests":1,"accepted":0} `} {
		if m, err := DecodeMark([]byte(text)); err == nil {
			t.Errorf("%s is %+v", text, m)
		}
	}
}

func FuzzMark(f *testing.F) {
	m := Mark{Epoch: 7, Requests: 9, AcceptedMS: 5, Hold: true}
	f.Add(m.Value())
	f.Fuzz(func(t *testing.T, value []byte) {
		if m, err := DecodeMark(value); err == nil && !bytes.Equal(m.Value(), value) {
			t.Fatalf("%+v", m)
		}
	})
}

func FuzzDone(f *testing.F) {
	f.Add([]byte("3:1:1:1767225600000,4:64:0:0"))
	f.Add([]byte("3:63:1:1"))
	f.Fuzz(func(t *testing.T, text []byte) {
		done, ok := ParseDone(text)
		if !ok {
			return
		}
		if got := AppendDone(nil, done); !bytes.Equal(got, text) {
			t.Fatalf("%q became %q", text, got)
		}
		for _, d := range done {
			_ = d.Effect.Reason()
		}
	})
}

func FuzzStateKey(f *testing.F) {
	id := ID{0xfc, 2, 3}
	for _, key := range []string{MarkKey, LineKey(id), ProtectedKey(id), StopKey("acme"), "stop:", "protected:"} {
		f.Add(63, []byte(key))
		f.Add(0, []byte(key))
	}
	f.Fuzz(func(t *testing.T, shard int, key []byte) {
		k := ParseStateKey(shard, key)
		back := map[StateKind]string{0: string(key), StateLine: LineKey(k.ID), StateProtected: ProtectedKey(k.ID), StateStop: StopKey(k.Partner), StateMark: MarkKey}
		if back[k.Kind] != string(key) {
			t.Fatalf("%q became %q", key, back[k.Kind])
		}
	})
}

// A request at a time or all at once, the lines are the same; every request ends in exactly one record.
func TestMergeRequests(t *testing.T) {
	id := ID{1, 2, 3}
	grant := Change{Action: ActGrant, Partner: "acme", Purpose: "ads", Categories: []string{"location"}}
	withdraw := Change{Action: ActWithdraw, Partner: "acme", Purpose: "ads"}
	at := func(offset, ms int64, r Request) Positioned {
		return Positioned{Offset: offset, AppendMS: ms, Request: r}
	}
	reqs := []Positioned{
		at(2, 100, Request{Kind: AskGrant, ID: id, Change: grant, SinceNow: true}), // not open yet
		at(3, 110, Request{Kind: AskOpen, Epoch: 7, Hold: true}),
		at(5, 120, Request{Kind: AskGrant, ID: id, Change: grant, SinceNow: true}),
		{Offset: 6, AppendMS: 130, Err: errRequest},
		{Offset: 7, AppendMS: 131, Gone: true},
		at(8, 90, Request{Kind: AskWithdraw, ID: id, Change: withdraw}), // the broker's clock stepped back
		at(9, 140, Request{Kind: AskProtect, ID: id}),
		at(10, 150, Request{Kind: AskOpen, Epoch: 7}),
		at(11, 151, Request{Kind: AskOpen, Epoch: 6}),
		at(12, 152, Request{Kind: AskOpen, Epoch: 7, Hold: true}),
		at(13, 153, Request{Kind: AskAdopt, ID: id, Line: []byte("acme/ads:location@1-")}),
		at(14, 154, Request{Kind: AskResume, Partner: "acme"}),
	}
	mark, out := MergeRequests(Mark{Requests: 2, AcceptedMS: 1}, func(string) []byte { return nil }, append([]Positioned{at(1, 1, Request{Kind: AskForget, ID: id})}, reqs...))
	if want := (Mark{Epoch: 7, Requests: 15, AcceptedMS: 154}); mark != want {
		t.Fatalf("%+v, want %+v", mark, want)
	}
	if len(out) != 3 || out[2].Key != MarkKey || !bytes.Equal(out[2].Value, mark.Value()) {
		t.Fatalf("%d records", len(out))
	}
	if out[0].Key != LineKey(id) || string(out[0].Value) != "acme/adsX131" || out[1].Key != ProtectedKey(id) || string(out[1].Value) != "1" {
		t.Fatalf("%q %q", out[0].Value, out[1].Value)
	}
	want := map[int64]Done{
		2:  {2, RefusedClosed, false, 100},
		3:  {3, Made, true, 110},
		5:  {5, Granted, true, 120},
		6:  {6, RefusedUnreadable, false, 130},
		8:  {8, EndedGrant, true, 131},
		9:  {9, Made, true, 140},
		10: {10, Made, true, 150},
		11: {11, RefusedEpoch, false, 151},
		12: {12, Made, true, 152},
		13: {13, RefusedOpened, false, 153},
		14: {14, Made, true, 154},
	}
	for _, rec := range out {
		for _, d := range rec.Done {
			if want[d.Offset] != d {
				t.Errorf("%+v, want %+v", d, want[d.Offset])
			}
			delete(want, d.Offset)
		}
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	if again, out := MergeRequests(mark, nil, reqs); again != mark || out != nil {
		t.Error("what was merged was merged again")
	}
}

func TestAdopt(t *testing.T) {
	id := ID{1, 2, 3}
	line := "acme/ads:location@10- globex/ads:location@10-"
	adopt := Request{Kind: AskAdopt, ID: id, Line: []byte(line)}
	for _, c := range []struct {
		have, want string
		effect     Effect
	}{
		{"", line, Adopted},
		{line, line, Kept},
		{"acme/ads:location@5-", "acme/ads:location@5-", Kept},
		{"acme/adsX90", "acme/adsX100 globex/ads:location@10-", Adopted},
		{"*X90", "*X100", Adopted},
		{"damaged", "damaged", Kept},
	} {
		have := func(string) []byte {
			if c.have == "" {
				return nil
			}
			return []byte(c.have)
		}
		_, out := MergeRequests(Mark{}, have, []Positioned{{Offset: 1, AppendMS: 100, Request: adopt}})
		got := c.have
		var done []Done
		for _, rec := range out {
			if rec.Key == LineKey(id) {
				got = string(rec.Value)
			}
			done = append(done, rec.Done...)
		}
		if got != c.want || len(done) != 1 || done[0].Effect != c.effect {
			t.Errorf("%q: %q, %+v", c.have, got, done)
		}
	}
}

// What the first opening says of the house key stays: under another one the same people have other ids.
func TestOpenKeepsTheHouseKey(t *testing.T) {
	const ours, theirs = "00112233aabbccdd", "ffffffffffffffff"
	m := Mark{}
	for i, c := range []struct {
		epoch       uint64
		house, want string
		effect      Effect
	}{
		{7, "", "", Made}, {7, ours, ours, Made}, {8, "", ours, Made}, {9, theirs, ours, RefusedHouse}, {8, theirs, ours, RefusedHouse}, {9, ours, ours, Made},
	} {
		before := m.Epoch
		p := Positioned{Offset: int64(i), AppendMS: int64(i), Request: Request{Kind: AskOpen, Epoch: c.epoch, House: c.house}}
		var out []StateRecord
		m, out = MergeRequests(m, func(string) []byte { return nil }, []Positioned{p})
		if c.effect != Made && m.Epoch != before {
			t.Errorf("%d: a refused opening has opened epoch %d", i, m.Epoch)
		}
		if m.House != c.want || len(out) != 1 || out[0].Done[0].Effect != c.effect {
			t.Errorf("%d: %+v %+v", i, m, out)
		}
	}
	for _, house := range []string{"0", ours + "0", "00112233AABBCCDD", "00112233aabbccd\n"} {
		if r := (Request{Kind: AskOpen, Epoch: 1, House: house}); r.Problem() == "" {
			t.Errorf("%q is taken for a fingerprint", house)
		}
	}
}
