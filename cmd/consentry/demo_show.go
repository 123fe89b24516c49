// demo_show.go prints a demo for people: raw events beside what each partner got, the counts by reason, and the law. It
// fits 100 columns, and has colours only on a terminal that wants them.

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"github.com/consentry/consentry/processor"
)

const (
	demoWidth = 98
	rawWidth  = 46
	outWidth  = demoWidth - rawWidth - 2
)

// shown are the raw fields that a sample prints, by source; those that are null are left out.
var shown = map[string][]string{
	"location": {"subscriber.msisdn", "subscriber.name", "subscriber.imsi", "subscriber.minor", "device.imei", "device.mac",
		"cell.id", "position.lat", "position.lon", "observed_at", "ip", "signals.gpc"},
	"app_usage": {"subscriber.msisdn", "subscriber.imsi", "subscriber.minor", "device.imei", "device.ad_id", "app.package",
		"duration_s", "started_at", "ip", "signals.gpc"},
	"search": {"subscriber.msisdn", "subscriber.email", "subscriber.minor", "device.imei", "search.text", "search.engine",
		"page.url", "searched_at", "ip", "signals.gpc"},
}

// palette is the demo's styles.
type palette struct {
	title, raw, good, bad, faint lipgloss.Style
	plain                        lipgloss.Style
}

func newPalette(w io.Writer) palette {
	r := lipgloss.NewRenderer(w)
	style := func() lipgloss.Style { return r.NewStyle() }
	return palette{
		title: style().Bold(true),
		raw:   style().Foreground(lipgloss.Color("1")),
		good:  style().Foreground(lipgloss.Color("2")).Bold(true),
		bad:   style().Foreground(lipgloss.Color("3")),
		faint: style().Faint(true),
		plain: style(),
	}
}

func showDemo(w io.Writer, r *demoReport) {
	p := newPalette(w)
	fmt.Fprintln(w, p.title.Render("consentry: a day at a carrier that asks first"))
	fmt.Fprintln(w, p.faint.Render(fmt.Sprintf(
		"A synthetic city: %s people, %s changes of mind, %s raw events. Nobody in it exists.",
		thousands(int64(r.subscribers)), thousands(int64(r.consents)), thousands(r.Events))))
	fmt.Fprintln(w)
	for _, s := range r.Samples {
		showSample(w, p, &s)
	}
	showCounts(w, p, r)
	showLaw(w, p, r)
}

func showSample(w io.Writer, p palette, s *demoSample) {
	left := []string{p.title.Render("raw, stays inside · " + s.Source)}
	for _, l := range rawLines(s) {
		left = append(left, p.faint.Render(l.name)+"  "+p.raw.Render(l.value))
	}
	right := []string{p.title.Render("what each partner got")}
	for _, o := range s.Outcomes {
		if o.Verdict == processor.Released.String() {
			right = append(right, p.good.Render("→ "+o.Topic))
			names, values := flat(o.Released)
			width := 0
			for _, n := range names {
				width = max(width, len(n))
			}
			for _, n := range names {
				right = append(right, "    "+p.faint.Render(pad(n, width))+"  "+values[n])
			}
			continue
		}
		right = append(right, p.bad.Render("✗ "+o.Topic), "    "+p.bad.Render(o.Verdict))
		for _, line := range wrap(o.Why, outWidth-4) {
			right = append(right, "    "+p.faint.Render(line))
		}
	}
	column := func(lines []string, width int) string { return p.plain.Width(width).Render(strings.Join(lines, "\n")) }
	block := lipgloss.JoinHorizontal(lipgloss.Top, column(left, rawWidth), "  ", column(right, outWidth))
	for line := range strings.Lines(block) {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
	}
	fmt.Fprintln(w)
}

type rawLine struct{ name, value string }

// rawLines are the fields of a raw event that have something to say, cut to the column.
func rawLines(s *demoSample) []rawLine {
	_, values := flat(s.Raw)
	var out []rawLine
	width := 0
	for _, path := range shown[s.Source] {
		if v := values[path]; v != "" && v != "null" {
			name := path[strings.LastIndexByte(path, '.')+1:]
			out = append(out, rawLine{name, v})
			width = max(width, len(name))
		}
	}
	for i := range out {
		out[i].name = pad(out[i].name, width)
		if runes, room := []rune(out[i].value), rawWidth-width-2; len(runes) > room {
			out[i].value = string(runes[:room-1]) + "…"
		}
	}
	return out
}

// flat lists the scalars of a JSON object by dotted path, in order.
func flat(object []byte) (names []string, values map[string]string) {
	values = map[string]string{}
	dec := json.NewDecoder(bytes.NewReader(object))
	dec.UseNumber()
	var walk func(prefix string) bool
	walk = func(prefix string) bool {
		t, err := dec.Token()
		if err != nil {
			return false
		}
		switch v := t.(type) {
		case json.Delim:
			for i := 0; dec.More(); i++ {
				name := fmt.Sprint(i)
				if v == '{' {
					key, err := dec.Token()
					if err != nil {
						return false
					}
					name = fmt.Sprint(key)
				}
				if prefix != "" {
					name = prefix + "." + name
				}
				if !walk(name) {
					return false
				}
			}
			_, err := dec.Token()
			return err == nil
		case nil:
			names, values[prefix] = append(names, prefix), "null"
		default:
			names, values[prefix] = append(names, prefix), fmt.Sprint(v)
		}
		return true
	}
	walk("")
	return names, values
}

// showCounts prints the streams as columns and the reasons as rows.
func showCounts(w io.Writer, p palette, r *demoReport) {
	const first = 16
	each := min(16, (demoWidth-first)/max(1, len(r.Streams)))
	row := func(style lipgloss.Style, name string, cell func(*streamAccount) string) {
		line := pad(name, first)
		for _, s := range r.Streams {
			line += lpad(cell(s), each)
		}
		fmt.Fprintln(w, style.Render(line))
	}
	part := func(n int) func(*streamAccount) string {
		return func(s *streamAccount) string {
			parts := strings.SplitN(s.Topic, ".", 3)
			return clip(parts[min(n, len(parts)-1)], each-1)
		}
	}
	row(p.title, "partner", part(1))
	row(p.title, "stream", part(2))
	row(p.plain, "raw events", func(s *streamAccount) string { return thousands(s.Events) })
	row(p.good, "released", func(s *streamAccount) string { return thousands(s.Released) })
	row(p.faint, "", func(s *streamAccount) string {
		return fmt.Sprintf("%.1f %%", 100*float64(s.Released)/float64(max(1, s.Events)))
	})
	for reason := processor.Released + 1; int(reason) < processor.NumReasons; reason++ {
		name := reason.String()
		if slices.ContainsFunc(r.Streams, func(s *streamAccount) bool { return s.Withheld[name] > 0 }) {
			row(p.bad, name, func(s *streamAccount) string {
				if s.Withheld[name] == 0 {
					return "·"
				}
				return thousands(s.Withheld[name])
			})
		}
	}
	fmt.Fprintln(w)
}

func showLaw(w io.Writer, p palette, r *demoReport) {
	if r.Law {
		fmt.Fprintln(w, p.good.Render("The counts add up:")+
			" from the committed tally, every raw event has exactly one verdict in every\nstream, and each partner topic holds exactly the released ones.")
	} else {
		fmt.Fprintln(w, p.raw.Render("The counts do not add up. This is a fault of consentry: please report it."))
	}
	fmt.Fprintln(w, p.faint.Render(fmt.Sprintf("All in this process in %.1f s: the worker of `consentry run`, embedded Kafka, Redis, registries.", r.Seconds)))
}

func pad(s string, width int) string  { return s + strings.Repeat(" ", max(0, width-len([]rune(s)))) }
func lpad(s string, width int) string { return strings.Repeat(" ", max(0, width-len([]rune(s)))) + s }

func clip(s string, width int) string {
	if runes := []rune(s); len(runes) > width {
		return string(runes[:width])
	}
	return s
}

// thousands writes a number as 12,345.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// wrap breaks a sentence into lines.
func wrap(s string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
