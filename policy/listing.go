package policy

// The listing: what a privacy officer reads and signs, and what the revision is made of. It says what leaves, on what
// consent, and what nobody has checked.

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"time"
)

// semantics is raised when a filter or a rule comes to mean something else under the same words, so that verdicts of
// before and after have different revisions.
const semantics = "consentry policy semantics 2"

// Claim is what the stream may be called.
func (p *Program) Claim() string { return "pseudonymous: personal data" }

// Listing prints the stream. It ends with the claim.
func (p *Program) Listing() string { return p.listing }

// listing is the canonical text: the same for the same files, whatever the day.
func listing(p *Partner, src *Source, spec *SourceSpec, s *Program) string {
	var b strings.Builder
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "  %-15s %s\n", label, fmt.Sprintf(format, args...))
	}
	period := span(s.PeriodMS)
	if s.KeyField >= 0 {
		fmt.Fprintf(&b, "SAME PERSON FOR %s: whoever reads %s can follow one person for up to %s\n", period, s.Topic, period)
	} else {
		fmt.Fprintf(&b, "SAME PERSON FOR %s: %s is pseudonymous, though no field of it ties a person's records together\n", period, s.Topic)
	}
	line("partner", "%s, for %s, mode %s", p.Name, p.Purpose, p.Mode)
	line("contract", "%s, ends %s 24:00 UTC, forbids re-identification", p.ContractID, time.UnixMilli(p.ContractEndMS-1).UTC().Format(time.DateOnly))
	line("source", "%s, raw topic %s, %s", src.Name, src.Topic, src.Format)
	line("released as", "%s", s.Format)
	b.WriteString("released, and nothing else:\n")
	width := 0
	for _, f := range s.Fields {
		width = max(width, len(f.Name))
	}
	for _, f := range s.Fields {
		from := ""
		if len(f.From) > 0 {
			from = " <- " + strings.Join(f.From, ", ")
		}
		fmt.Fprintf(&b, "  %-*s %-7s%s: %s\n", width, f.Name, f.Type, from, f.How)
	}
	b.WriteString("released only if:\n")
	line("consent", "%s/%s covers %s and agrees to being linked,", p.Name, p.Purpose, strings.Join(s.Needs, " and "))
	line("", "given before the event and in force both then and at release")
	if src.LineSinceSlot >= 0 {
		line("line", "the consent is not older than %s", spec.LineSince.Value)
	}
	for _, f := range spec.ReleaseOnlyIfFalse {
		line(f.Name.Value, "%s is false; null and missing withhold", f.Path.Value)
	}
	for _, f := range spec.OptOutIfSet {
		line(f.Name.Value, "%s is missing, null, false or 0", f.Path.Value)
	}
	for _, f := range spec.Signals.named() {
		line(f.Name.Value, "%s is missing, null, or a string that %s", f.Path.Value, p.quietSignal(f.Name.Value))
	}
	line("time", "%s%s is at most %s before and %s after its Kafka timestamp", spec.Time.Field.Value, unit(spec), span(src.PastMS), span(src.FutureMS))
	line("subject", "%s is a valid %s%s", spec.SubjectField.Value, src.SubjectKind, form(src))
	b.WriteString("withheld whoever agreed, by the house's lists:\n")
	for _, d := range s.Detectors {
		fmt.Fprintf(&b, "  %-19s before %s: %s\n", d.Name, strings.Join(d.Before, ", "), d.How)
		for _, v := range p.House.versionsOf(d.Name) {
			fmt.Fprintf(&b, "  %-19s %s\n", "", v)
		}
	}
	b.WriteString("never released:\n")
	subject := spec.SubjectField.Value
	if s.KeyField >= 0 {
		subject += " other than as the pseudonym"
	}
	line("subject", "%s", subject)
	if spec.Account.Value != "" && spec.Account.Value != "same_as_subject" {
		line("account", "%s", spec.Account.Value)
	}
	if p := spec.Position; p != nil {
		line("position", "%s, %s as numbers or finer than S2 level 12", p.Lat.Value, p.Lon.Value)
	}
	if len(spec.Identifiers) > 0 {
		var ids []string
		for _, id := range spec.Identifiers {
			ids = append(ids, id.Value)
		}
		line("identifiers", "%s", strings.Join(ids, ", "))
	}
	line("raw record", "its key, headers, timestamp, partition and offset, free text, and every field not named above")
	b.WriteString("how much it tells:\n")
	line("records", "%s", different(s))
	line("arrival", "a record arrives within a second of its event, which the time fields do not hide")
	b.WriteString("NOT CHECKED BY THIS VERSION: HOW MANY PEOPLE SHARE A RECORD (NO CROWD IS COUNTED)\n")
	fmt.Fprintf(&b, "%s\n", s.Claim())
	return b.String()
}

// different says how many different records the stream can emit, the pseudonym and ids aside, which differ anyway.
func different(s *Program) string {
	bits, apart := 0.0, []string(nil)
	for _, f := range s.Fields {
		if math.IsInf(f.Bits, 1) {
			apart = append(apart, f.Name)
		} else {
			bits += f.Bits
		}
	}
	// + 0 turns the -0 of no field at all into 0.
	text := fmt.Sprintf("%.1f bits a record: 2^%.1f different ones are possible", bits+0, bits+0)
	if len(apart) > 0 {
		text += ", beside " + strings.Join(apart, " and ") + ", of which each person or event has its own"
	}
	return text
}

func unit(spec *SourceSpec) string {
	if spec.Time.Unit.Value == "" {
		return ""
	}
	return " (" + spec.Time.Unit.Value + ")"
}

func form(src *Source) string {
	switch src.SubjectForm {
	case "":
		return ""
	case "national":
		return ", written national in " + src.Region
	}
	return ", written " + src.SubjectForm
}

// span writes a duration as the files do.
func span(ms int64) string {
	for _, u := range []struct {
		ms   int64
		name string
	}{{86_400_000, "d"}, {3_600_000, "h"}, {60_000, "m"}, {1000, "s"}} {
		if ms >= u.ms && ms%u.ms == 0 {
			return fmt.Sprintf("%d%s", ms/u.ms, u.name)
		}
	}
	return fmt.Sprintf("%dms", ms)
}

// endOf is the first millisecond after the last day of a contract, 24:00 UTC of it.
func endOf(until string) (ms int64, ok bool) {
	day, err := time.Parse(time.DateOnly, until)
	if err != nil {
		return 0, false
	}
	return day.AddDate(0, 0, 1).UnixMilli(), true
}

// ended is the line that leads the listing of a stream whose contract is over.
func ended(s *Program, nowMS int64) string {
	if nowMS < s.ContractEndMS {
		return ""
	}
	return fmt.Sprintf("CONTRACT ENDED on %s, 24:00 UTC: every event is withheld as contract_ended\n", time.UnixMilli(s.ContractEndMS-1).UTC().Format(time.DateOnly))
}

// revision names everything that decides: the listings, which hold all that the files say of a stream, the content of
// the lists, the closed lists of values, and the meaning of both.
func revision(set *Set, lists []byte) string {
	h := sha256.New()
	part := func(s string) { fmt.Fprintf(h, "%d:%s", len(s), s) }
	part(semantics)
	for _, p := range set.Partners {
		for _, s := range p.Streams {
			part(s.listing)
			for _, f := range s.Output.Fields {
				part(f.Name)
				part(f.Doc)
				part(strings.Join(f.Values, "\x00"))
			}
		}
	}
	part(hex.EncodeToString(lists))
	return hex.EncodeToString(h.Sum(nil))
}
