// offsets.go is the verb `offsets`: a person says where a partner begins to read.

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentry/consentry/config"
	"github.com/consentry/consentry/kafka"
)

func offsetsCommand(a *app) *cobra.Command {
	return family(&cobra.Command{
		Use:     "offsets",
		Short:   "Say where a partner begins to read",
		Example: "  consentry offsets init --at end",
	}, offsetsInitCommand(a))
}

type offsetsFlags struct {
	at, partner, topic string
	overwrite, lost    bool
}

func offsetsInitCommand(a *app) *cobra.Command {
	var f offsetsFlags
	c := &cobra.Command{
		Use:   "init --at beginning|end|TIME",
		Short: "Set the positions of partners that have none",
		Long: "Set the positions of partners that have none, also while workers run: they look again and start.\n" +
			"Only topics of a group that have no position at all are touched, and what was written is read back.\n\n" +
			"--overwrite sets the positions of one raw topic anew; its group must be empty.\n" +
			"--lost moves only positions that are out of range, and writes the lost ranges to the tally.",
		Example: "  consentry offsets init --at end\n" +
			"  consentry offsets init --at 2026-11-01T00:00:00Z --partner acme-ads\n" +
			"  consentry offsets init --lost\n" +
			"  consentry offsets init --at beginning --overwrite --topic raw.location",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := f.options()
			if err != nil {
				return &exitError{code: exitUsage, err: err}
			}
			return a.offsetsInit(cmd.Context(), f, o)
		},
	}
	c.Flags().StringVar(&f.at, "at", "", "beginning, end, or a time in RFC 3339")
	c.Flags().StringVar(&f.partner, "partner", "", "only this partner")
	c.Flags().BoolVar(&f.overwrite, "overwrite", false, "set positions that are there, of --topic; its group must be empty")
	c.Flags().StringVar(&f.topic, "topic", "", "raw topic, with --overwrite")
	c.Flags().BoolVar(&f.lost, "lost", false, "move only positions that are out of range")
	return c
}

func (f offsetsFlags) options() (kafka.InitOptions, error) {
	o := kafka.InitOptions{Overwrite: f.overwrite, Topic: f.topic, Lost: f.lost}
	if f.lost && (f.overwrite || f.topic != "" || f.at != "") {
		return o, errors.New("--lost moves positions to where events are left: no --at, --overwrite or --topic beside it")
	}
	if f.overwrite != (f.topic != "") {
		return o, errors.New("--overwrite and --topic go together")
	}
	if f.lost {
		return o, nil
	}
	switch f.at {
	case "":
		return o, errors.New("say where to begin: --at beginning, --at end or --at TIME")
	case "beginning":
		o.At.Beginning = true
	case "end":
		o.At.End = true
	default:
		at, err := time.Parse(time.RFC3339, f.at)
		if err != nil {
			return o, errors.New("--at is beginning, end or a time in RFC 3339, e.g. 2026-11-01T00:00:00Z")
		}
		o.At.Time = at
	}
	return o, nil
}

func (a *app) offsetsInit(ctx context.Context, f offsetsFlags, o kafka.InitOptions) error {
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	readers := readersOf(cfg)
	if f.partner != "" {
		if problem := noPartner(cfg, f.partner); problem != "" {
			return usage("%s", problem)
		}
		readers = slices.DeleteFunc(readers, func(r kafka.Reader) bool { return r.Partner != f.partner })
	}
	if f.topic != "" && !slices.ContainsFunc(readers, func(r kafka.Reader) bool {
		return slices.ContainsFunc(r.Sources, func(s kafka.ReaderSource) bool { return s.Topic == f.topic })
	}) {
		return usage("no partner reads such a raw topic")
	}
	conn, err := connectionOf(cfg)
	if err != nil {
		return err
	}
	o.Tally, o.Instance = cfg.Tally, fmt.Sprint(cfg.Kafka.Instance)
	positions, err := kafka.InitOffsets(ctx, conn, readers, o)
	for _, p := range positions {
		what := "kept"
		if p.Moved {
			what = "set"
			if p.From >= 0 {
				what = fmt.Sprintf("moved from %d", p.From)
			}
		}
		at := fmt.Sprint(p.To)
		if p.To < 0 {
			at, what = "-", "no position"
		}
		fmt.Fprintf(a.out, "%s\t%s\t%d\t%s\t%s\n", p.Group, p.Topic, p.Partition, at, what)
	}
	if err != nil {
		return brokersFailed(cfg, err)
	}
	return nil
}

// readersOf lists the groups of a configuration and what they read, from the files alone: no schema is needed.
func readersOf(cfg *config.Config) []kafka.Reader {
	var out []kafka.Reader
	for _, p := range cfg.Partners {
		r := kafka.Reader{Partner: p.Name.Value, Group: cfg.Kafka.Group + "." + p.Name.Value}
		for _, st := range p.Streams {
			i := slices.IndexFunc(r.Sources, func(s kafka.ReaderSource) bool { return s.Name == st.Source.Value })
			if i < 0 {
				for _, src := range cfg.Sources {
					if src.Name.Value == st.Source.Value {
						i = len(r.Sources)
						r.Sources = append(r.Sources, kafka.ReaderSource{Name: src.Name.Value, Topic: src.Topic.Value})
					}
				}
			}
			if i >= 0 {
				r.Sources[i].Streams = append(r.Sources[i].Streams, st.Topic.Value)
			}
		}
		out = append(out, r)
	}
	return out
}
