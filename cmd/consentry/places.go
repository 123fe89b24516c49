// places.go is the verb `places`: the list of sensitive places, made of what others publish.

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentry/consentry/detect"
)

func placesCommand(a *app) *cobra.Command {
	return family(&cobra.Command{
		Use:   "places",
		Short: "Make the list of sensitive places",
		Long: "Make the list of sensitive places, near which nothing is released whoever has agreed. It is made of public maps,\n" +
			"and ages: workers warn and then park when it is too old.",
		Example: "  consentry places import --out lists/places.consentry lists/places.csv",
	}, placesImportCommand(a))
}

// placesImport holds the flags of the verb.
type placesImport struct {
	out, categories, date string
	skipMalformed         bool
}

func placesImportCommand(a *app) *cobra.Command {
	var f placesImport
	c := &cobra.Command{
		Use:   "import --out FILE IN...",
		Short: "Make a list of places of OpenStreetMap extracts, GeoJSON or CSV",
		Long: "Make a list of places of OpenStreetMap extracts (.osm.pbf), GeoJSON (.geojson, .json, or features line by line), or CSV\n" +
			"with the columns category, lat and lon. Of each place only its category and where it is are kept, never a name.\n" +
			"The list is as old as the oldest of its inputs: an extract states its date, other files have --date, or the time at which\n" +
			"they were last written. The file appears whole or not at all; the same inputs give the same bytes.\n" +
			"A malformed place in an input is told by line or offset, and no list is made unless --skip-malformed is given.",
		Example: "  consentry places import --out lists/places.consentry lists/places.csv\n" +
			"  consentry places import --out more.consentry --categories categories.csv --date 2026-11-01 lists/places.csv",
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 || f.out == "" {
				return fmt.Errorf("%s needs --out FILE and at least one file to read", c.CommandPath())
			}
			return a.placesImport(&f, args)
		},
	}
	c.Flags().StringVar(&f.out, "out", "", "file to write")
	c.Flags().StringVar(&f.categories, "categories", "", "CSV file from,to: more words of maps and what they mean; adds to the shipped ones")
	c.Flags().StringVar(&f.date, "date", "", "date of the data (YYYY-MM-DD) of the inputs that state none")
	c.Flags().BoolVar(&f.skipMalformed, "skip-malformed", false, "make the list without the places that are malformed")
	return c
}

func (a *app) placesImport(f *placesImport, inputs []string) error {
	failed := func(err error) error { return &exitError{code: exitFailed, err: err} }
	var date time.Time
	if f.date != "" {
		var err error
		if date, err = time.Parse(time.DateOnly, f.date); err != nil {
			return errors.New("--date must be a day, YYYY-MM-DD")
		}
		if date.After(time.Now().Add(24 * time.Hour)) {
			return errors.New("--date is to come: say of which day the data is")
		}
	}
	var categories io.Reader
	if f.categories != "" {
		file, err := os.Open(f.categories)
		if err != nil {
			return failed(err)
		}
		defer file.Close()
		categories = file
	}
	im, err := detect.NewPlaceImport(f.categories, categories)
	if err != nil {
		return failed(err)
	}
	malformed := 0
	for _, name := range inputs {
		n, err := a.placesFrom(im, name, date)
		if err != nil {
			return failed(fmt.Errorf("%s: %w", name, err))
		}
		malformed += n
	}
	if malformed > 0 && !f.skipMalformed {
		return failed(fmt.Errorf("%d malformed: nothing was written. Mend the inputs, or leave these out with --skip-malformed", malformed))
	}
	raw, err := im.Encode()
	if err != nil {
		return failed(err)
	}
	// What is written must be what a worker reads.
	list, err := detect.ReadPlaces(strings.NewReader(string(raw)))
	if err != nil {
		return failed(err)
	}
	if err := writeWhole(f.out, raw); err != nil {
		return failed(err)
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, c := range list.Categories() {
		use := "always withheld"
		if !detect.AlwaysWithheld(c) {
			use = "withheld where a stream says also_near"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\n", c, list.Count(c), use)
	}
	w.Flush()
	fmt.Fprintf(a.out, "wrote %s: data of %s\n", f.out, list.Made().Format(time.DateOnly))
	return nil
}

// placesFrom reads one input and reports on it.
func (a *app) placesFrom(im *detect.PlaceImport, name string, date time.Time) (malformed int, err error) {
	file, err := os.Open(name)
	if err != nil {
		return 0, errors.New("cannot be opened")
	}
	defer file.Close()
	if date.IsZero() {
		info, err := file.Stat()
		if err != nil {
			return 0, err
		}
		date = info.ModTime()
	}
	rep, err := im.Add(filepath.Base(name), file, date)
	if err == nil && rep.Made.After(time.Now().Add(24*time.Hour)) {
		err = errors.New("its data is dated in the future, so the list would never age: give --date, or mend the file's time")
	}
	for _, p := range rep.Problems {
		fmt.Fprintf(a.err, "%s: %s: %s\n", name, p.Where, p.Why)
	}
	if more := rep.Malformed - len(rep.Problems); more > 0 {
		fmt.Fprintf(a.err, "%s: and %d more\n", name, more)
	}
	if err != nil {
		return 0, err
	}
	fmt.Fprintf(a.err, "%s: %d places, %d of no category, %d incomplete, %d malformed; data of %s\n",
		name, rep.Taken, rep.Skipped, rep.Incomplete, rep.Malformed, rep.Made.Format(time.DateOnly))
	return rep.Malformed, nil
}

// writeWhole puts a file in place of another, or fails and leaves that as it was.
func writeWhole(name string, raw []byte) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(tmp.Name())
		}
	}()
	if _, err = tmp.Write(raw); err == nil {
		err = errors.Join(tmp.Chmod(0o644), tmp.Sync())
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err = os.Rename(tmp.Name(), name); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
