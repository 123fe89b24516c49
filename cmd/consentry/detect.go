// detect.go is the verb `detect`: how well the detectors of residual identifiers do on texts whose class is known.

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/consentry/consentry/detect"
)

// maxCorpusLine is the longest line of a corpus, in bytes: the longest text that is looked at, every character escaped.
const maxCorpusLine = 8 << 20

// recall is what `detect --json` prints. Classes without cases are left out; the order is that of the published list.
type recall struct {
	Classes     []classRecall `json:"classes"`
	Clean       int           `json:"clean"`
	FalseAlarms int           `json:"false_alarms"`
}

// classRecall counts the cases of one class: found has its class among the hits, withheld has any hit.
type classRecall struct {
	Class    string `json:"class"`
	Cases    int    `json:"cases"`
	Found    int    `json:"found"`
	Withheld int    `json:"withheld"`
}

func detectCommand(a *app) *cobra.Command {
	var file, region string
	var asJSON bool
	c := &cobra.Command{
		Use:   "detect --corpus FILE",
		Short: "Measure the detectors of identifiers on a corpus of texts",
		Long: "Measure the detectors of identifiers inside values on a corpus of texts whose class is known.\n\n" +
			"FILE, or - for standard input, has JSON lines: {\"text\": \"ann at example dot org\", \"class\": \"email\"}. An empty class says\n" +
			"that the text is clean; other keys are ignored. A case is found if its class is among the hits, and withheld if there is any\n" +
			"hit: recall is what is withheld. No text is printed. It needs no configuration.\n\n" +
			"Classes: " + strings.Join(classNames(), ", ") + ".",
		Example: "  consentry detect --corpus corpus.jsonl\n" +
			"  consentry detect --corpus corpus.jsonl --region GB --json",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if file == "" {
				return &exitError{code: exitUsage, err: errors.New("say what to look at: --corpus FILE, or --corpus - for standard input")}
			}
			s, err := detect.NewScanner(strings.ToUpper(region))
			if err != nil {
				return &exitError{code: exitUsage, err: errors.New("--region is a country as in ISO 3166-1, like US")}
			}
			in := a.in
			if file != "-" {
				f, err := os.Open(file)
				if err != nil {
					return &exitError{code: exitFailed, err: err}
				}
				defer f.Close()
				in = f
			}
			r, err := measure(s, in)
			if err == nil && asJSON {
				err = json.NewEncoder(a.out).Encode(r)
			} else if err == nil {
				err = r.print(a.out)
			}
			if err != nil {
				return &exitError{code: exitFailed, err: err}
			}
			return nil
		},
	}
	c.Flags().StringVar(&file, "corpus", "", "JSON lines with text and class")
	c.Flags().StringVar(&region, "region", "US", "where telephone numbers are national ones")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

func classNames() (names []string) {
	for c := range detect.NumClasses {
		names = append(names, c.String())
	}
	return names
}

// measure scans every line. Its errors name the line and never what stands in it.
func measure(s *detect.Scanner, in io.Reader) (recall, error) {
	var by [detect.NumClasses]classRecall
	r := recall{Classes: []classRecall{}}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxCorpusLine)
	n := 0
	for lines.Scan() {
		n++
		if len(strings.TrimSpace(lines.Text())) == 0 {
			continue
		}
		var line struct {
			Text  *string `json:"text"`
			Class string  `json:"class"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Text == nil {
			return r, fmt.Errorf(`line %d of the corpus is not like {"text": "…", "class": "email"}`, n)
		}
		hits := s.Scan([]byte(*line.Text))
		if line.Class == "" {
			r.Clean++
			if hits != 0 {
				r.FalseAlarms++
			}
			continue
		}
		c, known := detect.ParseClass(line.Class)
		if !known {
			return r, fmt.Errorf("line %d of the corpus has a class that is none of %s", n, strings.Join(classNames(), ", "))
		}
		by[c].Cases++
		if hits.Has(c) {
			by[c].Found++
		}
		if hits != 0 {
			by[c].Withheld++
		}
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("line %d of the corpus is longer than %d bytes", n+1, maxCorpusLine)
		}
		return r, err
	}
	for c := range detect.NumClasses {
		if by[c].Cases > 0 {
			by[c].Class = c.String()
			r.Classes = append(r.Classes, by[c])
		}
	}
	return r, nil
}

// print writes the table that a person reads.
func (r recall) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(r.Classes) > 0 {
		fmt.Fprintln(w, "CLASS\tCASES\tFOUND\tWITHHELD\tRECALL")
	}
	for _, c := range r.Classes {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\n", c.Class, c.Cases, c.Found, c.Withheld, share(c.Withheld, c.Cases))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if r.Clean == 0 {
		_, err := fmt.Fprintln(out, "no clean texts")
		return err
	}
	_, err := fmt.Fprintf(out, "%d clean texts, %d false alarms (%s)\n", r.Clean, r.FalseAlarms, share(r.FalseAlarms, r.Clean))
	return err
}

// share is n of total in hundredths, with two decimals and never rounded up to all of it.
func share(n, total int) string {
	hundredths := n * 10_000 / total
	return fmt.Sprintf("%d.%02d %%", hundredths/100, hundredths%100)
}
