package filters

// HMAC as it is used here against Wycheproof's vectors, and the pseudonym against the words of contract.md.

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"testing"

	"github.com/consentry/consentry/schema"
)

func TestWycheproofHMAC(t *testing.T) {
	var file struct {
		NumberOfTests int `json:"numberOfTests"`
		TestGroups    []struct {
			TagSize int `json:"tagSize"`
			Tests   []struct {
				TcID                  int
				Key, Msg, Tag, Result string
			}
		}
	}
	if err := json.Unmarshal(shared(t, "ref_wycheproof/hmac_sha256_test.json"), &file); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, g := range file.TestGroups {
		for _, c := range g.Tests {
			key, err1 := hex.DecodeString(c.Key)
			msg, err2 := hex.DecodeString(c.Msg)
			tag, err3 := hex.DecodeString(c.Tag)
			if err1 != nil || err2 != nil || err3 != nil {
				t.Fatal(err1, err2, err3)
			}
			m := newMAC(key)
			m.tag([]byte("what was said before must not count"))
			same := hmac.Equal(m.tag(msg)[:g.TagSize/8], tag)
			if same != (c.Result == "valid") {
				t.Errorf("case %d is %s", c.TcID, c.Result)
			}
			ran++
		}
	}
	if ran != file.NumberOfTests || ran != 174 {
		t.Errorf("ran %d of %d", ran, file.NumberOfTests)
	}
}

func apply(t *testing.T, f Filter, ev Event) (string, Outcome) {
	t.Helper()
	var dst schema.Value
	o := f.Apply(&dst, nil, &ev)
	return string(dst.Raw), o
}

// The contract's formula, written another way: bytes put together by hand.
func TestPseudonymIsTheContracts(t *testing.T) {
	keys := &keyring{}
	f := made(t, "pseudonym", nil).Filter.(Cloner).Clone(keys)
	ev := Event{TimeMS: 20_000*dayMS + 5, Kind: "msisdn", Subject: []byte("+15550001111"), MarkMS: 0x0102030405060708}
	got, o := apply(t, f, ev)
	var key [32]byte
	keys.PseudonymKey(&key, "acme-ads", "partner.acme-ads.t", dayMS, 20_000)
	h := hmac.New(sha256.New, key[:])
	h.Write([]byte("\x00\x00\x00\x06msisdn\x00\x00\x00\x0c+15550001111\x01\x02\x03\x04\x05\x06\x07\x08"))
	if want := base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16]); o != Filled || got != want || len(got) != 22 {
		t.Errorf("got %q (%d), want %q", got, o, want)
	}
}

// Another person, kind, mark, epoch, partner or topic is another name; the same within the epoch is the same.
func TestPseudonymsDoNotJoin(t *testing.T) {
	base := Event{TimeMS: 5 * dayMS, Kind: "msisdn", Subject: []byte("+15550001111")}
	seen := map[string]string{}
	note := func(what string, f *pseudonym, change func(*Event)) {
		ev := base
		change(&ev)
		got, o := apply(t, f.Clone(&keyring{}), ev)
		if o != Filled || !regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`).MatchString(got) {
			t.Errorf("%s: %q, outcome %d", what, got, o)
		}
		if other, twice := seen[got]; twice {
			t.Errorf("%s and %s have one pseudonym", what, other)
		}
		seen[got] = what
	}
	f := &pseudonym{partner: "acme-ads", topic: "partner.acme-ads.a", period: dayMS}
	note("base", f, func(*Event) {})
	note("subject", f, func(e *Event) { e.Subject = []byte("+15550001112") })
	note("kind", f, func(e *Event) { e.Kind = "opaque" })
	note("mark", f, func(e *Event) { e.MarkMS = 1 })
	note("next epoch", f, func(e *Event) { e.TimeMS += dayMS })
	note("epoch before 1970", f, func(e *Event) { e.TimeMS = -1 })
	note("partner", &pseudonym{partner: "globex", topic: f.topic, period: dayMS}, func(*Event) {})
	note("topic", &pseudonym{partner: f.partner, topic: "partner.acme-ads.b", period: dayMS}, func(*Event) {})
	note("period", &pseudonym{partner: f.partner, topic: f.topic, period: 2 * dayMS}, func(*Event) {})
	// The length before each text keeps (kind, subject) pairs apart whose texts run together alike.
	note("cut one way", f, func(e *Event) { e.Kind, e.Subject = "ab", []byte("c") })
	note("cut another way", f, func(e *Event) { e.Kind, e.Subject = "a", []byte("bc") })
	a, _ := apply(t, f.Clone(&keyring{}), base)
	late := base
	late.TimeMS += dayMS - 1
	if b, _ := apply(t, f.Clone(&keyring{}), late); a != b {
		t.Error("the same person has two names within an epoch")
	}
}

func TestPseudonymKeys(t *testing.T) {
	keys := &keyring{}
	f := made(t, "pseudonym", nil).Filter.(Cloner).Clone(keys)
	ev := Event{TimeMS: 5 * dayMS, Kind: "msisdn", Subject: []byte("+15550001111")}
	first, _ := apply(t, f, ev)
	if apply(t, f, ev); keys.asked != 1 {
		t.Errorf("asked %d times for one epoch's key", keys.asked)
	}
	// A folder read anew: what was kept is dropped, so an erased root is gone at once.
	keys.generation, keys.fill = 1, 1
	if second, _ := apply(t, f, ev); second == first {
		t.Error("a key outlived its folder")
	}
	keys.generation, keys.outcome = 2, KeyErased
	if _, o := apply(t, f, ev); o != KeyErased {
		t.Errorf("erased: outcome %d", o)
	}
	for _, o := range []Outcome{KeyMissing, Missing} {
		keys.outcome = o
		if _, got := apply(t, f, ev); got != KeyMissing {
			t.Errorf("a Keyring that says %d gives %d: doubt about keys is doubt about the system", o, got)
		}
	}
	if _, o := apply(t, made(t, "pseudonym", nil).Filter, ev); o != KeyMissing {
		t.Errorf("without a Keyring: outcome %d", o)
	}
	ev.Subject = nil
	if _, o := apply(t, f, ev); o != Refused {
		t.Errorf("without a subject: outcome %d", o)
	}
	// However many epochs come by, the keys kept are bounded, and late events still get the names they had.
	keys.outcome, ev.Subject = Refused, []byte("+15550001111")
	names := map[int64]string{}
	for round := range 2 {
		for day := range int64(3 * maxEpochs) {
			ev.TimeMS = day * dayMS
			got, _ := apply(t, f, ev)
			if round == 1 && names[day] != got {
				t.Fatalf("day %d: %q, before %q", day, got, names[day])
			}
			names[day] = got
		}
	}
	if n := len(f.(*pseudonym).epochs); n != maxEpochs {
		t.Errorf("%d keys are kept", n)
	}
}

func TestEventIDs(t *testing.T) {
	keys := &keyring{}
	f := made(t, "event_id", nil).Filter.(Cloner).Clone(keys)
	seen := map[string]string{}
	for _, topic := range []string{"raw.a", "raw.b"} {
		for partition := range int32(4) {
			for _, offset := range []int64{0, 1, 255, 256, 1 << 40} {
				what := fmt.Sprint(topic, partition, offset)
				id, o := apply(t, f, Event{Topic: topic, Partition: partition, Offset: offset})
				if o != Filled || len(id) != 22 || seen[id] != "" {
					t.Errorf("%s: %q (%d), as %s", what, id, o, seen[id])
				}
				seen[id] = what
				if again, _ := apply(t, f, Event{Topic: topic, Partition: partition, Offset: offset, TimeMS: 9, Subject: []byte("x")}); again != id {
					t.Errorf("%s: a repeat has another id", what)
				}
			}
		}
	}
	keys.generation, keys.outcome = 1, KeyMissing
	if _, o := apply(t, f, Event{Topic: "raw.a"}); o != KeyMissing {
		t.Errorf("outcome %d", o)
	}
	keys.outcome = Refused
	if id, _ := apply(t, f, Event{Topic: "raw.a"}); seen[id] == "" {
		t.Error("after the folder was read anew the event has another id")
	}
}
