// explain.go is the verb `explain`: one event through every stream of its source, with verdict and reason.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/filters"
	"github.com/consentry/consentry/keys"
	"github.com/consentry/consentry/policy"
	"github.com/consentry/consentry/processor"
	"github.com/consentry/consentry/schema"
)

// maxExplained bounds the event that explain reads, in bytes.
const maxExplained = 16 << 20

type explainFlags struct {
	source string
	grants []string
	at     string
	live   bool
	asJSON bool
	binary bool
	file   string
	now    time.Time
}

func explainCommand(a *app) *cobra.Command {
	var f explainFlags
	c := &cobra.Command{
		Use:   "explain --source S [--grant GRANT]… FILE or -",
		Short: "Tell what becomes of one event, field by field, and why",
		Long: "Tell what becomes of one event in every stream of its source, field by field, and why. The same stages decide as in `run`.\n\n" +
			"FILE holds one event as JSON (for Avro: the plain Avro JSON form, in which a union's value stands alone), or with --binary\n" +
			"as it stands in Kafka (where the source names a schema file, as written by that schema).\n" +
			"GRANT is partner/purpose:category,category, with ! before the colon for a consent to being linked; it counts from the\n" +
			"event's own time. Without any, nobody has consented; --live asks the real store instead.\n" +
			"The raw record's Kafka timestamp is not in the file: --at gives it, and the clock of the worker and of the store with it.\n" +
			"Without a key folder pseudonyms and event ids are made with a throwaway key, and stderr says so.",
		Example: "  consentry explain --source location --grant 'acme-ads/advertising!:location' event.json\n" +
			"  consentry explain --source location --live --json - < event.json",
		Args: one("FILE, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.file = args[0]
			return a.explain(cmd.Context(), f)
		},
	}
	c.Flags().StringVar(&f.source, "source", "", "which source the event is of")
	c.Flags().StringArrayVar(&f.grants, "grant", nil, "suppose this consent: partner/purpose[!]:category,category (repeatable)")
	c.Flags().BoolVar(&f.live, "live", false, "ask the real consent store")
	c.Flags().StringVar(&f.at, "at", "", "the raw record's Kafka timestamp and the time of the decision, RFC 3339 (default now)")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print one JSON object")
	c.Flags().BoolVar(&f.binary, "binary", false, "FILE holds the record value as it stands in Kafka")
	return c
}

func (a *app) explain(ctx context.Context, f explainFlags) error {
	f.now = time.Now()
	switch {
	case f.source == "":
		return usage("--source is missing: which source is the event of?")
	case f.live && len(f.grants) > 0:
		return usage("--live asks the real store; it takes no --grant")
	case f.at != "":
		at, err := time.Parse(time.RFC3339, f.at)
		if err != nil {
			return usage("--at is not a time in RFC 3339, such as 2026-11-22T10:00:00Z")
		}
		f.now = at
	}
	assumed, err := processor.NewAssumed(f.grants, f.now)
	if err != nil {
		return usage("--grant: %v", err)
	}
	d, err := a.loadPolicy(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(d.set.Sources, func(s *policy.SourceSpec) bool { return s.Name.Value == f.source }) {
		return usage("there is no such source; there are: %s", sourceNames(d.set))
	}
	if err := assumedPartners(d.set, f.grants); err != nil {
		return err
	}
	event, err := a.readEvent(f.file)
	if err != nil {
		return err
	}
	var asker consent.Asker = assumed
	if f.live {
		store, err := openStore(d.cfg)
		if err != nil {
			return err
		}
		defer store.Close()
		// Under another house key the store knows nobody, which is no answer about this subject.
		if _, err := openSubjects(ctx, d.cfg, store); err != nil {
			return err
		}
		asker = store
	}
	ring, house, err := a.explainKeys(d.cfg.Keys.Dir, f.live)
	if err != nil {
		return err
	}
	out := processor.Explanation{Source: f.source, Streams: []processor.StreamExplanation{}}
	for _, partner := range d.set.Partners {
		x, err := explainFor(ctx, d, partner, &f, event, processor.Options{
			Partner: partner, Consent: asker, Keys: ring, Names: consent.NewNamer(house[:]), Now: func() time.Time { return f.now },
		})
		if stopped := (processor.Stopped{}); errors.As(err, &stopped) {
			return &exitError{code: exitFailed, err: fmt.Errorf("%s is stopped: its events wait in Kafka; consentry resume %s", partner.Name, partner.Name)}
		}
		if err != nil {
			return &exitError{code: exitFailed, err: err}
		}
		if x != nil {
			out.Streams = append(out.Streams, x.Streams...)
		}
	}
	if f.asJSON {
		return json.NewEncoder(a.out).Encode(out)
	}
	printExplanation(a.out, &out)
	return nil
}

func sourceNames(set *policy.Set) string {
	var names []string
	for _, s := range set.Sources {
		names = append(names, s.Name.Value)
	}
	return strings.Join(names, ", ")
}

// assumedPartners refuses a grant to a partner or purpose that no policy has: it would never count.
func assumedPartners(set *policy.Set, grants []string) error {
	for _, g := range grants {
		pair := strings.TrimSuffix(g[:strings.IndexByte(g, ':')], "!")
		if !slices.ContainsFunc(set.Partners, func(p *policy.Partner) bool { return p.Name+"/"+p.Purpose == pair }) {
			var pairs []string
			for _, p := range set.Partners {
				pairs = append(pairs, p.Name+"/"+p.Purpose)
			}
			return usage("--grant: no policy has such a pair; there are: %s", strings.Join(pairs, ", "))
		}
	}
	return nil
}

func (a *app) readEvent(file string) ([]byte, error) {
	in := a.in
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, &exitError{code: exitFailed, err: errors.New("the event's file cannot be opened: " + whyNot(err))}
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxExplained+1))
	if err != nil || len(b) > maxExplained {
		return nil, &exitError{code: exitFailed, err: errors.New("the event cannot be read, or is larger than 16 MiB")}
	}
	return b, nil
}

// explainKeys opens the key folder; without one it says that a throwaway key stands in. The store's subjects are named
// under the house key, so --live needs the real one.
func (a *app) explainKeys(dir string, live bool) (filters.Keyring, [32]byte, error) {
	ring, err := keys.Open(dir)
	if err == nil {
		return ring, ring.HouseKey(), nil
	}
	if live {
		return nil, [32]byte{}, &exitError{code: exitFailed, err: fmt.Errorf("--live needs the key folder: %w", err)}
	}
	fmt.Fprintln(a.err, "consentry: no key folder is used, so pseudonyms and event ids below are made with a throwaway key:", err)
	t := keys.NewThrowaway()
	return t, t.HouseKey(), nil
}

// explainFor asks one partner's processor; nil when the partner reads nothing of the source.
func explainFor(ctx context.Context, d *deployment, partner *policy.Partner, f *explainFlags, event []byte, o processor.Options) (*processor.Explanation, error) {
	at := slices.IndexFunc(partner.Sources, func(s *policy.Source) bool { return s.Name == f.source })
	if at < 0 {
		return nil, nil
	}
	src := partner.Sources[at]
	value := event
	if src.Format == "avro" {
		var err error
		if o.Readers, err = explainReaders(d, src, f.binary); err != nil {
			return nil, err
		}
		if !f.binary {
			body, err := schema.AvroFromJSON(d.schemas[f.source].text, event)
			if err != nil {
				return nil, err
			}
			value = append(schema.AppendFrame(nil, d.schemas[f.source].id), body...)
		}
	}
	p, err := processor.New(o)
	if err != nil {
		return nil, err
	}
	return p.Explain(ctx, processor.Inbound{Source: at, TimestampMS: f.now.UnixMilli(), Value: value})
}

// explainReaders finds readers as `run` does where the source's schema came from the raw registry and the event was not
// just encoded here. With a schema file no registry is asked: every event is read as written by that schema.
func explainReaders(d *deployment, src *policy.Source, binary bool) (processor.Readers, error) {
	if binary && d.schemas[src.Name].id > 0 {
		client, err := rawRegistry(d.cfg)
		if err != nil {
			return nil, err
		}
		return newReaders(client, d), nil
	}
	reader, err := src.Shape.Compile(src.Layout)
	if err != nil {
		return nil, err
	}
	return oneReader{reader}, nil
}

// oneReader reads every writer schema as the one that the policies were compiled against.
type oneReader struct{ reader *schema.Reader }

func (r oneReader) Reader(context.Context, *policy.Source, int) (*schema.Reader, error) {
	return r.reader, nil
}

func printExplanation(w io.Writer, x *processor.Explanation) {
	if len(x.Streams) == 0 {
		fmt.Fprintf(w, "no stream reads source %s: nothing of this event leaves\n", x.Source)
	}
	for i, s := range x.Streams {
		if i > 0 {
			fmt.Fprintln(w)
		}
		outcome := "withheld: " + s.Verdict
		if s.Verdict == processor.Released.String() {
			outcome = "released"
			if s.Mode != "" {
				outcome = "would be released (mode " + s.Mode + ")"
			}
		}
		fmt.Fprintf(w, "%s  %s\n  %s\n", s.Topic, outcome, s.Why)
		width := 0
		for _, f := range s.Fields {
			width = max(width, len(f.Name))
		}
		for _, f := range s.Fields {
			from := ""
			if len(f.From) > 0 {
				from = strings.Join(f.From, ", ") + ": "
			}
			if s.Verdict == processor.Released.String() {
				fmt.Fprintf(w, "  %-*s  %s   <- %s%s\n", width, f.Name, f.Value, from, f.How)
			} else {
				fmt.Fprintf(w, "  %-*s  <- %s%s\n", width, f.Name, from, f.How)
			}
		}
	}
}
