package changelog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/consentry/consentry/consent"
	"github.com/consentry/consentry/kafka"
)

func (r *ownerRig) verb(wait time.Duration) *Client {
	r.t.Helper()
	c, err := NewClient(ClientOptions{Connection: r.conn, Group: r.group, Requests: r.requests, State: r.state, Store: r.store,
		Stale: testStale, Wait: wait})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(c.Close)
	return c
}

// openedVerb is a verb in a deployment with an owner, opened.
func (r *ownerRig) openedVerb() *Client {
	r.t.Helper()
	r.start()
	c := r.verb(testDeadline)
	if _, err := c.Open(r.t.Context(), Opening{Epoch: 7, House: testHouse, Wait: testDeadline}); err != nil {
		r.t.Fatal(err)
	}
	return c
}

func (r *ownerRig) outcome(c *Client, q consent.Request) Outcome {
	r.t.Helper()
	outs, err := c.Ask(r.t.Context(), q)
	if err != nil {
		r.t.Fatal(err)
	}
	return outs[0]
}

func withEvidence(q consent.Request, e string) consent.Request { q.Evidence = e; return q }

// What a verb is told is what holds: the line stands in Redis, an old opt-in is void, and the account tells all of it.
func TestAskAndAccount(t *testing.T) {
	onEither(t, func(r *ownerRig) {
		c := r.openedVerb()
		at := time.Now().Add(-time.Hour).UnixMilli()
		got := r.outcome(c, withEvidence(grant(5, at), "CRM-1"))
		if !got.InForce || got.Effect != consent.Granted || got.AcknowledgedMS == 0 {
			t.Fatalf("%+v", got)
		}
		line, err := r.store.Line(t.Context(), person(5))
		if err != nil || !strings.HasPrefix(string(line), "acme/advertising:location@") {
			t.Fatalf("%q %v", line, err)
		}
		if got = r.outcome(c, withEvidence(withdraw(5), "CALL-2")); !got.InForce || got.Effect != consent.EndedGrant {
			t.Fatalf("%+v", got)
		}
		if got = r.outcome(c, withEvidence(grant(5, at), "CRM-1")); got.InForce || got.Effect != consent.VoidWithdrawn {
			t.Fatalf("an old opt-in, replayed: %+v", got)
		}
		events, err := c.History(t.Context(), person(5))
		if err != nil || len(events) != 3 {
			t.Fatalf("%d events, %v", len(events), err)
		}
		if e := events[0]; e.Request.Evidence != "CRM-1" || e.EndedBy != events[1] || events[1].Request.Evidence != "CALL-2" {
			t.Errorf("the grant's end: %+v", e)
		}
		if e := events[2]; e.Effect != consent.VoidWithdrawn || e.InForce {
			t.Errorf("the replay: %+v", e)
		}
	})
}

func TestAskWithoutAnOwner(t *testing.T) {
	r := newOwnerRig(t)
	c := r.verb(300 * time.Millisecond)
	_, err := c.Ask(t.Context(), withdraw(1))
	var ny *NotYet
	if !errors.As(err, &ny) || ny.At != (Position{1, 0}) || !strings.Contains(err.Error(), "consentry consent sync") {
		t.Fatalf("%v", err)
	}
	// It stands, and the owner that comes later makes it hold.
	c = r.openedVerb()
	if events, err := c.History(t.Context(), person(1)); err != nil || len(events) != 1 || events[0].Effect != consent.Marked {
		t.Errorf("%v %v", events, err)
	}
}

// Nothing of a forgotten subject is left but that everything was withdrawn: no key of its requests has a value.
func TestForget(t *testing.T) {
	onEither(t, func(r *ownerRig) {
		c := r.openedVerb()
		r.outcome(c, grant(5, 1000))
		r.outcome(c, grant(5+consent.Shards, 1000)) // another subject of the shard
		r.outcome(c, withdraw(5))
		out, erased, err := c.Forget(t.Context(), consent.Request{Kind: consent.AskForget, ReqID: requestID(), ID: person(5)})
		if err != nil || erased != 2 || !out.InForce {
			t.Fatalf("%+v, %d erased, %v", out, erased, err)
		}
		left := map[string]string{}
		if _, err := kafka.ReadCommitted(t.Context(), r.conn, []string{r.requests}, func(rec *kafka.Committed) {
			if strings.HasPrefix(string(rec.Key), person(5).String()) {
				left[string(rec.Key)] = string(rec.Value)
			}
		}); err != nil {
			t.Fatal(err)
		}
		for key, value := range left {
			if value != "" && value != `{"kind":"forget"}` {
				t.Errorf("%s still has %s", key, value)
			}
		}
		if line, _ := r.store.Line(t.Context(), person(5)); string(line) != fmt.Sprintf("*X%d", out.AcceptedMS) {
			t.Errorf("the line is %q", line)
		}
		if line, _ := r.store.Line(t.Context(), person(5+consent.Shards)); string(line) != "acme/advertising:location@1000-" {
			t.Errorf("somebody else's line is %q", line)
		}
		events, err := c.History(t.Context(), person(5))
		if err != nil || len(events) != 1 || events[0].Request.Kind != consent.AskForget {
			t.Errorf("the account: %v %v", events, err)
		}
		// The tombstones are passed over, and the shard goes on.
		if got := r.outcome(c, withdraw(5)); got.Effect.Refused() {
			t.Errorf("%+v", got)
		}
	})
}

// csvOf is a file of n grants of n subjects; every tenth row is refused for its form, every tenth void after the one before.
func csvOf(n int) string {
	var b strings.Builder
	b.WriteString(consent.Header + "\n")
	for i := range n {
		switch i % 10 {
		case 3:
			fmt.Fprintf(&b, "grant,%d,acme,advertising,shoes,true,2026-01-01T00:00:00Z,,\n", i)
		case 5:
			fmt.Fprintf(&b, "grant,%d,acme,advertising,location,true,2025-01-01T00:00:00Z,,\n", i-1)
		default:
			fmt.Fprintf(&b, "grant,%d,acme,advertising,location,true,2026-01-01T00:00:00Z,,E-%d\n", i, i)
		}
	}
	return b.String()
}

func importOf(file string, report func(int, string, string)) Import {
	o := Import{
		Name: func(subject string) (consent.ID, bool) {
			var n int
			_, err := fmt.Sscanf(subject, "%d", &n)
			return person(n), err == nil
		},
		Check: func(consent.Change) string { return "" }, Report: report,
		Progress: func(int, int) {}, Resumed: func(int) {}, batch: 50,
	}
	copy(o.File[:], file)
	return o
}

func (r *ownerRig) load(ctx context.Context, c *Client, file string, o Import) (consent.Loaded, error) {
	r.t.Helper()
	rows, err := consent.ReadRows(strings.NewReader(file), false)
	if err != nil {
		r.t.Fatal(err)
	}
	return c.Load(ctx, rows, o)
}

// A load that is cut short again and again goes on where it stopped: every row stands in the log once, and the account of
// the last run is that of the whole file.
func TestLoadGoesOn(t *testing.T) {
	onEither(t, func(r *ownerRig) {
		c := r.openedVerb()
		file := csvOf(400)
		voids := map[int]bool{}
		o := importOf("a file", func(line int, kind, reason string) {
			if kind == consent.KindVoid {
				voids[line] = true // a run that is cut short may say it, and the next one again
			}
		})
		resumed := 0
		o.Resumed = func(int) { resumed++ }
		var done consent.Loaded
		err := errors.New("not begun")
		for runs := 0; err != nil; runs++ {
			if runs == 20 {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			first := true
			o.Progress = func(int, int) {
				if !first && runs < 3 {
					cancel()
				}
				first = false
			}
			done, err = r.load(ctx, c, file, o)
			cancel()
		}
		if resumed == 0 {
			t.Error("no run went on")
		}
		if done.Made != 320 || done.Void != 40 || done.Refused != 40 || done.Doubtful != 0 || len(voids) != 40 {
			t.Errorf("%+v, %d voids", done, len(voids))
		}
		keys := map[string]int{}
		if _, err := kafka.ReadCommitted(t.Context(), r.conn, []string{r.requests}, func(rec *kafka.Committed) {
			if !strings.HasPrefix(string(rec.Key), "open/") {
				keys[string(rec.Key)]++
			}
		}); err != nil {
			t.Fatal(err)
		}
		for key, n := range keys {
			if n != 1 {
				t.Errorf("%s stands %d times in the log", key, n)
			}
		}
		if len(keys) != 360 {
			t.Errorf("%d requests", len(keys))
		}
		// The group is gone, so the same file is another load, which changes nothing; who has withdrawn meanwhile stays so.
		r.outcome(c, withdraw(1))
		resumed = 0
		voids = map[int]bool{}
		if done, err = r.load(t.Context(), c, file, o); err != nil || resumed != 0 || done.Void != 41 {
			t.Errorf("again: %+v, resumed %d, %v", done, resumed, err)
		}
		if line, _ := r.store.Line(t.Context(), person(1)); !strings.HasPrefix(string(line), "acme/advertisingX") {
			t.Errorf("who withdrew has the line %q", line)
		}
		// Under the keys of the first load, compaction would take its requests away, which are the evidence.
		clear(keys)
		if _, err := kafka.ReadCommitted(t.Context(), r.conn, []string{r.requests}, func(rec *kafka.Committed) { keys[string(rec.Key)]++ }); err != nil {
			t.Fatal(err)
		}
		for key, n := range keys {
			if n != 1 {
				t.Errorf("%s stands %d times in the log after a second load", key, n)
			}
		}
	})
}

func TestLoadWithoutAnOwner(t *testing.T) {
	r := newOwnerRig(t)
	c := r.verb(testDeadline)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := r.load(ctx, c, csvOf(10), importOf("x", func(int, string, string) {})); err == nil {
		t.Error("a load that nobody merged is done")
	}
}

// Verify finds what somebody else has written, each kind of it, and a rebuild mends it while changes go on.
func TestVerifyAndRebuild(t *testing.T) {
	r := newOwnerRig(t)
	c := r.openedVerb()
	if _, err := r.load(t.Context(), c, csvOf(400), importOf("a file", func(int, string, string) {})); err != nil {
		t.Fatal(err)
	}
	protect := consent.Request{Kind: consent.AskProtect, ReqID: requestID(), ID: person(9)}
	stop := consent.Request{Kind: consent.AskStop, ReqID: requestID(), Partner: "globex", Reason: "review"}
	r.outcome(c, protect)
	r.outcome(c, stop)
	compare := func(sample int) Comparison {
		t.Helper()
		got, err := c.Verify(t.Context(), sample, func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := compare(1); len(got.Mismatches) != 0 || got.Unsettled != 0 || got.Log != 322 || got.Store != 322 {
		t.Fatalf("%+v", got)
	}
	ctx := t.Context()
	r.raw.Set(ctx, r.key(7, person(1)), "acme/advertising!:browsing,location@1-", 0)
	r.raw.Del(ctx, r.key(7, person(2)))
	r.raw.Set(ctx, r.key(7, person(10_001)), "acme/advertising:location@1-", 0)
	r.raw.SRem(ctx, "consentry:{09}:7:protected", person(9).String())
	r.raw.SAdd(ctx, "consentry:{11}:7:protected", person(11).String())
	r.raw.Del(ctx, "consentry:{00}:7:stop:globex")
	want := map[string]string{person(1).String(): Different, person(2).String(): Missing, person(10_001).String(): Extra,
		consent.ProtectedKey(person(9)): Missing, consent.ProtectedKey(person(11)): Extra, consent.StopKey("globex"): Missing}
	got := compare(1)
	for _, m := range got.Mismatches {
		if want[m.Key] != m.What {
			t.Errorf("%v", m)
		}
		delete(want, m.Key)
	}
	if len(want) != 0 {
		t.Errorf("not found: %v", want)
	}

	changing, stopChanging := context.WithCancel(ctx)
	ended := make(chan error, 1)
	other := r.verb(testDeadline)
	go func() {
		var err error
		for n := 0; changing.Err() == nil && err == nil; n++ {
			_, err = other.Ask(ctx, withdraw(n%400))
		}
		ended <- err
	}()
	rebuilt, err := c.Rebuild(ctx, func(string, int) {})
	stopChanging()
	if e := <-ended; e != nil {
		t.Errorf("a change during the rebuild: %v", e)
	}
	if err != nil || rebuilt.Unlinked == 0 {
		t.Fatalf("%+v %v", rebuilt, err)
	}
	if got := compare(1); len(got.Mismatches) != 0 || got.Unsettled != 0 {
		t.Errorf("after the rebuild: %+v", got)
	}
	if n := r.raw.Keys(ctx, "consentry:*:7:*").Val(); len(n) != 0 {
		t.Errorf("%d keys of the former epoch are left", len(n))
	}
}

// A single store moves over whole: lines, protections and stops; nobody can change it any more; and a withdrawal that
// comes in between is kept.
func TestAdopt(t *testing.T) {
	r := newOwnerRig(t)
	single, err := consent.Open(consent.Options{URL: "redis://" + r.redis.Addr + "/0", Embedded: true})
	if err != nil {
		t.Fatal(err)
	}
	defer single.Close()
	ctx := t.Context()
	if _, err := single.Accept(ctx, nil, nil); err != nil {
		t.Fatal(err)
	}
	var changes []consent.Named
	for n := range 300 {
		changes = append(changes, consent.Named{ID: person(n), Change: grant(n, 1000).Change})
	}
	if _, err := single.ApplyAll(ctx, changes); err != nil {
		t.Fatal(err)
	}
	if _, err := single.Protect(ctx, person(9), true); err != nil {
		t.Fatal(err)
	}
	if _, err := single.Stop(ctx, "globex", "review"); err != nil {
		t.Fatal(err)
	}
	r.start()
	c := r.verb(testDeadline)
	// Appended by the new configuration before anything was moved.
	if _, err := c.append(ctx, []consent.Request{withdraw(7)}); err != nil {
		t.Fatal(err)
	}
	s, err := c.Standing(ctx)
	if err != nil || s.CanAdopt() != nil {
		t.Fatalf("%+v %v %v", s, err, s.CanAdopt())
	}
	got, err := c.Adopt(ctx, s, testHouse, func(string, int) {})
	if err != nil || got.Lines != 300 || got.Protected != 1 || got.Stopped != 1 {
		t.Fatalf("%+v %v", got, err)
	}
	if _, err := single.Apply(ctx, person(1), withdraw(1).Change); !errors.Is(err, consent.ErrMoved) {
		t.Errorf("the single store still takes changes: %v", err)
	}
	for _, x := range []struct {
		n    int
		want string
	}{{1, "acme/advertising:location@1000-"}, {7, "acme/advertisingX"}} {
		if line, err := r.store.Line(ctx, person(x.n)); err != nil || !strings.HasPrefix(string(line), x.want) {
			t.Errorf("person %d: %q %v", x.n, line, err)
		}
	}
	if on, err := r.store.Protected(ctx, person(9)); err != nil || !on {
		t.Errorf("the protection: %v %v", on, err)
	}
	if on, err := r.store.Stopped(ctx, "globex"); err != nil || !on {
		t.Errorf("the stop: %v %v", on, err)
	}
	v, err := c.Verify(ctx, 1, func(int) {})
	if err != nil || len(v.Mismatches) != 0 {
		t.Errorf("%+v %v", v, err)
	}
	if s, err = c.Standing(ctx); err != nil || s.CanAdopt() == nil {
		t.Errorf("it can be moved twice: %+v %v", s, err)
	}
}

// A sample is of the keyed names, which are spread evenly; stops are always in it.
func TestSample(t *testing.T) {
	v := verifier{sample: 10}
	n := 0
	for range 10_000 {
		k := consent.StateKey{Kind: consent.StateLine, ID: consent.ID(requestID())}
		if v.wanted(k) {
			n++
		}
	}
	if n < 800 || n > 1200 || !v.wanted(consent.StateKey{Kind: consent.StateStop, Partner: "globex"}) || v.wanted(consent.StateKey{Kind: consent.StateMark}) {
		t.Errorf("one in ten of 10,000 are %d", n)
	}
}

func FuzzProgressNote(f *testing.F) {
	n := progressNote{counts: consent.Loaded{Made: 1, Void: 2, Refused: 3, Doubtful: 4}, formed: refusals{5, 6}}
	n.state[3], n.oldest[63] = 1<<40, 7
	f.Add(n.text())
	f.Add("")
	f.Add("AQ")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := parseNote(text)
		if err != nil {
			return
		}
		if again, err := parseNote(n.text()); err != nil || again != n {
			t.Errorf("%q comes back otherwise", text)
		}
	})
}
