// keys.go is the verb `keys`: the one writer of the key folder.

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentry/consentry/config"
	"github.com/consentry/consentry/kafka"
	"github.com/consentry/consentry/keys"
	"github.com/consentry/consentry/policy"
)

func keysCommand(a *app) *cobra.Command {
	return family(&cobra.Command{
		Use:   "keys",
		Short: "Make, rotate and list the keys of pseudonyms",
		Long: "Make, rotate and list the keys of pseudonyms. Each epoch of each same_person_for has an independent random key, which is\n" +
			"erased when nothing can need it any more: from then on nobody can tell whom a pseudonym of that epoch meant.\n" +
			"Workers only read the folder. Copies of it keep erased keys alive: let backups live no longer than keys.keep.",
		Example: "  consentry keys list",
	}, keysInitCommand(a), keysRotateCommand(a), keysListCommand(a))
}

func keysInitCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "init",
		Short: "Make the key folder, once",
		Long: "Make the key folder: the house key, the event key, and a key for every epoch that the sources' `past` reaches and two ahead.\n" +
			"It never overwrites anything. A deployment has one key folder: where other workers have theirs, mount that instead.",
		Example: "  consentry keys init",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := a.loadConfig()
			if err != nil {
				return err
			}
			rep, err := keys.Init(cfg.Keys.Dir, keyPlan(cfg), time.Now())
			if err != nil {
				return &exitError{code: exitFailed, err: err}
			}
			fmt.Fprintf(a.out, "made %s: a house key, an event key and %d epoch keys\n", cfg.Keys.Dir, len(rep.Made))
			return nil
		},
	}
}

func keysRotateCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "rotate",
		Short: "Make the next keys and erase those that nothing needs any more",
		Long: "Make the keys that are missing up to two epochs ahead, and erase each key when every consumer group has committed past its\n" +
			"epoch's end + `past` + 1h, at the latest keys.keep after that. Safe to repeat: run it from a timer, several times within the\n" +
			"shortest same_person_for. One process at a time may do it, on the machine that owns the folder.",
		Example: "  consentry keys rotate",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.loadConfig()
			if err != nil {
				return err
			}
			rep, err := rotateKeys(cmd.Context(), cfg, time.Now(), func(err error) {
				fmt.Fprintln(a.err, "consentry: Kafka does not say how far the groups have come, so only keys.keep decides:", err)
			})
			for _, name := range rep.Made {
				fmt.Fprintln(a.out, "made", name)
			}
			for _, name := range rep.Erased {
				fmt.Fprintln(a.out, "erased", name)
			}
			if err != nil {
				return &exitError{code: exitFailed, err: err}
			}
			if len(rep.Made)+len(rep.Erased) == 0 {
				fmt.Fprintln(a.out, "nothing to do")
			}
			return nil
		},
	}
}

func keysListCommand(a *app) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the epochs: from when to when, in what state, erased when",
		Long:    "List the epochs with their times and states. No key is shown.",
		Example: "  consentry keys list\n  consentry keys list --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := a.loadConfig()
			if err != nil {
				return err
			}
			items, err := keys.List(cfg.Keys.Dir, cfg.Keys.Keep, time.Now())
			if err != nil {
				return &exitError{code: exitFailed, err: err}
			}
			if asJSON {
				return json.NewEncoder(a.out).Encode(map[string]any{"epochs": append([]keys.Item{}, items...)})
			}
			w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "KEY\tFROM\tTO\tSTATE\tERASED")
			for _, it := range items {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", it.Name, stampOf(it.From), stampOf(it.To), it.State, erasure(it))
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

func erasure(it keys.Item) string {
	if it.ErasedAt != nil {
		return "at " + stampOf(*it.ErasedAt)
	}
	return fmt.Sprintf("from %s on, by %s", stampOf(it.EraseAt), stampOf(it.EraseBy))
}

func stampOf(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// keyPlan collects every same_person_for in use with the largest `past` of the sources that its streams read.
func keyPlan(cfg *config.Config) keys.Plan {
	plan := keys.Plan{Keep: cfg.Keys.Keep}
	past := map[string]time.Duration{}
	for _, s := range cfg.Sources {
		past[s.Name.Value] = s.Time.Past.Value
	}
	eachLinked(cfg, func(_ *policy.PartnerSpec, s *policy.StreamSpec) {
		i := slices.IndexFunc(plan.Periods, func(p keys.PeriodPlan) bool { return p.Period == s.SamePersonFor.Value })
		if i < 0 {
			plan.Periods = append(plan.Periods, keys.PeriodPlan{Period: s.SamePersonFor.Value})
			i = len(plan.Periods) - 1
		}
		plan.Periods[i].Past = max(plan.Periods[i].Past, past[s.Source.Value])
	})
	return plan
}

func eachLinked(cfg *config.Config, visit func(*policy.PartnerSpec, *policy.StreamSpec)) {
	for i := range cfg.Partners {
		for j := range cfg.Partners[i].Streams {
			if s := &cfg.Partners[i].Streams[j]; s.SamePersonFor.Set {
				visit(&cfg.Partners[i], s)
			}
		}
	}
}

// rotateKeys makes and erases what is due. Kafka says how far the groups have come; doubt about it, told once by warn,
// leaves the keys to keys.keep.
func rotateKeys(ctx context.Context, cfg *config.Config, now time.Time, warn func(error)) (keys.Report, error) {
	conn, err := connectionOf(cfg)
	inDoubt := err != nil
	if inDoubt {
		warn(err)
	}
	safe := func(period time.Duration, _ int64, at time.Time) bool {
		if inDoubt {
			return false
		}
		topics := topicsOfPeriod(cfg, period)
		for partner, read := range topics {
			past, err := kafka.CommittedPast(ctx, conn, cfg.Kafka.Group+"."+partner, read, at.UnixMilli())
			if err != nil {
				inDoubt = true
				warn(err)
			}
			if !past {
				return false
			}
		}
		return len(topics) > 0 // a period that no policy uses any more waits for keys.keep
	}
	return keys.Rotate(cfg.Keys.Dir, keyPlan(cfg), now, safe)
}

// topicsOfPeriod gives by partner the raw topics of its streams that use the period.
func topicsOfPeriod(cfg *config.Config, period time.Duration) map[string][]string {
	raw := map[string]string{}
	for _, s := range cfg.Sources {
		raw[s.Name.Value] = s.Topic.Value
	}
	out := map[string][]string{}
	eachLinked(cfg, func(p *policy.PartnerSpec, s *policy.StreamSpec) {
		topic := raw[s.Source.Value]
		if s.SamePersonFor.Value == period && topic != "" && !slices.Contains(out[p.Name.Value], topic) {
			out[p.Name.Value] = append(out[p.Name.Value], topic)
		}
	})
	return out
}
