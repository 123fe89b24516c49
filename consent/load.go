// Loading a file of changes into a store, in batches.

package consent

import (
	"context"
	"io"
)

// loadBatch is the number of changes in two round trips: small enough to be written within a second of its acceptance.
const loadBatch = 500

// Loading says how a file is to be loaded. All functions are required.
type Loading struct {
	// Name finds the ID of a subject as written; false refuses the row.
	Name func(subject string) (ID, bool)
	// Check refuses a row for what the configuration says; empty is no objection.
	Check func(Change) string
	// Report is told of every row that did not do all that it asked.
	Report func(line int, kind, reason string)
	// Progress is told how many rows were read so far.
	Progress func(rows int)
}

// Loaded counts what became of a file's rows.
type Loaded struct {
	Made, Void, Refused int
	// Doubtful rows were refused and may have been withdrawals.
	Doubtful int
	Line     int // up to which everything is in the store, or was reported
}

// Kinds of report.
const (
	KindRefused = "refused"
	KindVoid    = "void"
	KindNote    = "note"
)

// Load makes the changes of a file. On error Loaded says how far it came; running the file again is harmless.
func (l *Loading) Load(ctx context.Context, rows *Rows, w Writer) (Loaded, error) {
	var done Loaded
	batch := make([]Named, 0, loadBatch)
	lines := make([]int, 0, loadBatch)
	read, last := 0, 1
	flush := func() error {
		if len(batch) > 0 {
			results, err := w.ApplyAll(ctx, batch)
			if err != nil {
				return err
			}
			for i, r := range results {
				l.count(&done, lines[i], batch[i].Change, r)
			}
		}
		batch, lines = batch[:0], lines[:0]
		done.Line = last
		l.Progress(read)
		return nil
	}
	for {
		row, err := rows.Next()
		if err == io.EOF {
			return done, flush()
		}
		if err != nil {
			if failed := flush(); failed != nil {
				return done, failed
			}
			return done, err
		}
		read, last = read+1, row.Line
		problem := row.Problem
		if problem == "" {
			problem = l.Check(row.Change)
		}
		id, known := ID{}, false
		if problem == "" {
			if id, known = l.Name(row.Subject); !known {
				problem = "the subject is not of the kind that consent.subject names"
			}
		}
		if problem != "" {
			done.refuse(row.Change.Action)
			l.Report(row.Line, KindRefused, problem)
			continue
		}
		batch, lines = append(batch, Named{id, row.Change}), append(lines, row.Line)
		if len(batch) == loadBatch {
			if err := flush(); err != nil {
				return done, err
			}
		}
	}
}

func (d *Loaded) refuse(a Action) {
	d.Refused++
	if a != ActGrant {
		d.Doubtful++
	}
}

func (l *Loading) count(done *Loaded, line int, c Change, r Result) {
	switch {
	case r.Effect.Refused():
		done.refuse(c.Action)
		l.Report(line, KindRefused, r.Effect.Reason())
	case r.Effect.Void():
		done.Void++
		l.Report(line, KindVoid, r.Effect.Reason())
	default:
		done.Made++
		if r.Effect == LaterStands || r.Effect == AllBecause {
			l.Report(line, KindNote, r.Effect.Reason())
		}
	}
}
