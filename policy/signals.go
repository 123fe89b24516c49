package policy

// Consent strings that travel with an event. They can only withhold: what they do not object to, the consent store
// decides.

import (
	"fmt"
	"strings"

	"github.com/consentry/consentry/consent/signal"
	"github.com/consentry/consentry/schema"
)

// Names of the signals, as the configuration has them.
const (
	signalGPP       = "gpp"
	signalTCF       = "tcf"
	signalUSPrivacy = "us_privacy"
)

// named lists the signals that a source's file names.
func (s *SignalSpec) named() (out []NamedPath) {
	for _, f := range []struct {
		name string
		path Text
	}{{signalGPP, s.GPP}, {signalTCF, s.TCF}, {signalUSPrivacy, s.USPrivacy}} {
		if f.path.Value != "" {
			out = append(out, NamedPath{Name: Text{Value: f.name, Pos: f.path.Pos}, Path: f.path})
		}
	}
	return out
}

// Objects gives the name of the first signal that says no to the vendor, "" if none does. Absent and null say nothing;
// a text that cannot be read, and anything that is no text, says no.
func (s *Source) Objects(rec *schema.Record, v *signal.Vendor) string {
	for i := range s.Signals {
		value := &rec.Slots[s.Signals[i].Slot]
		if value.Kind == schema.Absent {
			continue
		}
		no := true
		if value.Kind == schema.String {
			switch s.Signals[i].Name {
			case signalGPP:
				no = signal.GPP(value.Raw, v)
			case signalTCF:
				no = signal.TCF(value.Raw, v)
			case signalUSPrivacy:
				no = signal.USPrivacy(value.Raw)
			}
		}
		if no {
			return s.Signals[i].Name
		}
	}
	return ""
}

// quietSignal says in the listing what a signal must say to withhold nothing.
func (p *Partner) quietSignal(name string) string {
	if name == signalUSPrivacy {
		return "can be read and says no opt-out"
	}
	who := "and allows nothing under TCF, since the partner names no tcf.vendor"
	if p.Vendor.ID != 0 {
		who = fmt.Sprintf("under TCF allows vendor %d purposes %s", p.Vendor.ID, strings.Trim(fmt.Sprint(p.Vendor.Purposes), "[]"))
	}
	if name == signalTCF {
		return "can be read " + who
	}
	return "can be read, says no opt-out " + who
}
