// The file that consent import reads: CSV, one change a line. Nothing that is said about a row quotes it.

package consent

import (
	"bufio"
	"encoding/csv"
	"io"
	"slices"
	"strings"
	"time"
)

// Header is the first line of an import file.
const Header = "action,subject,partner,purpose,categories,linked,since,until,evidence"

const (
	columns    = 9
	maxCSVLine = 1 << 20
)

// Row is one line of an import file. Problem is empty, or says why the row is refused; of the Change then only the
// Action counts, if it could be read.
type Row struct {
	Line     int
	Subject  string
	Change   Change
	Evidence string // recorded with the changelog
	Problem  string
}

// Rows reads an import file row by row. A row is one line: a quote that is never closed spoils its own line only.
type Rows struct {
	lines   *bufio.Scanner
	line    int
	history bool
}

// ReadRows checks the header. history says that withdrawals count from the time that they state.
func ReadRows(r io.Reader, history bool) (*Rows, error) {
	rows := &Rows{lines: bufio.NewScanner(r), history: history}
	rows.lines.Buffer(make([]byte, 0, 64<<10), maxCSVLine)
	if !rows.lines.Scan() {
		return nil, rows.failed("the file is empty; its first line must be " + Header)
	}
	rows.line++
	if strings.TrimPrefix(strings.TrimRight(rows.lines.Text(), "\r"), "\ufeff") != Header {
		return nil, &Refused{Reason: "line 1: the header must be " + Header}
	}
	return rows, nil
}

func (rows *Rows) failed(otherwise string) error {
	switch rows.lines.Err() {
	case nil:
		return &Refused{Reason: otherwise}
	case bufio.ErrTooLong:
		return &Refused{Reason: "a line is longer than 1 MiB"}
	}
	return &Refused{Reason: "the file cannot be read"}
}

// Next gives the next row. io.EOF at the end; any other error means that the rest of the file cannot be read.
func (rows *Rows) Next() (Row, error) {
	for rows.lines.Scan() {
		rows.line++
		text := strings.TrimRight(rows.lines.Text(), "\r")
		if text == "" {
			continue
		}
		return rows.parse(text), nil
	}
	if rows.lines.Err() != nil {
		return Row{}, rows.failed("")
	}
	return Row{}, io.EOF
}

func (rows *Rows) parse(text string) Row {
	row := Row{Line: rows.line}
	f, ok := split(text)
	if !ok {
		row.Problem = "not nine columns of CSV"
		return row
	}
	row.Subject, row.Evidence = f[1], f[8]
	c := Change{Partner: f[2], Purpose: f[3], Categories: strings.Fields(f[4]), History: rows.history}
	row.Problem = c.fill(f[0], f[5], f[6], f[7])
	row.Change = c
	return row
}

// split takes a line apart. Without quotes a line of CSV is its commas; a reader for each would be most of a load's time.
func split(text string) ([]string, bool) {
	if !strings.Contains(text, `"`) {
		f := strings.Split(text, ",")
		return f, len(f) == columns
	}
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = columns
	f, err := r.Read()
	return f, err == nil
}

// fill reads the columns that depend on the action; it says what is wrong with them.
func (c *Change) fill(action, linked, since, until string) string {
	switch action {
	case "grant":
		c.Action = ActGrant
	case "withdraw":
		c.Action = ActWithdraw
	case "withdraw-all":
		c.Action = ActWithdrawAll
	default:
		return "action is not grant, withdraw or withdraw-all"
	}
	switch linked {
	case "true", "false", "":
		c.Linked = linked == "true"
	default:
		return "linked is neither true nor false"
	}
	if since != "" {
		at, ok := ParseTime(since)
		if !ok {
			return "since is not an RFC 3339 time"
		}
		c.AtMS, c.Stated = at, true
	}
	if until != "" {
		at, ok := ParseTime(until)
		if !ok {
			return "until is not an RFC 3339 time"
		}
		c.UntilMS, c.Ends = at, true
	}
	switch c.Action {
	case ActGrant:
		if linked == "" {
			return "linked is neither true nor false"
		}
	case ActWithdrawAll:
		if c.Partner != "" || c.Purpose != "" || len(c.Categories) > 0 || linked != "" {
			return "withdraw-all leaves partner, purpose, categories and linked empty"
		}
	}
	if c.Action != ActGrant && c.Ends {
		return "a withdrawal leaves until empty"
	}
	return c.Problem()
}

// Problem says what makes a change impossible whatever the line, for a person; empty if nothing does.
func (c *Change) Problem() string {
	for _, name := range c.Categories {
		if !slices.Contains(Categories, name) {
			return "a category is none of " + strings.Join(Categories, ", ")
		}
	}
	if c.Action != ActWithdrawAll {
		if !ValidName(c.Partner) {
			return "partner is not a name"
		}
		if !ValidName(c.Purpose) {
			return "purpose is not a name"
		}
	}
	switch {
	case c.Action == ActGrant && len(c.Categories) == 0:
		return "a grant names at least one category"
	case c.Action == ActGrant && !c.Stated:
		return RefusedUnstated.Reason()
	case c.Action == ActGrant && c.Ends && c.UntilMS <= c.AtMS:
		return RefusedUntil.Reason()
	case !c.wellFormed():
		return RefusedForm.Reason()
	}
	return ""
}

// Categories are all that a consent can cover.
var Categories = []string{"location", "browsing", "app_usage", "search"}

// ParseTime reads an RFC 3339 time as Unix milliseconds, from 1970 on.
func ParseTime(text string) (int64, bool) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return 0, false
	}
	ms := t.UnixMilli()
	return ms, ms >= 0 && ms <= maxTimeMS
}
