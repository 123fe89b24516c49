package main

// The consent store goes away in every way: stopped, held, killed, emptied, restored from an old copy.

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/consentry/consentry/internal/city"
)

func redisStopped(ctx context.Context, s *stage, row *outageRow) error {
	if _, err := s.optOut(ctx, 3); err != nil {
		return err
	}
	at := time.Now()
	if err := s.h.TB.Redis.Stop(); err != nil {
		return err
	}
	if err := s.unreachable(ctx, row, at, 0); err != nil {
		return err
	}
	started, err := s.restart(ctx, 1)
	if err != nil {
		return err
	}
	if _, err := s.parked(ctx, started, row.cause, partners...); err != nil {
		return fmt.Errorf("a worker that started meanwhile: %w", err)
	}
	return s.redisBack(ctx, row, s.h.TB.Redis.Start)
}

func redisHeld(ctx context.Context, s *stage, row *outageRow) error {
	if _, err := s.optOut(ctx, 3); err != nil {
		return err
	}
	at := time.Now()
	if err := s.h.TB.Redis.Pause(); err != nil {
		return err
	}
	if err := s.unreachable(ctx, row, at, 10*time.Second); err != nil {
		return err
	}
	return s.redisBack(ctx, row, func(context.Context) error { return s.h.TB.Redis.Continue() })
}

func redisKilled(ctx context.Context, s *stage, row *outageRow) error {
	if _, err := s.optOut(ctx, 3); err != nil {
		return err
	}
	before, err := lines(s.h.TB.Redis.Addr)
	if err != nil {
		return err
	}
	at := time.Now()
	if err := s.h.TB.Redis.Kill(); err != nil {
		return err
	}
	if err := s.unreachable(ctx, row, at, 0); err != nil {
		return err
	}
	if err := s.redisBack(ctx, row, s.h.TB.Redis.Start); err != nil {
		return err
	}
	after, err := lines(s.h.TB.Redis.Addr)
	if err != nil {
		return err
	}
	s.r.check(differences(before, after) == 0 && len(after) > 0, "%d lines after the kill, %d of them lost or changed, withdrawals of a moment before included",
		len(after), differences(before, after))
	return nil
}

// unreachable waits for redis_unreachable on all partners and keeps the fault up until it lasted for, at least 4 s.
func (s *stage) unreachable(ctx context.Context, row *outageRow, at time.Time, lasts time.Duration) (err error) {
	row.cause = "redis_unreachable"
	if row.parked, err = s.parked(ctx, at, row.cause, partners...); err != nil {
		return err
	}
	s.refused(ctx, "Redis is away")
	if err := hold(ctx, max(time.Until(at.Add(lasts)), 4*time.Second-time.Since(at), 0)); err != nil {
		return err
	}
	s.silent(at.Add(row.parked), partners...)
	return nil
}

func (s *stage) redisBack(ctx context.Context, row *outageRow, back func(context.Context) error) (err error) {
	if err := back(ctx); err != nil {
		return err
	}
	row.resumed, err = s.resumed(ctx, time.Now(), partners...)
	return err
}

func redisFlushed(ctx context.Context, s *stage, row *outageRow) error {
	return s.wiped(ctx, row, func(ctx context.Context) error { return flushAll(ctx, s.h.TB.Redis.Addr) }, s.notAccepted)
}

func redisLost(ctx context.Context, s *stage, row *outageRow) error {
	return s.wiped(ctx, row, s.h.TB.Redis.Wipe, s.notAccepted)
}

func (s *stage) notAccepted(ctx context.Context, _ []int) error {
	s.refused(ctx, "nobody has accepted the store")
	return nil
}

// redisRestored puts an old copy of the store's files back: it lacks the withdrawals that came after, and looks well.
func redisRestored(ctx context.Context, s *stage, row *outageRow) error {
	redis := s.h.TB.Redis
	data, copied := filepath.Join(s.h.TB.Dir, "redis", "data"), filepath.Join(s.h.Dir, "redis-copy")
	if err := redis.Stop(); err != nil {
		return err
	}
	if err := os.CopyFS(copied, os.DirFS(data)); err != nil {
		return err
	}
	began := time.Now()
	if err := redis.Start(ctx); err != nil {
		return err
	}
	if _, err := s.resumed(ctx, began, partners...); err != nil {
		return err
	}
	return s.wiped(ctx, row, func(ctx context.Context) error {
		// A worker knows what it has seen: each looks at least every half second. Nobody restores a store faster.
		if err := hold(ctx, time.Second); err != nil {
			return err
		}
		if err := redis.Kill(); err != nil {
			return err
		}
		if err := os.RemoveAll(data); err != nil {
			return err
		}
		if err := os.CopyFS(data, os.DirFS(copied)); err != nil {
			return err
		}
		return redis.Start(ctx)
	}, func(ctx context.Context, who []int) error {
		// The store looks well to who changes something in it, and counts on. That makes nothing good.
		at := time.Now()
		if err := s.withdraw(ctx, who); err != nil {
			return err
		}
		if err := hold(ctx, time.Second); err != nil {
			return err
		}
		_, err := s.parked(ctx, at, row.cause, partners...)
		return err
	})
}

// wiped empties the store with withdrawals of a moment before in it. Nothing may flow, not even from a worker that starts
// now, until a person has loaded the consents again; then everybody's do, but of those who had withdrawn.
func (s *stage) wiped(ctx context.Context, row *outageRow, wipe func(context.Context) error, then func(context.Context, []int) error) error {
	who, err := s.optOut(ctx, 4)
	if err != nil {
		return err
	}
	before, err := lines(s.h.TB.Redis.Addr)
	if err != nil {
		return err
	}
	history := filepath.Join(s.h.Dir, "history.csv")
	rows, err := s.writeHistory(history)
	if err != nil {
		return err
	}
	if err := wipe(ctx); err != nil {
		return err
	}
	at := time.Now()
	row.cause = "redis_wiped"
	if row.parked, err = s.parked(ctx, at, row.cause, partners...); err != nil {
		return err
	}
	parkedAt := at.Add(row.parked)
	started, err := s.restart(ctx, 1)
	if err != nil {
		return err
	}
	if _, err := s.parked(ctx, started, row.cause, partners...); err != nil {
		return fmt.Errorf("a worker that started meanwhile: %w", err)
	}
	if err := then(ctx, who); err != nil {
		return err
	}
	if err := hold(ctx, 3*time.Second); err != nil {
		return err
	}
	s.silent(parkedAt, partners...)
	mend := time.Now()
	out, err := s.h.Verb(ctx, "consent", "accept-epoch", "--import", history, "--history", "--yes")
	if err != nil {
		return err
	}
	said := strings.Split(strings.TrimSpace(out), "\n")
	s.r.say("accept-epoch loaded %d rows in %s: %s", rows, span(time.Since(mend)), strings.Join(said[max(0, len(said)-2):], "; "))
	if row.resumed, err = s.resumed(ctx, mend, partners...); err != nil {
		return err
	}
	after, err := lines(s.h.TB.Redis.Addr)
	if err != nil {
		return err
	}
	s.r.check(differences(before, after) == 0, "%d lines before, %d after, %d differ", len(before), len(after), differences(before, after))
	// The people who had withdrawn go on making events: what arrives of them in the next seconds is judged.
	return hold(ctx, 3*time.Second)
}

// restart ends a worker by SIGTERM and starts it again.
func (s *stage) restart(ctx context.Context, n int) (time.Time, error) {
	if err := s.workers[n].Stop(ctx); err != nil {
		return time.Time{}, err
	}
	at := time.Now()
	return at, s.workers[n].Start()
}

// differences counts the ids whose lines are not the same.
func differences(a, b map[string]string) (n int) {
	for id, line := range a {
		if !sameLine(line, b[id]) {
			n++
		}
	}
	for id := range b {
		if _, ok := a[id]; !ok {
			n++
		}
	}
	return n
}

// sameLine takes two withdrawals of everything for the same unless the later line's mark is earlier: the mark is the moment
// of acceptance, the carrier's books have that of the acknowledgement, and who withdraws again moves it on.
func sameLine(before, after string) bool {
	x, all := strings.CutPrefix(before, "*X")
	y, still := strings.CutPrefix(after, "*X")
	if all && still && !strings.Contains(x+y, " ") {
		return millis(y) >= millis(x)-time.Second.Milliseconds()
	}
	return before == after
}

// writeHistory writes the carrier's own books: what everybody decided before, and the opt-outs of this proof.
func (s *stage) writeHistory(path string) (rows int, err error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "action,subject,partner,purpose,categories,linked,since,until,evidence")
	for who := range s.flow.people {
		subject := s.flow.subject(who)
		for _, c := range s.flow.decided(who) {
			rows++
			categories := strings.Join(c.Categories, " ")
			switch c.Action {
			case city.Grant:
				fmt.Fprintf(w, "grant,%s,%s,%s,%s,%t,%s,%s,\n", subject, c.Partner, c.Purpose, categories, c.Linked, instant(c.AtMS), instant(c.UntilMS))
			case city.Withdraw:
				fmt.Fprintf(w, "withdraw,%s,%s,%s,%s,%t,%s,,\n", subject, c.Partner, c.Purpose, categories, c.Linked, instant(c.AtMS))
			case city.WithdrawAll:
				fmt.Fprintf(w, "withdraw-all,%s,,,,,%s,,\n", subject, instant(c.AtMS))
			}
		}
		for _, c := range s.book.t.changes[subject] {
			rows++
			fmt.Fprintf(w, "withdraw-all,%s,,,,,%s,,\n", subject, instant(c.acked.UnixMilli()))
		}
	}
	return rows, w.Flush()
}

func millis(text string) (ms int64) {
	_, _ = fmt.Sscan(text, &ms) // a mark that is none counts as 0
	return ms
}

func instant(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
}

func flushAll(ctx context.Context, addr string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("FLUSHALL\r\n")); err != nil {
		return err
	}
	_, err = bufio.NewReader(conn).ReadString('\n')
	return err
}
