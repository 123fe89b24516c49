package kafka

import (
	"testing"

	"github.com/consentry/consentry/consent"
)

func TestNoteRoundTrip(t *testing.T) {
	var places [consent.Shards]uint64
	for i := range places {
		places[i] = ^uint64(0) - uint64(i)
	}
	id := topicID{1, 2, 3, 15: 9}
	text := appendNote(nil, id, ^uint64(0), &places)
	if len(text) > 1200 {
		t.Errorf("the note has %d bytes, over the 1.1 KiB that it promises", len(text))
	}
	if n := parseNote(string(text)); n.topic != id || n.epoch != ^uint64(0) || n.places != places {
		t.Errorf("read back %+v", n)
	}
	if n := parseNote(string(appendNote(nil, topicID{}, 0, &places))); n != (note{}) {
		t.Errorf("an empty note reads as %+v", n)
	}
}

func FuzzParseNote(f *testing.F) {
	f.Add("")
	f.Add("consentry/1;;")
	f.Add("consentry/1;AQIDAAAAAAAAAAAAAAAACQ;c1:1:1.2")
	f.Add("somebody else's metadata;;")
	f.Fuzz(func(t *testing.T, text string) {
		n := parseNote(text)
		if again := parseNote(string(appendNote(nil, n.topic, n.epoch, &n.places))); again != n {
			t.Errorf("%q reads as %+v, written and read again as %+v", text, n, again)
		}
	})
}
