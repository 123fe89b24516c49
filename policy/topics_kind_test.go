package policy

import (
	"testing"

	"github.com/consentry/consentry/schema"
)

// TestWhatIsNoTextMayBeAboutAnything: null and absent say nothing; a number where a query should stand withholds.
func TestWhatIsNoTextMayBeAboutAnything(t *testing.T) {
	house := testHouse(t, nil)
	s := &Source{Layout: schema.Layout{Paths: []string{"search.text"}}, URLSlot: -1, AppSlot: -1, QuerySlot: 0}
	var scratch []byte
	for _, c := range []struct {
		value schema.Value
		want  bool
	}{
		{schema.Value{}, false}, {schema.StringValue([]byte("garden chairs")), false}, {schema.StringValue([]byte("pregnancy test")), true},
		{schema.IntValue(7), true}, {schema.BoolValue(true), true},
	} {
		got := s.Topics(house, &schema.Record{Slots: []schema.Value{c.value}}, &scratch)
		if got.Sensitive != c.want || c.want && got.Path != "search.text" {
			t.Errorf("kind %v: %+v", c.value.Kind, got)
		}
	}
}
