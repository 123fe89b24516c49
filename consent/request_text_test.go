// request_text_test.go: which texts a request may carry for a person to read.

package consent

import "testing"

// A text that would rewrite what a person reads is not appended. One that stands in the log is a request all the same: the
// withdrawal that carries it was accepted.
func TestTextsThatDoNotPrint(t *testing.T) {
	for name, text := range map[string]string{
		"C0": "a\x1bb", "delete": "a\x7fb", "C1": "a\u009bb", "next line": "a\u0085b", "override": "a\u202eb", "isolate": "a\u2066b",
		"no width": "a\u200bb", "soft hyphen": "a\u00adb", "line separator": "a\u2028b", "private use": "a\ue000b", "not UTF-8": "a\xffb",
	} {
		evidence := Request{Kind: AskWithdrawAll, ID: ID{1}, Change: Change{Action: ActWithdrawAll}, Evidence: text}
		reason := Request{Kind: AskStop, Partner: "acme", Reason: text}
		for _, r := range []Request{evidence, reason} {
			if r.Problem() == "" {
				t.Errorf("%s: a %s carries it", name, r.Kind)
			}
			inLog := name != "C0" && name != "delete" && name != "not UTF-8"
			if _, err := DecodeRequest(r.Shard(), r.Key(), r.Value()); (err == nil) != inLog {
				t.Errorf("%s: a %s in the log: %v", name, r.Kind, err)
			}
		}
	}
	for _, text := range []string{"", "CRM-4711, call of 20 Nov", "Brief vom 20. März, № 7", "電話 2026‐11‐20", "הודעה 7"} {
		if r := (Request{Kind: AskWithdrawAll, ID: ID{1}, Evidence: text}); r.Problem() != "" {
			t.Errorf("%q: %s", text, r.Problem())
		}
	}
}
