// check.go compiles everything and shows each stream's listing, or all that is wrong.

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentry/consentry/config"
	"github.com/consentry/consentry/policy"
)

type checkReport struct {
	OK      bool          `json:"ok"`
	Policy  string        `json:"policy"`
	Streams []checkStream `json:"streams"`
	Errors  []checkError  `json:"errors"`
}

type checkStream struct {
	Topic  string       `json:"topic"`
	Claim  string       `json:"claim"`
	Fields []checkField `json:"fields"`
	Needs  []string     `json:"needs"`
	Linked bool         `json:"linked"`
	// Detectors are the checks of what stays private even with consent, in the order of verdicts.
	Detectors []checkDetector `json:"detectors"`
}

type checkDetector struct {
	Name   string   `json:"name"`
	Before []string `json:"before"` // fields, or "every field"
	How    string   `json:"how"`
}

type checkField struct {
	Name string   `json:"name"`
	Type string   `json:"type"`
	From []string `json:"from"`
	How  string   `json:"how"`
}

type checkError struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

func checkCommand(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Compile the policies; print each stream's listing, or every error",
		Long: "check reads consentry.yaml, the sources and the partners, and compiles every stream. It prints the listing of each\n" +
			"stream, which a privacy officer reads and signs, or everything that is wrong, and then exits with 78.\n" +
			"It needs no network unless a source takes its schema from the raw registry.",
		Example: "  consentry check\n  consentry check -c consentry.yaml --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o := load(cmd.Context(), a.configPath, config.OS())
			if asJSON {
				return a.checkJSON(o)
			}
			if o.set == nil {
				a.printProblems(o.files, o.all())
				return o.failed()
			}
			fmt.Fprintf(a.out, "policy %s\n", o.set.Revision)
			if old := placesAge(o.set.House, time.Now()); old != "" {
				fmt.Fprintf(a.err, "consentry: %s; run: %s\n", old, importPlaces(o.cfg))
			}
			for _, p := range o.set.Partners {
				for _, st := range p.Streams {
					fmt.Fprintf(a.out, "\n%s", st.Listing())
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func (a *app) checkJSON(o *outcome) error {
	r := checkReport{OK: o.set != nil, Streams: []checkStream{}, Errors: []checkError{}}
	for _, p := range o.all() {
		r.Errors = append(r.Errors, checkError{p.Pos.File, p.Pos.Line, p.Pos.Column, p.Message})
	}
	if o.set != nil {
		r.Policy = o.set.Revision
		for _, p := range o.set.Partners {
			for _, st := range p.Streams {
				cs := checkStream{Topic: st.Topic, Claim: st.Claim(), Needs: st.Needs, Linked: st.Linked}
				for _, d := range st.Detectors {
					cs.Detectors = append(cs.Detectors, checkDetector(d))
				}
				for _, f := range st.Fields {
					from := f.From
					if from == nil {
						from = []string{}
					}
					cs.Fields = append(cs.Fields, checkField{f.Name, f.Type, from, f.How})
				}
				r.Streams = append(r.Streams, cs)
			}
		}
	}
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return &exitError{code: exitFailed, err: err}
	}
	return o.failed()
}

// all is what is wrong, and what could not be had, with its place.
func (o *outcome) all() []policy.Problem {
	all := slices.Clone(o.problems)
	for _, w := range o.waiting {
		all = append(all, policy.Problem{Pos: w.pos, Message: w.Error()})
	}
	o.files.Sort(all)
	return all
}

// failed is nil, 78 for a configuration that is wrong, or 1 for one that could not be checked now.
func (o *outcome) failed() error {
	switch {
	case len(o.problems) > 0:
		return &exitError{code: exitConfig, said: true}
	case len(o.waiting) > 0:
		return &exitError{code: exitFailed, said: true}
	}
	return nil
}
