package policy

import (
	"strings"
	"testing"

	"github.com/consentry/consentry/consent/signal"
	"github.com/consentry/consentry/schema"
)

const (
	gppQuiet = "DBABzw~1YNN~CQVKIoioqgBk.QA" // GPP: US Privacy and the national section, nothing objected to
	gppNo    = "DBABTA~1YYN"
)

// TestSignalsOnlySayNo: absent says nothing, what cannot be read and what is no text say no.
func TestSignalsOnlySayNo(t *testing.T) {
	text := func(s string) schema.Value { return schema.StringValue([]byte(s)) }
	for _, c := range []struct {
		name  string
		value schema.Value
		want  string
	}{
		{signalGPP, schema.Value{}, ""}, {signalTCF, schema.Value{}, ""}, {signalUSPrivacy, schema.Value{}, ""},
		{signalGPP, text(gppQuiet), ""}, {signalGPP, text(gppNo), signalGPP}, {signalGPP, text(""), signalGPP}, {signalGPP, text("yes"), signalGPP},
		{signalUSPrivacy, text("1YNN"), ""}, {signalUSPrivacy, text("1YYN"), signalUSPrivacy}, {signalUSPrivacy, text(""), signalUSPrivacy},
		{signalTCF, text("COsbk4AOSbk4AnWAAAENAwCgAAAAAAAAAAYgACPAAAAA"), signalTCF},
		{signalGPP, schema.IntValue(0), signalGPP}, {signalUSPrivacy, schema.BoolValue(false), signalUSPrivacy},
		{"another", text("1YNN"), "another"},
	} {
		s := &Source{Signals: []FlagSlot{{c.name, 0}}}
		rec := &schema.Record{Slots: []schema.Value{c.value}}
		if got := s.Objects(rec, &signal.Vendor{}); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.name, c.value.Raw, got, c.want)
		}
		if n := testing.AllocsPerRun(10, func() { s.Objects(rec, &signal.Vendor{}) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
}

// TestSignalsCompile: the fields are located and listed; a flag is no signal string.
func TestSignalsCompile(t *testing.T) {
	in := inputs(t)
	in.Sources[0].Signals = SignalSpec{GPP: txt(locationFile, 22, "device.model"), USPrivacy: txt(locationFile, 23, "device.os")}
	in.Partners[0].TCF = signal.Vendor{ID: 755, Purposes: []int{1, 2}}
	set, problems := Compile(in)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	src := set.Partners[0].Sources[0]
	if len(src.Signals) != 2 || src.Layout.Paths[src.Signals[0].Slot] != "device.model" || set.Partners[0].Vendor.ID != 755 {
		t.Errorf("signals %v, vendor %v", src.Signals, set.Partners[0].Vendor)
	}
	listing := src.Streams[0].Listing()
	for _, want := range []string{"device.model is missing, null, or a string that can be read, says no opt-out under TCF allows vendor 755 purposes 1 2",
		"device.os is missing, null, or a string that can be read and says no opt-out"} {
		if !strings.Contains(listing, want) {
			t.Errorf("the listing lacks %q:\n%s", want, listing)
		}
	}
	in = inputs(t)
	in.Sources[0].Signals = SignalSpec{TCF: txt(locationFile, 22, "subscriber.minor")}
	if _, problems := Compile(in); len(problems) != 1 || !strings.Contains(problems[0].Message, "a flag goes under opt_out_if_set") {
		t.Errorf("a flag was taken for a signal: %v", problems)
	}
}
